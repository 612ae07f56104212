"""`explain_recordings`: answers about recordings, read as by `predict`, with what each rests on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.array_types import Float32Array
from ecg_keras.attribution.attribution_files import (
    check_attributions,
    keep,
    restore,
    write_attributions,
)
from ecg_keras.attribution.explaining import explainer
from ecg_keras.attribution.explanation import Explained, choose_label, explanations
from ecg_keras.config import fingerprint
from ecg_keras.errors import look_up
from ecg_keras.prediction import (
    Answer,
    Answers,
    Files,
    Journal,
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
    out: str | Path | None = None,
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
        out: an ``.npz`` to write at the end, as `write_attributions` does. Until it is there, what
            was explained is in a file beside it that ends in ``.part``: a command that was stopped
            resumes there. The first recording comes when the last is explained.
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
    if out is None:
        return _explain_all(request, ask, label, on_progress)
    check_attributions(Path(out))
    options = {"label": label, "method": method, "baseline": baseline, "steps": steps}
    mark = fingerprint({"asked": request.mark, **options})
    return _explain_the_rest(request, ask, label, on_progress, Path(out), mark, method)


def _explain_the_rest(
    request: Request,
    ask: Any,
    label: str | None,
    on_progress: OnProgress | None,
    out: Path,
    mark: str,
    method: str,
) -> Iterator[Explained]:
    """All recordings, once they are in the journal of a file, which goes when that is written."""
    with Journal(out, mark) as journal:
        for one in _explain_all(request, ask, label, on_progress, journal):
            journal.add(one.answer, keep(one))
        trained = request.trained
        rows = (restore(*kept, trained, method) for kept in request.recall(journal))
        yield from write_attributions(out, rows, trained, method)


def _explain_all(
    request: Request,
    ask: Any,
    label: str | None,
    on_progress: OnProgress | None,
    journal: Journal | None = None,
) -> Iterator[Explained]:
    """Those that the journal lacks."""
    done, trained = 0, request.trained

    def count(known: int) -> None:
        nonlocal done
        done += known

    answers = _answers(request.left(journal, count), request, label)
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


def _answers(
    readings: Iterable[Any], request: Request, label: str | None
) -> Iterator[tuple[Answer, Any, str]]:
    """Each answer, with the window that is explained, if any, and its label."""
    trained = request.trained
    for reading in readings:
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
