"""How far long work has come, on standard error and only where that is a terminal."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

T = TypeVar("T")

_EVERY: Final = 100


def shown(rows: Iterable[T]) -> Iterator[T]:
    """Yield what is gone through, and show how many have been yielded."""
    with _progress() as bar:
        if bar is None:
            yield from rows
            return
        task = bar.add_task("rows read", total=None)
        for number, row in enumerate(rows, 1):
            if number % _EVERY == 0:
                bar.update(task, completed=number)
            yield row


@contextmanager
def collecting() -> Iterator[Callable[[str, str, int], None]]:
    """Give what shows, of each bridge and type of rows, how many have come."""
    with _progress() as bar:
        tasks: dict[tuple[str, str], TaskID] = {}

        def came(name: str, kind: str, rows: int) -> None:
            if bar is None:
                return
            task = tasks.get((name, kind))
            if task is None:
                task = tasks[name, kind] = bar.add_task(f"{name}: {kind}", total=None)
            bar.update(task, completed=rows)

        yield came


@contextmanager
def readying() -> Iterator[Callable[[str, int, int], None]]:
    """Give what shows of how many students the pages of a role are ready, and are not."""
    with _progress() as bar:
        tasks: dict[str, TaskID] = {}

        def came(whose: str, done: int, left: int) -> None:
            if bar is None:
                return
            if whose not in tasks:
                tasks[whose] = bar.add_task("", total=None)
            said = f"pages of {whose}: {left:,} students left, ready"
            bar.update(tasks[whose], completed=done, description=said)

        yield came


@contextmanager
def _progress() -> Iterator["Progress | None"]:
    """Open a display; None where nobody would see it."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = ("{task.description}", "{task.completed:,.0f}")
    texts = [TextColumn(each) for each in columns]
    shows = (SpinnerColumn(), *texts, TimeElapsedColumn())
    with Progress(*shows, console=console, transient=True) as bar:
        yield bar
