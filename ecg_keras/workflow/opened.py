"""What `evaluate` and `compare` take: a finished run, or a file of predictions made elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from ecg_keras import data, evaluation
from ecg_keras.config import load_recipe
from ecg_keras.errors import DataError
from ecg_keras.evaluation import TABLE_KINDS, choose_thresholds
from ecg_keras.training import Run

RESUME = (
    "Run the `ecg-keras train` command that began it once more: it resumes where it stopped and "
    "makes what is missing."
)
FILES = (".npz", *TABLE_KINDS)
# of a file with this name, the validation predictions are expected beside it, as in a run folder
TEST, VALID = "test", "valid"


@dataclass(frozen=True, eq=False)
class Opened:
    """One network's predictions of test records, and where its decisions begin.

    Attributes:
        path: of the run or file.
        test: predictions of the test split.
        thresholds: of each label; ``None`` where nothing says which, and 0.5 is taken.
        run: ``None`` for predictions made elsewhere.
    """

    path: Path
    test: evaluation.Predictions
    thresholds: Mapping[str, float] | None
    run: Run | None


def is_prediction_file(path: str | Path) -> bool:
    """Whether this names a file of predictions rather than a run folder.

    Example:
        >>> is_prediction_file("a.npz"), is_prediction_file("runs/quickstart")
        (True, False)
    """
    path = Path(path)
    return path.is_file() or (path.suffix.lower() in FILES and not path.is_dir())


def open_predictions(path: str | Path, valid: str | Path | None = None) -> Opened:
    """The test predictions of a finished run, or those in a file.

    Args:
        path: a run folder, or a file that `ecg_keras.evaluation.Predictions.load` reads.
        valid: predictions of the validation records, which choose the thresholds of a file; of one
            named ``test`` those named ``valid`` beside it are taken where none are given.

    Raises:
        DataError: there is no finished and scored run, or no readable file; the labels of the two
            files differ; or ``valid`` is given for a run.

    Example:
        >>> open_predictions("runs/quickstart").thresholds
    """
    path = Path(path)
    if not is_prediction_file(path):
        if valid is not None:
            raise DataError(
                f"{path}: a run has thresholds of its own. Give validation predictions only with a "
                f"file of predictions ({', '.join(FILES)})."
            )
        run = open_scored(path)
        scores = evaluation.Scores.load_json(run.scores)
        test = evaluation.Predictions.load(run.predictions("test"))
        return Opened(path, test, scores.thresholds, run)
    test, chosen = read_files(path, valid)
    if chosen is None:
        return Opened(path, test, None, None)
    best, _ = choose_thresholds(chosen)
    return Opened(path, test, dict(zip(test.labels, best.tolist(), strict=True)), None)


def read_files(
    path: str | Path, valid: str | Path | None
) -> tuple[evaluation.Predictions, evaluation.Predictions | None]:
    """Test predictions made elsewhere, with those of the validation records."""
    path = Path(path)
    test = evaluation.Predictions.load(path)
    beside = path.with_name(VALID + path.suffix)
    if valid is None and path.stem == TEST and beside.is_file():
        valid = beside
    if valid is None:
        return test, None
    chosen = evaluation.Predictions.load(valid)
    if chosen.labels != test.labels:
        raise DataError(
            f"{valid}: must have the labels of {path} in the same order, {', '.join(test.labels)}. "
            f"Received: {', '.join(chosen.labels)}."
        )
    return test, chosen


def tell_apart(first: str | Path, second: str | Path) -> tuple[str, str]:
    """What to call two runs or files: their names, with as many folders as make them differ."""
    parts = [
        (path.with_suffix("") if path.suffix.lower() in FILES else path).parts[::-1]
        for path in (Path(first), Path(second))
    ]
    same = 0
    for one, other in zip_longest(*parts):
        if one != other:
            break
        same += 1
    names = ["/".join(own[: same + 1][::-1]) for own in parts]
    return names[0], names[1]


def open_finished(folder: str | Path) -> Run:
    """The finished run in a folder; anything else is a `DataError`."""
    run = Run(Path(folder))
    if not run.folder.is_dir():
        raise DataError(
            f"{folder}: there is no such run folder. Name one, such as runs/quickstart."
        )
    state = run.read_status().get("state")
    if state is None:
        raise DataError(
            f"{folder}: not a run folder: it has no {run.status.name}. Name the folder of one run, "
            "such as runs/quickstart."
        )
    if state != "trained" or not run.model.is_file():
        raise DataError(f"{folder}: not a finished run (its state is {state}). {RESUME}")
    return run


def open_scored(folder: str | Path) -> Run:
    """The run in a folder, if it was scored on its test split.

    Raises:
        DataError: there is no finished run in it, its scores are missing, or it was imported.
    """
    run = open_finished(folder)
    if run.card.is_file():
        raise DataError(
            f"{folder}: imported weights, which have no scores of their own. Score them on data "
            f"with the same labels: ecg-keras evaluate {folder} --shards FOLDER."
        )
    for path in (run.scores, run.predictions(chooser(run)), run.predictions("test")):
        if not path.is_file():
            raise DataError(f"{path}: this run was not scored: there is no such file. {RESUME}")
    return run


def chooser(run: Run) -> str:
    """The split that chose the run's epoch and thresholds."""
    return load_recipe(run.recipe).recipe.training.validate_on


def shards_of(run: Run) -> list[Path]:
    """The shards that a run was trained from; none where they are gone."""
    with contextlib.suppress(DataError, KeyError):
        folder = run.read_place("shards")
        if data.describe(folder).fingerprint == data.read_dataset(run.dataset).fingerprint:
            return [folder]
    return []
