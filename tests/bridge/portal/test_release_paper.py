"""The release form on paper: the page, the tagged PDF, and the command that writes them."""

import io
import json
import re
from datetime import date
from html import unescape
from pathlib import Path

import pikepdf
import pytest

from bridge.portal.pdf import FetchRefusedError, pdf_of
from bridge.portal.release_paper import paper_page, paper_pdf
from consent.forms import FormKind, ReleaseForm, release_form
from consent.mou import shipped_bound
from tests.support.command_line import said

HOSTILE = '<script>alert(1)</script>"onload="'
PAINTING = {"Tj", "TJ", "'", '"', "f", "F", "f*", "S", "s", "B", "b", "B*", "b*", "Do", "sh"}


def form(lang: str = "en") -> ReleaseForm:
    bound = shipped_bound("millbrook-harbor-2026")
    pair = (bound.template, bound.agreements[0])
    return release_form(pair, FormKind.SHARE, lang, date(2027, 6, 30))


@pytest.fixture(scope="module", params=["en", "es"])
def made(request: pytest.FixtureRequest) -> tuple[ReleaseForm, pikepdf.Pdf]:
    written = form(request.param)
    return written, pikepdf.open(io.BytesIO(paper_pdf(written)))


def test_the_page_says_the_whole_text_and_its_hash_and_nothing_else() -> None:
    for lang in ("en", "es"):
        written, page = form(lang), unescape(paper_page(form(lang)))
        assert [line for line in written.text.splitlines()[1:] if line not in page] == []
        assert written.digest in page
        assert f'<html lang="{lang}">' in page
        assert not re.search(r"<(script|img|link|iframe|form)|https?://|style=", page)


def test_what_is_filled_in_is_text_and_never_markup() -> None:
    page = paper_page(form(), {"student": HOSTILE, "lea-yes": "x"})
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert page.count("☒") == 1


def test_the_pdf_is_tagged_with_language_and_title(made: tuple[ReleaseForm, pikepdf.Pdf]) -> None:
    written, pdf = made
    assert bool(pdf.Root.MarkInfo.Marked)
    assert str(pdf.Root.Lang) == written.lang
    assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
    with pdf.open_metadata() as told:
        assert told["dc:title"] == written.title
        assert told["pdfuaid:part"] == "1"
    assert "/ParentTree" in pdf.Root.StructTreeRoot


def tags(node: pikepdf.Object) -> list[str]:
    if isinstance(node, pikepdf.Array):
        return [tag for child in node for tag in tags(child)]
    if not isinstance(node, pikepdf.Dictionary) or "/S" not in node:
        return []
    return [str(node.S), *(tags(node.K) if "/K" in node else [])]


def test_headings_lists_and_paragraphs_are_tagged_as_such(
    made: tuple[ReleaseForm, pikepdf.Pdf],
) -> None:
    written, pdf = made
    found = tags(pdf.Root.StructTreeRoot.K)
    assert found.count("/H1") == 1
    assert found.count("/H2") == len(written.sections)
    items = sum(line.shape == "item" for s in written.sections for line in s.lines)
    assert found.count("/LI") >= items
    assert "/Figure" not in found  # nothing that would need a description


def test_nothing_is_painted_outside_of_the_tags(made: tuple[ReleaseForm, pikepdf.Pdf]) -> None:
    for page in made[1].pages:
        depth, outside = 0, []
        for _, operator in pikepdf.parse_content_stream(page):
            name = str(operator)
            depth += (name in ("BDC", "BMC")) - (name == "EMC")
            outside += [name] if depth == 0 and name in PAINTING else []
        assert outside == []


def test_every_font_is_in_the_file(made: tuple[ReleaseForm, pikepdf.Pdf]) -> None:
    fonts = [f for page in made[1].pages for f in page.resources.Font.values()]
    assert fonts
    for font in fonts:
        inner = font.DescendantFonts[0] if "/DescendantFonts" in font else font
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(inner.FontDescriptor.keys())


def test_a_pdf_without_tags_would_be_noticed() -> None:
    from weasyprint import HTML  # noqa: PLC0415 - slow

    plain = pikepdf.open(io.BytesIO(HTML(string=paper_page(form())).write_pdf()))
    assert "/MarkInfo" not in plain.Root


@pytest.mark.parametrize("place", ["file:///etc/hostname", "http://127.0.0.1:9/x"])
def test_a_page_that_refers_to_anything_outside_becomes_no_pdf(place: str) -> None:
    page = f'<html lang="en"><title>t</title><style>@import "{place}";</style><p>x</p></html>'
    with pytest.raises(FetchRefusedError):
        pdf_of(page)


def test_the_command_writes_a_form_and_tells_version_hash_and_level(tmp_path: Path) -> None:
    asked = ("release", "form", "millbrook-harbor-2026", "--ends-on", "2027-06-30", "--json")
    done = said(tmp_path, *asked, "--lang", "es", "--out", "form.pdf")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    written = form("es")
    assert told["check_number"] == written.digest
    assert told["version"] == written.version
    assert told["reading_level"] >= 65
    assert (tmp_path / "form.pdf").read_bytes().startswith(b"%PDF-1.7")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("millbrook-harbor-2026", "--lang", "fr"), "no form in that language"),
        (("millbrook-harbor-2026", "--kind", "psynote"), "shares nothing"),
        (("two-rivers-2026",), "--district"),
        (("millbrook-harbor-2026", "--ends-on", "2030-01-01"), "outside the agreement"),
    ],
)
def test_what_cannot_be_written_is_told_in_one_line(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    done = said(tmp_path, "release", "form", *words, "--out", "form.html")
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "form.html").exists()
