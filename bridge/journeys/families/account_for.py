"""A family, a student, a custodian or an auditor asks who was given what."""

from bridge.errors import BridgeError
from bridge.gate.accounts.accounting import account_of
from bridge.gate.released import ReleasedAccount
from bridge.journeys.families.guardian_blocks import is_blocked, orders_unknown
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.directory import student_of_key
from bridge.store.facts.evidence import lock_students


def account_for(parts: Parts, lea: str, local_id: str, asker: tuple[str, str]) -> ReleasedAccount:
    """Release the accounting of one student.

    Args:
        parts: the bridge's parts.
        lea: short name of the district.
        local_id: the district's number of the student.
        asker: kind (``guardian``, ``student``, ``records_custodian``, ``auditor``) and, for a
            guardian, the name, so that a court order is obeyed.

    Raises:
        BridgeError: no such student, or this asker may not see it; always in the same words for a
            blocked guardian (or one who may be: orders cannot be read) as for a student that is not
            there.
    """
    kind, name = asker
    with write(parts.engine) as connection:
        student = student_of_key(connection, lea, local_id)
        now = parts.clock.now()
        if student is None:
            raise BridgeError("there is no such list for this asker")
        blocked = is_blocked(connection, parts.identifiers, (student.id, name), now)
        if blocked or (kind == "guardian" and orders_unknown(connection, lea, now)):
            raise BridgeError("there is no such list for this asker")
        lock_students(connection, [student.id], share=True)
        return account_of(connection, parts, student, kind)
