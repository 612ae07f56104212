"""Prints what a finished study says of the paper's four findings, by each of its protocols.

    python tools/findings_by_protocol.py STUDY.yaml
    python tools/findings_by_protocol.py STUDY.yaml --set folder=runs/mine

The page of a study tests them on one protocol. With arms as set and arms tuned as two protocols,
this says which of the findings are about tuning:

    T='protocols={untuned: {}, tuned: {recipe: {tune: {candidates: [{rate: 0.3}, {rate: 1}]}}}}'
    ecg-keras study recipes/studies/simulated.yaml --set "$T"
    python tools/findings_by_protocol.py recipes/studies/simulated.yaml --set "$T"

A row is a finding, with its word by each protocol; what each rests on comes after the table.
Nothing is trained.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from markdown_tables import table

from ecg_keras.config import load_study, parse_overrides
from ecg_keras.statistics import StudyResult
from ecg_keras.study import StudyPlan, gather, list_cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path, help="study recipe whose runs are finished")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    plan = list_cells(load_study(arguments.study, parse_overrides(arguments.set)))
    print(describe({name: gather(judged_by(plan, name)) for name in protocols_of(plan)}))


def protocols_of(plan: StudyPlan) -> list[str]:
    """Those of the grid itself, in its order; one that only sweeps have is of a part."""
    study = plan.loaded.study
    return list(study.protocols if study.grid.protocols is None else study.grid.protocols)


def judged_by(plan: StudyPlan, protocol: str) -> StudyPlan:
    """The same runs, with verdicts by this protocol."""
    study = plan.loaded.study
    grid = study.grid.model_copy(update={"protocols": [protocol]})
    judged = study.model_copy(update={"grid": grid})
    return replace(plan, loaded=replace(plan.loaded, study=judged))


def describe(results: Mapping[str, StudyResult]) -> str:
    """The words side by side, then what each rests on."""
    found = [result.findings for result in results.values()]
    rows, lines = [], []
    for number, own in enumerate(zip(*found, strict=True), 1):
        rows.append((own[0].claim, *(one.word for one in own)))
        pairs = zip(results, own, strict=True)
        lines += [f"{number}, {name}: {one.evidence}" for name, one in pairs]
    return "\n\n".join([table(("finding", *results), rows), *lines])


if __name__ == "__main__":
    main()
