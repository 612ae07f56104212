"""Prints which recordings a run does not answer, flags or misses, and how often sound ones are.

python tools/unlike_recordings.py ../shared/data runs/fold0 runs/fold1 ...   (of PTB-XL)

Each test ECG is changed in one way after another and predicted on its own. Beside the flag are
distances of embeddings, the methods that it was chosen over, with the same limit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from markdown_tables import print_table

from ecg_keras import data, models
from ecg_keras.array_types import Float32Array, TextArray
from ecg_keras.data import describe, read_shards
from ecg_keras.errors import DataError
from ecg_keras.evaluation import SignalReference
from ecg_keras.metrics import patient_quantile
from ecg_keras.prediction import LooseFiles, open_trained, predict
from ecg_keras.training import Run

EVERY = 2  # of the test ECGs, each such is taken
# standard leads of a 12-lead ECG by their columns, with signs
ARMS = [0, 2, 1, 4, 3, 5], [-1, 1, 1, 1, 1, 1]
ARM_AND_LEG = [2, 1, 0, 5, 4, 3], [-1, -1, -1, 1, 1, 1]


def main(root: Path, folders: list[Path]) -> None:
    rows: dict[str, list[tuple[float, ...]]] = {}
    for folder in folders:
        judge = Judge(folder)
        test = judge.read("test")[0][::EVERY]
        others = list(elsewhere(root)) if folder == folders[0] else []
        for name, signals in (*change(test, judge.rate), *others):
            rows.setdefault(name, []).append(judge.shares(signals))
    cells = []
    for name, parts in rows.items():
        counts = [part[0] for part in parts]
        shares = np.average([part[1:] for part in parts], axis=0, weights=counts)
        cells.append([f"{name} ({sum(counts)})", *(f"{share:.0%}" for share in shares)])
    header = ("recordings", "not answered", "another flag", "**unlike**", "Mahalanobis", "nearest")
    print_table((*header, "missed"), cells)


class Judge:
    """A run, and what is said of recordings by it and by distances of embeddings."""

    def __init__(self, folder: Path) -> None:
        run = Run(folder)
        self.shards = run.read_place("shards")
        dataset = describe(self.shards)
        self.rate, self.samples = dataset.sampling_rate, dataset.num_samples
        self.trained, self.reference = open_trained(folder), SignalReference.load(run.reference)
        self.graph = models.cut_head(models.load_model(folder))
        valid, patients = self.read("valid")
        known, embeddings = (self.embed(one) for one in (self.read("train")[0], valid))
        rate = max(0.01, 1 / (len(np.unique(patients)) + 1))
        self.methods: list[tuple[Callable[[Float32Array], Float32Array], float]] = []
        for method in (mahalanobis(known), nearest(known)):
            self.methods.append((method, patient_quantile(method(embeddings), patients, 1 - rate)))

    def read(self, split: str) -> tuple[Float32Array, TextArray]:
        records = list(read_shards(self.shards, split))
        signals = np.stack([one.signal for one in records]).astype(np.float32)
        return signals, np.array([one.patient_id for one in records])

    def embed(self, signals: Float32Array) -> Float32Array:
        parts = [signals[start : start + 64] for start in range(0, len(signals), 64)]
        return np.concatenate([np.asarray(self.graph(part)[0]) for part in parts])

    def shares(self, signals: Float32Array) -> tuple[float, ...]:
        reading = LooseFiles(sampling_rate=self.rate, unit="mV")
        answers = [predict(self.trained, one, reading=reading).rows[0] for one in signals]
        lost = np.array([one.values is None for one in answers])
        flagged = np.array([any("unlike" not in flag for flag in one.flags) for one in answers])
        unlike = self.reference.distance(signals) > 1
        embedded = self.embed(signals)
        beyond = [(method(embedded) > limit).mean() for method, limit in self.methods]
        missed = ~(lost | flagged | unlike)
        return len(signals), lost.mean(), flagged.mean(), unlike.mean(), *beyond, missed.mean()


def mahalanobis(known: Float32Array) -> Callable[[Float32Array], Float32Array]:
    """Distances by the shrunk covariance (Lee et al. 2018; Ledoit & Wolf 2004)."""
    from sklearn.covariance import LedoitWolf  # type: ignore[import-untyped]

    fitted = LedoitWolf().fit(known)
    return lambda embeddings: np.asarray(fitted.mahalanobis(embeddings), np.float32)


def nearest(known: Float32Array) -> Callable[[Float32Array], Float32Array]:
    """Distances from the fifth nearest of unit length (Sun et al. 2022)."""
    unit = known / np.maximum(np.linalg.norm(known, axis=1, keepdims=True), 1e-9)

    def distance(embeddings: Float32Array) -> Float32Array:
        other = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-9)
        return np.asarray(1 - np.sort(other @ unit.T, axis=1)[:, -5], np.float32)

    return distance


def change(x: Float32Array, rate: float) -> Iterator[tuple[str, Float32Array]]:
    """ECGs ``(records, num_samples, 12)`` in millivolts, and what may go wrong with them."""
    rng = np.random.default_rng(0)
    records, samples, leads = x.shape
    time = (np.arange(samples) / rate)[:, None]

    def rewire(columns: list[int], signs: list[int]) -> Float32Array:
        y = x.copy()
        y[:, :, :6] = x[:, :, columns] * np.array(signs, np.float32)
        return y

    def stretch(factor: float) -> Float32Array:
        places = (np.arange(samples) * factor) % (samples - 1)
        whole, part = places.astype(int), (places % 1)[:, None]
        return np.asarray(x[:, whole] * (1 - part) + x[:, whole + 1] * part, np.float32)

    def without(columns: list[int]) -> Float32Array:
        y = x.copy()
        y[:, :, columns] = 0
        return y

    def noise(size: float) -> Float32Array:
        return np.asarray(size * rng.normal(size=x.shape), np.float32)

    yield "test ECGs as they are", x
    yield "microvolts taken for millivolts", 1000 * x
    yield "volts taken for millivolts", x / 1000
    yield "twice the gain", 2 * x
    yield "half the gain", x / 2
    yield "upside down", -x
    yield "arms exchanged", rewire(*ARMS)
    yield "right arm and left leg exchanged", rewire(*ARM_AND_LEG)
    yield "V1 to V6 in reverse", x[:, :, [0, 1, 2, 3, 4, 5, 11, 10, 9, 8, 7, 6]]
    yield "leads in any order", np.stack([one[:, rng.permutation(leads)] for one in x])
    yield "lead II in all columns", np.repeat(x[:, :, 1:2], leads, axis=2)
    yield (
        "each lead of another patient",
        np.stack([x[rng.integers(records, size=leads), :, np.arange(leads)].T for _ in x]),
    )
    yield "all leads flat", without(list(range(leads)))
    yield "V1 flat", without([6])
    yield "last quarter zero", np.where(time < 0.75 * samples / rate, x, 0).astype(np.float32)
    yield "white noise of 0.1 mV", x + noise(0.1)
    yield "white noise of 0.5 mV", x + noise(0.5)
    yield "noise alone", noise(0.2)
    yield "hum of 0.1 mV", x + (0.1 * np.sin(2 * np.pi * 45 * time)).astype(np.float32)
    yield "wander of 1 mV", x + np.sin(2 * np.pi * 0.3 * time).astype(np.float32)
    yield "clipped at 0.3 mV", np.clip(x, -0.3, 0.3)
    yield "rate said to be half", stretch(2.0)
    yield "rate said to be double", stretch(0.5)
    yield "backwards", x[:, ::-1].copy()


def elsewhere(root: Path) -> Iterator[tuple[str, Float32Array]]:
    """Recordings of other databases, whole ones in windows of 10 s at 100 Hz."""
    for name, place in (
        ("LUDB", "ludb"),
        ("Challenge of 2021, without PTB-XL", "challenge/training"),
        ("Chagas, 7.3 s, padded with zeros", "chagas"),
    ):
        headers = [
            one for one in sorted((root / place).rglob("*.hea")) if "ptb-xl" not in one.parts
        ]
        yield name, np.stack(list(_windows(headers)))


def _windows(headers: list[Path]) -> Iterator[Float32Array]:
    from ecg_keras.config import Data
    from ecg_keras.records import RecordInfo

    settings = Data(source="folder", raw=Path(), sampling_rate=100, seconds=10, short="pad")
    source = LooseFiles(verify=False)
    for header in headers:
        info = RecordInfo(header.stem, header.stem, header, ())
        try:
            (one, *_) = data.convert_windows(info, source, settings, data.Verified(), 0, alone=True)
        except DataError as error:
            print(f"left out: {header.name}: {error}", file=sys.stderr)
            continue
        if isinstance(one, data.Converted):
            yield np.asarray(one.samples * np.float32(one.scale), np.float32)
        else:
            print(f"left out: {header.name}: {one.reason}", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(one) for one in sys.argv[2:]])
