"""`Point`: one combination of a study's axes; which a study has, and what their recipes are of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from ecg_keras.config import Grid, LoadedStudy, Part, Protocol, Study
from ecg_keras.errors import ConfigError, list_problems, unknown_name
from ecg_keras.sources import have_same_recordings
from ecg_keras.statistics import ArmName

MAX_POINTS = 50_000
RAW = Path("data/raw")
SIMULATED = Path("data/simulated")
# of hundreds of pages few are read; `ecg-keras report --explain` writes one that is
NOT_EXPLAINED = {"explain": False}


@dataclass(frozen=True)
class Point:
    """One combination of the grid, named as in the study recipe.

    There is no upstream where weights are random at first, and no fold without cross-validation.
    """

    downstream: str
    upstream: str | None
    backbone: str
    head: str
    mode: str
    size: int | Literal["all"]
    protocol: str
    seed: int
    upstream_seed: int
    fold: int | None

    @property
    def arm(self) -> ArmName:
        """The point but for seed and fold."""
        return ArmName(
            downstream=self.downstream,
            backbone=self.backbone,
            head=self.head,
            size=0 if self.size == "all" else self.size,
            protocol=self.protocol,
            mode=self.mode,
            upstream=self.upstream or "",
        )

    def __str__(self) -> str:
        """``ptbxl, resnet1d18, finetune from georgia, protocol sound, seed 0``."""
        fold = "" if self.fold is None else f", fold {self.fold}"
        return f"{self.arm}, protocol {self.protocol}, seed {self.seed}{fold}"


def list_points(study: Study) -> Iterator[Point]:
    """Every combination that the study runs, each once: of the grid, then of the sweeps.

    Within each they come seed by seed, so that early ones show all arms. Left out are those of
    ``exclude``, and fine-tuning on the database that was pre-trained on.
    """
    seen = set()
    for grid in (study.grid, *study.sweeps):
        for point in _points_of(grid, study):
            if point not in seen and not _is_left_out(point, study):
                seen.add(point)
                yield point


def check_size(loaded: LoadedStudy) -> None:
    """Refuses a study of more runs than can be listed: few numbers in a recipe can ask for many."""
    study = loaded.study
    combinations = sum(
        math.prod(max(1, len(axis)) for axis in _axes(grid, study))
        for grid in (study.grid, *study.sweeps)
    )
    if combinations > MAX_POINTS:
        raise ConfigError(
            f"{loaded.path}: grid: a study has at most {MAX_POINTS} combinations of its axes, and "
            f"these make {combinations:.6g}. Divide it into several studies."
        )


def _axes(grid: Grid, study: Study) -> tuple[Sequence[Any], ...]:
    """Seeds, folds, downstreams, backbones, heads, sizes, protocols, modes and upstreams."""
    return (
        grid.seeds,
        [None] if grid.folds is None else range(grid.folds),
        tuple(study.downstreams) if grid.downstreams is None else grid.downstreams,
        grid.backbones,
        grid.heads,
        grid.sizes,
        tuple(study.protocols) if grid.protocols is None else grid.protocols,
        _modes_of(grid, study),
        tuple(study.upstreams) if grid.upstreams is None else grid.upstreams,
    )


def _points_of(grid: Grid, study: Study) -> Iterator[Point]:
    seeds, *axes, upstreams = _axes(grid, study)
    judged = study.judged_protocol
    for (number, seed), fold, downstream, backbone, head, size, protocol, mode in product(
        enumerate(seeds), *axes
    ):
        if mode in study.control_modes and protocol != judged:
            continue
        pretrained = study.all_modes[mode].start == "upstream"
        for upstream in upstreams if pretrained else [None]:
            yield Point(
                downstream=downstream,
                upstream=upstream,
                backbone=backbone,
                head=head,
                mode=mode,
                size=size,
                protocol=protocol,
                seed=seed,
                upstream_seed=grid.upstream_seeds[number % len(grid.upstream_seeds)],
                fold=fold,
            )


def _modes_of(grid: Grid, study: Study) -> tuple[str, ...]:
    """The modes of a grid: in the study's own those that are controls of another, too."""
    modes = tuple(study.modes) if grid.modes is None else grid.modes
    if grid is not study.grid:
        return modes
    controls: list[str] = []
    for question, mode, control in study.controlled:
        if question == "representation":
            controls += [mode, control]
        elif mode in modes:
            controls.append(control)
    return tuple(dict.fromkeys((*modes, *controls)))


def source_of_downstream(study: Study, point: Point) -> str:
    """The source of a point's ECGs."""
    return str(_data_of(study, study.downstreams[point.downstream]).get("source"))


def _same_database(study: Study, upstream: str, downstream: str) -> bool:
    """Whether two parts name the same recordings, which must not be trained on and tested on."""
    theirs = _data_of(study, study.upstreams[upstream])
    ours = _data_of(study, study.downstreams[downstream])
    sources = str(theirs.get("source")), str(ours.get("source"))
    if sources == ("simulated", "simulated"):
        return _hospital(theirs) == _hospital(ours)
    return have_same_recordings(*sources)


