"""The network of a finished run as an export, with what it lost by the format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ecg_keras import data, evaluation, models
from ecg_keras.config import data_of
from ecg_keras.errors import DataError
from ecg_keras.training import Run
from ecg_keras.workflow.opened import chooser, open_finished

# of the training split, from which int8 takes its ranges
RANGE_ECGS = 128


def export_run(
    folder: str | Path,
    target: Path,
    *,
    format: str = "saved_model",
    precision: str = "float32",
    max_loss: float | None = None,
    replace: bool = False,
) -> Path:
    """Writes the network of a finished run into ``target``, checked against Keras on reload.

    Args:
        folder: the run.
        target: of the export; of a SavedModel its name is the version.
        format, precision, max_loss, replace: as of `export.export_model`. What float16 and int8
            lose is measured on the split that chose the run's epoch and thresholds.

    Raises:
        ConfigError: ``target`` exists and ``replace`` is not set, or its name is no version; the
            format lacks something that the network needs.
        DataError: the run is not finished, its shards are gone and int8 needs them, or the
            reloaded model differs from Keras or loses too much.

    Example:
        >>> export_run("runs/ptbxl_finetune", Path("serving/ptbxl/1"))
    """
    from ecg_keras import export

    run = open_finished(folder)
    dataset = data.read_dataset(run.dataset)
    scores = evaluation.Scores.load_json(run.scores) if run.scores.is_file() else None
    ecgs: dict[str, Any] = {} if precision == "float32" else _example_ecgs(run, precision)
    export.export_model(
        models.load_model(run.model),
        target,
        labels=dataset.labels,
        leads=dataset.leads,
        sampling_rate=dataset.sampling_rate,
        format=format,
        precision=precision,
        thresholds=scores.thresholds if scores else None,
        calibration=scores.calibration if scores else None,
        sets=scores.sets if scores else None,
        reading=data_of(dataset.settings, Path()),
        max_loss=export.MAX_LOSS if max_loss is None else max_loss,
        replace=replace,
        **ecgs,
    )
    return target


def _example_ecgs(run: Run, precision: str) -> dict[str, Any]:
    """ECGs of the run's own training and validation splits, where its shards are still there."""
    shards = None if run.card.is_file() else run.read_place("shards")
    if shards is None or not (shards / "dataset.json").is_file():
        if precision == "int8":
            raise DataError(
                f"{run.folder}: int8 needs ECGs of the run's training and validation splits, and "
                f"{shards or 'an imported run'} has none. Put its shards back, or take float16."
            )
        return {}
    first = next(iter(data.load(shards, "train", batch_size=RANGE_ECGS, cache=False)), None)
    return {
        "range_signals": None if first is None else first[0].numpy(),
        "valid": data.load(shards, chooser(run), batch_size=64, cache=False),
    }
