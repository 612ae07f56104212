"""`Tuned`: the settings that a run was tried with, and the choice, as ``tuning.json`` keeps it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ecg_keras.config import Model, model_of
from ecg_keras.json_files import parse_as, read_json, write_json
from ecg_keras.training.run import Run


@dataclass(frozen=True)
class Tried:
    """One candidate, and what validation says of it.

    Attributes:
        name: such as ``"rate 0.1, decay 0.7"``.
        run: its folder, as seen from the tuned run's.
        score: by which it was chosen; ``None`` where it is undefined.
        loss: on validation, after one temperature was fitted; ``None`` where the training diverged.
        learning_rate: of its last phase.
        epochs: of all phases.
        seconds: of training.
    """

    name: str
    run: str
    score: float | None
    loss: float | None
    learning_rate: float
    epochs: int
    seconds: float


@dataclass(frozen=True)
class Tuned:
    """The candidates of a run, and the choice.

    Attributes:
        mark: fingerprint of the tuned run.
        by: what chose: a score on validation, or ``"calibrated_loss"``.
        chosen: name of a candidate.
        candidates: in the order of the recipe; one beyond the edge of the grid is the last.
        further: how many of them are beyond the grid that the recipe names.
        edge: the end of all rates at which the choice still is, ``"lowest"`` or ``"highest"``.
    """

    mark: str
    by: str
    chosen: str
    candidates: tuple[Tried, ...]
    further: int = 0
    edge: str | None = None

    @property
    def settings(self) -> int:
        """How many settings the recipe names, the same for every arm."""
        return len(self.candidates) - self.further

    @property
    def choice(self) -> Tried:
        """The candidate that was chosen."""
        return next(one for one in self.candidates if one.name == self.chosen)

    def save(self, run: Run) -> None:
        """Writes ``tuning.json`` of a run, whole or not at all."""
        write_json(run.tuning, asdict(self))


def read_tuned(run: Run) -> Tuned | None:
    """How a run was tuned; ``None`` where it was not.

    Raises:
        DataError: tuning.json is damaged.
    """
    if not run.tuning.exists():
        return None
    return read_json(run.tuning, "tunings", _parse, "Remove it: the choice is made again.")


def read_trained_settings(run: Run) -> dict[str, Any] | None:
    """The settings that a run's network was trained with; ``None`` where none are known.

    A tuned run's own ``settings`` are what all candidates change: these are the chosen one's. Runs
    of earlier versions do not keep them, and their candidate's folder has them while it is there.

    Raises:
        DataError: status.json or tuning.json is damaged.
    """
    status, tuned = run.read_status(), read_tuned(run)
    settings: dict[str, Any] | None = status.get("settings")
    if tuned is not None and "trained_settings" in status:
        settings = status["trained_settings"]
    elif tuned is not None:
        settings = Run(run.folder / tuned.choice.run).read_status().get("settings", settings)
    return settings


def read_network(run: Run) -> Model | None:
    """The ``model`` section of a run that was trained or imported; ``None`` where it says nothing.

    Of a tuned run it is the chosen candidate's.

    Raises:
        DataError: status.json or tuning.json is damaged.
    """
    return model_of(read_trained_settings(run) or {})


def _parse(tree: dict[str, Any]) -> Tuned:
    tuned: Tuned = parse_as(Tuned, tree)
    if tuned.chosen not in {one.name for one in tuned.candidates}:
        raise ValueError(f"the choice, {tuned.chosen}, is not one of the candidates")
    return tuned
