"""What a process and all its descendants use, as the kernel counts it (Linux, ``/proc``)."""

import os
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and all its descendants that still run."""
    stats = (_stat(each) for each in _family(pid))
    return sum((int(fields[11]) + int(fields[12])) / _TICKS for fields in stats if fields)


def memory_bytes(pid: int) -> int:
    """Return the memory of a process and its descendants; what they share counts once."""
    return sum(_share_of_memory(each) for each in _family(pid))


def _family(pid: int) -> Iterator[int]:
    """Yield a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and (fields := _stat(int(folder.name))):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    waiting = [pid]
    while waiting:
        each = waiting.pop()
        waiting += children.get(each, [])
        yield each


def _stat(pid: int) -> list[str]:
    """Return the fields behind the process's name: state, parent, ..."""
    return _read(pid, "stat").rpartition(")")[2].split()


def _share_of_memory(pid: int) -> int:
    """Return its proportional set size: a page that n processes share counts as 1/n of it."""
    for line in _read(pid, "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(pid: int, name: str) -> str:
    """Return what the kernel tells of a process, or "" if it has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return ""
