"""What a study recipe may say: a grid of runs, and the question they are to answer.

A study is a grid over upstream, downstream, backbone, head, mode, number of training records,
protocol, seed and fold. Each cell of it is an ordinary recipe, put together from parts: ``base``,
then the downstream (or upstream), then the mode, then the protocol; a later part overrides an
earlier one key by key. The probes of ``controls`` alone keep their head in closed form, whatever a
protocol sets. docs/study.md says what each key means.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ecg_keras.config.metric_names import MetricName
from ecg_keras.config.values import FolderPath, Head, Names, Seed, Settings, expand_home
from ecg_keras.errors import unknown_name

# part of a recipe, such as {training: {batch_size: 32}}; checked once it is part of a whole one
Part = dict[str, Any]
Numbers = Annotated[tuple[int, ...], Field(strict=False)]
Sizes = Annotated[tuple[Annotated[int, Field(ge=1)] | Literal["all"], ...], Field(strict=False)]


class Mode(Settings):
    """A way of training on the downstream database."""

    start: Literal["random", "upstream"] = "upstream"
    recipe: Part = Field(default_factory=dict)


# a head in closed form on a frozen network, and its penalty too: nothing is left to tune
RIDGE_HEAD: Part = {
    "training": {"phases": [{"epochs": 1, "train_from": "head", "fit": "ridge"}]},
    "tune": None,
}


class Protocol(Settings):
    """A named change of what is done to every run, such as a weakness of a published protocol."""

    recipe: Part = Field(default_factory=dict)
    pretrain: Part = Field(default_factory=dict)
    modes: Names | None = None
    against: str | None = None


class Grid(Settings):
    """The axes. A study runs every combination of them with the upstreams, modes and so on."""

    upstreams: Names | None = None
    downstreams: Names | None = None
    modes: Names | None = None
    protocols: Names | None = None
    backbones: Names = ("resnet1d18",)
    heads: Annotated[tuple[Head, ...], Field(strict=False)] = ("as_published",)
    sizes: Sizes = ("all",)
    seeds: Numbers = (0, 1, 2, 3, 4)
    upstream_seeds: Numbers = (0,)
    folds: int | None = Field(default=None, ge=3)

    @model_validator(mode="after")
    def _no_axis_is_empty_or_repeats(self) -> Grid:
        for name in ("backbones", "heads", "sizes", "seeds", "upstream_seeds"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} must be different values, at least one")
        return self


class Left(Settings):
    """A combination that is left out: all cells that agree with every key that is given."""

    upstream: str | None = None
    downstream: str | None = None
    backbone: str | None = None
    head: str | None = None
    mode: str | None = None
    protocol: str | None = None
    size: int | Literal["all"] | None = None


class Question(Settings):
    """What is compared, and what counts as an answer."""

    reference: str = "scratch"
    metric: MetricName = "macro_auroc"
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.02
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    bootstrap: int = Field(default=1000, ge=100)
    seed: Seed = 0
    quality: Annotated[float, Field(gt=0, le=1)] = 0.98
    subgroups: Names = ("sex", "age")
    subgroup_table: FolderPath | None = None


class FileStudy(Settings):
    """What is asked of predictions made elsewhere, which need no grid and no recipe."""

    question: Question = Question()
    folder: FolderPath | None = None


class Study(Settings):
    """A grid of runs, and the question they are to answer."""

    base: Part = Field(default_factory=dict)
    upstreams: dict[str, Part] = Field(default_factory=dict)
    downstreams: dict[str, Part] = Field(min_length=1)
    modes: dict[str, Mode] = Field(min_length=1)
    protocols: dict[str, Protocol] = Field(default_factory=lambda: {"as_set": Protocol()})
    grid: Grid = Grid()
    sweeps: Annotated[tuple[Grid, ...], Field(strict=False)] = ()
    exclude: Annotated[tuple[Left, ...], Field(strict=False)] = ()
    controls: bool = False
    question: Question = Question()
    raw: dict[str, FolderPath] = Field(default_factory=dict)
    records: dict[str, int] = Field(default_factory=dict)
    folder: FolderPath | None = None

    @model_validator(mode="after")
    def _names_fit(self) -> Study:
        if self.question.reference not in self.modes:
            raise ValueError(
                f"question.reference must be one of the modes, {', '.join(self.modes)}. "
                f"Received: {self.question.reference}"
            )
        if not self.protocols:
            raise ValueError("protocols must have at least one, such as {as_set: {}}")
        for number, sweep in enumerate(self.sweeps):
            if sweep.folds != self.grid.folds:
                raise ValueError(
                    f"sweeps.{number}.folds must be grid.folds, {self.grid.folds}. Received: "
                    f"{sweep.folds}"
                )
        taken = [name for name in self.control_modes if name in self.modes]
        if taken:
            raise ValueError(
                f"controls makes a mode {taken[0]} of its own: rename modes.{taken[0]}, or set "
                "controls: false"
            )
        for name in self.given_upstreams:
            self._check_given(name)
        self._check_names()
        starts = {mode.start for mode in self.modes.values()}
        if "upstream" in starts and not self.upstreams:
            raise ValueError("a mode starts from an upstream, and there are no upstreams")
        return self

    @property
    def given_upstreams(self) -> dict[str, Path]:
        """The upstreams that are there already, by name: a file of published weights, or a run."""
        return {
            name: expand_home(Path(str(part["from"])))
            for name, part in self.upstreams.items()
            if "from" in part
        }

    def _check_given(self, name: str) -> None:
        part = self.upstreams[name]
        if not isinstance(part["from"], str) or not part["from"]:
            raise ValueError(
                f"upstreams.{name}.from must be the path of a run folder or of published weights. "
                f"Received: {part['from']}"
            )
        if further := sorted(set(part) - {"from"}):
            raise ValueError(
                f"upstreams.{name}: these weights are there already and are not trained again, so "
                f"`from` is its only key. Received: {', '.join(further)}"
            )

    @property
    def control_modes(self) -> dict[str, Mode]:
        """The modes that ``controls`` adds, by name."""
        if not (self.controls and self.upstreams):
            return {}
        return {
            "random_probe": Mode(start="random", recipe=RIDGE_HEAD),
            "upstream_probe": Mode(start="upstream", recipe=RIDGE_HEAD),
            **{
                _from_random(name): Mode(start="random", recipe=mode.recipe)
                for name, mode in self._fine_tuning.items()
            },
        }

    @property
    def all_modes(self) -> dict[str, Mode]:
        """The ways of training, those that ``controls`` adds among them."""
        return {**self.modes, **self.control_modes}

    @property
    def controlled(self) -> tuple[tuple[Literal["representation", "weights"], str, str], ...]:
        """What a control is asked, the mode, and the mode that is its control."""
        if not self.control_modes:
            return ()
        return (
            ("representation", "upstream_probe", "random_probe"),
            *(("weights", name, _from_random(name)) for name in self._fine_tuning),
        )

    @property
    def judged_protocol(self) -> str:
        """That verdicts and controls are of: the first of ``protocols`` that the grid has.

        One that only sweeps have comes after those of the grid.
        """
        gone = {left.protocol for left in self.exclude if left == Left(protocol=left.protocol)}
        for grid in (self.grid, *self.sweeps):
            named = self.protocols if grid.protocols is None else grid.protocols
            for name in self.protocols:
                if name in named and name not in gone:
                    return name
        return next(iter(self.protocols))

    @property
    def protocol_changes(self) -> dict[str, str]:
        """The protocol that each changes, by its name: ``against``, or the first."""
        first = next(iter(self.protocols))
        changed = {name: one.against or first for name, one in self.protocols.items()}
        return {name: other for name, other in changed.items() if name != other}

    @property
    def _fine_tuning(self) -> dict[str, Mode]:
        """The modes that start from an upstream and train more than a head."""
        return {
            name: mode
            for name, mode in self.modes.items()
            if mode.start == "upstream" and not _trains_a_head_alone(self.base, mode.recipe)
        }

    def _check_names(self) -> None:
        """Refuses names of upstreams, downstreams, modes and protocols that there are not."""
        for kind in ("upstreams", "downstreams", "modes", "protocols"):
            allowed = list(self.all_modes if kind == "modes" else getattr(self, kind))
            for where, names in (
                *((f"grid.{kind}", getattr(self.grid, kind) or ()),),
                *(
                    (f"sweeps.{i}.{kind}", getattr(g, kind) or ())
                    for i, g in enumerate(self.sweeps)
                ),
                *((f"exclude.{i}", _named(left, kind)) for i, left in enumerate(self.exclude)),
            ):
                for name in names:
                    if name not in allowed:
                        raise ValueError(f"{where}: {unknown_name(kind[:-1], name, allowed)}")
        for name, protocol in self.protocols.items():
            for mode in protocol.modes or ():
                if mode not in self.modes:
                    raise ValueError(
                        f"protocols.{name}.modes: {unknown_name('mode', mode, self.modes)}"
                    )
            others = [other for other in self.protocols if other != name]
            if protocol.against is not None and protocol.against not in others:
                raise ValueError(
                    f"protocols.{name}.against must be another protocol of the study "
                    f"({', '.join(others) or 'there is none'}). Received: {protocol.against}"
                )


def _from_random(mode: str) -> str:
    return f"{mode}_from_random"


def _trains_a_head_alone(*parts: Part) -> bool:
    """Whether all phases of the last part that has some, as far as they are phases, do."""
    phases: Any = None
    for part in parts:
        training = part.get("training")
        phases = training.get("phases", phases) if isinstance(training, dict) else phases
    return isinstance(phases, list) and all(
        isinstance(phase, dict) and phase.get("train_from") == "head" for phase in phases
    )


def _named(left: Left, kind: str) -> tuple[str, ...]:
    name = getattr(left, kind[:-1])
    return () if name is None else (name,)
