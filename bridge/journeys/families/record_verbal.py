"""What somebody of the family said on the phone or in person: leave to go on, and no more.

34 CFR 99.30 asks for a signature; what is said would not meet it. So it sets no fact and releases
nothing. It says that the family may be sent the form, and starts the wait for the signature.
"""

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Final

import orjson

from bridge.errors import BridgeError
from bridge.journeys.families.register_release import known
from bridge.journeys.families.sign_release import today_of
from bridge.journeys.families.signature_record import (
    Interpreter,
    check_authority,
    check_interpreter,
)
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.facts.families import Verbal, keep_verbal

HOW: Final = ("phone", "in-person", "video")


@dataclass(frozen=True, slots=True)
class VerbalPermission:
    """What was said.

    Attributes:
        who: the name of who said it; ``relationship`` and ``authority`` as on a form.
        how: one of :data:`HOW`.
        staff: who heard it.
        lang: the language it was said in.
    """

    who: str = field(repr=False)
    relationship: str
    how: str
    staff: str
    lang: str
    given_on: date
    authority: str = field(default="", repr=False)
    interpreter: Interpreter | None = None


def record_verbal(
    parts: Parts, parties: tuple[str, str], local_id: str, said: VerbalPermission
) -> str:
    """Keep what was said; returns its id. Keeping it again changes nothing.

    Raises:
        BridgeError: something of it is missing, lies ahead, or an interpreter may not interpret.
    """
    with write(parts.engine) as connection:
        agreement, student = known(connection, parties, local_id)
        now = parts.clock.now()
        _check(said, today_of(agreement, now))
        written = orjson.dumps(asdict(said)).decode()
        verbal_id = parts.identifiers.issue("verbal", student.id, agreement.id, written)
        sealed = parts.identifiers.lock(written.encode(), "verbal", student.id, verbal_id)
        kept = Verbal(verbal_id, student.id, agreement.id, said.given_on, sealed, now)
        keep_verbal(connection, kept)
    return verbal_id


def opened(parts: Parts, kept: Verbal) -> VerbalPermission | None:
    """Return what was said, or None where it does not open under this deployment's secret."""
    plain = parts.identifiers.unlock(kept.sealed, "verbal", kept.student_id, kept.id)
    if plain is None:
        return None
    said = orjson.loads(plain)
    said["given_on"] = date.fromisoformat(said["given_on"])
    if said["interpreter"]:
        by = said["interpreter"]
        said["interpreter"] = Interpreter(**{**by, "on": date.fromisoformat(by["on"])})
    return VerbalPermission(**said)


def _check(said: VerbalPermission, today: date) -> None:
    if not said.who.strip() or not said.staff.strip() or not said.lang.strip():
        raise BridgeError("say who gave permission, to whom, and in which language")
    if said.how not in HOW:
        raise BridgeError(f"say how permission was given: {', '.join(HOW)}")
    if said.given_on > today:
        raise BridgeError("the day permission was given lies ahead")
    check_authority(said.relationship, said.authority)
    if said.interpreter is not None:
        check_interpreter(said.interpreter, today)
