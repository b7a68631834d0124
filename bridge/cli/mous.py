"""``mou check|seal|explain|cases``: working on a memorandum of understanding."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.clients import document_of
from bridge.cli.running import AsJson, print_line, tell

if TYPE_CHECKING:
    from consent.table import DecisionTable

app = typer.Typer(no_args_is_help=True)

Document = Annotated[str, typer.Argument(metavar="F", help="A file, or a shipped document's id.")]
TemplateOption = Annotated[
    str, typer.Option("--template", help="The template an agreement extends.")
]
SHIPPED_TEMPLATE = "xx-smh-template"


@app.command()
def check(document: Document, template: TemplateOption = SHIPPED_TEMPLATE) -> None:
    """Read a template or agreement strictly; every mistake with line and column."""
    from consent.mou import read_agreement, read_template  # noqa: PLC0415

    source = document_of(document)
    if b"\nkind: template" in source:
        read_template(source, document)
    else:
        read_agreement(source, document, read_template(document_of(template), template))
    print_line(f"{document}: no mistakes found")


@app.command()
def seal(
    document: Document,
    template: TemplateOption = SHIPPED_TEMPLATE,
    out: Annotated[Path | None, typer.Option(help="Where to write it; default: in place.")] = None,
) -> None:
    """Fill in the digest of the template an agreement was signed under."""
    from bridge.errors import BridgeError  # noqa: PLC0415
    from consent.mou import read_template  # noqa: PLC0415
    from consent.mou import seal as sealed  # noqa: PLC0415

    target = out or Path(document)
    if out is None and not target.is_file():
        raise BridgeError("a shipped document is sealed already; give a file, or --out")
    filled = sealed(document_of(document), read_template(document_of(template), template))
    partial = target.with_name(f"{target.name}.part")
    partial.write_bytes(filled)
    partial.replace(target)
    print_line(f"{target.name}: sealed")


@app.command()
def explain(
    document: Document,
    sender: Annotated[str, typer.Option("--from", help="Sending party.")],
    recipient: Annotated[str, typer.Option("--to", help="Receiving party.")],
    role: Annotated[str, typer.Option(help="Staff role of the recipient.")],
    purpose: Annotated[str, typer.Option(help="Purpose of use.")],
    element: Annotated[str, typer.Option(help="Element asked for.")],
    fact: Annotated[list[str] | None, typer.Option(help="k=true or k=false; repeat.")] = None,
    template: TemplateOption = SHIPPED_TEMPLATE,
    jurisdiction: Annotated[str, typer.Option(help="Law pack.")] = "US-XX",
    as_json: AsJson = False,
) -> None:
    """Say for one element what each layer answers, and what is missing."""
    from consent.model import Slice  # noqa: PLC0415

    table = _table(document, template, jurisdiction)
    asked = Slice(sender, recipient, role, purpose, element)
    true = {name for name, _, value in (f.partition("=") for f in fact or []) if value != "false"}
    decision = table.decide(asked, true)
    votes = [
        {"layer": v.layer, "agrees": v.agrees, "by": list(v.by), "missing": sorted(v.missing)}
        for v in table.explain(asked, true)
    ]
    result: dict[str, object] = {
        "outcome": str(decision.outcome),
        "reasons": list(decision.reasons),
        "clause": decision.clause,
        "obligations": list(decision.obligations),
        "missing": list(decision.missing),
    }
    tell({**result, "votes": votes} if as_json else result, as_json=as_json)
    if not as_json:
        for vote in votes:
            print_line(f"  {_said(vote)}")


def _said(vote: dict[str, Any]) -> str:
    by = f" by {', '.join(vote['by'])}" if vote["by"] else ""
    if vote["agrees"]:
        return f"{vote['layer']}: agrees{by}"
    lacking = f"; would agree with: {', '.join(vote['missing'])}" if vote["missing"] else ""
    return f"{vote['layer']}: objects{lacking}"


@app.command()
def cases(
    document: Document,
    file: Annotated[Path, typer.Argument(metavar="CASES.csv")],
    template: TemplateOption = SHIPPED_TEMPLATE,
    jurisdiction: Annotated[str, typer.Option(help="Law pack.")] = "US-XX",
) -> None:
    """Decide written cases and compare; last line passed/total, exit code 1 on a difference."""
    from consent.model import Slice  # noqa: PLC0415

    table = _table(document, template, jurisdiction)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(lines))
    passed = 0
    for row in rows:
        asked = Slice(row["from"], row["to"], row["role"], row["purpose"], row["element"])
        decision = table.decide(asked, set(row["true_facts"].split()))
        as_said = str(decision.outcome) == row["expect"] and (
            not row["reason_starts"] or decision.reasons[0].startswith(row["reason_starts"])
        )
        passed += as_said
        if not as_said:
            print_line(f"{row['case']}: {decision.outcome} because {decision.reasons[0]}")
    print_line(f"{passed}/{len(rows)}")
    if passed != len(rows):
        raise typer.Exit(1)


def _table(document: str, template: str, jurisdiction: str) -> "DecisionTable":
    from consent.law import load_law  # noqa: PLC0415
    from consent.mou import read_agreement, read_template  # noqa: PLC0415
    from consent.table import compile_table  # noqa: PLC0415

    above = read_template(document_of(template), template)
    agreement = read_agreement(document_of(document), document, above)
    return compile_table(above, agreement, load_law(jurisdiction))
