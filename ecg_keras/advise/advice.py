"""`Advice`: which checkpoint, which mode and which head, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ecg_keras.advise.candidates import Candidate
from ecg_keras.advise.pilots import Piloted, Size, diagnose_pilots
from ecg_keras.advise.ways import Way, epochs_for
from ecg_keras.config import Tune
from ecg_keras.data import Dataset
from ecg_keras.evaluation import with_interval
from ecg_keras.statistics import Contrast, contrast, judge
from ecg_keras.text import duration, percent, text_table
from ecg_keras.transferability import Ranking

Word = Literal["transfer", "equivalent", "scratch", "cannot tell"]

# training records below which a label is called rare
RARE = 20


@dataclass(frozen=True)
class Trial:
    """What the pilot runs of one way say.

    Attributes:
        way: which one.
        score: macro AUROC on validation, the mean over seeds.
        gain: over scratch, with an interval that holds for all ways at once; ``None`` for scratch.
        seconds: of a pilot run.
        full_seconds: that the whole recipe is expected to take on this machine.
        diagnostics: what speaks against the gain, a sentence each.
    """

    way: Way
    score: Contrast
    gain: Contrast | None
    seconds: float
    full_seconds: float
    diagnostics: tuple[str, ...] = ()


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
        word: ``transfer`` where a way is better than scratch, ``scratch`` where every way is worse,
            ``equivalent`` where none differs from it by the margin, else ``cannot tell``.
        choice: what the recipe does.
        margin: differences below it do not matter.
        level: of the intervals.
        tune: settings that each way was tried with; ``None`` where all had the same.
    """

    shards: str
    dataset: Dataset
    candidates: tuple[Candidate, ...]
    ranking: Ranking
    size: Size
    trials: tuple[Trial, ...]
    word: Word
    choice: Trial
    margin: float
    level: float
    tune: Tune | None = None

    @property
    def leader(self) -> Trial:
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
            lines += _candidate_lines(one, self.dataset)
        return "\n".join(lines)

    def table(self) -> str:
        """The pilot runs, as text."""
        level, ways = percent(self.level), len(self.trials) - 1
        header = [
            "pilot",
            "macro AUROC on validation",
            f"less scratch [{level}" + f", corrected for {ways}]" * (ways > 1) + "]" * (ways == 1),
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
        way, lead = self.choice.way, self.leader
        gain = with_interval(lead.gain, "+")
        tried = "the way" if len(self.trials) == 2 else f"all {len(self.trials) - 1} ways"
        first = {
            "transfer": f"{_capital(str(way))}: expect a gain over scratch of about "
            f"{with_interval(self.choice.gain, '+')} macro AUROC.",
            "scratch": f"Train from scratch: {tried} from a checkpoint did worse; {lead.way} did "
            f"best, {gain} macro AUROC less scratch.",
            "equivalent": f"Train from scratch: {tried} from a checkpoint scored within "
            f"±{self.margin:g} macro AUROC of it; {lead.way}: {gain}.",
            "cannot tell": f"The pilots do not show whether a checkpoint helps: {lead.way} scored "
            f"best, {gain} macro AUROC less scratch. Scratch is the default then: it needs nothing "
            "else, and carries over nothing of another database.",
        }[self.word]
        # what holds of the data is said of every way
        said = [first, *dict.fromkeys(one for trial in self.trials for one in trial.diagnostics)]
        if self.word == "cannot tell":
            said.append(self._what_would_decide())
        said.append(self._tuning())
        said.append(self._head())
        records = self.dataset.splits["train"].records
        said.append(
            f"The recipe takes about {duration(self.choice.full_seconds)} on this machine: "
            f"{epochs_for(records)} epochs of {records} records, by what the pilots took."
        )
        return (*said, *self._limits())

    def _what_would_decide(self) -> str:
        lead = self.leader
        every = [trial.gain for trial in self.trials if trial.gain is not None]
        verdicts = judge(every, margin=self.margin, level=self.level)
        verdict = verdicts[every.index(lead.gain)]
        if verdict.more_seeds:
            return (
                f"If the difference stays, about {verdict.more_seeds} more seeds would decide it "
                f"(--seeds {lead.score.seeds + verdict.more_seeds}, with as much more time)."
            )
        return "More seeds alone would not decide it: it takes more validation records, or a study."

    def _tuning(self) -> str:
        """How the ways were tuned, without which a gain may be one of rates."""
        if self.tune is None:
            return (
                "The ways were not tuned: all had the same learning rate, which may suit one of "
                "them better (--tune tries several for each)."
            )
        chosen = ", ".join(f"{trial.way}: {trial.way.setting.name}" for trial in self.trials)
        return (
            f"Each way was tuned over {len(self.tune.candidates)} settings on a seed of its own "
            f"({chosen}); the recipe tunes again, with all records."
        )

    def _head(self) -> str:
        network, way = self.choice.way.network, self.choice.way
        if way.checkpoint is None:
            return f"Head: new, {network.backbone} with its {network.head} head."
        if way.keeps_head:
            return "Head: the checkpoint's own is kept, because it has the same labels."
        return f"Head: new, for the target's labels, on the checkpoint's {network.head} embedding."

    def _limits(self) -> tuple[str, ...]:
        """What the gain does not say."""
        records, said = self.dataset.splits["train"].records, []
        scratch, whole = self.trials[0].score, epochs_for(self.size.records)
        if scratch.low <= 0.5:
            said.append(
                f"Scratch learnt nothing that shows ({with_interval(scratch)}): the gain is over "
                "chance."
            )
        if self.size.records < records:
            said.append(
                f"The pilots learnt from {self.size.records} of {records} records. With more "
                "records the gain of pre-training may be smaller."
            )
        if self.size.epochs < whole:
            said.append(
                f"They had {self.size.epochs} epochs, where a whole training on so many records "
                f"has {whole}: scratch may gain more from the others (more --pilot-minutes would "
                "show)."
            )
        known = [one.checkpoint for one in self.candidates if any(k.leaks for k in one.known)]
        if known:
            said.append(
                f"{', '.join(known)}: the checkpoint has seen test or validation records of the "
                "target (leaks, above). What it gains there may be memory, and training from it "
                "will stop."
            )
        said.append(
            "Nothing was looked at but training and validation records; a study shows what holds "
            "for patients who were never looked at: ecg-keras study."
        )
        return tuple(said)


def weigh(
    piloted: Sequence[Piloted], *, margin: float, level: float, bootstrap: int, seed: int
) -> tuple[tuple[Trial, ...], Word, Trial]:
    """What the pilot runs say, in a word, and the way to go.

    The intervals hold for all ways from a checkpoint at once (Bonferroni), because the best of
    several is looked at. A way is better where its interval lies above 0; of those within
    ``margin`` of the best such one the cheapest is chosen. Where no way is better, scratch is.

    Args:
        piloted: scratch first, then at least one way from a checkpoint.
        margin: differences below it do not matter.
        level: of all intervals together.
        bootstrap, seed: of the resamples of the validation patients.
    """
    reference, *others = piloted
    settings = {"bootstrap": bootstrap, "seed": seed}
    each = 1 - (1 - level) / len(others)
    trials = []
    for one in piloted:
        difference, said = None, ()
        if one is not reference:
            said = diagnose_pilots(one, reference)
            difference = contrast([one.arm, reference.arm], [1, -1], level=each, **settings)
        score = contrast([one.arm], [1], level=level, **settings)
        trials.append(Trial(one.way, score, difference, one.seconds, one.full_seconds, said))
    gains = [(trial, trial.gain) for trial in trials if trial.gain is not None]
    better = [trial for trial, gain in gains if gain.low > 0]
    if better:
        best = max(trial.score.value for trial in better)
        near = [trial for trial in better if trial.score.value > best - margin]
        return tuple(trials), "transfer", min(near, key=lambda trial: trial.full_seconds)
    if all(gain.high < 0 for _, gain in gains):
        return tuple(trials), "scratch", trials[0]
    if all(-margin < gain.low and gain.high < margin for _, gain in gains):
        return tuple(trials), "equivalent", trials[0]
    return tuple(trials), "cannot tell", trials[0]


def _candidate_lines(one: Candidate, dataset: Dataset) -> list[str]:
    trained = f" trained on {one.records} records of {one.source}" if one.source else ""
    lines = [f"{one.checkpoint}: {one.network.backbone}{trained}"]
    if one.source:
        shared = f" ({', '.join(one.shared)})" if one.shared else ""
        lines.append(
            f"  labels of the target that it knows: {len(one.shared)} of "
            f"{len(dataset.labels)}{shared}"
        )
    lines += [f"  leaks: {known.sentence}" for known in one.known]
    if one.drift is None:
        lines.append(f"  drift: unknown: {one.not_told}")
    elif not one.drift:
        lines.append("  drift: none found")
    else:
        lines += [f"  drift: {line}" for line in one.drift]
    return lines


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
