"""Which test ECGs a page shows, by rules that are printed with them, and how it shows each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ecg_keras import metrics
from ecg_keras.array_types import BoolArray, Float64Array
from ecg_keras.attribution import Explanation, choose_label
from ecg_keras.data import Dataset, StoredRecord, describe, read_shards
from ecg_keras.errors import DataError
from ecg_keras.evaluation import Predictions
from ecg_keras.records import Signal
from ecg_keras.report.blocks import Drawing, ShownEcg
from ecg_keras.report.ecg_plot import draw_explained, part_drawn, scale_of
from ecg_keras.report.tables import Column, Table

EPSILON = 1e-7
MOST_LABELS = 12  # of an ECG; of more, those that something is to be said of
Stored = tuple[StoredRecord, Dataset]


@dataclass(frozen=True)
class Choice:
    """A record to show: its row in the predictions, the rule, and the label that it is about."""

    row: int
    rule: str
    label: str


def study_ecgs(
    predictions: Predictions,
    thresholds: Mapping[str, npt.ArrayLike],
    shards_folders: Sequence[str | Path],
    *,
    prefix: str = "worst",
) -> tuple[ShownEcg, ...]:
    """The worst miss, the worst false alarm and the largest loss, each on its grid.

    Args:
        predictions: out-of-fold, of the arm to show.
        thresholds: of each label one, or one for each record.
        shards_folders: the shards of each fold; each record is in the test split of one of them.
            None draws no ECG and shows truth and decision only.
        prefix: of the figures' names, unique in the page.

    Returns:
        Up to three ECGs for `write_study`.

    Raises:
        DataError: a folder is no finished dataset, or none of them tests a record that is shown.

    Example:
        >>> ids = np.array(["a", "b"])
        >>> shown = Predictions(("MI",), ids, ids, [[1], [0]], [[0.1], [0.2]])
        >>> [ecg.rule for ecg in study_ecgs(shown, {"MI": 0.5}, [])]
        ['Worst miss: the present label with the lowest probability']
    """
    records = len(predictions.record_ids)
    limits = np.stack(
        [np.broadcast_to(thresholds[label], records) for label in predictions.labels], axis=1
    )
    choices = choose_worst(predictions, limits)
    wanted = [str(predictions.record_ids[choice.row]) for choice in choices]
    stored = _read_tested(wanted, shards_folders) if shards_folders else {}
    return show_ecgs(predictions, limits, choices, stored, f"{prefix}-ecg")


def choose_records(predictions: Predictions, thresholds: Float64Array) -> tuple[Choice, ...]:
    """Up to six records: right, typical and wrong ones, each at most once.

    ``thresholds`` are ``(labels,)`` or ``(records, labels)``, here and below.
    """
    return _once([*_right(predictions, thresholds), *_wrong(predictions, thresholds)])


def choose_worst(predictions: Predictions, thresholds: Float64Array) -> tuple[Choice, ...]:
    """Up to three records that were answered worst, each at most once."""
    return _once(_wrong(predictions, thresholds))


def show_ecgs(
    predictions: Predictions,
    thresholds: Float64Array,
    choices: Sequence[Choice],
    stored: Mapping[str, Stored],
    prefix: str,
    explained: Mapping[str, Explanation] | None = None,
) -> tuple[ShownEcg, ...]:
    """The chosen ECGs with truth and decision; those that are ``stored`` are drawn too.

    What an answer rests on is marked where it is known: ``explained``, by record ids.
    """
    ids = [str(predictions.record_ids[choice.row]) for choice in choices]
    every = np.broadcast_to(thresholds, predictions.probabilities.shape)
    return tuple(
        _show(
            predictions,
            every[choice.row],
            choice,
            stored.get(record_id),
            (explained or {}).get(record_id),
            f"{prefix}{number}",
        )
        for number, (choice, record_id) in enumerate(zip(choices, ids, strict=True), start=1)
    )


def _once(candidates: Iterable[Choice]) -> tuple[Choice, ...]:
    chosen: dict[int, Choice] = {}
    for choice in candidates:
        chosen.setdefault(choice.row, choice)
    return tuple(chosen.values())


def _right(predictions: Predictions, thresholds: Float64Array) -> Iterator[Choice]:
    truth, probability, decided = _answers(predictions, thresholds)
    every = np.broadcast_to(thresholds, probability.shape)

    def choice(row: int, rule: str) -> Choice:
        limits = dict(zip(predictions.labels, every[row].tolist(), strict=True))
        return Choice(row, rule, choose_label(probability[row], predictions.labels, limits))

    order = _order(predictions)
    is_right = (truth == decided).all(axis=1) & truth.any(axis=1)
    right = order[is_right[order]]
    if len(right):
        yield choice(int(right[0]), "Surest right answer: every label right, smallest loss")
        other = right[(truth[right] != truth[right[0]]).any(axis=1)]
        if len(other):
            yield choice(int(other[0]), "Surest right answer with other labels than the first")
    yield choice(int(order[(len(order) - 1) // 2]), "Typical: the median loss of the test ECGs")


def _wrong(predictions: Predictions, thresholds: Float64Array) -> Iterator[Choice]:
    truth, probability, decided = _answers(predictions, thresholds)
    missed = "Worst miss: the present label with the lowest probability"
    alarm = "Worst false alarm: the absent label decided present with the highest probability"
    for wrong, key, rule in (
        (truth & ~decided, probability, missed),
        (~truth & decided, -probability, alarm),
    ):
        if wrong.any():
            worst = np.where(wrong, key, np.inf)
            row = int(np.lexsort((np.asarray(predictions.record_ids), worst.min(axis=1)))[0])
            yield Choice(row, rule, predictions.labels[int(worst[row].argmin())])
    row = int(_order(predictions)[-1])
    label = predictions.labels[int(_losses(predictions)[row].argmax())]
    yield Choice(row, "Largest loss of the test ECGs", label)


def _answers(
    predictions: Predictions, thresholds: Float64Array
) -> tuple[BoolArray, Float64Array, BoolArray]:
    probability = np.asarray(predictions.probabilities, np.float64)
    decided = metrics.decide(probability, thresholds).astype(bool)
    return np.asarray(predictions.targets, bool), probability, decided


def _order(predictions: Predictions) -> npt.NDArray[np.intp]:
    """Rows by their loss, the mean binary cross-entropy over the labels; equal ones by id."""
    loss = _losses(predictions).mean(axis=1)
    order: npt.NDArray[np.intp] = np.lexsort((np.asarray(predictions.record_ids), loss))
    return order


def _losses(predictions: Predictions) -> Float64Array:
    truth = np.asarray(predictions.targets, bool)
    kept = np.clip(np.asarray(predictions.probabilities, np.float64), EPSILON, 1 - EPSILON)
    return -np.where(truth, np.log(kept), np.log(1 - kept))


def _read_tested(record_ids: Sequence[str], folders: Sequence[str | Path]) -> Mapping[str, Stored]:
    """The wanted records, each with the dataset of the fold that tested it."""
    found: dict[str, Stored] = {}
    for folder in folders:
        dataset = describe(folder)
        for record in read_shards(folder, "test"):
            if record.record_id in record_ids:
                found[record.record_id] = (record, dataset)
        if len(found) == len(set(record_ids)):
            return found
    missing = ", ".join(sorted(set(record_ids) - set(found)))
    raise DataError(
        f"{', '.join(map(str, folders))}: no test split there has {missing}. Make the shards again "
        "with `ecg-keras study`."
    )


def _show(
    predictions: Predictions,
    thresholds: Float64Array,
    choice: Choice,
    stored: Stored | None,
    explanation: Explanation | None,
    name: str,
) -> ShownEcg:
    record_id = str(predictions.record_ids[choice.row])
    patient_id = str(predictions.patient_ids[choice.row])
    about = [f"Record {record_id}", *([f"patient {patient_id}"] * (patient_id != record_id))]
    drawing = None
    if stored is not None:
        record, dataset = stored
        about += [f"{record.age:.0f} years"] if record.age is not None else []
        about += [record.sex] if record.sex else []
        signal = Signal(record.signal, dataset.sampling_rate, dataset.leads)
        title = f"ECG of record {record_id}, {scale_of(signal)}"
        drawing = Drawing(name, title, "", lambda: draw_explained(signal, explanation))
        about += [part] if (part := part_drawn(signal)) else []
    sentence = f"{', '.join(about)}."
    if explanation is not None:
        sentence += f" {explanation.sentence}"
    table = _decisions(predictions, thresholds, choice.row)
    return ShownEcg(choice.rule, record_id, sentence, drawing, table)


def _decisions(predictions: Predictions, thresholds: Float64Array, row: int) -> Table:
    """Truth and decision of each label; of many labels, those that are not absent in both."""
    words = {True: "present", False: "absent"}
    rows = []
    answers = predictions.targets[row], predictions.probabilities[row], thresholds.tolist()
    for label, target, value, threshold in zip(predictions.labels, *answers, strict=True):
        truth, probability = bool(target), float(value)
        decided = bool(metrics.decide([[probability]], [threshold])[0, 0])
        verdict = "right" if decided == truth else ("missed" if truth else "false alarm")
        decision = f"{words[decided]}, {verdict}"
        rows.append((label, words[truth], decision, probability, threshold))
    notable = [one for one in rows if one[2] != "absent, right"] or rows[:1]
    shown = rows if len(rows) <= MOST_LABELS else notable
    others = len(rows) - len(shown)
    return Table(
        "",
        f"Truth and prediction of record {predictions.record_ids[row]}",
        f"The other {others} labels are absent and were decided absent." if others else "",
        (
            Column("label", "Label"),
            Column("truth", "Truth"),
            Column("decision", "Decision"),
            Column("probability", "Probability", "decimal"),
            Column("threshold", "Threshold", "decimal"),
        ),
        tuple(shown),
    )
