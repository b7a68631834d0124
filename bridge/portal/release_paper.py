"""The release form as a page to print, to send or to sign; blank, or filled as it was signed."""

import csv
import io
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from itertools import groupby

from jinja2 import Environment, PackageLoader, select_autoescape

from bridge.portal.pdf import pdf_of
from consent.forms import Line, ReleaseForm
from consent.forms.wording import sentences


def paper_page(form: ReleaseForm, filled: Mapping[str, str] | None = None) -> str:
    """Return one form as a whole page without scripts, addresses or images.

    Args:
        form: the form.
        filled: what is written at the lines to fill, by their names; a choice that is made is
            there with any text.
    """
    page = _pages().get_template("release-form.html")
    check = sentences(form.lang)["version.check"]
    return page.render(form=form, filled=filled or {}, check=check, others=other_languages())


def paper_pdf(form: ReleaseForm, filled: Mapping[str, str] | None = None) -> bytes:
    """Return one form as a tagged PDF."""
    return pdf_of(paper_page(form, filled))


@cache
def other_languages() -> tuple[Mapping[str, str], ...]:
    """Return the line that offers the form in a language, by ``lang`` and ``line``."""
    text = files("consent.forms").joinpath("other-languages.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(io.StringIO(text)))


def groups(lines: Iterable[Line]) -> list[tuple[str, list[Line]]]:
    """Return lines in runs of one shape, so that the items of a list stand in one list."""
    return [(shape, list(run)) for shape, run in groupby(lines, lambda line: line.shape)]


@cache
def _pages() -> Environment:
    made = Environment(
        loader=PackageLoader("bridge.portal", "templates"),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["groups"] = groups
    return made
