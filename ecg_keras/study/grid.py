"""`Point`: one combination of a study's axes; which a study has, and which it leaves out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from ecg_keras.config import Grid, LoadedStudy, Study
from ecg_keras.errors import ConfigError, list_problems, unknown_name
from ecg_keras.sources import have_same_recordings
from ecg_keras.statistics import ArmName

MAX_POINTS = 50_000


@dataclass(frozen=True)
class Point:
    """One combination of the grid.

    Attributes:
        downstream, upstream, backbone, head, mode, size, protocol: as in the study recipe; no
            upstream for a mode that starts from random weights.
        seed: of the run.
        upstream_seed: of the pre-training that it starts from.
        fold: of the cross-validation, from 0; ``None`` for the recipe's own split.
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
    """Refuses a study of more runs than can be listed: few numbers in a recipe can ask for many.

    Raises:
        ConfigError: the grids have more than `MAX_POINTS` combinations.
    """
    study = loaded.study
    combinations = 0
    for grid in (study.grid, *study.sweeps):
        axes = (
            *(grid.seeds, grid.backbones, grid.heads, grid.sizes),
            study.downstreams if grid.downstreams is None else grid.downstreams,
            study.protocols if grid.protocols is None else grid.protocols,
            _modes_of(grid, study),
        )
        upstreams = study.upstreams if grid.upstreams is None else grid.upstreams
        combinations += math.prod(map(len, axes)) * (grid.folds or 1) * max(1, len(upstreams))
    if combinations > MAX_POINTS:
        raise ConfigError(
            f"{loaded.path}: grid: a study has at most {MAX_POINTS} combinations of its axes, and "
            f"these make {combinations:.6g}. Divide it into several studies."
        )


def _points_of(grid: Grid, study: Study) -> Iterator[Point]:
    axes = product(
        enumerate(grid.seeds),
        [None] if grid.folds is None else range(grid.folds),
        study.downstreams if grid.downstreams is None else grid.downstreams,
        grid.backbones,
        grid.heads,
        grid.sizes,
        study.protocols if grid.protocols is None else grid.protocols,
        _modes_of(grid, study),
    )
    upstreams = study.upstreams if grid.upstreams is None else grid.upstreams
    first = next(iter(study.protocols))
    for (number, seed), fold, downstream, backbone, head, size, protocol, mode in axes:
        if mode in study.control_modes and protocol != first:
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
    controls = [
        name
        for asked, mode, control in study.controlled
        for name in ((mode, control) if asked == "representation" else (control,))
        if asked == "representation" or mode in modes
    ]
    return tuple(dict.fromkeys((*modes, *controls)))


def same_database(study: Study, upstream: str, downstream: str) -> bool:
    """Whether two parts name the same recordings, which must not be trained on and tested on."""
    theirs, ours = (
        data_of(study, part) for part in (study.upstreams[upstream], study.downstreams[downstream])
    )
    sources = (theirs.get("source"), ours.get("source"))
    if sources == ("simulated", "simulated"):
        return _hospital(theirs) == _hospital(ours)
    return have_same_recordings(*sources)


def data_of(study: Study, part: dict[str, Any]) -> dict[str, Any]:
    """The ``data`` section of a part above that of ``base``, as far as they are mappings."""
    sections = [one.get("data") for one in (study.base, part)]
    return {k: v for section in sections if isinstance(section, dict) for k, v in section.items()}


def check_names(loaded: LoadedStudy) -> None:
    """Refuses names in a study that would otherwise be ignored.

    Raises:
        ConfigError: one line per name in ``exclude``, ``raw`` or ``records`` that nothing has.
    """
    study = loaded.study
    grids = (study.grid, *study.sweeps)
    parts = {**study.upstreams, **study.downstreams}
    axes = {
        "backbone": {name for grid in grids for name in grid.backbones},
        "head": {name for grid in grids for name in grid.heads},
        "size": {str(size) for grid in grids for size in grid.sizes},
        "source": {str(data_of(study, part).get("source")) for part in parts.values()},
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
    if point.upstream and same_database(study, point.upstream, point.downstream):
        return True
    return any(
        all(
            getattr(point, axis) == name
            for axis, name in left.model_dump(exclude_none=True).items()
        )
        for left in study.exclude
    )


def _hospital(data: dict[str, Any]) -> tuple[Any, Any]:
    """Whose patients a simulated database holds."""
    settings = data.get("simulate")
    settings = settings if isinstance(settings, dict) else {}
    return settings.get("hospital", "lakeside"), settings.get("seed", 0)
