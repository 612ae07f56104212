"""A plan in a terminal: one line a step, and a bar while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import TaskID

from ecg_keras.cli.progress import MOVES, hashing_bar, make_progress, progress_bar
from ecg_keras.cli.saying import safe, say
from ecg_keras.data import Run, run_here
from ecg_keras.text import text_table
from ecg_keras.workflow import Step, Watcher

if TYPE_CHECKING:
    from ecg_keras.study import OnProgress, StudyEstimate

VERBS = {
    "keep": "keep the finished run",
    "simulate": "simulate ECGs",
    "import": "import the published weights",
    "prepare": "prepare shards",
    "validate": "validate shards",
    "guard": "look for leaks",
    "try": "score on validation",
    "tune": "choose the setting",
    "train": "train",
    "evaluate": "evaluate",
    "compare": "compare with the baseline",
    "export": "export a SavedModel",
    "report": "write the report",
}


class ConsoleWatcher(Watcher):
    """Shows a plan's steps on standard error; results alone go to standard output."""

    def __init__(self, run: Run = run_here) -> None:
        self.run = run
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.bars = make_progress(self.console)
        self.task: TaskID | None = None
        self.moved = -MOVES
        self.hashing = ExitStack()
        self.scored = "valid"  # the split that a training scores after every epoch
        self.made: set[str] = set()  # actions of the steps that were not there already

    def __enter__(self) -> ConsoleWatcher:
        self.bars.start()
        self.hashing.enter_context(hashing_bar(self.bars))
        return self

    def __exit__(self, *raised: object) -> None:
        self.hashing.close()
        if self.task is not None:
            self.bars.remove_task(self.task)
        self.bars.stop()

    def reused(self, step: Step) -> None:
        self.console.print(f"[dim]· {_title(step)}: there already ({safe(step.place())})[/dim]")

    def begun(self, step: Step) -> None:
        self.task = self.bars.add_task(_title(step), total=None, note="")
        self.scored = step.job.recipe.training.validate_on

    def progressed(self, done: int, total: int) -> None:
        now = time.monotonic()
        # a bar is not moved more often than anybody sees it: that takes time, too
        if self.task is not None and (done == total or now > self.moved + MOVES):
            self.moved = now
            self.bars.update(self.task, completed=done, total=total)

    def warned(self, message: str) -> None:
        self.console.print(f"[yellow]![/yellow] {safe(message)}")

    def noted(self, note: str) -> None:
        """A short text behind the bar of the current step, such as the latest scores."""
        if self.task is not None:
            self.bars.update(self.task, note=note)

    def failed(self, step: Step) -> None:
        self._remove_bar()

    def ended(self, step: Step, seconds: float) -> None:
        self._remove_bar()
        self.made.add(step.action)
        self.console.print(f"[green]✓[/green] {_title(step)} [dim]{seconds:.1f} s[/dim]")

    def _remove_bar(self) -> None:
        if self.task is not None:
            self.bars.remove_task(self.task)
            self.task = None

    def callbacks(self) -> Sequence[Any]:
        return [_training_bar(self)]

    def shard_run(self) -> Run:
        return self.run


def show_plan(plan: Sequence[Step]) -> None:
    """Prints a plan, a line a step: is it done, what it is, for which recipe, and where it is."""
    with progress_bar("look at what is there"):
        rows = [
            (
                "done" if step.is_ready() else "to do",
                VERBS[step.action],
                step.job.loaded.path.name,
                step.place(),
            )
            for step in plan
        ]
    say(text_table((), rows, left=4))


def show_costs(estimate: Callable[[OnProgress], StudyEstimate | None], workers: int = 1) -> None:
    """Prints the time and the disk that trainings need here, if any of them is left."""
    from ecg_keras.study import cost_table

    with progress_bar("estimate") as move:
        costs = estimate(lambda what, done, total: move(done, total))
    if costs is not None:
        say(f"\n{cost_table(costs, workers)}")


def _title(step: Step) -> str:
    job, main = step.job, step.job.candidate_of
    name = job.run.name if main is None else f"{main.run.name}, {job.run.name}"
    return f"{safe(name)}: {VERBS[step.action]}"


def _training_bar(watcher: ConsoleWatcher) -> Any:
    """A Keras callback that moves the bar batch by batch and notes each epoch's scores."""
    from ecg_keras.keras_library import keras

    class TrainingBar(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
            self.steps = self.params["steps"]
            self.epochs = self.params["epochs"]
            self.scores = ""

        def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            self.epoch = epoch

        def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
            watcher.progressed(self.epoch * self.steps + batch + 1, self.epochs * self.steps)
            loss = f"loss {logs['loss']:.3f}" if logs and "loss" in logs else ""
            watcher.noted(f"epoch {self.epoch + 1}/{self.epochs} {loss} {self.scores}")

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            logs = logs or {}
            self.scores = f"{watcher.scored} AUROC {logs.get('val_macro_auroc', float('nan')):.3f}"
            if not watcher.console.is_terminal:
                watcher.console.print(
                    f"  epoch {epoch + 1}/{self.epochs} loss {logs['loss']:.3f} {self.scores}"
                )

    return TrainingBar()
