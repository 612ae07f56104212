"""`Advice`: which checkpoint, which mode and which head, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ecg_keras.advise.candidates import CheckpointFacts
from ecg_keras.advise.frozen_heads import doubt_checkpoint
from ecg_keras.advise.pilot_sizes import Size
from ecg_keras.advise.pilots import Piloted, diagnose_pilots
from ecg_keras.advise.ways import Way, epochs_for
from ecg_keras.config import Tune
from ecg_keras.data import Dataset
from ecg_keras.errors import listed
from ecg_keras.evaluation import with_interval
from ecg_keras.statistics import Contrast, Verdict, Word, contrast, judge, overall
from ecg_keras.text import duration, percent, text_table
from ecg_keras.transferability import Ranking

# training records below which a label is called rare
RARE = 20


@dataclass(frozen=True)
class WayResult:
    """What the pilot runs of one way say, in macro AUROC on validation.

    The gain is over scratch, with an interval that holds for all ways at once; scratch has none,
    and no verdict. ``full_seconds`` is what the whole recipe is expected to take on this machine;
    ``is_extended`` says that its tuning tried one setting more, beyond the edge of the rates.
    """

    way: Way
    score: Contrast
    gain: Contrast | None
    verdict: Verdict | None
    seconds: float
    full_seconds: float
    diagnostics: tuple[str, ...] = ()
    is_extended: bool = False


@dataclass(frozen=True, eq=False)
class Advice:
    """What to do, and what that rests on.

    Attributes:
        shards: of the target.
        dataset: what is in them.
        candidates: the checkpoints.
        ranking: of them, by transferability.
        size: of the pilot runs.
        trials: of each way that was tried; scratch is the first.
        word: ``better`` where a way from a checkpoint is better than scratch, ``worse`` where every
            way is, ``equivalent`` where every way is that or worse, else ``inconclusive``.
        choice: what the recipe does.
        margin: differences below it do not matter.
        level: of the intervals.
        tune: settings that each way was tried with; ``None`` where all had the same.
    """

    shards: str
    dataset: Dataset
    candidates: tuple[CheckpointFacts, ...]
    ranking: Ranking
    size: Size
    trials: tuple[WayResult, ...]
    word: Word
    choice: WayResult
    margin: float
    level: float
    tune: Tune | None = None

    @property
    def leader(self) -> WayResult:
        """The way from a checkpoint that scored best, whether or not that is clear."""
        return max(self.trials[1:], key=lambda trial: trial.score.value)

    def facts(self) -> str:
        """Target and checkpoints, as text."""
        train, valid = self.dataset.splits["train"], self.dataset.splits["valid"]
        rare = [f"{label} {count}" for label, count in train.labels.items() if count < RARE]
        lines = [
            f"{self.shards}: {train.records} training records of {train.patients} patients, "
            f"{valid.records} for validation of {valid.patients}; "
            f"{len(self.dataset.labels)} labels"
        ]
        if rare:
            lines.append(f"  fewer than {RARE} training records: {', '.join(rare)}")
        for one in self.candidates:
            lines += one.lines(self.dataset)
        return "\n".join(lines)

    def table(self) -> str:
        """The pilot runs, as text."""
        ways = len(self.trials) - 1
        corrected = f", corrected for {ways}" if ways > 1 else ""
        header = [
            "pilot",
            "macro AUROC on validation",
            f"less scratch [{percent(self.level)}{corrected}]",
            "one run",
        ]
        rows = [
            [
                str(trial.way),
                f"{trial.score.value:.3f}",
                with_interval(trial.gain, "+"),
                duration(trial.seconds),
            ]
            for trial in self.trials
        ]
        return text_table(header, rows)

    def sentences(self) -> tuple[str, ...]:
        """The advice, the first sentence first."""
        records = self.dataset.splits["train"].records
        return (
            self._verdict(),
            # what holds of the data is noted of every way
            *dict.fromkeys(line for trial in self.trials for line in trial.diagnostics),
            *([self._what_would_decide()] if self.word == "inconclusive" else []),
            self._tuning(),
            self._head(),
            f"The recipe takes about {duration(self.choice.full_seconds)} on this machine: "
            f"{epochs_for(records)} epochs of {records} records, by what the pilots took.",
            *self._limits(),
        )

    def _verdict(self) -> str:
        """The word, for the reader."""
        way, gain = self.leader.way, with_interval(self.leader.gain, "+")
        tried = "the way" if len(self.trials) == 2 else f"all {len(self.trials) - 1} ways"
        if self.word == "better":
            chosen = str(self.choice.way)
            return (
                f"{chosen[0].upper()}{chosen[1:]}: expect a gain over scratch of about "
                f"{with_interval(self.choice.gain, '+')} macro AUROC."
            )
        if self.word == "worse":
            return (
                f"Train from scratch: {tried} from a checkpoint did worse; {way} did best, {gain} "
                "macro AUROC less scratch."
            )
        if self.word == "equivalent":
            verdicts = [trial.verdict for trial in self.trials if trial.verdict is not None]
            worse = any(verdict.word == "worse" for verdict in verdicts)
            return (
                f"Train from scratch: {tried} from a checkpoint scored within ±{self.margin:g} "
                f"macro AUROC of it{' or worse' if worse else ''}; {way}: {gain}."
            )
        return (
            f"The pilots do not show whether a checkpoint helps: {way} scored best, {gain} macro "
            "AUROC less scratch. Scratch is the default then: it needs nothing else, and carries "
            "over nothing of another database."
        )

    def _what_would_decide(self) -> str:
        undecided = [
            (trial, trial.verdict)
            for trial in self.trials
            if trial.verdict is not None and trial.verdict.word == "inconclusive"
        ]
        trial, verdict = max(undecided, key=lambda pair: pair[0].score.value)
        if verdict.more_seeds is None:
            return (
                f"More seeds alone would not decide it for {trial.way}: it takes more validation "
                "records, or a study."
            )
        return (
            f"If the difference stays, about {verdict.more_seeds} more seeds would decide it for "
            f"{trial.way} (--seeds {trial.score.seeds + verdict.more_seeds}, with as much more "
            "time)."
        )

    def _tuning(self) -> str:
        """How the ways were tuned, without which a gain may be one of rates."""
        if self.tune is None:
            alike = len({trial.way.rate for trial in self.trials}) == 1
            rates = "the same learning rate" if alike else "the usual rate of their network"
            return (
                f"The ways were not tuned: all had {rates}, which may suit one of them better "
                "(--tune tries several for each)."
            )
        chosen = ", ".join(f"{trial.way}: {trial.way.tuned_to}" for trial in self.trials)
        extended = [str(trial.way) for trial in self.trials if trial.is_extended]
        beyond = f", and one beyond for {listed(extended)}," if extended else ""
        return (
            f"Each way was tuned over {len(self.tune.candidates)} settings{beyond} on a seed of "
            f"its own ({chosen}), by the validation patients that score them: all scores flatter a "
            "little, and most where settings differ most. The recipe tunes again, with all records."
        )

    def _head(self) -> str:
        network, way = self.choice.way.network, self.choice.way
        if way.checkpoint is None:
            return f"Head: new, {network.backbone} with its {network.head} head."
        if way.keeps_head:
            return "Head: the checkpoint's own is kept, because it has the same labels."
        return f"Head: new, for the target's labels, on the checkpoint's {network.head} embedding."

    def _limits(self) -> Iterator[str]:
        """What the gain does not say."""
        records = self.dataset.splits["train"].records
        scratch, whole = self.trials[0].score, epochs_for(self.size.records)
        if scratch.low <= 0.5:
            yield (
                f"Scratch learnt nothing that shows ({with_interval(scratch)}): the gain is over "
                "chance."
            )
        if self.size.records < records:
            yield (
                f"The pilots learnt from {self.size.records} of {records} records. With more "
                "records the gain of pre-training may be smaller."
            )
        if self.size.epochs < whole:
            yield (
                f"They had {self.size.epochs} epochs, where a whole training on as many records "
                f"has {whole}: scratch may gain more from the others (more --pilot-minutes would "
                "show)."
            )
        leaky = [one.checkpoint for one in self.candidates if any(k.leaks for k in one.known)]
        if leaky:
            yield (
                f"{', '.join(leaky)}: the checkpoint has seen test or validation records of the "
                "target (leaks, above). What it gains there may be memory, and training from it "
                "will stop."
            )
        yield (
            "Nothing was looked at but training and validation records; a study shows what holds "
            "for patients who were never looked at: ecg-keras study."
        )


def weigh(
    piloted: Sequence[Piloted], *, margin: float, level: float, bootstrap: int, seed: int
) -> tuple[tuple[WayResult, ...], Word, WayResult]:
    """What the pilot runs say, in a word, and the way to go; scratch is the first of them.

    The verdicts are corrected for all ways from a checkpoint, because the best of several is looked
    at; the intervals hold for all at once (Bonferroni). Of better ways within ``margin`` of the
    best of them the cheapest is chosen. Where no way is better, scratch is.
    """
    reference, *others = piloted
    each = 1 - (1 - level) / len(others)
    gains = [
        contrast([one.arm, reference.arm], [1, -1], level=each, bootstrap=bootstrap, seed=seed)
        for one in others
    ]
    verdicts = judge(gains, margin=margin, level=level)
    results = []
    for one, gain, verdict in zip(piloted, (None, *gains), (None, *verdicts), strict=True):
        score = contrast([one.arm], [1], level=level, bootstrap=bootstrap, seed=seed)
        diagnostics = () if gain is None else diagnose_pilots(one, reference)
        if one.way.checkpoint is not None:
            diagnostics += doubt_checkpoint(
                one.heads, one.way.checkpoint, level=level, bootstrap=bootstrap, seed=seed
            )
        results.append(
            WayResult(
                way=one.way,
                score=score,
                gain=gain,
                verdict=verdict,
                seconds=one.seconds,
                full_seconds=one.full_seconds,
                diagnostics=diagnostics,
                is_extended=one.is_extended,
            )
        )
    word = overall(verdicts)
    if word == "better":
        better = [one for one in results if one.verdict and one.verdict.word == "better"]
        best = max(one.score.value for one in better)
        near = [one for one in better if one.score.value > best - margin]
        return tuple(results), word, min(near, key=lambda one: one.full_seconds)
    return tuple(results), word, results[0]
