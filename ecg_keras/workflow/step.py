"""`Step`, one product of a plan, its `Maker`, and `Watcher`, which is notified of the making."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecg_keras.data import Run, run_here
from ecg_keras.workflow.job import Job


@dataclass(frozen=True)
class Maker:
    """Of an action for any job: where its product is, whether that is fresh, and how it is made."""

    product: Callable[[Job], Path]
    is_done: Callable[[Job], bool]
    make: Callable[[Job, Watcher], None]


@dataclass(frozen=True, eq=False)
class Step:
    """One product of a plan.

    Attributes:
        action: what is done, such as ``"prepare"``.
        job: for which recipe.
        maker: how.
        needs: steps that come before; if one of them is still to do, so is this one.
    """

    action: str
    job: Job
    maker: Maker
    needs: tuple[Step, ...] = ()

    def is_done(self) -> bool:
        """Whether the product is there and fresh."""
        return self.maker.is_done(self.job)

    def make(self, watcher: Watcher) -> None:
        """Makes the product."""
        self.maker.make(self.job, watcher)

    def is_ready(self) -> bool:
        """Whether nothing is left to do for this step and those it needs."""
        return all(step.is_ready() for step in self.needs) and self.is_done()

    def place(self) -> str:
        """Where the product is or will be; shards get a name of their own once it is known."""
        known = all(step.is_ready() for step in self.needs)
        if self.action in ("prepare", "validate") and not known:
            return f"{self.job.data.shards}/..."
        return str(self.maker.product(self.job))


class Watcher:
    """Is notified of every step of a plan, and stays silent; override what you want to know."""

    def reused(self, step: Step) -> None:
        """The step's product is there and fresh."""

    def begun(self, step: Step) -> None:
        """The step starts."""

    def progressed(self, done: int, total: int) -> None:
        """``done`` of ``total`` pieces of the current step are complete."""

    def warned(self, message: str) -> None:
        """Something the user should know and need not fix."""

    def ended(self, step: Step, seconds: float) -> None:
        """The step is complete."""

    def failed(self, step: Step) -> None:
        """The step stopped; why is raised later, with what else is found in the data."""

    def callbacks(self) -> Sequence[Any]:
        """Keras callbacks for a training step."""
        return ()

    def shard_run(self) -> Run:
        """How a prepare step makes its shards: on this machine, if you know no better place."""
        return run_here
