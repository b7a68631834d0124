"""Lines of the log that are written together."""

import re
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from bridge.logs import MOST_AT_ONCE, Lines, written_together


class Pieces:
    """What reached the output, piece by piece."""

    def __init__(self) -> None:
        self.buffer, self.written, self._open = self, list[bytes](), b""

    def write(self, some: bytes) -> None:
        self._open += some

    def flush(self) -> None:
        self.written.append(self._open)
        self._open = b""


def listening(monkeypatch: pytest.MonkeyPatch) -> Pieces:
    pieces = Pieces()
    monkeypatch.setattr("sys.stdout", pieces)
    return pieces


def test_a_line_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    output = listening(monkeypatch)
    Lines().info(b"one")
    assert output.written == [b"one\n"]


def test_lines_that_are_written_together_leave_in_one_piece_and_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = listening(monkeypatch)
    with written_together():
        Lines().info(b"one")
        Lines().error(b"two")
        assert output.written == []
    assert output.written == [b"one\ntwo\n"]


def test_no_piece_is_longer_than_a_pipe_takes_at_once_and_no_line_is_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = listening(monkeypatch)
    lines = [bytes([65 + n % 26]) * (100 + n) for n in range(64)]
    with written_together():
        for line in lines:
            Lines().info(line)
    assert b"".join(output.written).split(b"\n")[:-1] == lines
    assert len(output.written) > 1
    assert all(len(each) <= MOST_AT_ONCE and each.endswith(b"\n") for each in output.written)


def test_what_was_said_before_something_failed_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    output = listening(monkeypatch)
    with suppress(LookupError), written_together():
        Lines().info(b"one")
        raise LookupError
    Lines().info(b"two")
    assert output.written == [b"one\n", b"two\n"]


def test_another_thread_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    output = listening(monkeypatch)
    with written_together():
        Lines().info(b"kept")
        other = threading.Thread(target=Lines().info, args=(b"other",))
        other.start()
        other.join()
        assert output.written == [b"other\n"]
    assert output.written == [b"other\n", b"kept\n"]


def test_the_line_of_a_request_is_what_the_library_would_write() -> None:
    program = (
        "import bridge.logs as logs; from datetime import UTC, datetime;"
        "logs.configure_logs(for_good=True);"
        "said = [('GET', '/fhir/{kind}', 200), ('P\"\u00e9', 'unknown', 404)];"
        "[logs.log_request(*each, datetime.now(UTC)) for each in said];"
        "logs._direct.lines = None;"
        "[logs.log_request(*each, datetime.now(UTC)) for each in said]"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)  # noqa: S603 - our own
    lines = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", b"TIME", ran.stdout).splitlines()
    assert lines[:2] == lines[2:]
    assert len(set(lines)) == 2
    assert lines[0].endswith(b'"level":"info","timestamp":"TIME"}')
