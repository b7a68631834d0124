"""HL7 v2 messages to FHIR against only parsing them."""

import json
import tempfile
from pathlib import Path

from benchmarks import message_file
from benchmarks.converting import convert
from benchmarks.frame import Arms, Better, Row, UnequalOutputError, per_cpu_second

CHECKED, OURS, REFERENCE = 200, 4_000, 400


def _open() -> Arms:
    folder = tempfile.TemporaryDirectory()
    home = Path(folder.name)
    sources = {count: home / f"{count}.hl7" for count in (CHECKED, OURS, REFERENCE)}
    for count, path in sources.items():
        message_file.write(path, count)
    both = [_keys(home, arm, sources[CHECKED]) for arm in ("messages_ours", "messages_hl7")]
    if len(both[0]) != CHECKED or both[0] != both[1]:
        raise UnequalOutputError("the two do not find the same appointments")
    target = home / "out"
    return Arms(
        lambda: convert("messages_ours", sources[OURS], target),
        lambda: convert("messages_hl7", sources[REFERENCE], target),
        folder.cleanup,
    )


def _keys(home: Path, arm: str, source: Path) -> list[str]:
    target = home / arm
    convert(arm, source, target)
    lines = target.read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["identifier"][0]["value"] for line in lines]


ROW = Row(
    name="mapping.session_messages_vs_hl7_parse",
    unit="messages per CPU-second",
    better=Better.HIGHER,
    goal=20.0,
    meaning=(
        "how many times faster SIU messages become checked Encounters and Appointments, as bytes, "
        "than the hl7 library parses them and makes nothing of them; both find the same numbers"
    ),
    value=per_cpu_second,
    open=_open,
)
