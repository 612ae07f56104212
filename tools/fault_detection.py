"""Prints how often planted faults of leads, units and rates are found, and how many false alarms.

Run it with the folder that holds ptbxl/, ludb/ and challenge/:

    python tools/fault_detection.py ../shared/data

Faults are planted in random subsets of real databases and given to `signals.verify`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from markdown_tables import print_table

from ecg_keras.records import Signal
from ecg_keras.signals import LEADS, Repair, verify
from ecg_keras.signals.limb_leads import SYMMETRIES
from ecg_keras.sources import find_source

# name -> source, folder, rate
DATABASES = {
    "ptbxl 100 Hz": ("ptbxl", "ptbxl", 100),
    "ptbxl 500 Hz": ("ptbxl", "ptbxl", 500),
    "ludb": ("ludb", "ludb", 500),
    "cpsc2018": ("cpsc2018", "challenge/training/cpsc_2018", 500),
    "cpsc2018_extra": ("cpsc2018_extra", "challenge/training/cpsc_2018_extra", 500),
    "georgia": ("georgia", "challenge/training/georgia", 500),
    "ptb": ("ptb", "challenge/training/ptb", 1000),
    "ptbxl_challenge": ("ptbxl_challenge", "challenge/training/ptb-xl", 500),
    "chapman": ("chapman", "challenge/training/chapman_shaoxing", 500),
    "ningbo": ("ningbo", "challenge/training/ningbo", 500),
}
SIZES = (5, 10, 32)
CODE_TEST = (0, 1, 2, 4, 5, 3, 6, 7, 8, 9, 10, 11)

Fault = Callable[[Signal, np.random.Generator], Signal]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder with ptbxl/, ludb/ and challenge/")
    parser.add_argument(
        "--repeats",
        type=int,
        default=5,
        help="subsets for each cell; for false alarms ten times as many",
    )
    parser.add_argument("--only", help="plant only faults with this in their name")
    parser.add_argument("--records", type=int, default=120, help="read of each database, at most")
    arguments = parser.parse_args()
    databases = {
        name: read(arguments.data / folder, source, rate, arguments.records)
        for name, (source, folder, rate) in DATABASES.items()
    }
    if arguments.only is None:
        print("## False alarms\n")
        print_table(
            ("database", *(f"{size} records" for size in SIZES)),
            (
                (name, *(false_alarms(records, size, 10 * arguments.repeats) for size in SIZES))
                for name, records in databases.items()
            ),
        )
    print("\n## Planted faults: found, and of these repaired exactly\n")
    large = {name: records for name, records in databases.items() if len(records) >= max(SIZES)}
    small = {name: records for name, records in databases.items() if name not in large}
    print_table(
        ("fault", *(f"{', '.join(large)}: {size} records" for size in SIZES), "other sets: 10"),
        (
            (
                what,
                *(
                    detection(fault, list(large.values()), size, arguments.repeats)
                    for size in SIZES
                ),
                # the other sets have ten records, so one subset
                detect(fault, [records[:10] for records in small.values()]),
            )
            for what, fault in faults()
            if arguments.only is None or arguments.only in what
        ),
    )


def read(folder: Path, source: str, rate: int, limit: int) -> list[Signal]:
    module = find_source(source)
    label_set = next(iter(module.LABEL_SETS))
    infos = module.list_records(folder, label_set=label_set, sampling_rate=rate)[:limit]
    signals = [module.read_signal(info) for info in infos]
    return [Signal(one.values, one.sampling_rate, one.leads) for one in signals]


def faults() -> Iterator[tuple[str, Fault]]:
    """Each kind of fault, and what it does to a recording; the generator is the same for all."""
    for words, placement in list(SYMMETRIES.items())[1:]:
        yield words, columns((*placement.columns, *range(6, 12)), placement.signs)
    yield "CODE-test's order", columns(CODE_TEST)
    yield "aVR and aVL change columns", columns((0, 1, 2, 4, 3, *range(5, 12)))
    yield "I and II change columns", columns((1, 0, *range(2, 12)))
    yield "limb leads in any order and sign", any_order
    for lead in range(6):
        yield f"{LEADS[lead]} inverted", columns(range(12), [-(k == lead) or 1 for k in range(12)])
    yield "all leads inverted", columns(range(12), [-1] * 12)
    yield "chest leads before limb leads", columns((*range(6, 12), *range(6)))
    yield "V1 to V6 in reversed order", columns((*range(6), *range(11, 5, -1)))
    yield "two neighbouring chest leads exchanged", neighbours
    yield "one chest lead inverted", one_chest_lead
    yield "V1 to V6 inverted", columns(range(12), [1] * 6 + [-1] * 6)
    for factor in (1000.0, 0.001, 10.0, 0.1, 100.0):
        yield f"x {factor:g}", gain(factor)
    yield "x 200 (steps taken for mV)", gain(200.0)
    yield "aVL twice too large", gain(np.where(np.arange(12) == 4, 2.0, 1.0))
    yield "one chest lead x 10", one_chest_lead_larger
    yield "V1 to V6 x 10", gain(np.repeat([1.0, 10.0], 6))
    yield "each lead 1 mV high", lambda one, _: scaled(one, np.ptp(one.values, axis=0))
    yield "each lead standardised", lambda one, _: scaled(one, one.values.std(axis=0), centre=True)
    yield "each recording standardised", lambda one, _: scaled(one, one.values.std())
    for factor in (10.0, 5.0, 2.0, 0.5, 0.2, 0.1):
        yield f"rate x {factor:g}", rate(factor)


def columns(order: object, signs: object = (1,) * 12) -> Fault:
    def change(one: Signal, rng: np.random.Generator) -> Signal:
        sign = np.ones(12, dtype=np.float32)
        sign[: len(signs)] = signs
        return Signal(one.values[:, list(order)] * sign, one.sampling_rate, one.leads)

    return change


def any_order(one: Signal, rng: np.random.Generator) -> Signal:
    return columns((*rng.permutation(6), *range(6, 12)), rng.choice([-1, 1], 6))(one, rng)


def neighbours(one: Signal, rng: np.random.Generator) -> Signal:
    order, first = np.arange(12), rng.integers(6, 11)
    order[[first, first + 1]] = order[[first + 1, first]]
    return columns(order)(one, rng)


def one_chest_lead(one: Signal, rng: np.random.Generator) -> Signal:
    lead = rng.integers(6, 12)
    return columns(range(12), [-1 if k == lead else 1 for k in range(12)])(one, rng)


def one_chest_lead_larger(one: Signal, rng: np.random.Generator) -> Signal:
    return gain(np.where(np.arange(12) == rng.integers(6, 12), 10.0, 1.0))(one, rng)


def gain(factor: object) -> Fault:
    def change(one: Signal, rng: np.random.Generator) -> Signal:
        return Signal(one.values * np.float32(factor), one.sampling_rate, one.leads)

    return change


def scaled(one: Signal, by: object, *, centre: bool = False) -> Signal:
    values = one.values - one.values.mean(axis=0) * centre
    by = np.maximum(by, 1e-6)  # of a dead lead
    return Signal((values / by).astype(np.float32), one.sampling_rate, one.leads)


def rate(factor: float) -> Fault:
    def change(one: Signal, rng: np.random.Generator) -> Signal:
        return Signal(one.values, one.sampling_rate * factor, one.leads)

    return change


def false_alarms(records: list[Signal], size: int, repeats: int) -> str:
    if size > len(records):
        return ""
    rng = np.random.default_rng(size)
    found = sum(bool(verify(draw(records, size, rng)).findings) for _ in range(repeats))
    return f"{found} of {repeats}"


def detection(fault: Fault, databases: list[list[Signal]], size: int, repeats: int) -> str:
    rng = np.random.default_rng(size)
    return detect(
        fault, [draw(records, size, rng) for records in databases for _ in range(repeats)]
    )


def detect(fault: Fault, subsets: list[list[Signal]]) -> str:
    """The shares of subsets in which a fault is found, is repaired, and would be made worse."""
    found = fixed = wrong = 0
    for number, subset in enumerate(subsets):
        # every recording of a database has the same fault
        planted = [fault(one, np.random.default_rng(number)) for one in subset]
        result = verify(planted)
        found += bool(result.findings)
        if result.findings and result.repair is not None:
            right = is_mended(result.repair, subset, planted)
            fixed += right
            wrong += not right
    share = f"{found / len(subsets):.0%} ({fixed / len(subsets):.0%})"
    return share + f", {wrong / len(subsets):.0%} wrong" * bool(wrong)


def is_mended(repair: Repair, right: list[Signal], planted: list[Signal]) -> bool:
    """Whether the repair leads back to what was there."""
    for one, wrong in zip(right, planted, strict=True):
        values, rate, leads = repair.apply(wrong.values, wrong.sampling_rate, wrong.leads)
        back = values[:, [leads.index(lead) for lead in one.leads]]
        close = np.allclose(back, one.values, atol=0.02 * np.ptp(one.values))
        if not close or not np.isclose(rate, one.sampling_rate):
            return False
    return True


def draw(records: list[Signal], size: int, rng: np.random.Generator) -> list[Signal]:
    return [records[index] for index in rng.choice(len(records), size, replace=False)]


if __name__ == "__main__":
    main()
