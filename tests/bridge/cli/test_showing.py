"""How far long work has come is shown on a terminal, and nowhere else."""

import pytest

from bridge.cli.showing import collecting, shown


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is written to standard error be taken for a terminal's."""
    monkeypatch.setenv("FORCE_COLOR", "1")


def went_through(rows: int) -> int:
    """Go through rows that are shown; returns how many there were."""
    return len(list(shown(range(rows))))


@pytest.mark.usefixtures("terminal")
def test_rows_that_are_read_are_counted_where_somebody_looks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert went_through(1250) == 1250
    told = capsys.readouterr()
    assert "rows read" in told.err
    assert "1,200" in told.err
    assert told.out == ""


def test_nothing_is_shown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    assert went_through(1250) == 1250
    with collecting() as came:
        came("north", "Encounter", 3000)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("terminal")
def test_each_bridge_is_shown_with_what_has_come_of_each_type(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with collecting() as came:
        for rows in (1000, 3000):
            came("north", "Encounter", rows)
        came("south", "ServiceRequest", 17)
    told = capsys.readouterr().err
    for each in ("north: Encounter", "3,000", "south: ServiceRequest", "17"):
        assert each in told
