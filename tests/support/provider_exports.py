"""Exports of providers for fuzzing: sound ones to damage, and well-formed nonsense."""

import contextlib
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from mappings.canonical import ServiceSession
from mappings.fhir import session_resources
from mappings.fhir.errors import FhirError
from mappings.language import CompiledMap, Mapped, load_map
from tests.support.fhir_records import SESSION_CONTEXT

MAPS: Final = {
    "hl7v2": "harbor-hl7v2",
    "hl7v2-each": "hl7v2-dft",
    "hl7v2-ref": "hl7v2-ref",
    "fhir-sessions": "fhir-encounters",
    "ndjson": "credible-style",
    "csv-part": "carelogic-style",
}
ENDINGS: Final = {"hl7v2": "hl7", "hl7v2-each": "hl7", "hl7v2-ref": "hl7", "ndjson": "ndjson"}
ENDINGS["fhir-sessions"] = "ndjson"
_DATA = Path(__file__).parents[1] / "mappings" / "readers" / "data"
_EXPORTED = datetime(2026, 9, 18, tzinfo=UTC)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def samples(name: str) -> list[bytes]:
    """Return sound exports of a format."""
    if name.startswith("hl7v2"):
        kinds = {"hl7v2": "SIU*", "hl7v2-each": "DFT*", "hl7v2-ref": "REF*"}
        return [path.read_bytes() for path in sorted(_DATA.glob(f"{kinds[name]}.hl7"))]
    if name == "fhir-sessions":
        return [path.read_bytes() for path in sorted((_DATA / "fhir").glob("*json"))]
    return [_zip(_PARTS[name])]


def _zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, data in files.items():
            archive.writestr(file, data)
    return out.getvalue()


_PARTS: Final = {
    "ndjson": {
        "ClientVisit.ndjson": b'{"Visit Id": "1", "Client Id": 2, "Employee Id": 3}\n',
        "Client.ndjson": b'{"Client Id": 2, "Bridge Id": "P-1"}\n',
        "Employee.ndjson": b'{"Employee Id": 3, "Credentials": "LCSW"}\n',
    },
    "csv-part": {
        f"{source.how.part}.csv": ",".join(word.text for word in source.headings).encode()
        + b"\n1,2,3"
        for source in load_map("carelogic-style").sources
    },
}


_FIELDS = st.lists(
    st.one_of(
        _TEXT, st.sampled_from(["", "P-1^^^SCHOOLBRIDGE", "20260914", "A~B&C", r"\X00\\F\\"])
    ),
    max_size=30,
)
_SEGMENTS = st.tuples(
    st.sampled_from(["MSH", "PID", "PV1", "SCH", "TQ1", "AIS", "FT1", "RF1", "RGS", "BHS", "ZZZ"]),
    _FIELDS,
).map(lambda both: "|".join([both[0], *both[1]]))
_HEADS = st.sampled_from(["MSH|^~\\&|A|B|C|D|20260914||SIU^S12|1|P|2.5", "MSH#!@%*#A#B", "MSH"])
_MESSAGES = st.lists(
    st.tuples(_HEADS, st.lists(_SEGMENTS, max_size=8)).map(lambda m: "\r".join([m[0], *m[1]])),
    max_size=4,
).map(lambda all_: "\r".join(all_).encode())

_NAMES = st.sampled_from(
    ["resourceType", "id", "status", "subject", "reference", "period", "start", "entry", "resource"]
)
_WORDS = st.sampled_from(["Encounter", "Appointment", "Patient", "Bundle", "finished", "Patient/p"])
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), _TEXT, _WORDS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(_NAMES, _TEXT), inner, max_size=4)
    ),
    max_leaves=12,
)
_LINES = st.lists(_JSON, max_size=4).map(lambda all_: "\n".join(map(json.dumps, all_)).encode())


def well_formed(name: str) -> st.SearchStrategy[bytes]:
    """Return nonsense that is well-formed in its format."""
    if name.startswith("hl7v2"):
        return _MESSAGES
    if name in ("ndjson", "fhir-sessions"):
        flat = st.dictionaries(_TEXT, st.one_of(_TEXT, st.integers(), st.none()), max_size=4)
        rows = st.lists(flat, max_size=4).map(lambda r: "\n".join(map(json.dumps, r)).encode())
        zipped = rows.map(lambda data: _zip({**_PARTS["ndjson"], "ClientVisit.ndjson": data}))
        return st.one_of(_LINES, rows, zipped)
    rows = st.lists(st.lists(_TEXT, max_size=4).map(",".join), max_size=4)
    return rows.map(
        lambda lines: _zip({**_PARTS["csv-part"], "CLIENT_ACTIVITY.csv": "\n".join(lines).encode()})
    )


def run_through(compiled: CompiledMap, path: Path) -> None:
    """Run a map of sessions over a file and build what comes of it.

    Raises:
        SourceError: the file is refused. Anything else is a fault.
    """
    for outcome in compiled.run([path], _EXPORTED):
        record: Any = outcome.record if isinstance(outcome, Mapped) else None
        if isinstance(record, ServiceSession):
            with contextlib.suppress(FhirError):  # a missed session without a time of day
                assert session_resources(record, SESSION_CONTEXT)
