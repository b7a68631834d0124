"""Batch and transaction: several interactions in one request (R4 http.html#transaction).

Each entry of a batch is answered as if it had come alone. A transaction is one database
transaction: every entry is decided and written in it, and one that is refused undoes all of them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from bridge.api.entries import answer_of, entries_of, interaction_of
from bridge.api.interactions import Interaction, perform, perform_new
from bridge.api.offered import SESSIONS
from bridge.api.replies import Reply, outcome
from bridge.api.writing import committed
from bridge.context import Call, Transaction
from bridge.errors import BadRequestError, Finding, RefusedError
from bridge.journeys.answers.record_encounter import session_id_of
from bridge.journeys.answers.record_sessions import SessionRefused
from bridge.journeys.referrals.order_onward import order_id_of
from bridge.parts import parts_of
from bridge.store.database.engine import read
from bridge.store.intake import take_turn

_ORDER: Final = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
"""In which order a transaction is carried out, whatever order it is written in (R4 http.html)."""
_MOST_URL: Final = 1000
"""Characters of an entry's address that may stand wherever the Bundle names the entry."""
_LOCAL: Final = re.compile(r"urn:(uuid:[0-9a-fA-F-]{36}|oid:[0-9.]{1,200})")


def run_bundle(call: Call, body: bytes) -> Reply:
    """Carry out a batch or a transaction.

    Raises:
        BadRequestError: it is neither.
        RefusedError: an entry of a transaction was refused; nothing was changed or released.
    """
    kind, entries = entries_of(body)
    if kind == "transaction":
        answers = _together(call, _resolved(call, entries) if _has_names(body) else entries)
    else:
        answers = [_alone(call, each) for each in entries]
    return _answered(kind, answers)


def new_sessions(call: Call, body: bytes) -> Sequence[Interaction] | None:
    """Return the entries of a transaction that does nothing but create sessions of one type.

    None for any other Bundle.

    Raises:
        RefusedError: it cannot be understood.
    """
    kind, entries = entries_of(body)
    if kind != "transaction" or not entries or _has_names(body):
        return None
    asked = [interaction_of(call, entry) for entry in entries]
    alike = len({each.kind for each in asked}) == 1 and all(_new_session(each) for each in asked)
    return asked if alike else None


def transaction_reply(replies: Sequence[Reply]) -> Reply:
    """Answer a transaction with what each entry is answered with."""
    return _answered("transaction", [answer_of(reply) for reply in replies])


def _has_names(body: bytes) -> bool:
    # Without such a name, however it might be escaped, no entry can speak of another.
    return b"urn:" in body or b"\\" in body


def _answered(kind: str, answers: Sequence[bytes]) -> Reply:
    head = f'{{"resourceType":"Bundle","type":"{kind}-response","entry":['.encode()
    return Reply(200, head + b",".join(answers) + b"]}" if answers else head[:-10] + b"}")


def _alone(call: Call, entry: object) -> bytes:
    try:
        return answer_of(perform(call, interaction_of(call, entry)))
    except RefusedError as error:
        return answer_of(Reply(error.status, outcome(error.findings)))


def _together(call: Call, entries: Sequence[object]) -> list[bytes]:
    asked = [_read(call, n, entry) for n, entry in enumerate(entries)]
    _no_repeats(asked)

    def performed(connection: Transaction) -> dict[int, bytes]:
        take_turn(connection)
        within, answers = replace(call, within=connection), dict[int, bytes]()
        for turn in _turns(asked):
            answers |= _performed(within, {n: asked[n] for n in turn})
        return answers

    try:
        answers = committed(call, performed)
    except RefusedError:
        _note_reads(call, asked)
        raise
    return [answers[n] for n in range(len(asked))]


def _read(call: Call, n: int, entry: object) -> Interaction:
    try:
        return interaction_of(call, entry)
    except RefusedError as error:
        raise _placed(error, n) from None


def _turns(asked: Sequence[Interaction]) -> list[list[int]]:
    """Return which entries are carried out one after the other, and which of them together.

    New sessions of one type are: each depends on none of the others.
    """
    turns: dict[object, list[int]] = {}
    for n in sorted(range(len(asked)), key=lambda n: _turn(asked[n])):
        turns.setdefault(asked[n].kind if _new_session(asked[n]) else n, []).append(n)
    return list(turns.values())


def _turn(asked: Interaction) -> tuple[int, bool]:
    # A Task says what is to become of an order, so the order comes first.
    return _ORDER.get(asked.method, 3), asked.kind == "Task"


