"""Keras callbacks for a user's own training script: stages that thaw, and the time to a score."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ecg_keras import models
from ecg_keras.errors import ConfigError, listed
from ecg_keras.json_files import as_number, read_json, write_json
from ecg_keras.keras_library import CopiedCallback

_ADVICE = "Remove it, or name another file."


class UnfreezeStages(CopiedCallback):
    """Lets more and more stages of a network train, in one ``fit`` with one optimizer.

    Gradual unfreezing: first the head, which is new, then stage after stage before it. Keras reads
    what trains when it compiles, so that a change of ``trainable`` in a callback would do nothing;
    here the optimizer is built for all weights that will train, and the step is traced again where
    a stage thaws. Which stages train follows from the epoch alone, so that it resumes.

    Args:
        stages: the first stage that trains, from these epochs on (from 0).

    Raises:
        ConfigError: no epoch 0 is named; when training begins: the model has no such stage, or its
            optimizer was built for fewer weights.

    Source:
        Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification" (2018),
        section 3.3.

    Example:
        >>> thaw = UnfreezeStages({0: "head", 2: "stage4", 4: "stem"})
        >>> model.fit(train, epochs=10, callbacks=[thaw])
    """

    def __init__(self, stages: Mapping[int, str]) -> None:
        super().__init__()
        self.stages = dict(sorted(stages.items()))
        if 0 not in self.stages or min(self.stages) < 0:
            raise ConfigError(
                "UnfreezeStages needs the stage that trains from epoch 0 on. Received: "
                f"{listed([f'{epoch}: {name}' for epoch, name in self.stages.items()]) or 'none'}."
            )
        self._now: str | None = None

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        model, optimizer = self.model, self.model.optimizer
        order = models.stages(model)
        for name in self.stages.values():  # the earliest last, so that all of them are checked
            models.set_trainable(model, name)
        models.set_trainable(model, min(self.stages.values(), key=order.index))
        with model.distribute_strategy.scope():
            if not optimizer.built:
                optimizer.build(model.trainable_variables)
        known = {variable.path for variable in optimizer._trainable_variables}
        if missing := [one.path for one in model.trainable_variables if one.path not in known]:
            raise ConfigError(
                f"the optimizer was built without {missing[0]}, which is to train later. Compile "
                "the model again before fit."
            )
        # with use_ema, Keras pairs what trains at the end of fit with all averages, by place
        optimizer.finalize_variable_values = lambda _: type(optimizer).finalize_variable_values(
            optimizer, optimizer._trainable_variables
        )
        self._now = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        name = self.stages[max(begin for begin in self.stages if begin <= epoch)]
        if name != self._now:
            models.set_trainable(self.model, name)
            self.model.make_train_function(force=True)
            self._now = name


class TimeToQuality(CopiedCallback):
    """How long training took until a score was good enough: seconds of training and validation.

    What a speed-up is worth: a faster step that needs more of them saves nothing. The clock runs
    from the beginning of each epoch to this callback, so place it after `ValidationScores`.

    Args:
        monitor: a score in the logs.
        target: what it has to reach.
        path: a JSON file that keeps the seconds, so that a training that was killed resumes with
            them; none keeps them in memory, where a ``fit`` that begins later finds none.
        mode: ``"max"`` where more is better, ``"min"`` where less is.
        stop: end the training there.

    Attributes:
        epoch: number of the first epoch that reached it, from 1; ``None`` before.
        seconds: until the end of that epoch; ``None`` before, and where earlier epochs are unknown.

    Raises:
        ConfigError: ``mode`` is another; after an epoch: the logs have no such score.
        DataError: when training begins: the file is of another kind.

    Source:
        Mattson et al., "MLPerf Training Benchmark" (2020), section 3.1: time to train to a quality.

    Example:
        >>> timed = TimeToQuality("val_macro_auroc", 0.9)
        >>> model.fit(train, epochs=30, callbacks=[ValidationScores(valid, labels), timed])
        >>> timed.epoch, timed.seconds
        (12, 431.5)
    """

    writes = ("path", "")

    def __init__(
        self,
        monitor: str,
        target: float,
        *,
        path: str | Path | None = None,
        mode: str = "max",
        stop: bool = False,
    ) -> None:
        super().__init__()
        if mode not in ("max", "min"):
            raise ConfigError(f"mode must be max or min. Received: {mode!r}.")
        self.monitor, self.target, self.mode, self.stop = monitor, target, mode, stop
        self.path = None if path is None else Path(path)
        self._epochs: list[tuple[float, float]] = []  # seconds and score of each, NaN of unknown
        self._begun = 0.0

    @property
    def epoch(self) -> int | None:
        sign = 1 if self.mode == "max" else -1
        scores = (sign * score for _, score in self._epochs)
        return next((n for n, one in enumerate(scores, 1) if one >= sign * self.target), None)

    @property
    def seconds(self) -> float | None:
        seconds = math.fsum(s for s, _ in self._epochs[: self.epoch])
        return None if self.epoch is None or math.isnan(seconds) else seconds

    def on_train_begin(self, logs: Mapping[str, float] | None = None) -> None:
        if self.path is not None and self.path.is_file():
            self._epochs = read_json(self.path, "times of epochs", _parse_epochs, _ADVICE)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        unknown = [(math.nan, math.nan)] * (epoch - len(self._epochs))
        self._epochs = [*self._epochs[:epoch], *unknown]  # those after it are trained again
        self._begun = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self.monitor not in (logs or {}):
            found = listed(sorted(logs or {})) or "none"
            raise ConfigError(
                f"the logs have no {self.monitor}. They have: {found}. Place TimeToQuality after "
                "the callback that adds it, and validate in every epoch (validation_freq=1)."
            )
        score = float((logs or {})[self.monitor])
        self._epochs.append((time.perf_counter() - self._begun, score))
        if self.path is not None:
            kept = [[None if math.isnan(one) else one for one in pair] for pair in self._epochs]
            write_json(self.path, {"epochs": kept})
        if self.stop and self.epoch is not None:
            self.model.stop_training = True


def _parse_epochs(tree: Mapping[str, Any]) -> list[tuple[float, float]]:
    pairs = ([math.nan if one is None else as_number(one) for one in p] for p in tree["epochs"])
    return [(seconds, score) for seconds, score in pairs]
