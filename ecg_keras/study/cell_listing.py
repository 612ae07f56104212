"""`list_cells`: the runs that a study needs, each distinct one once."""

from __future__ import annotations

import glob
import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ecg_keras.config import (
    Evaluation,
    LoadedStudy,
    Part,
    Recipe,
    compose,
    list_trials,
    run_changes,
    run_mark,
)
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.models import published_head
from ecg_keras.statistics import ArmName
from ecg_keras.study.cells import Cell, Kind, PointKey, StudyPlan
from ecg_keras.study.given_upstreams import GivenUpstream, check_given, open_given, wants_of
from ecg_keras.study.grid import (
    Point,
    check_names,
    check_size,
    downstream_parts,
    list_points,
    pretraining_parts,
)
from ecg_keras.training import Run, seen_from
from ecg_keras.workflow import check_names as check_recipe

NAME_LENGTH = 120
# what may be missing here although the study names it: the cell can't run, and others can
NOT_THERE = (("data", "source"), ("model", "backbone"))


def list_cells(loaded: LoadedStudy) -> StudyPlan:
    """The runs of a study; nothing is written, and nothing is read but its recipe and the upstreams
    that are there already.

    Only a run whose name is too long for a folder is looked for by its settings.

    A pre-training is shared by all runs that start from the same settings and seed. Combinations
    of the grid that resolve to the same settings share one run: the evaluation does not count, nor
    does a protocol where it changes nothing, nor a seed that decides nothing.

    Args:
        loaded: the study, from `ecg_keras.config.load_study`.

    Returns:
        The cells, and which of them each combination has.

    Raises:
        ConfigError: the parts of a combination make no recipe, or a name in the study is unknown.
            A source or backbone that is not there is no error: see ``Cell.problem``.

    Example:
        >>> from ecg_keras.config import load_study
        >>> plan = list_cells(load_study("recipes/studies/paper.yaml"))
        >>> sum(cell.kind == "pretrain" for cell in plan.cells)
        18
    """
    check_size(loaded)
    check_names(loaded)
    folder = loaded.study.folder or Path("runs") / loaded.name
    listing = _Listing(loaded, folder, open_given(loaded, folder / "runs"))
    for point in list_points(loaded.study):
        start = listing.given.get(point.upstream or "")
        if start is None or start.starts(point, loaded):
            listing.add(point)
    listing.check_budgets()
    cells = sorted(listing.cells.values(), key=lambda cell: cell.kind != "pretrain")
    return StudyPlan(
        loaded, listing.folder, tuple(cells), listing.points, listing.evaluations, listing.given
    )


