"""How long work tells of itself: the command line shows it, a script may ignore it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecg_keras.workflow.plan import Step


class Watcher:
    """Hears of every step of a plan; this one stays silent. Override what you want to know."""

    def reused(self, step: Step) -> None:
        """The step's product is there and fresh."""

    def begun(self, step: Step) -> None:
        """The step starts."""

    def progressed(self, done: int, total: int) -> None:
        """``done`` of ``total`` pieces of the current step are complete."""

    def warned(self, message: str) -> None:
        """Something the user should know and need not mend."""

    def ended(self, step: Step, seconds: float) -> None:
        """The step is complete."""

    def callbacks(self) -> Sequence[Any]:
        """Keras callbacks for a training step."""
        return ()