def _data_of(study: Study, part: dict[str, Any]) -> dict[str, Any]:
    """The ``data`` section of a part above that of ``base``, as far as they are mappings."""
    sections = [one.get("data") for one in (study.base, part)]
    return {k: v for section in sections if isinstance(section, dict) for k, v in section.items()}


def check_names(loaded: LoadedStudy) -> None:
    """Refuses names in ``exclude``, ``raw`` and ``records`` that nothing has, a line each."""
    study = loaded.study
    grids = (study.grid, *study.sweeps)
    parts = {**study.upstreams, **study.downstreams}
    axes: dict[str, set[str]] = {
        "backbone": {name for grid in grids for name in grid.backbones},
        "head": {name for grid in grids for name in grid.heads},
        "size": {str(size) for grid in grids for size in grid.sizes},
        "source": {str(_data_of(study, part).get("source")) for part in parts.values()},
        "database": set(parts),
    }
    named = [
        (f"exclude.{number}.{axis}", axis, str(value))
        for number, left in enumerate(study.exclude)
        for axis, value in left.model_dump(exclude_none=True).items()
        if axis in axes
    ]
    named += [("raw", "source", name) for name in study.raw]
    named += [("records", "database", name) for name in study.records]
    problems = [
        f"{loaded.path}: {key}: {unknown_name(axis, name, axes[axis])}"
        for key, axis, name in named
        if name not in axes[axis]
    ]
    if problems:
        raise ConfigError(list_problems(problems))


def _is_left_out(point: Point, study: Study) -> bool:
    trained = point.upstream is not None and point.upstream not in study.given_upstreams
    if trained and _same_database(study, str(point.upstream), point.downstream):
        return True
    excluded = (left.model_dump(exclude_none=True).items() for left in study.exclude)
    return any(all(getattr(point, axis) == name for axis, name in axes) for axes in excluded)


def _hospital(data: dict[str, Any]) -> tuple[Any, Any]:
    """Whose patients a simulated database holds."""
    settings = data.get("simulate")
    settings = settings if isinstance(settings, dict) else {}
    return settings.get("hospital", "lakeside"), settings.get("seed", 0)


# ---------------------------------------------------------------- recipes of a point


def downstream_parts(study: Study, point: Point, pretraining: Path | None) -> list[Part]:
    """The parts of a downstream run, later ones over earlier ones."""
    parts = [
        *_shared(study, study.downstreams[point.downstream], point),
        study.all_modes[point.mode].recipe,
        _applied(study, point).recipe,
    ]
    if any(point.mode in names for what, *names in study.controlled if what == "representation"):
        # a probe is a head in closed form, and has no rate to tune, whatever the protocol does
        parts.append(study.all_modes[point.mode].recipe)
    data: Part = {}
    if point.size != "all":
        data["train_records"] = point.size
    if point.fold is not None:
        data["split"] = {"folds": study.grid.folds, "fold": point.fold}
    last: Part = {"data": data, "training": {"seed": point.seed}, "evaluation": _question(study)}
    if pretraining is None:
        return [*map(_without_initialise, parts), {**last, "mode": "scratch"}]
    start = {"initialise": {"from": str(pretraining)}}
    return [*parts, {**last, **start, "mode": "finetune"}]


def pretraining_parts(study: Study, point: Point) -> list[Part]:
    """The parts of the pre-training that a point starts from; what arms are tuned by is no part."""
    parts = [
        *_shared(study, study.upstreams[str(point.upstream)], point),
        {"tune": None},
        _applied(study, point).pretrain,
    ]
    last: Part = {"training": {"seed": point.upstream_seed}, "evaluation": _question(study)}
    return [*map(_without_initialise, parts), {**last, "mode": "pretrain"}]


def _shared(study: Study, part: Part, point: Point) -> list[Part]:
    return [
        {"data": _raw(study, part), "evaluation": NOT_EXPLAINED},
        study.base,
        part,
        {"model": {"backbone": point.backbone, "head": point.head}},
    ]


def _raw(study: Study, part: Part) -> Part:
    """Where the recordings are, if no part names the folder."""
    data = _data_of(study, part)
    source = str(data.get("source"))
    raw = study.raw.get(source, SIMULATED if source == "simulated" else RAW / source)
    settings = data.get("simulate")
    if source == "simulated" and isinstance(settings, dict):
        words = [str(settings.get("hospital", "lakeside")), str(settings.get("records", 1000))]
        words += [f"seed{settings['seed']}"] if settings.get("seed") else []
        raw = raw / "-".join(words)
    return {"raw": str(raw)}


def _applied(study: Study, point: Point) -> Protocol:
    """The point's protocol; where it is not for the point's mode, the one that it changes."""
    for name in (point.protocol, study.protocol_changes.get(point.protocol)):
        protocol = Protocol() if name is None else study.protocols[name]
        if protocol.modes is None or point.mode in protocol.modes:
            return protocol
    return Protocol()


def _question(study: Study) -> Part:
    return study.question.model_dump(include={"metric", "level", "bootstrap", "seed"})


def _without_initialise(part: Part) -> Part:
    """A part for a run that starts from random weights."""
    return {key: value for key, value in part.items() if key != "initialise"}