def _new_session(asked: Interaction) -> bool:
    return asked.kind in SESSIONS and asked.method == "POST" and not asked.record_id


def _performed(call: Call, asked: Mapping[int, Interaction]) -> dict[int, bytes]:
    """Carry out one entry, or new sessions of one type together; returns the answers.

    Raises:
        RefusedError: the first that is refused; it says which entry it is.
    """
    places = list(asked)
    try:
        if len(places) > 1:
            replies = perform_new(call, list(asked.values()))
            return {n: answer_of(reply) for n, reply in zip(places, replies, strict=True)}
        return {n: answer_of(perform(call, each)) for n, each in asked.items()}
    except SessionRefused as refused:
        raise _placed(refused.error, places[refused.at]) from None
    except RefusedError as error:
        raise _placed(error, places[0]) from None


def _placed(error: RefusedError, n: int) -> RefusedError:
    """Return a refusal that says which entry it is about."""
    findings = tuple(
        Finding(f.code, f.text, f"Bundle.entry[{n}]{'.' if f.expression else ''}{f.expression}")
        for f in error.findings
    )
    placed = RefusedError(*findings)
    placed.status = error.status
    return placed


def _no_repeats(asked: Sequence[Interaction]) -> None:
    """Refuse two changes of one resource: R4 leaves no order between them."""
    changed = [(a.kind, a.record_id) for a in asked if a.method in ("PUT", "PATCH")]
    if len(set(changed)) < len(changed):
        text = "A transaction changes each resource at most once."
        raise BadRequestError(Finding("invalid", text, "Bundle.entry"))


def _note_reads(call: Call, asked: Sequence[Interaction]) -> None:
    """Note what a refused transaction asked to read: each request for a record is kept.

    The transaction's own notes were undone with it (34 CFR 99.32(a)(1)).
    """
    for each in asked:
        if each.method == "GET" and each.record_id and call.caller.limits(each.kind, "read"):
            call.bridge.gate.note_asked(call.caller, (each.kind, each.record_id), call.request_id)


def _resolved(call: Call, entries: Sequence[object]) -> list[object]:
    """Put the ids that new resources will get in the place of what the Bundle calls them.

    Raises:
        BadRequestError: a name is given twice, or a reference names no entry.
    """
    names: dict[str, str] = {}
    for n, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            continue
        name = str(entry.get("fullUrl", ""))
        if not _LOCAL.fullmatch(name) or not (target := _target(call, n, entry)):
            continue
        if name in names:
            text = "Two entries have one fullUrl."
            raise BadRequestError(Finding("invalid", text, f"Bundle.entry[{n}].fullUrl"))
        names[name] = target
    return [_renamed(entry, names, f"Bundle.entry[{n}]", 64) for n, entry in enumerate(entries)]


def _target(call: Call, n: int, entry: Mapping[str, Any]) -> str:
    request, resource = entry.get("request"), entry.get("resource")
    if not isinstance(request, Mapping) or not isinstance(resource, Mapping):
        return ""
    if request.get("method") != "POST":
        url = str(request.get("url", ""))
        return url if len(url) <= _MOST_URL else ""
    kind, parts = str(resource.get("resourceType")), parts_of(call.bridge)
    try:
        if kind == "ServiceRequest":
            with read(call.bridge.engine) as connection:
                return f"{kind}/{order_id_of(connection, parts, resource)}"
        return f"{kind}/{session_id_of(parts, call.caller, resource)}" if kind in SESSIONS else ""
    except RefusedError as error:
        raise _placed(error, n) from None
    except (AttributeError, TypeError, KeyError):
        return ""  # not the shape of a session: what is wrong is said when it is carried out


def _renamed(node: Any, names: Mapping[str, str], path: str, depth: int) -> Any:  # noqa: ANN401 - JSON
    if depth == 0:
        raise BadRequestError(Finding("too-long", "Nest elements at most 64 deep.", path))
    if isinstance(node, list):
        return [_renamed(item, names, path, depth - 1) for item in node]
    if not isinstance(node, Mapping):
        return node
    out = {key: _renamed(value, names, path, depth - 1) for key, value in node.items()}
    link = out.get("reference")
    if isinstance(link, str) and _LOCAL.fullmatch(link):
        if link not in names:
            raise BadRequestError(Finding("not-found", "A reference names no entry.", path))
        out["reference"] = names[link]
    return out
