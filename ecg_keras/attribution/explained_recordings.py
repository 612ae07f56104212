"""`explain_recordings`: answers about recordings, read as by `predict`, with what each rests on."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.attribution.explaining import explainer
from ecg_keras.attribution.explanation import Explanation, choose_label, explanations
from ecg_keras.errors import ConfigError, DataError, look_up
from ecg_keras.files import replacing
from ecg_keras.prediction import (
    Answer,
    Answers,
    Files,
    LooseFiles,
    OnProgress,
    OnWarning,
    Request,
    TrainedNetwork,
    answer_all,
    open_trained,
)
from ecg_keras.records import Signal

TOGETHER = 32  # recordings whose answers are explained at once
# numbers of a recording in a file, and what they are there
BLOCKS = ("attributions", "signals")
# NumPy does not give the types of these functions
_NPY: Any = np.lib.format


@dataclass(frozen=True, eq=False)
class Explained:
    """The answer about a recording, the window that is explained, and what it rests on.

    Attributes:
        answer: as of `predict`.
        signal: the window in millivolts; of a longer recording the one in which the label is most
            probable. ``None`` where nothing is answered.
        window: its number, from 1, in the recording, whose windows may not all be usable; 0 where
            it is the first that is.
        explanation: of the label; ``None`` where nothing is answered.
    """

    answer: Answer
    signal: Signal | None = None
    window: int = 0
    explanation: Explanation | None = None


class _Strongest:
    """Of each label the window with its largest probability, while windows are answered."""

    def __init__(self, trained: TrainedNetwork) -> None:
        self.trained = trained
        # of the windows that are not answered yet
        self.numbers: deque[int] = deque()
        self.windows: dict[int, tuple[float, int, Float32Array]] = {}

    def count(self, windows: Iterable[Any]) -> Iterator[Any]:
        """The windows of a recording, whose numbers count those that can't be used."""
        for number, window in enumerate(windows, 1):
            if not isinstance(window, str):
                self.numbers.append(number)
            yield window

    def forward(self, batch: Float32Array) -> Float32Array:
        answers = self.trained.forward(batch)
        numbers = [self.numbers.popleft() for _ in batch]
        for column, row in enumerate(answers.argmax(axis=0)):
            largest = float(answers[row, column])
            if column not in self.windows or largest > self.windows[column][0]:
                self.windows[column] = largest, numbers[row], batch[row].copy()
        return answers


def explain_recordings(
    model: str | Path | TrainedNetwork,
    files: Files,
    *,
    label: str | None = None,
    method: str = "integrated_gradients",
    baseline: str = "isoelectric",
    steps: int = 64,
    reading: LooseFiles | None = None,
    split: str | None = None,
    aggregate: str = "mean",
    batch_size: int = 32,
    workers: int = 1,
    on_progress: OnProgress | None = None,
    on_warning: OnWarning | None = None,
) -> Iterator[Explained]:
    """Asks a network about recordings and says what each answer rests on, one after the other.

    Args:
        model: a run folder, a ``.keras`` file beside its ``dataset.json``, or what `open_trained`
            returns of these.
        files, reading, split, aggregate, workers, on_progress, on_warning: as of
            `ecg_keras.predict`.
        label: that is explained; by default the one that is furthest above its threshold, or
            nearest to it, of each recording.
        method, baseline, steps: as of `explain`.
        batch_size: windows at once; changes speed and memory.

    Yields:
        An `Explained` for each recording, in their order.

    Raises:
        ConfigError, DataError: as of `ecg_keras.predict` and `explain`.

    Example:
        >>> for one in explain_recordings("runs/ptbxl_scratch", "incoming"):  # doctest: +SKIP
        ...     print(one.answer.record_id, one.explanation and one.explanation.sentence)
    """
    trained = model if isinstance(model, TrainedNetwork) else open_trained(model)
    if label is not None:
        look_up("label", label, dict.fromkeys(trained.labels))
    ask = explainer(trained, method=method, baseline=baseline, steps=steps, batch_size=batch_size)
    request = Request.check(
        trained, files, reading, split, aggregate, batch_size, workers, on_warning
    )
    return _explain_all(request, ask, label, on_progress)


def _explain_all(
    request: Request, ask: Any, label: str | None, on_progress: OnProgress | None
) -> Iterator[Explained]:
    answers = _answers(request, label)
    done, trained = 0, request.trained
    while group := list(islice(answers, TOGETHER)):
        known = [one for one in group if one[1] is not None]
        found = iter(
            explanations(
                ask(np.stack([one[1][2] for one in known]), [one[2] for one in known]),
                trained.leads,
                trained.sampling_rate,
            )
            if known
            else ()
        )
        for answer, window, _ in group:
            done += 1
            if on_progress is not None:
                on_progress(done, request.total)
            if window is None:
                yield Explained(answer)
            else:
                signal = Signal(window[2], trained.sampling_rate, trained.leads)
                yield Explained(answer, signal, window[1], next(found))


