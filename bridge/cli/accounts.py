"""``why`` and ``account``: what left, and on what ground."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.asking import GUARDIAN, NameFile, asked_for
from bridge.cli.running import AsJson, Home, open_at, print_line, tell

if TYPE_CHECKING:
    from bridge.gate import Replay, ReplayedElement


def why(
    release_id: Annotated[str, typer.Argument(help="The receipt, written LOG#INDEX.")],
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Take one decision again from the ledger alone, and say who voted how on each element.

    Exit code 1 if anything comes out otherwise than the ledger says.
    """
    from bridge.errors import BridgeError
    from bridge.gate import replay
    from bridge.ledger.entry import Receipt
    from bridge.ledger.errors import UnknownEntry
    from bridge.store.database.engine import read

    try:
        with read(open_at(home).engine) as connection:
            found = replay(connection, Receipt.parse(release_id))
    except (UnknownEntry, ValueError) as error:
        raise BridgeError(str(error)) from None
    if as_json:
        tell(_data(found), as_json=True)
    else:
        _print(found)
    if found.differences:
        raise typer.Exit(1)


def _data(found: "Replay") -> dict[str, Any]:
    entry, terms = found.recorded.entry, found.recorded.entry.terms
    return {
        "receipt": str(found.receipt),
        "at": found.recorded.time.isoformat(),
        "kind": entry.kind,
        "from": entry.releasing,
        "to": entry.receiving,
        "role": entry.role,
        "purpose": entry.purpose,
        "agreement": f"{terms.mou} version {terms.version}" if terms else "",
        "table": terms.table if terms else "",
        "table_in_use": found.in_use,
        "exact": not found.differences,
        "differences": list(found.differences),
        "elements": [_element(each) for each in found.elements],
    }


def _element(each: "ReplayedElement") -> dict[str, Any]:
    decision = each.decision
    return {
        "element": each.slice.element,
        "purpose": each.slice.purpose,
        "outcome": decision.outcome,
        "clause": decision.clause,
        "reasons": list(decision.reasons),
        "bases": list(decision.bases),
        "facts": list(each.facts),
        "missing": list(decision.missing),
        "votes": [
            {
                "layer": vote.layer,
                "agrees": vote.agrees,
                "by": list(vote.by),
                "clause": vote.clause,
                "missing": list(vote.missing),
            }
            for vote in each.votes
        ],
    }


def _print(found: "Replay") -> None:
    data = _data(found)
    elements = data.pop("elements")
    tell(data, as_json=False)
    for each in elements:
        clause = f" (clause {each['clause']})" if each["clause"] else ""
        print_line(f"{each['outcome']:>6}  {each['element']}{clause}: {', '.join(each['reasons'])}")
        for vote in each["votes"]:
            if not vote["agrees"]:
                lacking = ", ".join(vote["missing"]) or "nothing could lift it"
                print_line(f"        {vote['layer']} objects; missing: {lacking}")


def account(
    student: Annotated[str, typer.Argument(help="The district's number of the student.")],
    lea: Annotated[str, typer.Option(help="The district's short name.")],
    asker: Annotated[
        str, typer.Option(help="guardian, student, records_custodian or auditor.")
    ] = "guardian",
    name_file: NameFile = None,
    lang: Annotated[str, typer.Option(help="en or es.")] = "en",
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("account.html"),
    home: Home = Path(),
) -> None:
    """Write who was given what of one student, when, why and on what ground, as a page.

    A guardian's name is asked for where no --name-file has it: an order may keep them out.
    """
    from bridge.errors import BridgeError
    from bridge.journeys.families.account_for import account_for
    from bridge.parts import parts_of
    from bridge.portal.account_page import LANGUAGES, account_page

    if lang not in LANGUAGES:
        raise BridgeError(f"the language is one of: {', '.join(LANGUAGES)}")
    name = asked_for(GUARDIAN, name_file) if asker == "guardian" else ""
    released = account_for(parts_of(open_at(home)), lea, student, (asker, name))
    out.write_text(account_page(released, lang), encoding="utf-8")
    print_line(f"{len(released.lines)} lines written to {out.name}")
