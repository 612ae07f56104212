"""How far apart the signatures of copies and of different patients are, on real ECGs.

    python tools/signature_margins.py --data ../shared/data

Prints the figures of docs/data.md ("Duplicates"): the cosines of known copies, of different
patients, and of different patients where one ECG is shifted in time until it fits best; which
planted copies are found; and what signatures and their comparison cost.
"""

from __future__ import annotations

import argparse
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.signal

from ecg_keras.array_types import BoolArray, Float32Array, Float64Array
from ecg_keras.data.identities import find_matches, stack
from ecg_keras.records import Signal
from ecg_keras.signals import SAME_SIGNATURE, signature
from ecg_keras.sources import find_source

CHALLENGE = {
    "cpsc2018": "cpsc_2018",
    "cpsc2018_extra": "cpsc_2018_extra",
    "georgia": "georgia",
    "ptb": "ptb",
    "chapman": "chapman_shaoxing",
    "ningbo": "ningbo",
    "ptbxl_challenge": "ptb-xl",
}
# pairs of records of PTB-XL that are one recording
TWICE = {"138": "137", "144": "143", "463": "145", "457": "456", "460": "459"}
SHIFTS = np.arange(0.0, 2.0, 0.02)

# database, record, patient
Name = tuple[str, str, str]