def _answers(request: Request, label: str | None) -> Iterator[tuple[Answer, Any, str]]:
    """Each answer, with the window that is explained, if any, and its label."""
    trained = request.trained
    for reading in request.readings():
        strongest = _Strongest(trained)
        (answer,) = answer_all(
            strongest.forward,
            [replace(reading, windows=strongest.count(reading.windows))],
            batch_size=request.batch_size,
            aggregate=request.reader.aggregate,
            has_distance=trained.reference is not None,
        )
        if answer.values is None:
            yield answer, None, ""
            continue
        name = label or choose_label(answer.values, trained.labels, trained.thresholds)
        yield answer, strongest.windows[trained.labels.index(name)], name


def explain_shown(
    trained: TrainedNetwork, answers: Answers, *, label: str | None = None, steps: int = 32
) -> dict[str, Explained]:
    """What answers rest on, for the ECGs that are kept in ``answers.shown``.

    Args:
        trained: the network that was asked.
        answers: of `ecg_keras.predict` with ``shown``.
        label, steps: as of `explain_recordings`.

    Returns:
        By `Answers.name`, as ``answers.shown``. Empty where there is nothing to explain, or the
        network is a SavedModel, which has no gradients.

    Example:
        >>> trained = open_trained("runs/ptbxl_scratch")  # doctest: +SKIP
        >>> explain_shown(trained, predict(trained, "in", shown=6))  # doctest: +SKIP
    """
    known = {
        answers.name(one): (one, one.values)
        for one in answers.rows
        if answers.name(one) in answers.shown and one.values is not None
    }
    if trained.model is None or not known:
        return {}
    names = [
        label or choose_label(values, answers.labels, answers.thresholds)
        for _, values in known.values()
    ]
    signals = np.stack([answers.shown[name].values for name in known])
    found = explainer(trained, steps=steps)(signals, names)
    return {
        name: Explained(one, answers.shown[name], 0 if one.lost else 1, explanation)
        for (name, (one, _)), explanation in zip(
            known.items(), explanations(found, trained.leads, trained.sampling_rate), strict=True
        )
    }


def write_attributions(
    path: str | Path, rows: Iterable[Explained], trained: TrainedNetwork, method: str
) -> Iterator[Explained]:
    """Passes explained recordings on, and writes an ``.npz`` of them at the end, whole or not.

    It holds ``record_ids``, ``labels``, ``probabilities`` (of the label, of the whole recording),
    ``windows`` (numbers, from 1), ``residuals``, ``attributions`` and ``signals`` (in millivolts,
    ``(records, num_samples, num_leads)``), and ``leads``, ``sampling_rate`` and ``method``. No more
    than a recording is in memory.

    Raises:
        ConfigError: the name does not end in ``.npz``.
        DataError: there is a file of that name that holds no attributions.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise ConfigError(
            f"{path}: attributions are written as an .npz. Received: {path.suffix!r}."
        )
    if path.exists() and not _is_of_attributions(path):
        raise DataError(
            f"{path}: is there already, and holds no attributions, so it is left alone. Name "
            "another file, or remove it."
        )
    return _write(path, rows, trained, method)


def _is_of_attributions(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "attributions.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def _write(
    path: Path, rows: Iterable[Explained], trained: TrainedNetwork, method: str
) -> Iterator[Explained]:
    path.parent.mkdir(parents=True, exist_ok=True)
    facts: list[tuple[str, str, float, int, float]] = []
    shape: tuple[int, ...] = (trained.num_samples, len(trained.leads))
    with ExitStack() as stack:
        spools = {
            name: stack.enter_context(tempfile.TemporaryFile(dir=path.parent)) for name in BLOCKS
        }
        for one in rows:
            found, values = one.explanation, one.answer.values
            if found is not None and one.signal is not None and values is not None:
                shape = found.values.shape
                probability = float(values[trained.labels.index(found.label)])
                name = one.answer.record_id.encode("utf-8", "backslashreplace").decode()
                facts.append((name, found.label, probability, one.window, found.residual))
                for spool, block in zip(
                    spools.values(), (found.values, one.signal.values), strict=True
                ):
                    spool.write(np.ascontiguousarray(block, "<f4").tobytes())
            yield one
        columns = zip(*facts, strict=True) if facts else ((),) * 5
        names, labels, probabilities, windows, residuals = columns
        arrays = {
            "record_ids": np.array(names, np.str_),
            "labels": np.array(labels, np.str_),
            "probabilities": np.array(probabilities, np.float32),
            "windows": np.array(windows, np.int64),
            "residuals": np.array(residuals, np.float64),
            "leads": np.array(trained.leads),
            "sampling_rate": np.array(trained.sampling_rate),
            "method": np.array(method),
        }
        shapes = {"attributions": shape, "signals": (trained.num_samples, len(trained.leads))}
        with replacing(path) as temporary:
            np.savez_compressed(temporary, **arrays)
            with zipfile.ZipFile(temporary, "a", zipfile.ZIP_DEFLATED) as archive:
                for name, spool in spools.items():
                    _add(archive, name, spool, (len(facts), *shapes[name]))


def _add(archive: zipfile.ZipFile, name: str, spool: IO[bytes], shape: tuple[int, ...]) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    spool.seek(0)
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        _NPY.write_array_header_1_0(member, header)
        shutil.copyfileobj(spool, member)
