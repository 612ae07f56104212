"""Checkpoints: what a killed run resumes from, and the best epoch's model."""

from __future__ import annotations

import math
import shutil
import time
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.errors import DataError, DivergedError
from ecg_keras.files import replacing
from ecg_keras.json_files import parse_as, read_json, write_json
from ecg_keras.keras_library import Callback, keras
from ecg_keras.metrics import METRICS
from ecg_keras.models import save_model
from ecg_keras.text import file_size
from ecg_keras.training.validation_pass import Averages

# what a recipe's training.select looks at (none: the last epoch is taken whatever its score), and
# whether more is better
SELECT: dict[str, tuple[str | None, bool]] = {
    **{f"best_{name}": (f"val_{name}", True) for name in METRICS},
    "best_loss": ("val_loss", False),
    "last": (None, True),
}
# at least this long between two checkpoints of a phase: a small network's epoch takes less time
# than its files do, and no more than this has to be trained again after a kill
SECONDS_BETWEEN = 20.0
# by which Keras knows files of weights
WEIGHTS = ".weights.h5"
# what files of a model hold besides its numbers, generously
FILE_BYTES = 1_000_000


@dataclass(frozen=True)
class Progress:
    """Where a run is, after a whole epoch."""

    phase: int  # from 1
    phase_begun: int  # epochs of the run before this phase
    phase_ended: bool
    epoch: int  # epochs of the run that are complete
    weights: str  # file with the weights and optimizer state after them
    best: str  # file with the best model so far
    best_epoch: int  # from 1
    # none where every score was undefined, and where the last epoch is taken whatever its score
    best_score: float | None
    waited: int  # epochs in this phase since the score last improved
    # state of each random generator, such as dropout's; Keras' files of weights leave them out
    draws: list[list[int]]


def read_progress(folder: Path) -> Progress | None:
    """The progress in a checkpoint folder; ``None`` where nothing was saved yet."""
    path = folder / "progress.json"
    if not path.exists():
        return None
    advice = f"Remove {folder.parent} to train this run again."
    found: Progress = read_json(path, "checkpoints", partial(parse_as, Progress), advice)
    return found


def restore(
    model: keras.Model, folder: Path, progress: Progress, *, new_optimizer: bool = False
) -> None:
    """Puts a model where ``progress`` says: weights, random generators, the optimizer's state.

    ``new_optimizer`` lets a compiled model begin with a new one where the state is of another.
    """
    with warnings.catch_warnings():
        if not new_optimizer:  # of which Keras only warns
            warnings.filterwarnings("error", "Skipping variable loading for optimizer")
        try:
            model.load_weights(folder / progress.weights)
        except ValueError as error:
            raise DataError(
                f"{folder / progress.weights}: its network or optimizer is another than what this "
                f"version of Keras makes of the recipe, {keras.__version__}. Resume with the "
                f"version that it was begun with, or remove {folder.parent} to train it again."
            ) from error
    for variable, state in zip(_generators(model), progress.draws, strict=True):
        variable.assign(state)


# A kill or power cut at any moment leaves a whole earlier checkpoint: weights go to a file of their
# own, then progress.json is replaced, then files that it no longer names are removed. Not every
# epoch is saved, see SECONDS_BETWEEN; the last one of a phase is.
class Checkpoint(Callback):
    """Saves weights, optimizer and progress after an epoch, each file before the next is named."""

    def __init__(
        self,
        folder: Path,
        selected: keras.Model,
        *,
        phase: int,
        phase_begun: int,
        last_epoch: int,
        select: str,
        patience: int | None,
        progress: Progress | None,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.selected = selected
        self.phase = phase
        self.phase_begun = phase_begun
        self.last_epoch = last_epoch
        self.monitor, self.more_is_better = SELECT[select]
        self.patience = patience
        self.progress = progress
        self._best: list[Any] | None = None  # weights of the best epoch, where not saved yet
        self._saved = time.monotonic()
        self._averages = Averages(None)
        folder.mkdir(parents=True, exist_ok=True)

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        self._averages = Averages(self.model.optimizer)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        self._averages.note_step()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        logs = logs or {}
        if not math.isfinite(logs["loss"]):
            raise DivergedError(
                f"{self.folder.parent}: training diverged: the loss is {logs['loss']} after epoch "
                f"{epoch + 1}. Lower learning_rate, or use `precision: float32`."
            )
        before = self.progress
        score = None if self.monitor is None else _finite(logs.get(self.monitor))
        better = before is None or self._is_better(score, before.best_score)
        kept = None if better else before
        waited = kept.waited + 1 if kept is not None and kept.phase == self.phase else 0
        done = epoch + 1
        if better:
            with self._averages.in_model():  # which are what was scored
                self._best = self.selected.get_weights()
        out_of_patience = self.patience is not None and waited >= self.patience
        self.progress = Progress(
            phase=self.phase,
            phase_begun=self.phase_begun,
            phase_ended=done == self.last_epoch or out_of_patience,
            epoch=done,
            weights=f"epoch-{done:04d}{WEIGHTS}",
            best=f"best-{done:04d}.keras" if kept is None else kept.best,
            best_epoch=done if kept is None else kept.best_epoch,
            best_score=score if kept is None else kept.best_score,
            waited=waited,
            draws=[variable.numpy().tolist() for variable in _generators(self.model)],
        )
        if self.progress.phase_ended or time.monotonic() - self._saved >= SECONDS_BETWEEN:
            self._save(self.progress)
            self._saved = time.monotonic()
        if out_of_patience:
            self.model.stop_training = True

    @property
    def reached(self) -> Progress:
        """The progress after ``fit``."""
        if self.progress is None:
            raise DataError("nothing was trained: there is no epoch.")
        return self.progress

    def on_train_end(self, logs: Mapping[str, float] | None = None) -> None:
        # another callback has stopped the phase
        if self.progress is not None and not self.progress.phase_ended:
            # the last file may be of this epoch, too
            weights = f"epoch-{self.progress.epoch:04d}-ended{WEIGHTS}"
            self.progress = replace(self.progress, phase_ended=True, weights=weights)
            self._save(self.progress)

    def _save(self, progress: Progress) -> None:
        self._check_room()
        # the next phase begins with what fit leaves at the end of this one
        with (
            self._averages.in_model() if progress.phase_ended else nullcontext(),
            replacing(self.folder / progress.weights, WEIGHTS) as temporary,
        ):
            self.model.save_weights(temporary)
        if self._best is not None:
            latest = self.selected.get_weights()
            self.selected.set_weights(self._best)
            save_model(self.selected, self.folder / progress.best)
            self.selected.set_weights(latest)
            self._best = None
        write_json(self.folder / "progress.json", asdict(progress))
        for path in self.folder.iterdir():
            if path.name not in ("progress.json", progress.weights, progress.best):
                path.unlink(missing_ok=True)

    def _check_room(self) -> None:
        """Refuses a disk that is too full before a file is begun: HDF5 would end in tracebacks."""
        variables = [*self.model.variables, *self.model.optimizer.variables, *self.model.weights]
        sizes = (np.dtype(one.dtype).itemsize * math.prod(one.shape) for one in variables)
        needed = sum(sizes) + FILE_BYTES
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise DataError(
                f"{self.folder}: a checkpoint needs {file_size(needed)}, and {file_size(free)} "
                "are free. Make room, and the same command resumes after the last whole epoch."
            )

    def _is_better(self, score: float | None, best: float | None) -> bool:
        if self.monitor is None:
            return True
        if score is None or best is None:
            return score is not None
        return score > best if self.more_is_better else score < best


def _generators(model: keras.Model) -> list[keras.Variable]:
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
