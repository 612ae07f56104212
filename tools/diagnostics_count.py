"""Counts on a study's finished runs how often the diagnostics fire.

    python tools/diagnostics_count.py STUDY.yaml
    python tools/diagnostics_count.py STUDY.yaml --set folder=runs/mine

Each run is set beside the run of the reference mode with the same seed and fold. A row is a mode on
a downstream. A run is *low* where it scored more than 0.05 below its reference: what a diagnostic
should speak up for. The training loss fires *on the arm* where the arm had not finished learning,
and *on the reference* where that had not. *Said* is what a study's page says of all runs of the row
together. Budgets, edge and scarce count pairs of which the other diagnostics say something.

The second table is of tuned runs whose candidates are tested themselves: what a choice scores on
test, where the validation split is said to be small for it and where not. Nothing is trained or
written.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from ecg_keras.config import load_study, parse_overrides
from ecg_keras.evaluation import Pair, RunFacts, Scores, diagnose, diagnose_ways, read_facts
from ecg_keras.study import StudyPlan, list_cells
from ecg_keras.study.arm_contrasts import reference_of
from ecg_keras.text import text_table
from ecg_keras.training import Run, read_tuned

LOW = -0.05
NAMES = ("arm", "reference")
# how the sentences of the other diagnostics begin
BEGINNINGS = {"budgets": "Unequal budgets", "edge": "The learning rate that was chosen",
        "scarce": "The validation split is small"}  # fmt: skip
HEADER = ("downstream", "mode", "runs", "mean gap", "mean difference", "low", "fires on arm",
          "of them low", "low and silent", "fires on reference", "said", *BEGINNINGS)  # fmt: skip
CHOICES = ("downstream", "mode", "scarce", "choices", "best on test - chosen",
           "chosen - mean of all")  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """What a tuned run was chosen from, by scores on test, and whether scarcity was named."""

    tested: tuple[float, ...]
    chosen: float
    is_scarce: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path, help="study recipe whose runs are finished")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    plan = list_cells(load_study(arguments.study, parse_overrides(arguments.set)))
    print(count(find_pairs(plan)))
    print(f"\n{count_choices(find_choices(plan))}")


def find_pairs(plan: StudyPlan) -> dict[tuple[str, str], list[Pair]]:
    """The finished runs of each downstream and mode, each beside its reference."""
    question, pairs = plan.loaded.study.question, defaultdict(list)
    cells = plan.by_name
    for (arm, seed, fold), name in plan.points.items():
        reference = plan.points.get((reference_of(arm, question), seed, fold))
        if reference in (None, name):
            continue
        runs = [cells[one].run for one in (name, reference)]
        scores = [_score(run, question.metric) for run in runs]
        if None not in scores:
            facts = tuple(read_facts(run.folder) for run in runs)
            tuned = " (tuned)" * bool(cells[name].candidates)
            pairs[arm.downstream, f"{arm.way}{tuned}"].append(Pair(facts, tuple(scores)))
    return pairs


def find_choices(plan: StudyPlan) -> dict[tuple[str, str], list[Choice]]:
    """The tuned runs of each downstream and mode all of whose candidates are tested."""
    metric, found = plan.loaded.study.question.metric, defaultdict(list)
    for (arm, _, _), name in plan.points.items():
        run = plan.by_name[name].run
        if (tuned := read_tuned(run)) is None:
            continue
        tested = {one.name: _score(Run(run.folder / one.run), metric) for one in tuned.candidates}
        if None not in tested.values():
            sentences = diagnose(NAMES, [_alone(read_facts(run.folder))])
            is_scarce = any(one.startswith(BEGINNINGS["scarce"]) for one in sentences)
            choice = Choice(tuple(tested.values()), tested[tuned.chosen], is_scarce)
            found[arm.downstream, arm.way].append(choice)
    return found


def _alone(facts: RunFacts) -> Pair:
    return Pair((facts, RunFacts()), (0.0, 0.0))


def _score(run: Run, metric: str) -> float | None:
    if not run.scores.is_file():
        return None
    found = Scores.load_json(run.scores).summary[metric]
    return None if found is None else found.value


def count(pairs: dict[tuple[str, str], list[Pair]]) -> str:
    """The table, with a last row of all."""
    rows = [_row(*key, own) for key, own in pairs.items()]
    every = [pair for own in pairs.values() for pair in own]
    return text_table(HEADER, [*rows, _row("all", "", every)]) if rows else "no run is finished"


def _row(downstream: str, way: str, pairs: list[Pair]) -> list[str]:
    gaps = [pair.gap for pair in pairs if pair.gap is not None]
    low = [pair.scores[0] - pair.scores[1] < LOW for pair in pairs]
    fires = [pair.is_unfinished for pair in pairs]
    sentences = diagnose(NAMES, pairs) if way else ()
    about = [one.split()[0] for one in sentences if "had not finished" in one]
    alone = [diagnose_ways(NAMES, [pair]) for pair in pairs]
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
        *(str(sum(any(one.startswith(start) for one in own) for own in alone))
          for start in BEGINNINGS.values()),
    ]  # fmt: skip


def count_choices(found: dict[tuple[str, str], list[Choice]]) -> str:
    """What choices score on test, those of a scarce validation split in rows of their own."""
    rows = []
    for (downstream, way), choices in found.items():
        for is_scarce in (False, True):
            own = [one for one in choices if one.is_scarce == is_scarce]
            if own:
                lost = _mean_text([max(one.tested) - one.chosen for one in own])
                gained = _mean_text([one.chosen - fmean(one.tested) for one in own])
                scarce = "named" if is_scarce else "silent"
                rows.append([downstream, way, scarce, str(len(own)), lost, gained])
    return text_table(CHOICES, rows) if rows else "no run is chosen from tested candidates"


def _mean_text(values: list[float]) -> str:
    error = f" ± {stdev(values) / len(values) ** 0.5:.3f}" if len(values) > 1 else ""
    return f"{fmean(values):+.3f}{error}"


if __name__ == "__main__":
    main()
