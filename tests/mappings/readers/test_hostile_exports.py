"""Exports made to exhaust a reader: each must end soon and small, in a process of its own."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

READ = """
import json, pathlib, re, sys, time
from mappings.language import compile_map, load_map
from mappings.readers import SourceError, open_table
how = next(iter(compile_map(load_map(sys.argv[2])).formats().values()))
start = time.process_time()
try:
    for _ in open_table(pathlib.Path(sys.argv[1]), how).rows: pass
    outcome = "read"
except SourceError as error:
    outcome = str(error)
peak = int(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) // 1024
print(json.dumps([outcome, time.process_time() - start, peak]))
"""
MEGABYTE = b"x" * 1_000_000


def read_in_a_process(path: Path, map_id: str) -> str:
    done = subprocess.run(  # noqa: S603 - the interpreter itself
        [sys.executable, "-c", READ, str(path), map_id], capture_output=True, text=True, check=True
    )
    outcome, seconds, megabytes = json.loads(done.stdout)
    assert seconds < 5
    assert megabytes < 256
    return outcome


def long_attribute() -> Iterator[bytes]:
    yield b'<a b="'
    yield from (MEGABYTE for _ in range(100))


def endless_text() -> Iterator[bytes]:
    yield b"<a><Student><Name>"
    yield from (MEGABYTE for _ in range(100))


def many_elements() -> Iterator[bytes]:
    yield b"<a><Student>"
    yield from (b"<b/>" * 100_000 for _ in range(50))


def long_comment() -> Iterator[bytes]:
    yield b"<a><!-- "
    yield from (MEGABYTE for _ in range(100))


def endless_string() -> Iterator[bytes]:
    yield b'[{"a": "'
    yield from (MEGABYTE for _ in range(100))


def deep_array() -> Iterator[bytes]:
    yield b'[{"a": '
    yield from (b"[" * 1_000_000 for _ in range(20))


def endless_blank() -> Iterator[bytes]:
    yield from (b" " * 1_000_000 for _ in range(100))


@pytest.mark.parametrize(
    ("make", "map_id", "words"),
    [
        (long_attribute, "edfi-xml", "never ends|no well-formed"),
        (endless_text, "edfi-xml", "longer than"),
        (many_elements, "edfi-xml", "longer than"),
        (long_comment, "edfi-xml", "never ends|no well-formed"),
        (endless_string, "edfi-api-json", "more than 8,000,000"),
        (deep_array, "edfi-api-json", "nested more than 64 deep"),
        (endless_blank, "edfi-api-json", "holds no students"),
        (endless_string, "fhir-referral", "more than 8,000,000"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_never_ends_is_refused_before_memory_is_filled(
    tmp_path: Path, make: object, map_id: str, words: str
) -> None:
    assert callable(make)
    path = tmp_path / "export"
    with path.open("wb") as stream:
        for piece in make():
            stream.write(piece)
    told = read_in_a_process(path, map_id)
    assert any(word in told for word in words.split("|"))


def test_a_part_that_declares_a_small_size_gives_no_byte_more(tmp_path: Path) -> None:
    path = tmp_path / "liar.zip"
    users = b"sourcedId,role,givenName,familyName\n" + b"s,student,a,b\n" * 3_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("users.csv", users)
    true_size, data = len(users).to_bytes(4, "little"), path.read_bytes()
    assert true_size in data
    path.write_bytes(data.replace(true_size, (1_000).to_bytes(4, "little")))
    assert "damaged zip" in read_in_a_process(path, "oneroster")


def test_a_zip_whose_part_has_no_name_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("CLIENT.csv", "a,b\n1,2\n")
    packed = path.read_bytes()
    directory = packed.index(b"PK\x01\x02")
    nameless = bytearray(packed)
    nameless[directory + 28 : directory + 32] = b"\0\0\x0a\0"  # the name becomes an extra field
    path.write_bytes(bytes(nameless))
    assert "is a damaged zip" in read_in_a_process(path, "carelogic-style")
