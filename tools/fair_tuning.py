"""Prints what fine-tuning brings with each way of choosing how both arms are trained.

    python tools/fair_tuning.py DATA --folder runs/fair_tuning          # hours on two cores
    python tools/fair_tuning.py DATA --folder runs/fair_tuning --print-only
    python tools/fair_tuning.py DATA --folder runs/fair_tuning --dry-run

DATA is a folder with ptbxl/, ludb/ and chagas/; nothing is written there. LUDB and chagas are
fine-tuned from PTB-XL, PTB-XL and the simulator's riverside from simulated ECGs of lakeside, in
five patient folds with three seeds. The study recipe is written beside the folder; its runs are
ordinary ones, those that are there are kept, and `--print-only` prints the seeds that are complete.

First table: test macro AUROC less that of scratch, with the interval of studies over patients and
seeds. "tuned" is fine-tuning against scratch, each run of both chosen from four candidates on its
validation split. "0.05 below" counts single runs (seed and fold) that score so much less than
scratch in the same fold. Second table: whether candidates could have been judged sooner.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from benchmark import describe_machine
from markdown_tables import table
from tuning.early import RULES, Grid, describe_rule
from tuning.recipe import CANDIDATES, DOWNSTREAMS, TUNED, UNTUNED, write_recipe

from ecg_keras.evaluation import with_interval
from ecg_keras.metrics import METRICS, score_labels
from ecg_keras.statistics import ArmName, contrast
from ecg_keras.study import StudyPlan, run_study, snapshot
from ecg_keras.study.arm_contrasts import compare_arms
from ecg_keras.study.finished import FinishedCell, read_arms
from ecg_keras.study.study_arm import StudyArm

BELOW = 0.05
Arms = Mapping[ArmName, StudyArm[FinishedCell]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default=os.environ.get("ECG_KERAS_TEST_DATA"))
    parser.add_argument("--folder", type=Path, required=True, help="of the study")
    parser.add_argument("--only", nargs="+", choices=DOWNSTREAMS, default=list(DOWNSTREAMS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--extend", action="store_true", help="a choice at the edge of its grid")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--print-only", action="store_true", help="what is finished")
    parser.add_argument("--dry-run", action="store_true", help="count what is left, train nothing")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder with the databases, or set ECG_KERAS_TEST_DATA")
    plan = write_recipe(
        arguments.folder.with_suffix(".yaml"),
        Path(arguments.data),
        arguments.folder,
        downstreams=arguments.only,
        seeds=arguments.seeds,
        extend=arguments.extend,
    )
    if arguments.dry_run:
        print(count(plan))
        return
    if not arguments.print_only:
        run_study(plan, workers=arguments.workers)
    print(describe_machine())
    for part in describe(plan):
        print(f"\n{part}", flush=True)


def count(plan: StudyPlan) -> str:
    """How many cells are trained, and how many of them are finished."""
    trained = sum(cell.run.model.is_file() for cell in plan.cells)
    done = snapshot(plan).counts["done"]
    return f"{trained} of {len(plan.cells)} runs are trained, {done} finished."


def describe(plan: StudyPlan) -> Iterator[str]:
    """Both tables, of the seeds whose folds are all there."""
    arms, _ = read_arms(plan)
    yield count(plan)
    yield gain_table(arms, plan)
    yield early_table(arms)


# ----------------------------------------------------------------------------- what tuning brings


def gain_table(arms: Arms, plan: StudyPlan) -> str:
    """Each arm against scratch, downstream by downstream."""
    question = plan.loaded.study.question
    rows = []
    for protocol in (UNTUNED, TUNED):
        for one in compare_arms(arms, protocol, question):
            arm, reference = arms[one.arm], arms[one.reference]
            rows.append(
                (
                    one.arm.downstream,
                    f"{one.arm.mode}{' (tuned)' * (protocol == TUNED)}",
                    f"{one.contrast.seeds}",
                    f"{contrast([reference.arm], [1.0], bootstrap=100).value:.3f}",
                    with_interval(one.contrast, "+"),
                    count_below(arm, reference),
                )
            )
    rows.sort(key=lambda row: list(DOWNSTREAMS).index(row[0]))
    header = ("downstream", "arm", "seeds", "scratch", "arm - scratch", f"{BELOW:g} below")
    return table(header, rows)


def count_below(arm: StudyArm[FinishedCell], reference: StudyArm[FinishedCell]) -> str:
    """Single runs that score so much less than the reference's with the same seed and fold."""
    seeds = sorted(set(arm.cells) & set(reference.cells))
    gains = [
        auroc(one) - auroc(other)
        for seed in seeds
        for one, other in zip(arm.cells[seed], reference.cells[seed], strict=True)
    ]
    return f"{sum(gain < -BELOW for gain in gains)} of {len(gains)}"


def auroc(run: FinishedCell) -> float:
    """Macro AUROC of one run on the test records of its fold."""
    tested = run.test
    labels = score_labels(tested.targets, tested.probabilities, np.full(len(tested.labels), 0.5))
    return float(METRICS["macro_auroc"](labels))


# ------------------------------------------------------------------------- what could stop sooner


def early_table(arms: Arms) -> str:
    """Each rule over all runs whose candidates are there, downstream by downstream."""
    grids = find_grids(arms)
    grids["all"] = [grid for own in grids.values() for grid in own]
    rows = [
        (downstream, f"{len(grids[downstream])}", name, *describe_rule(rule, grids[downstream]))
        for downstream in grids
        if grids[downstream]
        for name, rule in RULES.items()
    ]
    header = ("downstream", "runs", "candidates", "epochs saved", "same choice")
    return table((*header, "AUROC lost by it", "most", "below the best on test"), rows)


def find_grids(arms: Arms) -> dict[str, list[Grid]]:
    """The candidates of every run of both ways of training, by downstream."""
    by_mode = {
        (name.downstream, name.mode): arms[name] for name in arms if name.protocol == UNTUNED
    }
    found: dict[str, list[Grid]] = {}
    for downstream in DOWNSTREAMS:
        for modes in CANDIDATES.values():
            if not all((downstream, mode) in by_mode for mode in modes):
                continue
            tried = [by_mode[downstream, mode] for mode in modes]
            for seed in sorted(set.intersection(*(set(arm.cells) for arm in tried))):
                folds = zip(*(arm.cells[seed] for arm in tried), strict=True)
                found.setdefault(downstream, []).extend(map(make_grid, folds))
    return found


def make_grid(runs: Sequence[FinishedCell]) -> Grid:
    """The candidates of one run."""
    valid = [[float(row["val_macro_auroc"]) for row in run.log] for run in runs]
    return Grid(np.array(valid), np.array([auroc(run) for run in runs]))


if __name__ == "__main__":
    main()