@dataclass(eq=False)
class _Listing:
    """The cells found so far, by what decides their weights."""

    loaded: LoadedStudy
    folder: Path
    given: Mapping[str, GivenUpstream]
    cells: dict[str, Cell] = field(default_factory=dict)
    points: dict[PointKey, str] = field(default_factory=dict)
    evaluations: dict[PointKey, Evaluation] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    @cached_property
    def starts(self) -> Mapping[str, str]:
        """What given upstreams hold, by their folders: several may have one name."""
        return {str(one.run.folder): f" {one.fingerprint}" for one in self.given.values()}

    def add(self, point: Point) -> None:
        study, pretraining, start = self.loaded.study, None, None
        wants = wants_of(self.given, self.loaded, point)
        given = self.given.get(point.upstream or "")
        if given is not None:
            start = given.run.folder
        elif point.upstream is not None:
            what = f"pre-training on {point.upstream} for {point}"
            recipe = self._compose([wants, *pretraining_parts(study, point)], what)
            pretraining = self._cell(recipe, "pretrain", point, what)
            start = pretraining.run.folder
        recipe = self._compose([wants, *downstream_parts(study, point, start)], str(point))
        if given is not None:
            check_given(given, recipe, f"{self.loaded.path}: {point}")
        cell = self._tuned_cell(recipe, point, pretraining)
        key = (point.arm, point.seed, point.fold)
        if self.points.setdefault(key, cell.name) != cell.name:
            raise ConfigError(
                f"{self.loaded.path}: {point}: the grid and a sweep start it from different "
                "pre-trainings. Give both the same seeds and upstream_seeds."
            )
        self.evaluations[key] = recipe.evaluation

    def check_budgets(self) -> None:
        """Refuses arms that are compared and chosen from different numbers of settings."""
        tried = {cell.name: len(cell.candidates) for cell in self.cells.values()}
        budgets: dict[ArmName, tuple[int, str]] = {}
        for (arm, _, _), name in self.points.items():
            if not tried[name]:
                continue
            general = replace(arm, mode="", upstream="")
            number, mode = budgets.setdefault(general, (tried[name], arm.mode))
            if number != tried[name]:
                raise ConfigError(
                    f"{self.loaded.path}: tune: {arm.mode} is chosen from {tried[name]} candidates "
                    f"and {mode} from {number}: what has more of them gains by that alone. Give "
                    "every mode as many, or no mode any (tune: null)."
                )

    def _compose(self, parts: list[Part], what: str) -> Recipe:
        recipe = compose(parts, f"{self.loaded.path}: {what}")
        if recipe.evaluation.baseline is not None:
            raise ConfigError(
                f"{self.loaded.path}: evaluation.baseline: a study compares its runs itself. "
                "Remove the key, and name the mode to compare with in question.reference."
            )
        return recipe

    def _tuned_cell(self, recipe: Recipe, point: Point, pretraining: Cell | None) -> Cell:
        """The cell of a downstream recipe, after those that it is chosen from."""
        before = () if pretraining is None else (pretraining,)
        tried = {
            name: self._cell(trial, "candidate", point, str(point), before, setting=name)
            for name, trial in list_trials(recipe, f"{self.loaded.path}: {point}").items()
        }
        cell = self._cell(recipe, "downstream", point, str(point), (*before, *tried.values()))
        candidates = {name: one.run.folder for name, one in tried.items()}
        return self._keep(replace(cell, candidates=candidates))

    def _cell(
        self,
        recipe: Recipe,
        kind: Kind,
        point: Point,
        what: str,
        needs: Sequence[Cell] = (),
        *,
        setting: str = "",
    ) -> Cell:
        """The cell of a recipe: one that is there, or a new one."""
        identity = self._identity(recipe)
        if identity not in self.cells:
            name = self._name(point, identity, recipe, setting)
            blocked = [f"{one.name} can't run: {one.problem}" for one in needs if one.problem]
            self.cells[identity] = Cell(
                name=name,
                kind=kind,
                arm=None if kind == "pretrain" else point.arm,
                seed=recipe.training.seed,
                fold=None if kind == "pretrain" else point.fold,
                recipe=recipe.model_copy(update={"run": self.folder / "runs" / name}),
                needs=tuple(one.name for one in needs),
                problem=next((one for one in (self._problem(recipe, what), *blocked) if one), None),
            )
        cell = self.cells[identity]
        if kind == "candidate":
            return self._keep(replace(cell, tried=True))
        if cell.kind == "candidate":  # now it is tested, as this point asks
            shown = recipe.evaluation
            cell = replace(cell, recipe=cell.recipe.model_copy(update={"evaluation": shown}))
        return self._keep(replace(cell, kind=kind))

    def _keep(self, cell: Cell) -> Cell:
        self.cells[self._identity(cell.recipe)] = cell
        return cell

    def _identity(self, recipe: Recipe) -> str:
        """What decides a run's weights; a head that has two names counts as one."""
        start = "" if recipe.initialise is None else self.starts.get(recipe.initialise.from_, "")
        if head := published_head(recipe.model.backbone, recipe.model.head):
            model = recipe.model.model_copy(update={"head": head})
            recipe = recipe.model_copy(update={"model": model})
        if _ignores_its_seed(recipe):
            training = recipe.training.model_copy(update={"seed": 0})
            recipe = recipe.model_copy(update={"training": training})
        return f"{run_mark(recipe)} {seen_from(Path(), recipe.data.raw)}{start}"

    def _problem(self, recipe: Recipe, what: str) -> str | None:
        """Why the recipe can't run here; names that are wrong anywhere are errors."""
        problems = list(check_recipe(recipe))
        wrong = [
            f"{self.loaded.path}: {what}: {'.'.join(map(str, one.key))}: {one.message}"
            for one in problems
            if one.key not in NOT_THERE
        ]
        if wrong:
            raise ConfigError("\n".join(wrong))
        return "; ".join(one.message for one in problems) or None

    def _name(self, point: Point, identity: str, recipe: Recipe, setting: str) -> str:
        protocol = [point.protocol] * (point.protocol != next(iter(self.loaded.study.protocols)))
        head = [point.head] * (point.head != "as_published")
        if recipe.mode == "pretrain":
            words = ["pretrain", str(point.upstream), point.backbone, *head, *protocol]
            words.append(f"s{point.upstream_seed}")
        else:
            start = [] if point.upstream is None else ["from", *point.upstream.split(" ")]
            words = [point.downstream, point.backbone, *head, *point.mode.split(" "), *start]
            words += [*protocol, *([] if point.size == "all" else [f"n{point.size}"])]
            words += [f"s{point.seed}", *([] if point.fold is None else [f"f{point.fold}"])]
            words += [setting] if setting else []
        name = "-".join(re.sub(r"[^A-Za-z0-9_.+]+", "_", word) for word in words)
        # folders of some systems know no difference between capitals and small letters
        if name.lower() in self.names or len(name) > NAME_LENGTH:
            name = self._find_name(f"{name[:NAME_LENGTH]}-", identity, recipe)
        self.names.add(name.lower())
        return name

    def _find_name(self, stem: str, identity: str, recipe: Recipe) -> str:
        """A name that ends in digits; those of a run that is there, whoever chose them."""
        for path in sorted((self.folder / "runs").glob(f"{glob.escape(stem)}{'[0-9a-f]' * 8}")):
            with suppress(DataError):  # its status is damaged
                settings = Run(path).read_status().get("settings", {})
                if path.name.lower() not in self.names and not run_changes(settings, recipe):
                    return path.name
        return f"{stem}{hashlib.sha256(identity.encode()).hexdigest()[:8]}"


def _ignores_its_seed(recipe: Recipe) -> bool:
    """Whether a head in closed form on given weights learns from all records."""
    in_closed_form = recipe.training.in_closed_form
    return recipe.mode == "finetune" and in_closed_form and recipe.data.train_records is None
