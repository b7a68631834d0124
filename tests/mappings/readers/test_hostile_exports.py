"""Provider exports made to hurt: each must end soon and small, measured in a process of its own."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

READ = """
import json, pathlib, re, sys, time
from mappings.readers import SourceError, SourceFormat, open_table
name, part = sys.argv[2], sys.argv[3]
places = {"hl7v2": ("PID-3.1", "MSH-10"), "fhir-sessions": ("Session.id",), "ndjson": ("a",)}
how = SourceFormat((name,), part=part, locations=places.get(name, ()))
start = time.process_time()
try:
    for _ in open_table(pathlib.Path(sys.argv[1]), how).rows: pass
    outcome = "read"
except SourceError as error:
    outcome = str(error)
peak = int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1024
print(json.dumps([outcome, time.process_time() - start, peak]))
"""


def read_in_a_process(path: Path, name: str, part: str = "") -> str:
    done = subprocess.run(  # noqa: S603 - the interpreter itself
        [sys.executable, "-c", READ, str(path), name, part],
        capture_output=True,
        text=True,
        check=True,
    )
    outcome, seconds, megabytes = json.loads(done.stdout)
    assert seconds < 8
    assert megabytes < 256
    assert "\n" not in outcome
    return str(outcome)


def written(path: Path, start: bytes, piece: bytes, times: int) -> Path:
    with path.open("wb") as stream:
        stream.write(start)
        for _ in range(times):
            stream.write(piece)
    return path


HEAD = b"MSH|^~\\&|A|B|C|D|20260914||SIU^S12|1|P|2.5\r"


@pytest.mark.parametrize(
    ("start", "piece", "words"),
    [
        (HEAD, b"x" * 1_000_000, "longer than"),
        (HEAD, b"NTE|1||more\r" * 80_000, "longer than"),
        (b"FHS|^~\\&\r", b"\r" * 1_000_000, "longer than"),
        (HEAD[:-1] + b"|", b"~" * 999_000 + b"\rPID|1\r" + HEAD, "read"),
        (b"", HEAD * 2 + b"\x0b\x1c\r" * 1_000, "read"),
        (b"", b"MSH|^~\\&\r" * 20_000, "read"),
    ],
    ids=["a line", "a message", "blank lines", "repetitions", "many messages", "tiny messages"],
)
def test_messages_without_end_stay_small(
    tmp_path: Path, start: bytes, piece: bytes, words: str
) -> None:
    path = written(tmp_path / "m.hl7", start, piece, 40)
    assert words in read_in_a_process(path, "hl7v2")


def test_one_object_of_very_many_parts_stays_small(tmp_path: Path) -> None:
    start = b'{"resourceType": "Encounter", "id": "e", "x": [{}'
    path = written(tmp_path / "v.json", start, b",{}" * 100_000, 30)
    outcome = read_in_a_process(path, "fhir-sessions")
    assert "send it in parts" in outcome or "cut off" in outcome


def test_an_object_that_never_ends_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "v.ndjson", b'{"a": "', b"x" * 1_000_000, 100)
    assert "send it in parts" in read_in_a_process(path, "ndjson")


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "v.json", b'{"a":', b'[{"a":' * 100_000, 10)
    assert "nested more than" in read_in_a_process(path, "fhir-sessions")


def bomb(path: Path, name: str) -> Path:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w", force_zip64=True) as part,
    ):
        for _ in range(300):
            part.write(b" " * 1_000_000)
    return path


@pytest.mark.parametrize(("name", "file"), [("ndjson", "Visit.ndjson"), ("csv", "visit.csv")])
def test_a_part_packed_unnaturally_tight_is_refused(tmp_path: Path, name: str, file: str) -> None:
    outcome = read_in_a_process(bomb(tmp_path / "e.zip", file), name, "visit")
    assert "unnaturally tight" in outcome


def test_a_zip_inside_a_zip_is_not_opened(tmp_path: Path) -> None:
    inner = bomb(tmp_path / "inner.zip", "Visit.ndjson")
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        archive.write(inner, "Visit.zip")
    assert "holds no file ending in" in read_in_a_process(tmp_path / "e.zip", "ndjson", "visit")


def test_a_zip_of_very_many_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        for number in range(501):
            archive.writestr(f"{number}.ndjson", "{}")
    assert "more than 500 files" in read_in_a_process(tmp_path / "e.zip", "ndjson", "1")
