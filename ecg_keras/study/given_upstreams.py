"""`GivenUpstream`: an upstream that is there already: published weights, or a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ecg_keras.config import LoadedStudy, Model, Part, Recipe, compose
from ecg_keras.errors import ConfigError, DataError, EcgKerasError, list_problems
from ecg_keras.models import published_head, weights_fit
from ecg_keras.study.grid import Point, downstream_parts, source_of_downstream
from ecg_keras.study.pilot import command_of, quiet
from ecg_keras.training import Run, of_same_database, read_network, seen_databases
from ecg_keras.workflow import (
    PublishedWeights,
    check_first_weights,
    defaults_of,
    import_weights,
    is_weights_file,
    open_published,
)


@dataclass(frozen=True, eq=False)
class GivenUpstream:
    """Weights that a study starts from and does not train: published ones, or those of a run.

    The run of published ones is made when the study first runs.
    """

    name: str
    path: Path
    published: PublishedWeights | None
    run: Run

    @cached_property
    def network(self) -> Model | None:
        """Whose weights these are, where that is known."""
        return read_network(self.run) if self.published is None else self.published.model

    @property
    def backbone(self) -> str:
        """Of the network."""
        return "" if self.network is None else self.network.backbone

    @property
    def fingerprint(self) -> str:
        """Of the run, made or still to make."""
        if self.published is not None:
            return self.published.fingerprint
        return str(self.run.read_status()["fingerprint"])

    def starts(self, point: Point, study: LoadedStudy) -> bool:
        """Whether a combination can begin with them: their network, with their head where weights
        depend on it, on ECGs they have not seen.
        """
        if self.network is None or point.backbone != self.network.backbone:
            return False
        heads = (published_head(point.backbone, head) for head in (self.network.head, point.head))
        if not weights_fit(point.backbone, *heads):
            return False
        seen = (
            seen_databases(self.run.folder) if self.published is None else self.published.card.seen
        )
        return not of_same_database(seen, source_of_downstream(study.study, point))


def import_published(given: Iterable[GivenUpstream]) -> None:
    """Makes the runs of published weights that are not there yet, in a process of its own.

    A network that this process built would keep the memory of a GPU as long as the study runs.
    """
    published = [(one, one.published) for one in given if one.published is not None]
    imports = [
        (str(one.path), str(one.run.folder), str(theirs.card_path))
        for one, theirs in published
        if not theirs.is_made_in(one.run)
    ]
    if not imports:
        return
    ended = subprocess.run(
        command_of("ecg_keras.study.given_upstreams"),
        input=json.dumps(imports),
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, **quiet(), "CUDA_VISIBLE_DEVICES": ""},
        check=False,
    )
    if ended.stdout:
        answer = json.loads(ended.stdout)
        refuse = ConfigError if answer["exit_code"] == ConfigError.exit_code else DataError
        raise refuse(answer["error"])
    missing = [str(one.path) for one, theirs in published if not theirs.is_made_in(one.run)]
    if missing and ended.returncode:
        last = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
        raise DataError(f"{missing[0]}: can't be imported: {last}")


def main(answers: int) -> None:
    """The process: imports what standard input lists, and answers what is wrong with it."""
    try:
        for path, folder, card in json.loads(sys.stdin.read()):
            import_weights(path, folder, card=card)
    except EcgKerasError as error:
        answer = {"exit_code": error.exit_code, "error": str(error)}
        os.write(answers, json.dumps(answer).encode())


def open_given(study: LoadedStudy, folder: Path) -> dict[str, GivenUpstream]:
    """The upstreams of a study that are there already, by name; their runs are in ``folder``.

    Raises a `ConfigError` where one is missing, no upstream, or not what its card says, a line
    each.
    """
    given, problems = {}, []
    for name, path in study.study.given_upstreams.items():
        try:
            published = open_published(path) if is_weights_file(path) else None
            run = Run(path) if published is None else Run(published.place(folder))
            if published is not None and not published.is_made_in(run):
                published.check()
            if published is None and run.read_status().get("state") != "trained":
                raise ConfigError(
                    f"{path}: no finished run folder, and no file of weights that others "
                    "published. Name one of these, or describe a pre-training instead of `from`."
                )
            given[name] = GivenUpstream(name, path, published, run)
        except EcgKerasError as error:
            problems.append(f"{study.path}: upstreams.{name}.from: {error}")
    if problems:
        raise ConfigError(list_problems(problems))
    return given


def wants_of(given: Mapping[str, GivenUpstream], study: LoadedStudy, point: Point) -> Part:
    """The network and signals that a combination's runs have where the study does not set them.

    They are those of the weights that start any run of its backbone, so that a network from random
    weights differs by nothing but these. A `ConfigError` where two of them want different ones.
    """
    wanted: Part = {}
    by = ""
    for one in given.values():
        if one.backbone != point.backbone:
            continue
        parts = downstream_parts(study.study, point, one.path)
        starting = compose(parts, f"{study.path}: {point}")
        wants: dict[str, Any] = {
            section: dict(values) for section, values in defaults_of(starting).items()
        }
        wants.get("model", {}).pop("head", None)  # an axis of the grid
        if wanted and wants != wanted:
            raise ConfigError(
                f"{study.path}: upstreams.{one.name}.from: {one.path} wants {_differing(wants)} "
                f"and upstreams.{by} {_differing(wanted)}. Networks of different signals can't be "
                "compared as such: make a study of each."
            )
        wanted, by = wants, one.name
    return wanted


def check_given(one: GivenUpstream, recipe: Recipe, what: str) -> None:
    """A `ConfigError` where a recipe sets what these weights do not want."""
    if recipe.initialise is not None:
        initialise = recipe.initialise.model_copy(update={"from_": str(one.path)})
        recipe = recipe.model_copy(update={"initialise": initialise})
    problems = list(check_first_weights(recipe))
    if problems:
        raise ConfigError(
            list_problems(f"{what}: {'.'.join(map(str, p.key))}: {p.message}" for p in problems)
        )


def _differing(wants: Mapping[str, Any]) -> str:
    data, model = wants.get("data", {}), wants.get("model", {})
    return f"{data} with {model.get('preprocessing', {})}"
