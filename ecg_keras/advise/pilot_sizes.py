"""How large pilot runs are: the largest that there is time for, by what this machine takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from ecg_keras import data
from ecg_keras.advise.ways import Way, epochs_for
from ecg_keras.config import Recipe
from ecg_keras.errors import ConfigError
from ecg_keras.json_files import as_count, read_json, write_json
from ecg_keras.study import Pilot, run_pilot, seconds_of_run, size_of, workloads_of

# fewest records of a pilot, where there are as many
LEAST = 200
# epochs of a pilot, as a share of a whole training's, where there is no time for all of them
SHARES = (0.6, 0.4, 0.2)
# of the time for pilots, in which to measure this machine
MEASURING = 0.2

Report = Callable[[str, int, int], Any]


@dataclass(frozen=True)
class Size:
    """How much a pilot run learns from: training records, and epochs."""

    records: int
    epochs: int


@dataclass(eq=False)
class PilotCosts:
    """What runs on the target take on this machine."""

    dataset: data.Dataset
    shards: Path
    folder: Path
    seeds: int
    pilot: Pilot = field(default_factory=lambda: Pilot(0.0, {}))

    def settle(
        self, ways: Sequence[Sequence[Way]], minutes: float, report: Report
    ) -> tuple[Size, Sequence[Way]]:
        """How large the pilots are, and of which ways: as in an earlier call, if there was one."""
        begun = time.perf_counter()
        self._measure(ways[0], MEASURING * 60 * minutes, report)
        kept = self.folder / "size.json"
        if kept.is_file():
            size, choice = read_json(kept, "sizes of pilots", _parse_size, "Remove it.")
        else:
            choice, size = self.choose(ways, 60 * minutes - (time.perf_counter() - begun), minutes)
            write_json(kept, {"choice": choice, "records": size.records, "epochs": size.epochs})
        return size, ways[choice]

    def _measure(self, ways: Sequence[Way], seconds: float, report: Report) -> None:
        needed = {one: None for way in ways for one in workloads_of(self.recipe(way, Size(1, 2)))}
        self.pilot = run_pilot(
            tuple(needed),
            self.folder / "pilot.json",
            seconds=seconds,
            on_progress=partial(report, "measure this machine"),
        )
        for workload, error in self.pilot.errors.items():
            raise ConfigError(f"{workload.backbone}: can't be trained here: {error}.")

    def seconds(self, way: Way, size: Size) -> float:
        """Of one training run."""
        recipe = self.recipe(way, size)
        timings = [self.pilot.timings[one] for one in workloads_of(recipe)]
        validated = replace(size_of(self.dataset), test=0)
        return seconds_of_run(recipe, validated, timings, scoring=0.0)

    def choose(
        self, ways: Sequence[Sequence[Way]], seconds: float, minutes: float
    ) -> tuple[int, Size]:
        """Which ways to try, and the largest pilots of them that there is time for."""
        sizes = list(sizes_of(self.dataset.splits["train"].records))
        # metrics rank checkpoints poorly, so a second one counts for more than long pilots
        long, short = sizes[: 1 - len(SHARES)], sizes[1 - len(SHARES) :]
        least = float("inf")
        for choice, size in [*product(range(len(ways)), long), *product(range(len(ways)), short)]:
            needed = self.seeds * sum(self.seconds(way, size) for way in ways[choice])
            if needed <= seconds:
                return choice, size
            least = min(least, needed)
        wanted = minutes + (least - seconds) / 60
        raise ConfigError(
            f"--pilot-minutes: the smallest pilot runs need about {wanted:.1f} minutes here. "
            f"Received: {minutes:g}. Give them more time, fewer --seeds or fewer checkpoints."
        )

    def recipe(self, way: Way, size: Size, seed: int = 0) -> Recipe:
        """Of a pilot run."""
        return way.recipe(
            self.dataset.settings,
            raw=self.shards,
            epochs=size.epochs,
            train_records=size.records,
            seed=seed,
            leaks="allow",  # what a checkpoint knows is reported with it, before any pilot
        )


def _parse_size(kept: dict[str, Any]) -> tuple[Size, int]:
    records, epochs, choice = (as_count(kept[key]) for key in ("records", "epochs", "choice"))
    return Size(records, epochs), choice


def sizes_of(records: int) -> Iterator[Size]:
    """From a whole training to the smallest pilot that shows anything."""
    yield Size(records, epochs_for(records))
    part = records
    while part > LEAST:
        yield Size(part, _share(SHARES[0], part))
        part //= 2
    least = min(records, LEAST)
    for share in SHARES:
        yield Size(least, _share(share, least))


def _share(share: float, records: int) -> int:
    return max(2, round(share * epochs_for(records)))
