"""``mou check|seal|show|explain|diff|surface|cases``: working on a memorandum."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.clients import document_of
from bridge.cli.mou_cases import cases
from bridge.cli.mou_documents import (
    DistrictOption,
    Document,
    JurisdictionOption,
    TemplateOption,
    bound_at,
    finder,
    table_of,
)
from bridge.cli.mou_views import diff, show, surface
from bridge.cli.running import AsJson, print_line, tell

if TYPE_CHECKING:
    from consent.mou import Agreement, Bound
    from consent.surface import Failure

app = typer.Typer(no_args_is_help=True)

app.command()(show)
app.command()(diff)
app.command()(surface)
app.command()(cases)


@app.command()
def check(document: Document, template: TemplateOption = None) -> None:
    """Read a document strictly, find idle rules, and prove what it promises over every cell."""
    from consent.mou.coverage import uncovered
    from consent.surface import surfaces_of
    from consent.surface.idle import idle_rules

    bound = bound_at(document, template)
    idle = idle_rules(bound, surfaces_of(bound), document)
    findings = [*uncovered(bound, document), *(one.problem for one in idle if not one.meant)]
    for problem in sorted(findings):
        print_line(str(problem))
    for one in idle:
        if one.meant:
            print_line(f"{one.problem} (as the document means; no finding)")
    broken = sum(_proved(bound, agreement) for agreement in bound.agreements)
    if findings or broken:
        count = len(findings) + broken
        print_line(f"{document}: {count} finding{'s' if count > 1 else ''}")
        raise typer.Exit(1)
    print_line(f"{document}: no mistakes found")


def _proved(bound: "Bound", agreement: "Agreement") -> int:
    """Enumerate the table of one agreement, tell what was found, and return the broken promises."""
    from time import perf_counter

    from consent.conditions import Sources
    from consent.surface import conditions_of, prove, prove_standing

    begun = perf_counter()
    table = conditions_of(bound.template, agreement, bound.law)
    proof = prove(table, bound.template)
    standing = prove_standing(table, Sources(bound.template, agreement, bound.law))
    whose = f" of {agreement.district}" if agreement.district else ""
    print_line(
        f"table{whose}: {proof.slices} slices, {proof.cells} cells, {proof.permits} permits, "
        f"{perf_counter() - begun:.2f} s"
    )
    _tell_proof(f"standing properties{whose}", standing.properties, standing.failures)
    _tell_proof(f"properties{whose}", proof.properties, proof.failures)
    return len(proof.failures) + len(standing.failures)


def _tell_proof(what: str, count: int, failures: "tuple[Failure, ...]") -> None:
    """Print each broken promise with its smallest cell, then how many hold."""
    from consent.surface.comparing import said

    one = what.partition(" of ")[0].replace("properties", "property")
    for failure in failures:
        print_line(
            f"{one} {failure.id} fails in {failure.cells} cells: {said(failure.asked)} "
            f"leaves with {' '.join(failure.facts) or 'no fact at all'} ({failure.text})"
        )
    print_line(f"{what}: {count - len(failures)}/{count}")


@app.command()
def seal(
    document: Document,
    template: TemplateOption = None,
    out: Annotated[Path | None, typer.Option(help="Where to write it; default: in place.")] = None,
) -> None:
    """Fill in the digest of the document that an agreement, amendment or licence extends."""
    from bridge.errors import BridgeError
    from consent.mou import parent_of
    from consent.mou import seal as sealed

    target = out or Path(document)
    if out is None and not target.is_file():
        raise BridgeError("a shipped document is sealed already; give a file, or --out")
    source = document_of(document)
    parent = parent_of(source, document, finder(document, template))
    filled = sealed(source, parent.own[0])
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
    template: TemplateOption = None,
    jurisdiction: JurisdictionOption = None,
    district: DistrictOption = None,
    as_json: AsJson = False,
) -> None:
    """Say for one element what each layer answers, and what is missing."""
    from consent.model import Slice

    table = table_of(bound_at(document, template), district, jurisdiction)
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
