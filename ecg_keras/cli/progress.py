"""The bars of long work in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ecg_keras.data import listening

# seconds between two moves of a bar
MOVES = 0.05
# the bar of a database that is read for the first time, in MB
HASHING, MB = "read the recordings (MB)", 1_000_000


class SpeedColumn(ProgressColumn):
    """How many pieces are done in a second, over the last half minute."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:,.0f}/s" if speed >= 10 else f"{speed:.2g}/s")


def make_progress(console: Console, *columns: ProgressColumn) -> Progress:
    """The columns every bar of the command has; by default it shows pieces and their speed."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        *(columns or (MofNCompleteColumn(), SpeedColumn())),
        TimeRemainingColumn(),
        TextColumn("left"),
        TextColumn("{task.fields[note]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for one piece of work; gives the function that moves it."""
    with make_progress(Console(stderr=True)) as bars, hashing_bar(bars):
        task = bars.add_task(description, total=None, note="")
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def hashing_bar(bars: Progress) -> Iterator[None]:
    """While the block lasts, another bar shows how far the files of a database are read.

    That takes as long as the disk does, once: see `ecg_keras.data.raw_files`.
    """
    task: TaskID | None = None

    def move(done: int, total: int) -> None:
        nonlocal task
        if task is None and done < total:
            task = bars.add_task(HASHING, total=total, note="")
        if task is not None:
            bars.update(task, completed=done // MB, total=total // MB)
        if task is not None and done == total:
            bars.remove_task(task)
            task = None

    with listening(move):
        yield