def main() -> None:
    """Prints every table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of real ECGs")
    parser.add_argument("--shifted", type=int, default=700, help="recordings that are shifted")
    given = parser.parse_args()
    signals = read_all(given.data)
    names = list(signals)
    rows = unit([sign(signals[name]) for name in names])
    recording = np.array([_recording(name) for name in names])
    same = recording[:, None] == recording[None]
    cosines = np.abs(rows @ rows.T)
    upper = np.triu(np.ones_like(same), 1).astype(bool)
    print(f"{len(names)} recordings; copies: {say(cosines[same & upper], np.min, 'lowest')}")
    different = differ(names)
    print(f"different patients: {say(cosines[different & upper], np.max, 'highest')}")

    chosen = [name for name in names if name[0] in ("ptbxl500", "ludb")][: given.shifted]
    for seconds in (8.0, 5.0, 3.0, 2.0):
        best, above = shift_all([signals[name] for name in chosen], differ(chosen), seconds)
        print(
            f"different patients, {seconds:g} s, one shifted: {say(best, np.max, 'highest')}; "
            + ", ".join(f"{count} above {limit}" for limit, count in above.items())
        )
    ten = [signals[name] for name in names if name[0] == "ptbxl500"]
    own = unit([sign(one) for one in ten])
    for title, change in CHANGES.items():
        found = np.abs((own * unit([sign(change(one)) for one in ten])).sum(axis=1))
        print(f"{title}: {np.mean(found >= SAME_SIGNATURE):.1%} found, lowest {found.min():.3f}")
    time_all(ten[0])


def read_all(folder: Path) -> dict[Name, Signal]:
    """Every recording by its name."""
    places = [
        ("ptbxl500", "ptbxl", 500, folder / "ptbxl"),
        ("ptbxl100", "ptbxl", 100, folder / "ptbxl"),
        ("ludb", "ludb", 500, folder / "ludb"),
    ]
    for name, inside in CHALLENGE.items():
        places.append((name, name, 500, folder / "challenge" / "training" / inside))
    found = {}
    for place, name, rate, root in places:
        source = find_source(name)
        label_set = next(iter(source.LABEL_SETS))
        for info in source.list_records(root, label_set=label_set, sampling_rate=rate):
            found[place, info.record_id, info.patient_id] = source.read_signal(info)
    return found


def sign(one: Signal) -> bytes:
    """The signature of a recording."""
    return signature(one.values, one.leads, one.sampling_rate)


def cut(one: Signal, start: float, seconds: float) -> Signal:
    """A part of a recording."""
    first = round(start * one.sampling_rate)
    last = first + round(seconds * one.sampling_rate)
    return Signal(one.values[first:last], one.sampling_rate, one.leads)


def padded(one: Signal, seconds: float) -> Signal:
    """A recording with zeros before and behind it."""
    rows = round(seconds * one.sampling_rate)
    values = np.pad(one.values, ((rows, rows), (0, 0)))
    return Signal(values, one.sampling_rate, one.leads)


def filtered(one: Signal, sections: Float64Array, *, both_ways: bool) -> Signal:
    """A recording behind a filter, forwards alone or both ways."""
    values = one.values.astype(np.float64) - one.values[:1]
    run = scipy.signal.sosfiltfilt if both_ways else scipy.signal.sosfilt
    return Signal(run(sections, values, axis=0).astype(np.float32), one.sampling_rate, one.leads)


def noisy(one: Signal, millivolts: float) -> Signal:
    """A recording with white noise."""
    noise = np.random.default_rng(0).normal(0, millivolts, one.values.shape)
    return Signal(one.values + noise.astype(np.float32), one.sampling_rate, one.leads)


def rounded(one: Signal, step: float) -> Signal:
    """A recording of low resolution."""
    return Signal(np.rint(one.values / step) * np.float32(step), one.sampling_rate, one.leads)


def design(order: int, band: float | list[float], kind: str) -> Float64Array:
    """A Butterworth filter for 500 Hz."""
    return np.asarray(scipy.signal.butter(order, band, kind, fs=500, output="sos"))


# what is done to ECGs before they are published again, and what hides a copy
CHANGES: dict[str, Callable[[Signal], Signal]] = {
    "steps of 20 µV": lambda one: rounded(one, 0.02),
    "white noise of 50 µV": lambda one: noisy(one, 0.05),
    "0.5 to 40 Hz, no delay": lambda one: filtered(
        one, design(2, [0.5, 40], "bandpass"), both_ways=True
    ),
    "from 0.5 Hz, with its delay": lambda one: filtered(
        one, design(1, 0.5, "highpass"), both_ways=False
    ),
    "to 100 Hz, with its delay": lambda one: filtered(
        one, design(4, 100, "lowpass"), both_ways=False
    ),
    "begins 4 ms later": lambda one: cut(one, 0.004, 99),
    "begins 6 ms later": lambda one: cut(one, 0.006, 99),
    "begins 10 ms later": lambda one: cut(one, 0.01, 99),
    "begins 20 ms later": lambda one: cut(one, 0.02, 99),
    "the first 9.8 s": lambda one: cut(one, 0, 9.8),
    "the first 9.5 s": lambda one: cut(one, 0, 9.5),
    "the first 9 s": lambda one: cut(one, 0, 9.0),
    "zeros of 0.1 s before and behind": lambda one: padded(one, 0.1),
    "zeros of 1.45 s before and behind": lambda one: padded(one, 1.45),
    "zeros of 20 ms before and behind": lambda one: padded(one, 0.02),
    "zeros of 50 ms before and behind": lambda one: padded(one, 0.05),
}


def unit(signatures: list[bytes]) -> Float32Array:
    """Signatures as rows of length 1."""
    rows = stack(signatures).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def differ(names: list[Name]) -> BoolArray:
    """Which pairs are of different patients and of different recordings."""
    patients = np.array([f"{name[0].rstrip('0123456789')} {name[2]}" for name in names])
    recording = np.array([_recording(name) for name in names])
    return (patients[:, None] != patients) & (recording[:, None] != recording)


def shift_all(
    signals: list[Signal], different: BoolArray, seconds: float
) -> tuple[Float32Array, dict[float, int]]:
    """The highest cosine of each pair over all shifts, and how many cosines are above limits."""
    still = unit([sign(cut(one, 0, seconds)) for one in signals])
    best = np.zeros(different.shape, np.float32)
    above = dict.fromkeys((0.8, 0.85, 0.9, SAME_SIGNATURE), 0)
    for shift in SHIFTS.tolist():
        moved = unit([sign(cut(one, shift, seconds)) for one in signals])
        cosines = np.abs(moved @ still.T)
        best = np.maximum(best, cosines)
        for limit in above:
            above[limit] += int((cosines[different] > limit).sum())
    return best[different], above


def time_all(one: Signal) -> None:
    """What a signature and comparisons take."""
    for order in ("C", "F"):
        values = np.array(one.values, order=order)
        took = min(
            timeit.repeat(
                lambda values=values: signature(values, one.leads, one.sampling_rate),
                number=200,
                repeat=7,
            )
        )
        print(f"a signature of {values.shape}, {order} order: {took / 200 * 1e6:.0f} µs")
    random = np.random.default_rng(0)
    a, b = (random.integers(-127, 128, (10_000, 64)).astype(np.int8) for _ in range(2))
    took = min(timeit.repeat(lambda: list(find_matches(a, b)), number=1, repeat=3))
    print(f"10,000 against 10,000: {took:.2f} s; 100,000 against 100,000: about {took * 100:.0f} s")


def say(cosines: Float32Array, extreme: Callable[[Float32Array], float], word: str) -> str:
    """How many cosines there are, and the lowest or highest."""
    return f"{len(cosines):,} pairs, {word} {extreme(cosines):.3f}"


def _recording(name: Name) -> str:
    """What copies have in common."""
    place, record, _ = name
    if place not in ("ptbxl500", "ptbxl100", "ptbxl_challenge"):
        return f"{place} {record}"
    number = record.removeprefix("HR").lstrip("0")
    return TWICE.get(number, number)


if __name__ == "__main__":
    main()
