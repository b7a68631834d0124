"""Whatever stands in a provider's file of answers: no error, no value told, nothing done twice.

``SCHOOLBRIDGE_FILES`` says how many files the long run makes. Every person is made up.
"""

import os
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from bridge.journeys.files.import_answers import AnswerReport, import_answers, operator_of
from bridge.store.database.engine import read
from bridge.store.directory import held
from mappings.fhir.task_states import state_of
from mappings.language import compile_map, load_map
from mappings.language.codes import EVENTS
from mappings.loop import STATES, State
from mappings.readers import SourceError
from tests.support.worlds import HARBOR, World, make_world, referral

SECRET: Final = "Zanzibar-Smith-7731"
TABLE = compile_map(load_map("provider-answers"))
MESSAGES = compile_map(load_map("x360-answers"))
COLUMNS = [word.text for word in TABLE.document.main.headings]
HIDDEN = "R-3"

odd = st.sampled_from((SECRET, f'"{SECRET}', f"{SECRET}\x00", "=1+1", "\u202e" + SECRET, ""))


def often(*texts: str) -> st.SearchStrategy[str]:
    """Draw one of these, and now and then what belongs to nobody."""
    return st.integers(0, 11).flatmap(lambda n: odd if n == 0 else st.sampled_from(texts))


number = often("R-1", "R-2", "R-1", "R-2", HIDDEN, "R-9")
day = often(*(f"2026-09-{n}" for n in range(10, 31)), "9/15/2026", "2027-01-01")
status = often("IP", "CA", "SC", "A", "HD", "CM", "DC", "QQ")
reason = often("No place is free", "Paused", "Waiting list", "Referred on", "")
consent = often("", "A parent or guardian", "The student alone")
cells = st.tuples(number, often(""), day, often(*EVENTS), reason, often("words"), consent)
tables = st.lists(cells, max_size=12).map(
    lambda rows: "\n".join(",".join(row) for row in (COLUMNS, *rows)).encode("utf-8", "replace")
)
parts = st.tuples(
    st.sampled_from(("OSU^O51", "SIU^S12", "SIU^S26", "SIU^S15", "ADT^A04", SECRET)),
    often(*map(str, range(1, 60))),
    number,
    status,
    often("", "words"),
)


def message(part: tuple[str, ...]) -> str:
    event, key, about, said, why = part
    head = f"MSH|^~\\&|E|H|B|M|20260914||{event}|{key}|P|2.5.1"
    if event.startswith("SIU"):
        return f"{head}\rSCH|1|A-1{'|' * 24}{about}\rPID|1||{why}^^^SCHOOLBRIDGE"
    return f"{head}\rPID|1||77\rORC|SC|{about}|F-1||{said}{'|' * 11}^{why}"


whole = st.lists(parts, min_size=1, max_size=12).map(lambda each: "\r".join(map(message, each)))
files = tables | whole.map(lambda text: text.encode("utf-8", "replace"))
# And damaged: a file may end anywhere, and have anything in the middle.
damaged = st.tuples(files, st.integers(0, 400), st.binary(max_size=9)).map(
    lambda made: made[0][: made[1]] + made[2] + made[0][made[1] :][::-1][: made[1]]
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("answers")
    return make_world(f"sqlite:///{folder / 'bridge.db'}", folder)


def carried_out(world: World, path: Path) -> AnswerReport | None:
    """Carry out a file; None where it is refused as a whole."""
    compiled = MESSAGES if b"MSH" in path.read_bytes()[:20] else TABLE
    report, refusal = None, ""
    try:
        report = import_answers(world.bridge, operator_of(HARBOR), compiled.run([path]))
    except SourceError as error:
        refusal = str(error)
    assert SECRET not in refusal
    if report is None:
        return None
    assert report.read == report.answered + report.unchanged + len(report.held)
    for row in report.held:
        assert row.texts
        assert not any("Zanzibar" in text or HIDDEN in text for text in row.texts)
        assert row.origin.row >= 1
    return report


def states(world: World) -> list[State]:
    tasks = [world.stored("Task", world.id_of("Task", f"R-{n}")) for n in (1, 2, 3)]
    return [state_of(task) for task in tasks]


def tried(world: World, folder: Path, wanted: int) -> Counter[str]:
    """Carry out so many files, each twice, on referrals that are new every fifty files."""
    tally = Counter[str]()

    @seed(20261127)
    @settings(
        max_examples=wanted,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(files | damaged)
    def each(content: bytes) -> None:
        (folder / "file").write_bytes(content)
        first = carried_out(world, folder / "file")
        before = states(world)
        again = carried_out(world, folder / "file")
        assert (first is None) == (again is None)
        assert states(world) == before
        assert set(before) <= set(STATES) | {State(s.status) for s in STATES}
        assert before[2].status == "requested"
        if first and again:
            assert again.answered == 0
            tally["answered"] += first.answered
            tally["held"] += len(first.held)
        tally["files" if first else "refused"] += 1

    each()
    return tally


def test_any_file_is_carried_out_once_or_waits_and_tells_no_value(
    made: World, tmp_path: Path
) -> None:
    made.refer([referral(1), referral(2), referral(3, releases=())])
    tally = tried(made, tmp_path, 60)
    assert min(tally[what] for what in ("answered", "held", "files", "refused")) > 0
    with read(made.bridge.engine) as connection:
        assert all("Zanzibar" not in str(row.reasons) for row in held(connection, HARBOR))


@pytest.mark.faults
def test_a_long_run_of_files_finds_nothing_else(tmp_path: Path) -> None:
    wanted = int(os.environ.get("SCHOOLBRIDGE_FILES", "3000"))  # noqa: TID251 - how long to test
    total = Counter[str]()
    for number in range(0, wanted, 300):
        folder = tmp_path / str(number)
        folder.mkdir()
        world = make_world(f"sqlite:///{folder / 'bridge.db'}", folder)
        world.refer([referral(1), referral(2), referral(3, releases=())])
        total += tried(world, folder, min(300, wanted - number))
    print(dict(total))  # noqa: T201 - the run tells its figures
    assert total["files"] + total["refused"] >= wanted
