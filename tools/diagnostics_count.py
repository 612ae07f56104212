"""Counts on a study's finished runs how often the diagnostic of the training loss fires.

    python tools/diagnostics_count.py STUDY.yaml
    python tools/diagnostics_count.py STUDY.yaml --set folder=runs/mine

Each run is set beside the run of the reference mode with the same seed and fold. A row is a mode on
a downstream. A run is *low* where it scored more than 0.05 below its reference: what a diagnostic
should speak up for. It fires *on the arm* where the arm had not finished learning, and *on the
reference* where that had not. *Said* is what a study's page says of all runs of the row together.
Nothing is trained or written.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from ecg_keras.config import load_study, parse_overrides
from ecg_keras.evaluation import Pair, Scores, diagnose, read_facts
from ecg_keras.study import StudyPlan, list_cells
from ecg_keras.study.arm_contrasts import reference_of
from ecg_keras.text import text_table

LOW = -0.05
HEADER = ("downstream", "mode", "runs", "mean gap", "mean difference", "low", "fires on arm",
          "of them low", "low and silent", "fires on reference", "said")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path, help="study recipe whose runs are finished")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    plan = list_cells(load_study(arguments.study, parse_overrides(arguments.set)))
    print(count(find_pairs(plan)))


def find_pairs(plan: StudyPlan) -> dict[tuple[str, str], list[Pair]]:
    """The finished runs of each downstream and mode, each beside its reference."""
    question, pairs = plan.loaded.study.question, defaultdict(list)
    cells = plan.by_name
    for (arm, seed, fold), name in plan.points.items():
        reference = plan.points.get((reference_of(arm, question), seed, fold))
        if reference in (None, name):
            continue
        runs = [cells[one].run for one in (name, reference)]
        if not all(run.scores.is_file() for run in runs):
            continue
        scores = [Scores.load_json(run.scores).summary[question.metric] for run in runs]
        if None not in scores:
            facts = tuple(read_facts(run.folder) for run in runs)
            pairs[arm.downstream, arm.way].append(Pair(facts, (scores[0].value, scores[1].value)))
    return pairs


def count(pairs: dict[tuple[str, str], list[Pair]]) -> str:
    """The table, with a last row of all."""
    rows = [_row(*key, own) for key, own in pairs.items()]
    every = [pair for own in pairs.values() for pair in own]
    return text_table(HEADER, [*rows, _row("all", "", every)]) if rows else "no run is finished"


def _row(downstream: str, way: str, pairs: list[Pair]) -> list[str]:
    gaps = [pair.gap for pair in pairs if pair.gap is not None]
    low = [pair.scores[0] - pair.scores[1] < LOW for pair in pairs]
    fires = [pair.is_unfinished for pair in pairs]
    sentences = diagnose(("arm", "reference"), pairs) if way else ()
    about = [one.split()[0] for one in sentences if "had not finished" in one]
    return [
        downstream,
        way,
        str(len(pairs)),
        f"{fmean(gaps):+.3f}" if gaps else "-",
        f"{fmean(pair.scores[0] - pair.scores[1] for pair in pairs):+.3f}",
        str(sum(low)),
        str(sum(fires)),
        str(sum(fire and is_low for fire, is_low in zip(fires, low, strict=True))),
        str(sum(is_low and not fire for fire, is_low in zip(fires, low, strict=True))),
        str(sum(pair.swapped().is_unfinished for pair in pairs)),
        ", ".join(about) or "-",
    ]


if __name__ == "__main__":
    main()
