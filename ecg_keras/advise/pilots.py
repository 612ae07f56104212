"""Short pilot runs: each way of training on some of the target's records, scored on validation."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras import data, evaluation
from ecg_keras.advise.ways import Way, epochs_for
from ecg_keras.config import Tune, fingerprint
from ecg_keras.errors import ConfigError
from ecg_keras.evaluation import Pair, Predictions, RunFacts, diagnose
from ecg_keras.files import as_count, read_json, write_json
from ecg_keras.statistics import Arm
from ecg_keras.study.arm_contrasts import score_run
from ecg_keras.study.costs import seconds_of_run
from ecg_keras.study.dataset_sizes import DatasetSize
from ecg_keras.study.pilot import Pilot, run_pilot, workloads_of
from ecg_keras.training import Run

# fewest records of a pilot, where there are so many
LEAST = 200
# epochs of a pilot, as a share of a whole training's, where there is no time for all of them
SHARES = (0.6, 0.4, 0.2)
# of the time for pilots, in which to measure this machine
MEASURING = 0.2

Tell = Callable[[str, int, int], Any]


@dataclass(frozen=True)
class Size:
    """How much a pilot run learns from: training records, and passes over them."""

    records: int
    epochs: int


@dataclass(frozen=True, eq=False)
class Piloted:
    """The pilot runs of one way.

    Attributes:
        way: which one.
        arm: what each seed says of the validation split.
        facts: of the training of each seed.
        seconds: of a run, the mean.
        full_seconds: that its whole recipe will take here, by what its pilots took.
    """

    way: Way
    arm: Arm
    facts: tuple[RunFacts, ...]
    seconds: float
    full_seconds: float


def run_pilots(
    ways: Sequence[Sequence[Way]],
    shards: Path,
    folder: Path,
    *,
    minutes: float,
    seeds: int,
    tune: Tune | None,
    tell: Tell,
) -> tuple[Size, tuple[Piloted, ...]]:
    """Trains every way with every seed, in about the time that is allowed.

    Runs that are finished are kept, so a call that was stopped goes on where it was.

    Args:
        ways: what to try, and what to try instead where there is no time for that.
        shards: of the target. Its test split is not read.
        folder: for the runs.
        minutes: for all of them together.
        seeds: of each way.
        tune: settings that each way is tried with; the one that validation prefers with one seed is
            trained with ``seeds`` other ones. ``None`` trains all ways with the same.
        tell: called with what is done, how many pieces of it are done, and how many there are.

    Raises:
        ConfigError: there is no time for the smallest pilots.
        DataError: a run fails.
    """
    dataset = data.describe(shards)
    marks = {way.checkpoint: _mark(Path(way.checkpoint)) for way in ways[0] if way.checkpoint}
    asked = {"target": dataset.fingerprint, "marks": marks, "minutes": minutes, "seeds": seeds}
    if tune is not None:
        asked["tune"] = tune.model_dump(mode="json")
    folder = folder / fingerprint({**asked, "ways": [str(way) for way in ways[0]]})[:12]
    costs = _Costs(dataset, shards, folder, seeds + (0 if tune is None else len(tune.candidates)))
    kept = folder / "size.json"
    begun = time.perf_counter()
    costs.measure(ways[0], MEASURING * 60 * minutes, tell)
    if kept.is_file():
        size, choice = read_json(kept, "sizes of pilots", _parse_size, "Remove it.")
        tried = ways[choice]
    else:
        choice, size = costs.choose(ways, 60 * minutes - (time.perf_counter() - begun), minutes)
        tried = ways[choice]
        write_json(kept, {"choice": choice, "records": size.records, "epochs": size.epochs})

    done, total = 0, costs.seeds * len(tried)
    tell("pilot runs", done, total)

    def train(way: Way, seed: int) -> tuple[Predictions, RunFacts, float]:
        nonlocal done
        run = Run(folder / f"{_slug(way)}-seed{seed}")
        said = _train(way, size, seed, shards, run, marks.get(way.checkpoint))
        done += 1
        tell("pilot runs", done, total)
        return said, evaluation.read_facts(run.folder), float(run.read_status()["seconds"])

    first = 0
    if tune is not None:
        tried = [_prefer([(one, train(one, 0)[0]) for one in way.settings(tune)]) for way in tried]
        first = 1  # the seed that chose flatters its choice
    # seed by seed, so that load of the machine hits all ways alike
    runs = [[train(way, seed) for way in tried] for seed in range(first, first + seeds)]
    piloted = []
    for way, of_way in zip(tried, zip(*runs, strict=True), strict=True):
        seconds = float(np.mean([spent for *_, spent in of_way]))
        whole = costs.seconds(way, next(_sizes(dataset.splits["train"].records)))
        piloted.append(
            Piloted(
                way=way,
                arm=Arm(tuple((said,) for said, _, _ in of_way), name=str(way)),
                facts=tuple(facts for _, facts, _ in of_way),
                seconds=seconds,
                full_seconds=whole * seconds / costs.seconds(way, size),
            )
        )
    return size, tuple(piloted)


def _prefer(tried: Sequence[tuple[Way, Predictions]]) -> Way:
    """The way with the setting that validation prefers."""
    ways = {way.setting.name: way for way, _ in tried}
    scores = {way.setting.name: evaluation.score_validation(said) for way, said in tried}
    return ways[evaluation.choose(scores, "macro_auroc")]


def _parse_size(chosen: dict[str, Any]) -> tuple[Size, int]:
    records, epochs, choice = (as_count(chosen[key]) for key in ("records", "epochs", "choice"))
    return Size(records, epochs), choice


@dataclass(eq=False)
class _Costs:
    """What runs on the target take on this machine."""

    dataset: data.Dataset
    shards: Path
    folder: Path
    seeds: int
    pilot: Pilot | None = None

    @property
    def counted(self) -> DatasetSize:
        splits = self.dataset.splits
        return DatasetSize(
            train=splits["train"].records,
            valid=splits["valid"].records,
            test=0,
            labels=len(self.dataset.labels),
            origin="shards",
            shard_bytes=0,
            stored=True,
        )

    def measure(self, ways: Sequence[Way], seconds: float, tell: Tell) -> None:
        needed = {one: None for way in ways for one in workloads_of(self._recipe(way, Size(1, 2)))}
        self.pilot = run_pilot(
            tuple(needed),
            self.folder / "pilot.json",
            seconds=seconds,
            on_progress=lambda *steps: tell("measure this machine", *steps),
        )
        for workload, error in self.pilot.errors.items():
            raise ConfigError(f"{workload.backbone}: can't be trained here: {error}.")

    def seconds(self, way: Way, size: Size) -> float:
        """Of one training run."""
        recipe = self._recipe(way, size)
        timings = [self.pilot.timings[one] for one in workloads_of(recipe)]
        return seconds_of_run(recipe, self.counted, timings, scoring=0.0)

    def choose(
        self, ways: Sequence[Sequence[Way]], seconds: float, minutes: float
    ) -> tuple[int, Size]:
        """Which ways to try, and the largest pilots of them that there is time for."""
        sizes = list(_sizes(self.counted.train))
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

    def _recipe(self, way: Way, size: Size) -> Any:
        return way.recipe(
            self.dataset.settings, raw=self.shards, epochs=size.epochs, train_records=size.records
        )


def _sizes(records: int) -> Iterator[Size]:
    """From a whole training to the smallest pilot that tells anything."""
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


def _train(
    way: Way, size: Size, seed: int, shards: Path, run: Run, mark: str | None
) -> Predictions:
    """What one pilot run says of the validation split."""
    stored = run.predictions("valid")
    if stored.is_file():
        return Predictions.load(stored)
    from ecg_keras import models
    from ecg_keras.keras_library import keras
    from ecg_keras.training import guard, train

    settings = data.describe(shards).settings
    recipe = way.recipe(
        settings,
        raw=shards,
        epochs=size.epochs,
        train_records=size.records,
        seed=seed,
        leaks="allow",  # what a checkpoint knows is told with it, before any pilot
    )
    upstream = Path(way.checkpoint) if way.checkpoint else None
    guard(
        recipe,
        shards=shards,
        run=run,
        upstream=upstream,
        upstream_mark=mark,
        on_warning=lambda message: None,
    )
    train(recipe, shards=shards, run=run, upstream=upstream, upstream_mark=mark)
    said = evaluation.predict(models.load_model(run.model), shards, "valid")
    keras.backend.clear_session()  # or the graphs of all runs stay in memory
    said.save(stored)
    return said


def _mark(checkpoint: Path) -> str:
    """What tells whether a checkpoint is still the same."""
    model = checkpoint / "model.keras" if checkpoint.is_dir() else checkpoint
    return hashlib.sha256(model.read_bytes()).hexdigest()


def _slug(way: Way) -> str:
    """A name for a folder; the marks in the parent's name tell checkpoints of one name apart."""
    setting = "" if way.setting is None else f"-{re.sub(r'[^0-9a-z.]+', '_', way.setting.name)}"
    if way.checkpoint is None:
        return f"scratch{setting}"
    place = hashlib.sha256(way.checkpoint.encode()).hexdigest()[:6]
    return f"{way.mode.replace(' ', '-')}-from-{Path(way.checkpoint).stem}-{place}{setting}"


def diagnose_pilots(one: Piloted, other: Piloted) -> tuple[str, ...]:
    """What speaks against the difference of two piloted ways, in sentences, as in a study."""
    scores = [
        [score_run(said, {}, "macro_auroc") for (said,) in piloted.arm.predictions]
        for piloted in (one, other)
    ]
    pairs = [
        Pair((first, second), both)
        for first, second, both in zip(
            one.facts, other.facts, zip(*scores, strict=True), strict=True
        )
    ]
    return diagnose((str(one.way), str(other.way)), pairs)
