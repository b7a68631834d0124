"""A note about a referral: who may read it is chosen first, and stands beside it in words.

An internal note is the choice that is made already. Before one is shared, a page shows it as it
goes and names who gets it.
"""

import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response

from bridge.gate import FollowUp
from bridge.journeys.referrals.write_note import NewNote, may_share, write_note
from bridge.portal.forms import Field, Filled, Kind, Option, Questions
from bridge.portal.languages import say
from bridge.portal.posted import Form, FormOf
from bridge.portal.referral_page import Key, found, own_number
from bridge.portal.refusals import NotHere
from bridge.portal.visits import StaffOf, Visit

router = APIRouter(prefix="/portal/referral")

NoteKind = Annotated[str, Path(pattern="^(internal|shared)$")]
CHOICES: Final[Mapping[str, tuple[str, str]]] = {
    "internal": (
        say("Internal: your own staff alone"),
        say("It stays with the school. A parent may ask to read it."),
    ),
    "shared": (
        say("Shared: the provider too"),
        say("You see it once more, with the name of who gets it, before it goes."),
    ),
}
TEXT: Final = Questions(
    say("Write a note"),
    (
        Field(
            "text",
            say("What do you want to note?"),
            Kind.TEXTAREA,
            missing=say("Write the note."),
            most=1000,
        ),
    ),
)


@router.get("/{key}/note")
def choose(visit: StaffOf, key: Key) -> Response:
    """Ask who may read the note, before anything is typed."""
    return _choosing(visit, key, Filled({"kind": "internal"}))


@router.post("/{key}/note")
def chosen(visit: StaffOf, form: FormOf, key: Key) -> Response:
    """Go on to the page of that kind."""
    row = found(visit, key).row
    filled = _kinds(visit, row).read(form)
    if form.language:
        return _choosing(visit.speaking(form.language), key, Filled(filled.values))
    if filled.problems:
        return _choosing(visit, key, filled)
    return visit.go(f"/portal/referral/{key}/note/{filled.text('kind')}")


@router.get("/{key}/note/{kind}")
def write(visit: StaffOf, key: Key, kind: NoteKind) -> Response:
    """Ask for the note."""
    return _writing(visit, (key, kind), Filled({}))


@router.post("/{key}/note/{kind}")
def written(visit: StaffOf, form: FormOf, key: Key, kind: NoteKind) -> Response:
    """Keep a note; one that is to be shared is shown first with who gets it."""
    row = found(visit, key).row
    filled = TEXT.read(form)
    if form.language:
        return _writing(visit.speaking(form.language), (key, kind), Filled(filled.values), form)
    if filled.problems or form.one("again"):
        return _writing(visit, (key, kind), filled, form)
    if not _offered(visit, row, kind):
        raise NotHere
    if kind == "shared" and not form.one("sure"):
        return _page(visit, "note-check.html", (key, kind, row), filled, form)
    act = form.one("act")
    if len(act) != len(_act()) or not act.isalnum():
        raise NotHere
    note = NewNote(act, kind, filled.text("text"), read_through=True)
    write_note(visit.parts, visit.staff, own_number(visit, row), note)
    return visit.go(f"/portal/referral/{key}")


def _choosing(visit: Visit, key: str, filled: Filled) -> Response:
    row = found(visit, key).row
    told: dict[str, Any] = {"questions": _kinds(visit, row), "filled": filled, "step": ""}
    back = f"/portal/referral/{key}"
    status = 422 if filled.problems else 200
    return visit.page("question.html", status, back=back, button=visit.say(say("Continue")), **told)


def _kinds(visit: Visit, row: FollowUp) -> Questions:
    options = [Option(k, *CHOICES[k]) for k in CHOICES if _offered(visit, row, k)]
    asked = Field(
        "kind",
        say("Who may read the note?"),
        Kind.RADIOS,
        options=tuple(options),
        missing=say("Choose who may read the note."),
    )
    return Questions(say("Write a note"), (asked,))


def _offered(visit: Visit, row: FollowUp, kind: str) -> bool:
    own = own_number(visit, row)
    return kind == "internal" or may_share(visit.bridge, own.lea, own.provider)


def _writing(
    visit: Visit, of: tuple[str, str], filled: Filled, form: Form | None = None
) -> Response:
    row = found(visit, of[0]).row
    if not _offered(visit, row, of[1]):
        raise NotHere
    return _page(visit, "note.html", (*of, row), filled, form)


def _page(
    visit: Visit, name: str, of: tuple[str, str, FollowUp], filled: Filled, form: Form | None
) -> Response:
    key, kind, row = of
    return visit.page(
        name,
        422 if filled.problems else 200,
        place=f"/portal/referral/{key}/note/{kind}",
        key=key,
        kind=kind,
        row=row,
        filled=filled,
        questions=TEXT,
        act=(form.one("act") if form else "") or _act(),
    )


def _act() -> str:
    return secrets.token_hex(32)
