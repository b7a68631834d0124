"""``release form`` and ``release check``: the paper a family signs, and what became of it."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.mou_documents import DistrictOption, Document, TemplateOption
from bridge.cli.running import AsJson, Home, open_at, tell

if TYPE_CHECKING:
    from consent.forms import ReleaseForm


def form(
    agreement: Document,
    out: Annotated[Path, typer.Option(help="The file to write: .pdf (tagged) or .html.")],
    lang: Annotated[str, typer.Option(help="en or es.")] = "en",
    kind: Annotated[str, typer.Option(help="share; part2 and psynote stand alone.")] = "share",
    ends_on: Annotated[str, typer.Option(help="Last day; default: as late as may be.")] = "",
    template: TemplateOption = None,
    district: DistrictOption = None,
    as_json: AsJson = False,
) -> None:
    """Write the release form of an agreement, blank, with every part that the laws ask for."""
    if out.suffix not in (".pdf", ".html"):
        raise typer.BadParameter("--out ends in .pdf or .html")
    from bridge.portal.release_paper import paper_page, paper_pdf
    from consent.forms.reading_level import reading_level

    written = _form((agreement, template, district), (kind, lang, ends_on))
    out.write_bytes(
        paper_pdf(written) if out.suffix == ".pdf" else paper_page(written).encode("utf-8")
    )
    told = {
        "wrote": out.name,
        "version": written.version,
        "ends_on": written.ends_on.isoformat(),
        "check_number": written.digest,
        "reading_level": round(reading_level(written.prose(), lang), 1),
    }
    tell(told, as_json=as_json)


def check(home: Home = Path(), as_json: AsJson = False) -> None:
    """Look whether every signed form is as it was signed; end those that are not.

    Exit code 1 if one is not.
    """
    from bridge.journeys.families.check_signatures import check_signatures
    from bridge.parts import parts_of

    found = check_signatures(parts_of(open_at(home)))
    told = [{"release": fault.release_id, "changed": list(fault.changed)} for fault in found]
    tell({"not_as_signed": told} if as_json else {"not as signed": len(told)}, as_json=as_json)
    if found:
        raise typer.Exit(1)


def _form(named: tuple[str, str | None, str | None], asked: tuple[str, str, str]) -> "ReleaseForm":
    from bridge.cli.mou_documents import agreement_of, bound_at
    from bridge.clock import SystemClock
    from bridge.errors import BridgeError
    from consent.forms import FormError, FormKind, last_day, release_form

    document, template, district = named
    kind, lang, ends_on = asked
    if kind not in tuple(FormKind):
        raise typer.BadParameter(f"--kind is one of: {', '.join(FormKind)}")
    bound = bound_at(document, template)
    pair = (bound.template, agreement_of(bound, district))
    today = max(SystemClock().now().date(), pair[1].effective.first)
    last = _day(ends_on) or last_day(*pair, FormKind(kind), today)
    try:
        return release_form(pair, FormKind(kind), lang, last)
    except FormError as error:
        raise BridgeError(str(error)) from None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter("--ends-on: write the day as YYYY-MM-DD") from None
