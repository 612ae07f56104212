"""How often `ecg-keras monitor` raises an alarm where nothing changed, and where something did.

    python tools/monitoring_alarms.py RUN [--splits 200] [--no-signals]

RUN is a finished run on real recordings. The records of its validation and test splits, which it
was not trained on, are parted at random by patient, many times: one part is the reference and one
is what was received, each with its signals, probabilities and truth. Then shifts are planted in the
second part.
"""

import argparse
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ecg_keras import data, prediction, validation
from ecg_keras.array_types import BoolArray, Float32Array, Float64Array
from ecg_keras.evaluation import Predictions, Scores
from ecg_keras.monitoring import Outputs, check_outputs
from ecg_keras.prediction import AnswerTable
from ecg_keras.text import percent, text_table
from ecg_keras.training import Run
from ecg_keras.validation.columns import arrange_figures
from ecg_keras.validation.schema import compare_recorders, make_schema
from ecg_keras.validation.statistics import count_batches
from ecg_keras.validation.tfdv import compare, load_tfdv

Figures = dict[str, Float32Array]
Parts = tuple[Outputs, Figures]


def gather(run: Run) -> tuple[AnswerTable, Float64Array]:
    """Answers and truth of the records that the run was not trained on."""
    dataset = data.read_dataset(run.dataset)
    rows = []
    for split in ("valid", "test"):
        rows += prediction.predict(run.folder, run.read_place("shards"), split=split).rows
    table = prediction.as_table(rows, len(dataset.labels), len(dataset.leads))
    known = [Predictions.load(run.predictions(split)) for split in ("valid", "test")]
    truth = {
        name: target
        for one in known
        for name, target in zip(one.record_ids.tolist(), one.targets, strict=True)
    }
    return table, np.array([truth[name] for name in table.record_ids.tolist()], np.float64)


def take(table: AnswerTable, truth: Float64Array, rows: BoolArray) -> Parts:
    """The records of one part."""
    outputs = Outputs(table.probabilities[rows], table.patient_ids[rows], truth[rows])
    return outputs, {name: values[rows] for name, values in table.figures.items()}


def of_figures(**factors: float) -> Callable[[Parts], Parts]:
    """Multiplies figures."""

    def change(parts: Parts) -> Parts:
        outputs, figures = parts
        return outputs, {
            name: values * np.float32(factors.get(name, 1)) for name, values in figures.items()
        }

    return change


def of_answers(slope: float, shift: float) -> Callable[[Parts], Parts]:
    """Probabilities whose logits are stretched and moved."""

    def change(parts: Parts) -> Parts:
        outputs, figures = parts
        p = np.clip(outputs.probabilities.astype(np.float64), 1e-6, 1 - 1e-6)
        logits = slope * np.log(p / (1 - p)) + shift
        return replace(outputs, probabilities=1 / (1 + np.exp(-logits))), figures

    return change


def fewer(label: int, share: float) -> Callable[[Parts], Parts]:
    """Leaves out most records with a label."""

    def change(parts: Parts) -> Parts:
        outputs, figures = parts
        targets = np.asarray(outputs.targets)
        rng = np.random.default_rng(len(targets))
        kept = (targets[:, label] == 0) | (rng.random(len(targets)) < share)
        less = Outputs(outputs.probabilities[kept], outputs.patients[kept], targets[kept])
        return less, {name: values[kept] for name, values in figures.items()}

    return change


SHIFTS: dict[str, Callable[[Parts], Parts]] = {
    "nothing": lambda parts: parts,
    "microvolts taken for millivolts": of_figures(
        peak_mv=1000, rms_mv=1000, deflection_mv=1000, noise_mv=1000, baseline_mv=1000
    ),
    "gain a tenth": of_figures(
        peak_mv=0.1, rms_mv=0.1, deflection_mv=0.1, noise_mv=0.1, baseline_mv=0.1
    ),
    "twice the sampling rate": of_figures(heart_rate=2, original_seconds=0.5),
    "twice the noise": of_figures(noise_mv=2),
    "a recorder of another rate": of_figures(original_hz=0.5),
    "one in five of those with the first label": fewer(0, 0.2),
    "logits times three": of_answers(3, 0),
    "logits and 1.5": of_answers(1, 1.5),
}


def judge(
    dataset: data.Dataset,
    reference: Parts,
    received: Parts,
    thresholds: dict[str, float],
    *,
    signals: bool,
) -> set[str]:
    """The kinds of alarms."""
    kinds = judge_signals(dataset, reference[1], received[1]) if signals else set()
    checks = check_outputs(
        dataset.labels,
        {"received": received[0]},
        usual=reference[0],
        scored=reference[0],
        thresholds=thresholds,
    )
    return kinds | {one.measure for one in checks["received"] if one.differs}


def judge_signals(dataset: data.Dataset, reference: Figures, received: Figures) -> set[str]:
    """The features that differ."""
    schema = make_schema(dataset)
    compare_recorders(schema)
    ours, theirs = (
        count_batches([arrange_figures(figures, dataset.leads)])
        for figures in (reference, received)
    )
    found = compare(ours, theirs, schema, "skew", "received")
    return {f"signals: {validation.feature_of(one.feature)}" for one in found.anomalies()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--planted", type=int, default=20, help="splits of each planted shift")
    parser.add_argument("--no-signals", dest="signals", action="store_false", help="outputs alone")
    options = parser.parse_args()
    load_tfdv()
    run = Run(options.run)
    dataset = data.read_dataset(run.dataset)
    table, truth = gather(run)
    thresholds = dict(Scores.load_json(run.scores).thresholds)
    people = np.unique(table.patient_ids)
    rows = []
    for name, change in SHIFTS.items():
        splits = options.planted if name != "nothing" else options.splits
        raised, kinds = 0, Counter[str]()
        for seed in range(splits):
            rng = np.random.default_rng(seed)
            share = rng.choice([0.25, 0.5, 0.75]) if name == "nothing" else 0.5
            chosen = np.isin(table.patient_ids, people[rng.random(len(people)) < share])
            found = judge(
                dataset,
                take(table, truth, ~chosen),
                change(take(table, truth, chosen)),
                thresholds,
                signals=options.signals,
            )
            raised += bool(found)
            kinds.update(found)
        often = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common(4))
        rows.append([name, f"{raised} of {splits}", percent(raised / splits, 1), often])
    print(
        f"{len(table.record_ids)} records of {len(people)} patients, {len(dataset.labels)} labels"
    )
    print(text_table(["planted", "alarms", "", "what raised them"], rows, left=4))


if __name__ == "__main__":
    main()
