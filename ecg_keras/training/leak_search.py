"""One look at a run: what must be left out of it, what it will have seen, and what is refused."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ecg_keras import data
from ecg_keras.config import Data, Recipe, SeenData
from ecg_keras.data import Identities, count_leaks, find_leaks, name_leaks, nobody, tell_rules
from ecg_keras.errors import DataError
from ecg_keras.sources import source_of
from ecg_keras.training.seen import (
    NAMES,
    LeakError,
    of_same_database,
    read_seen,
    seen_databases,
    tell_databases,
    tell_unknown,
    trained_on,
)


def check_databases(
    recipe: Recipe, upstream: Path, named: Sequence[SeenData], source: str, place: Path
) -> str:
    """Refuses a database that the card of published weights names, or says what it names.

    Args:
        recipe: of the run that is to begin with them.
        upstream: the weights, or their run.
        named: the databases in their card.
        source: of the recipe's dataset.
        place: of this dataset or recipe, for errors.

    Returns:
        What a reader of the scores must know.

    Raises:
        LeakError: test records may be known, and the recipe does not allow it.
    """
    sentence = tell_databases(upstream, named, source)
    same = of_same_database(named, source)
    # folds and splits of a copy are not those of the recipe
    if not any(not one.is_of(source) or _may_know_tests(recipe.data, one) for one in same):
        return sentence
    if recipe.data.leaks != "allow":
        folds = " or other folds" * all(one.is_of(source) for one in same)
        raise LeakError(
            sentence.rstrip("."),
            f"It may know the test records: take another dataset{folds}, correct its card, or "
            "continue with --set data.leaks=allow: the report then says so.",
            shards=place,
            upstream=True,
        )
    return (
        f"Leaks are allowed (data.leaks): {sentence} It may know test records, and then the "
        "scores flatter."
    )


def _may_know_tests(settings: Data, one: SeenData) -> bool:
    """Whether test records may be among those that a card names of this database."""
    official = settings.split.method == "official" or (
        settings.split.method == "auto" and source_of(settings).OFFICIAL_FOLDS
    )
    if not official or settings.split.folds is not None:
        return True
    if one.folds:
        return bool({*one.folds} & {*settings.split.test_folds})
    return "test" in one.splits


@dataclass(eq=False)
class LeakSearch:
    """One look at a run: what it finds on the way."""

    recipe: Recipe
    shards: Path
    upstream: Path | None
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    known_tests: set[str] = field(default_factory=set)
    unchecked: bool = False
    databases: tuple[SeenData, ...] = ()

    def find(
        self, dataset: data.Dataset, name: str
    ) -> tuple[dict[str, tuple[str, ...]], Identities]:
        """Which records the run must not use, and which it will have seen; refuses leaks."""
        train, valid, test = (data.read_identities(self.shards, split) for split in NAMES)
        stored = {"train": train, "valid": valid}
        for other in self.recipe.data.without:
            why = f"is to stay unknown for {other}"
            unknown = data.read_identities(other, "valid") + data.read_identities(other, "test")
            self._compare_rules(train + valid, unknown)
            train = self._leave_out("train", train, unknown, why)
            valid = self._leave_out("valid", valid, unknown, why)
        own = {record_id for one in dataset.duplicates for record_id in one.record_ids}
        before = self._read_upstream(dataset.source)
        self.unchecked |= self._compare_rules(train + valid + test, before)
        self._judge("test", test, before, upstream=True)
        if self.recipe.data.leaks == "leave_out":
            valid = self._leave_out("valid", valid, trained_on(before), "the upstream knows")
            valid = self._leave_out("valid", valid, test, "the test split has, too", own)
            train = self._leave_out("train", train, test, "the test split has, too", own)
            train = self._leave_out("train", train, valid, "the validation split has, too", own)
        else:
            self._judge("valid", valid, trained_on(before), upstream=True)
        excluded = {
            split: tuple(sorted({*stored[split].record_ids.tolist()} - {*part.record_ids.tolist()}))
            for split, part in (("train", train), ("valid", valid))
        }
        for split, part in (("train", train), ("valid", valid)):
            if excluded[split] and not len(part):
                raise DataError(
                    f"{self.shards}: no {NAMES[split]} record is left: {self.notes[-1]} Take "
                    "another dataset or split."
                )
        train = self._choose(dataset, train, excluded["train"])
        trained, scored = train.met_in(name, "train"), valid.met_in(name, "valid")
        self._judge("test", test, trained + scored, alike=own)
        self._judge("valid", valid, trained, alike=own)
        scoring = valid if self.recipe.training.validate_on == "valid" else test
        return excluded, trained + scoring.met_in(name, "valid") + before

    def _compare_rules(self, part: Identities, others: Identities) -> bool:
        """Whether copies can't all be found between them, of which it warns."""
        remark = tell_rules(part, others)
        if remark and remark not in self.warnings:
            self.warnings.append(remark)
        return bool(remark)

    def _choose(
        self, dataset: data.Dataset, train: Identities, excluded: Sequence[str]
    ) -> Identities:
        """The records that are trained on."""
        settings = self.recipe.data
        chosen = data.training_subset(
            self.shards,
            dataset,
            settings.train_records,
            self.recipe.training.seed,
            settings.subset,
            excluded,
        )
        return train if chosen is None else train.keep(chosen)

    def _leave_out(
        self,
        split: str,
        part: Identities,
        others: Identities,
        why: str,
        alike: Collection[str] | None = None,
    ) -> Identities:
        """The records of a split whose patient and signal are not among others."""
        leaks = find_leaks(part, others, alike)
        if leaks:
            self.notes.append(
                f"{len(leaks)} of {len(part)} {NAMES[split]} records are left out, whose patient "
                f"or signal {why} ({count_leaks(leaks)})."
            )
        return part.leave_out([leak.record_id for leak in leaks])

    def _read_upstream(self, source: str) -> Identities:
        """What the upstream has seen, as far as that is known; refuses databases of its card."""
        if self.upstream is None:
            return nobody()
        before, self.databases = read_seen(self.upstream), seen_databases(self.upstream)
        self.unchecked = before is None or bool(self.databases)
        if self.databases:
            self.warnings.append(
                check_databases(self.recipe, self.upstream, self.databases, source, self.shards)
            )
        elif before is None:
            self.warnings.append(tell_unknown(self.upstream))
        return nobody() if before is None else before

    def _judge(
        self,
        split: str,
        part: Identities,
        seen: Identities,
        *,
        upstream: bool = False,
        alike: Collection[str] | None = None,
    ) -> None:
        """Refuses records of a split that are known, or warns where the recipe allows it."""
        leaks = find_leaks(part, seen, alike)
        if not leaks:
            return
        who = f"the upstream {self.upstream} knows" if upstream else "its training would know"
        what = f"{len(leaks)} of {len(part)} {NAMES[split]} records ({count_leaks(leaks)})"
        if self.recipe.data.leaks == "allow":
            if split == "test":
                self.known_tests |= {leak.record_id for leak in leaks}
            flatters = "scores flatter" if split == "test" else "scores on validation flatter"
            self.warnings.append(
                f"Leaks are allowed (data.leaks): {who} {what}, so the {flatters}. "
                f"{name_leaks(leaks)}."
            )
            return
        advice = self._advise_upstream() if upstream else self._advise_own()
        raise LeakError(
            f"{who} {what}: {name_leaks(leaks)}",
            f"{advice} or continue with --set data.leaks=allow: the report then says so.",
            shards=self.shards,
            upstream=upstream,
        )

    def _advise_own(self) -> str:
        if self.recipe.data.split.method == "records":
            return (
                "A split by record (data.split.method) tears patients apart: split by patients, "
                "leave the other records of tested patients out with --set data.leaks=leave_out,"
            )
        return "Leave these out of training with --set data.leaks=leave_out,"

    def _advise_upstream(self) -> str:
        unknown = f"data.without=[{self.shards}]"
        if self.recipe.initialise is not None and self.recipe.initialise.is_recipe:
            how = (
                f"--set 'initialise.set.{unknown}' (with --set initialise.set.run=FOLDER where it "
                "is trained already)"
            )
        else:
            how = f"its recipe with --set '{unknown}' --set run=FOLDER"
        return f"A network can't forget. Train the upstream without them: {how}; take another one;"
