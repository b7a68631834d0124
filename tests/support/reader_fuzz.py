"""Feeding each reader what nobody would send: any bytes, damaged files, well-formed nonsense.

    python -m tests.support.reader_fuzz FORMAT SECONDS SEED

runs one reader for a while in a process of its own and prints what came of it as JSON. Whatever
comes in, a reader gives rows of text or one ``SourceError``; anything else ends the run with the
example that caused it.
"""

import csv
import io
import json
import re
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from mappings.language import CompiledMap, compile_map, load_map
from mappings.readers import SourceError, SourceFormat, open_table
from tests.support import provider_exports
from tests.support.roster_exports import ONEROSTER_11, ONEROSTER_12, ONEROSTER_CLASSES, SDS_V1

SAMPLES = Path(__file__).parents[1] / "data" / "school-sources"
Content = bytes | dict[str, bytes]
"""One file, or a folder of files by name."""

MAPS = {
    "oneroster": "oneroster",
    "sds": "microsoft-sds",
    "edfi-xml": "edfi-xml",
    "edfi-json": "edfi-api-json",
    "fhir-json": "fhir-referral",
    **provider_exports.MAPS,
}
FORMATS = ("csv", "tsv", "escaped", "xlsx", *MAPS)
_ENDINGS = {"xlsx": "xlsx", "edfi-xml": "xml", "edfi-json": "json", "fhir-json": "json"}
_ENDINGS |= provider_exports.ENDINGS


def how(name: str) -> SourceFormat:
    """Return how a map would ask for a format."""
    if name in MAPS:
        formats = compile_map(load_map(MAPS[name])).formats()
        return next(iter(formats.values()))
    if name == "xlsx":
        return SourceFormat(("xlsx",))
    delimiter, escape = ("\t" if name == "tsv" else ","), ("\\" if name == "escaped" else "")
    return SourceFormat(("csv",), delimiter=delimiter, escape=escape)


def feed(name: str, content: Content, asked: SourceFormat) -> str:
    """Let a reader read; return ``read`` or ``refused``.

    Raises:
        AssertionError: what it gave is not what a reader may give.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), name, content)
        told = _refusal(path, asked)
        if name in provider_exports.MAPS and not told:
            told = _refused_by_map(name, path)
        assert "\n" not in told
        assert len(told) < 600
        assert folder not in told
    return "refused" if told else "read"


def _refusal(path: Path, asked: SourceFormat) -> str:
    """Read a file to its end; return why it is refused, or nothing."""
    try:
        table = open_table(path, asked)
        width = len(table.header)
        for row in table.rows:
            assert all(type(cell) is str and "\0" not in cell for cell in row)
            "".join(row).encode()
            assert not table.joined or len(row) in (0, width)
    except SourceError as error:
        return str(error)
    return ""


@cache
def _compiled(name: str) -> CompiledMap:
    return compile_map(load_map(MAPS[name]))


def _refused_by_map(name: str, path: Path) -> str:
    """Run a map of sessions over what its reader read; return why it is refused, or nothing."""
    try:
        provider_exports.run_through(_compiled(name), path)
    except SourceError as error:
        return str(error)
    return ""


def written(folder: Path, name: str, content: Content) -> Path:
    """Write one file, or a folder of files; return where."""
    if isinstance(content, bytes):
        path = folder / f"x.{_ENDINGS.get(name, 'csv')}"
        path.write_bytes(content)
        return path
    whole = folder / "export"
    whole.mkdir()
    for file, data in content.items():
        (whole / file).write_bytes(data)
    return whole


# --- what is fed -------------------------------------------------------------------------------

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_PLAIN = st.text(st.sampled_from("abcé漢0123456789 -_./:#"), max_size=12)
_PIECES = [b"", b'"', b"\\", b"\r", b"\n", b",", b"\t", b"\0", b"<", b">", b"&x;", b"{", b"}"]
_PIECES += [
    b"[",
    b"]",
    b'"a":',
    b"<!DOCTYPE a>",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"PK\x03\x04",
    b"\xe9",
]


@cache
def samples(name: str) -> list[Content]:
    """Return sound exports of a format, to be damaged."""
    if name in provider_exports.MAPS:
        return [*provider_exports.samples(name)]
    if name == "oneroster":
        return list(map(_as_files, (ONEROSTER_11, ONEROSTER_12, ONEROSTER_CLASSES)))
    if name == "sds":
        folders = ["oneroster/ms-sds/SDS_v2.1", "oneroster/ms-sds/SDS_Format_25_Users"]
        return [*(_folder(SAMPLES / folder) for folder in folders), _as_files(SDS_V1)]
    if name == "edfi-json":
        return [_folder(SAMPLES / "edfi/api-json")]
    if name == "edfi-xml":
        return [(SAMPLES / "edfi" / "Student.xml").read_bytes()[:4_000] + b"</InterchangeStudent>"]
    if name == "fhir-json":
        return [json.dumps(_BUNDLE).encode()]
    if name == "xlsx":
        return [_workbook([["a", "b"], [1, 2.5], ["x", None]])]
    forms = SAMPLES / "referral-forms" / "studentinsights"
    return [path.read_bytes() for path in sorted(forms.rglob("*.csv"))]


def _as_files(export: dict[str, str]) -> Content:
    return {f"{name}.csv": text.encode() for name, text in export.items()}


def _folder(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


_BUNDLE = {
    "resourceType": "Bundle",
    "entry": [
        {"resource": {"resourceType": "Patient", "id": "p", "name": [{"family": "Ñandú"}]}},
        {"resource": {"resourceType": "RelatedPerson", "patient": {"reference": "Patient/p"}}},
        {"resource": {"resourceType": "ServiceRequest", "subject": {"reference": "Patient/p"}}},
    ],
}


@st.composite
def _damaged(draw: Callable[..., Any], data: bytes) -> bytes:
    """Cut, double, overwrite and insert at a few places."""
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 40))
        piece = draw(st.one_of(st.sampled_from(_PIECES), st.binary(max_size=4)))
        data = data[:at] + piece + data[at + length * draw(st.booleans()) :]
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 5)) == 0 else data


@st.composite
def damaged(draw: Callable[..., Any], name: str) -> Content:
    """A sound export with some damage, as a file, a folder or a zip."""
    content = draw(st.sampled_from(samples(name)))
    if isinstance(content, bytes):
        return draw(_damaged(content))
    files = {
        file: draw(_damaged(data)) if draw(st.booleans()) else data
        for file, data in content.items()
        if draw(st.integers(0, 9))
    }
    if draw(st.booleans()):
        return files
    return draw(_damaged(_zip(files)))


def _zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, data in files.items():
            archive.writestr(zipfile.ZipInfo(file), data)  # without the time: a seed repeats a run
    return out.getvalue()


def _workbook(rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    with zipfile.ZipFile(out) as saved:
        names = [name for name in saved.namelist() if name != "docProps/core.xml"]
        return _zip({name: saved.read(name) for name in names})


def written_csv(rows: list[list[str]], delimiter: str = ",") -> bytes:
    """Return rows as RFC 4180 writes them."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


