"""How far a study is: a view that lives in a terminal, or lines in a log."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ecg_keras.cli.progress import HASHING, MB, MOVES
from ecg_keras.data import listening
from ecg_keras.errors import DataError
from ecg_keras.evaluation import Scores
from ecg_keras.metrics import score_name
from ecg_keras.study import remaining_seconds
from ecg_keras.text import duration

if TYPE_CHECKING:
    from ecg_keras.study import Running, Snapshot, StudyPlan

STYLES = {
    "done": "green",
    "failed": "red",
    "running": "cyan",
    "waiting": "default",
    "blocked": "yellow",
}
FAILURES = 3
# of a name that is cut
SHORTEST = 16
# what a row of a running cell holds besides the name, and the view besides these rows
EPOCH_WIDTH, SCORE_WIDTH, OTHER_LINES = 15, 11, 6
# lines of a terminal that has no room for all failures
LOW = 20


class StudyProgress:
    """Shows the snapshots of a study on standard error, until the block is left."""

    def __init__(self, plan: StudyPlan, console: Console | None = None) -> None:
        self.plan = plan
        self.console = console or Console(stderr=True, highlight=False)
        self._live = Live(console=self.console, auto_refresh=False)
        self._hashing, self._moved = ExitStack(), -MOVES
        self._seen: dict[str, str] | None = None
        self._failed: list[str] = []
        # cells that ran in the last snapshot and in this one
        self._busy = (0, 0)

    def __enter__(self) -> StudyProgress:
        if self.console.is_terminal:
            self._live.start()
            self._hashing.enter_context(listening(self._hashed))
        return self

    def __exit__(self, *raised: object) -> None:
        self._hashing.close()
        self._live.stop()

    def _hashed(self, done: int, total: int) -> None:
        """Shows how far the recordings are read, before the first snapshot."""
        if time.monotonic() > self._moved + MOVES:
            self._moved = time.monotonic()
            self._live.update(Text(f"{HASHING} {done // MB}/{total // MB}"), refresh=True)

    def update(self, now: Snapshot) -> None:
        """Shows a snapshot that is newer than those before."""
        before = self._seen
        self._busy = (self._busy[1], len(now.running))
        ended = [
            name
            for name, state in now.states.items()
            if state in ("done", "failed") and (before or {}).get(name) != state
        ]
        self._seen = dict(now.states)
        failed = dict(now.failures)
        self._failed = [one for one in self._failed if one in failed]
        self._failed += [name for name in ended if name in failed]
        if self.console.is_terminal:
            self._live.update(self.render(now), refresh=True)
        elif before is None:
            self._write(f"{len(self.plan.cells)} runs: {count_states(now).plain}")
        else:
            for name in ended:
                self._write(self._line(name, now))

    def render(self, now: Snapshot) -> RenderableType:
        """The view of a snapshot, as wide as the console."""
        width, (over, total) = self.console.width, _progress(now)
        left, share = self._left(now), f"{over}/{total}"
        title = shorten(self.plan.loaded.name, max(SHORTEST, width // 3))
        room = width - len(title) - len(share) - len(left) - 6
        bar = ProgressBar(
            max(1, total),
            over,
            width=max(6, min(40, room)),
            complete_style="green",
            finished_style="green",
        )
        head = Table.grid(padding=(0, 2))
        head.add_row(Text(title, style="bold"), bar, share, Text(left, style="bold"))
        parts: list[RenderableType] = [head, count_states(now)]
        if now.running:
            parts += [Text(), self._running(now.running)]
        errors = dict(now.failures)
        for name in self._last_failed():
            parts += [Text(), Text(f"failed {shorten(name, width - 7)}", style="red")]
            error = Text(f"  {errors[name]}", style="red", no_wrap=True, overflow="ellipsis")
            parts.append(error)
        return Group(*parts)

    def _last_failed(self) -> list[str]:
        """The latest failures, as many as leave room for what runs."""
        return self._failed[-(FAILURES if self.console.height > LOW else 1) :]

    def _running(self, running: tuple[Running, ...]) -> Table:
        """A row for each of them, as many as the terminal has lines."""
        rows = max(1, self.console.height - OTHER_LINES - 3 * len(self._last_failed()))
        room = max(SHORTEST, self.console.width - EPOCH_WIDTH - SCORE_WIDTH - 4)
        table = Table.grid(padding=(0, 2))
        for one in running[:rows]:
            epoch = f"epoch {one.epoch}/{one.epochs}" if one.epoch else "begins"
            known = one.score is not None and math.isfinite(one.score)
            score = f"AUROC {one.score:.3f}" if known else ""
            table.add_row(Text(shorten(one.name, room)), Text(epoch), Text(score))
        if len(running) > rows:
            table.add_row(Text(f"and {len(running) - rows} more", style="dim"))
        return table

    def _line(self, name: str, now: Snapshot) -> str:
        """A cell that ended, and how far the study is."""
        over, total = _progress(now)
        if now.states[name] == "failed":
            what = f"failed: {dict(now.failures)[name]}"
        else:
            what = f"{now.seconds_done[name]:.0f} s{self._score(name)}"
        return f"{over}/{total} {name}: {what}; {self._left(now)}"

    def _score(self, name: str) -> str:
        cell = self.plan.by_name[name]
        metric = cell.recipe.evaluation.metric
        try:
            score = Scores.load_json(cell.run.scores).summary[metric]
        except DataError:  # another process changes it just now
            return ""
        return "" if score is None else f", test {score_name(metric)} {score.value:.3f}"

    def _left(self, now: Snapshot) -> str:
        if now.is_over:
            return "all over"
        # a worker whose cell has just ended takes the next one
        seconds = remaining_seconds(self.plan, now, max(self._busy))
        return "time not known yet" if seconds is None else f"{duration(seconds)} left"

    def _write(self, line: str) -> None:
        self.console.print(Text(line), soft_wrap=True)


def shorten(name: str, width: int) -> str:
    """A name of at most ``width`` characters: its middle goes, its seed and fold stay."""
    if len(name) <= width:
        return name
    end = (width - 1) // 2
    return f"{name[: width - 1 - end]}…{name[len(name) - end :]}"


def _progress(now: Snapshot) -> tuple[int, int]:
    """Cells that are over, and those that can be."""
    return now.counts["done"] + now.counts["failed"], len(now.states) - now.counts["blocked"]


def count_states(now: Snapshot) -> Text:
    """``2 done, 16 waiting``."""
    return Text(", ").join(
        Text(f"{number} {state}", style=STYLES[state])
        for state, number in now.counts.items()
        if number
    )
