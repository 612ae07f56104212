"""`Seeds`: what several trainings of one recipe say together, and of what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ecg_keras.evaluation import (
    MARGIN,
    Arm,
    Predictions,
    Thresholds,
    contrast,
    judge,
    with_interval,
)
from ecg_keras.json_files import CHECKS, as_name, parse_as, read_json, write_json
from ecg_keras.metrics import score_name
from ecg_keras.statistics.verdict import verdict_sentence
from ecg_keras.text import text_table


@dataclass(frozen=True)
class Trained:
    """One network that was tested, and from which probability on it says yes.

    Attributes:
        seed: of its training.
        run: its name.
        test: of the test records.
        thresholds: of each label.
    """

    seed: int
    run: str
    test: Predictions
    thresholds: Thresholds


@dataclass(frozen=True)
class SeedRow:
    """The scores of one seed; ``reference`` is ``None`` where nothing is compared."""

    seed: int
    run: str
    score: float
    reference: float | None

    def cells(self) -> tuple[str, ...]:
        """Seed, score, and where there is one the reference and the difference."""
        own = (str(self.seed), f"{self.score:.3f}")
        if self.reference is None:
            return own
        return (*own, f"{self.reference:.3f}", f"{self.score - self.reference:+.3f}")


@dataclass(frozen=True)
class Seeds:
    """What several seeds say.

    Attributes:
        metric: a name of `ecg_keras.metrics.METRICS`.
        sentence: the verdict over all seeds; without a reference, the score.
        rows: each seed.
        diagnostics: what speaks against the difference, a sentence each.
        mark: of the scores of the first one, without which the others are another recipe's.
    """

    metric: str
    sentence: str
    rows: tuple[SeedRow, ...]
    diagnostics: tuple[str, ...] = ()
    mark: str = ""

    def save_json(self, path: Path) -> None:
        """Writes ``seeds.json``, whole or not at all."""
        write_json(path, asdict(self))

    def table(self) -> str:
        """The sentence, and each seed as aligned plain text."""
        heading, rows = self.cells()
        text = "\n".join([self.sentence, *self.diagnostics])
        return f"{text}\n\n{text_table(heading, rows)}"

    def cells(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Heading and rows of the table of seeds."""
        compared = all(row.reference is not None for row in self.rows)
        heading = ("seed", score_name(self.metric), *(("baseline", "difference") * compared))
        return heading, [row.cells() for row in self.rows]


def judge_seeds(
    trained: Sequence[Trained],
    references: Sequence[Trained],
    *,
    names: tuple[str, str],
    metric: str,
    level: float,
    bootstrap: int,
    seed: int,
) -> Seeds:
    """The verdict over several seeds of one recipe against as many of another.

    Args:
        trained: at least two, on the same test records.
        references: as many, paired by seed; none compares with nothing.
        names: of the two recipes.
        metric, level, bootstrap, seed: as of `contrast`.

    Raises:
        DataError: the networks were tested on other records or labels.
    """
    settings: dict[str, Any] = {
        "metric": metric, "level": level, "bootstrap": bootstrap, "seed": seed,
    }  # fmt: skip
    arm = _arm(trained, names[0])  # which keeps its resampled scores for the difference
    own = contrast([arm], [1.0], **settings)
    if not references:
        sentence = (
            f"Over {len(trained)} seeds {names[0]} reaches a {score_name(metric)} of "
            f"{with_interval(own)}, the interval over seeds and test patients."
        )
        scores: Sequence[float | None] = [None] * len(trained)
    else:
        reference = _arm(references, names[1])
        found = contrast([arm, reference], [1.0, -1.0], **settings)
        (verdict,) = judge([found], margin=MARGIN, level=level)
        sentence = verdict_sentence(*names, metric, found, verdict)
        scores = contrast([reference], [1.0], **settings).by_seed
    rows = zip(trained, own.by_seed, scores, strict=True)
    return Seeds(
        metric,
        sentence,
        tuple(SeedRow(one.seed, one.run, score, other) for one, score, other in rows),
    )


def read_seeds(path: Path) -> Seeds:
    """What `Seeds.save_json` wrote.

    Raises:
        DataError: the file is missing or damaged.
    """
    return read_json(path, "seeds", _parse, "Remove it; `ecg-keras train` makes it again.")


def _arm(trained: Sequence[Trained], name: str) -> Arm:
    return Arm(
        tuple((one.test,) for one in trained),
        tuple((one.thresholds,) for one in trained),
        name=name,
    )


def _parse(content: dict[str, Any]) -> Seeds:
    found: Seeds = parse_as(Seeds, content, {**CHECKS, str: as_name})
    if not found.rows:
        raise ValueError("there is no seed")
    return found