_ROWS = st.lists(st.lists(_TEXT, min_size=1, max_size=5), max_size=6)
_VALUES = st.one_of(_PLAIN, st.integers(), st.floats(), st.booleans(), st.none(), st.dates())
_SHEETS = st.lists(st.lists(_VALUES, max_size=5), max_size=6)
_NAMES = st.sampled_from(["Student", "Contact", "Name", "FirstName", "StudentReference", "x"])
_KEYS = st.sampled_from(["resourceType", "id", "name", "subject", "reference", "entry", "students"])
_KINDS = st.sampled_from(["ServiceRequest", "Patient", "Bundle", "RelatedPerson"])
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _TEXT, _KINDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(_KEYS, _PLAIN), inner, max_size=4)
    ),
    max_leaves=12,
)


def _xml(tree: str | list[Any]) -> str:
    if isinstance(tree, str):
        return re.sub(r"[<&>]", "", tree)
    return "".join(f"<{name}>{_xml(inner)}</{name}>" for name, inner in tree)


_TREES = st.recursive(
    _PLAIN, lambda inner: st.lists(st.tuples(_NAMES, inner), max_size=4), max_leaves=12
)


_ROSTER_HEADS = ["sourcedId", "role", "givenName", "familyName", "userSourcedId", "grades"]
_ROSTER_HEADS += ["classSourcedId", "schoolSourcedId"]
_SDS_HEADS = ["SIS ID", "Email", "Role", "First Name"]


def well_formed(name: str) -> st.SearchStrategy[Content]:
    """Return nonsense that is well-formed in its format."""
    if name in provider_exports.MAPS:
        return provider_exports.well_formed(name)
    if name == "xlsx":
        return _SHEETS.map(_workbook)
    if name == "edfi-xml":
        return _TREES.map(lambda tree: f"<a>{_xml(tree)}</a>".encode())
    if name in ("edfi-json", "fhir-json"):
        lines = st.lists(_JSON, max_size=4).map(
            lambda values: "\n".join(map(json.dumps, values)).encode()
        )
        whole = _JSON.map(lambda value: json.dumps(value).encode())
        files = st.dictionaries(st.sampled_from(["students.json", "contacts.json"]), whole)
        return st.one_of(lines, whole, files)
    if name in ("oneroster", "sds"):
        heads = st.sampled_from([*_ROSTER_HEADS, *(_SDS_HEADS if name == "sds" else ())])
        rows = st.tuples(st.lists(heads, min_size=2, max_size=4), _ROWS)
        part = rows.map(lambda both: written_csv([both[0], *both[1]]))
        files = [f"{file}.csv" for file in (SDS_V1 if name == "sds" else ONEROSTER_CLASSES)]
        return st.dictionaries(st.sampled_from(["users.csv", *files]), part)
    return _ROWS.map(lambda rows: written_csv(rows, "\t" if name == "tsv" else ","))


def anything(name: str) -> st.SearchStrategy[Content]:
    """Return bytes, damaged exports and well-formed nonsense."""
    return st.one_of(st.binary(max_size=400), damaged(name), well_formed(name))


def run_for(name: str, seconds: float, first_seed: int) -> dict[str, int]:
    """Feed a reader for some seconds; raises what broke it."""
    counts: Counter[str] = Counter()
    asked, ends, number = how(name), time.monotonic() + seconds, first_seed

    def one(content: Content) -> None:
        counts[feed(name, content, asked)] += 1

    while time.monotonic() < ends:
        turn = settings(
            max_examples=100,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seed(number)(turn(given(anything(name))(one)))()
        number += 1
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text("utf-8"))
    megabytes = int(peak[1]) // 1024 if peak else 0
    return {**counts, "seeds": number - first_seed, "peak_mb": megabytes}


if __name__ == "__main__":
    print(json.dumps(run_for(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))))  # noqa: T201 - what the run found
