"""A study says of each comparison what speaks against it, counted over its runs."""

import csv

import pytest
from finished_study import finish, list_study

from ecg_keras.evaluation import Predictions
from ecg_keras.statistics import headline
from ecg_keras.study.arm_contrasts import compare_arms, score_run
from ecg_keras.study.finished import read_arms
from ecg_keras.training import Run, Tried, Tuned

QUICK = [0.6, 0.3, 0.1, 0.1]
SLOW = [0.6, 0.55, 0.5, 0.5]


def log_losses(cell, losses):
    """The log of a finished cell, with these training losses."""
    with cell.run.log.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["epoch", "phase", "loss", "val_macro_auroc", "seconds"])
        rows.writerows([n, 1, loss, 0.6, 5.0] for n, loss in enumerate(losses, start=1))


def finished(tmp_path, losses):
    """Six runs of each way, of which fine-tuning scores lower; ``losses`` is the log of each."""
    plan = list_study(tmp_path, "grid: {seeds: [0, 1], folds: 3}")
    finish(plan, lambda cell: 2.0 if cell.arm and cell.arm.mode == "scratch" else 1.0)
    for cell in plan.cells:
        if cell.arm is not None:
            log_losses(cell, losses(cell))
    return plan


def compared_in(plan):
    """Its only comparison."""
    (compared,) = compare_arms(read_arms(plan)[0], "as_set", plan.loaded.study.question)
    return compared


def by_mode(cell):
    return SLOW if cell.arm.mode == "finetune" else QUICK


def all_but_one(cell):
    return QUICK if (cell.seed, cell.fold) == (0, 1) else by_mode(cell)


def test_a_label_without_a_threshold_has_a_half():
    predictions = Predictions(["MI"], ["a", "b"], ["p", "q"], [[1], [0]], [[0.9], [0.6]])
    assert score_run(predictions, {}, "macro_auroc") == 1.0
    assert score_run(predictions, {}, "macro_f1") == pytest.approx(2 / 3)
    assert score_run(predictions, {"MI": 0.7}, "macro_f1") == 1.0


@pytest.mark.parametrize(("losses", "count"), [(by_mode, 6), (all_but_one, 5)])
def test_an_arm_that_had_not_finished_is_said_with_its_count(tmp_path, losses, count):
    compared = compared_in(finished(tmp_path, losses))
    assert compared.verdict.word == "worse"
    (said,) = compared.diagnostics
    assert said.startswith(
        "ludb, resnet1d18, finetune from georgia had not finished learning in "
        f"{count} of 6 runs: its training loss ended "
    )
    assert "above that of scratch" in said


def test_equal_logs_few_fires_and_a_worse_score_alone_are_silence(tmp_path):
    def once(cell):
        return SLOW if cell.arm.mode == "finetune" and cell.seed == cell.fold == 0 else QUICK

    for number, losses in enumerate((lambda cell: QUICK, once)):
        folder = tmp_path / str(number)
        folder.mkdir()
        compared = compared_in(finished(folder, losses))
        assert compared.verdict.word == "worse"
        assert compared.diagnostics == ()


def test_a_probe_is_not_said_to_be_unfinished(tmp_path):
    plan = finished(tmp_path, by_mode)
    for cell in plan.cells:
        settings = cell.run.read_status()["settings"]
        if cell.arm is not None and cell.arm.mode == "finetune":
            settings["training"]["phases"] = [{"epochs": 4, "train_from": "head"}]
        cell.run.write_status(settings=settings)
    assert compared_in(plan).diagnostics == ()


def test_unequal_budgets_are_said_once_for_all_runs(tmp_path):
    plan = finished(tmp_path, lambda cell: QUICK)
    for cell in plan.cells:
        cell.run.write_status(epochs=4 if cell.arm and cell.arm.mode == "scratch" else 8)
    (said,) = compared_in(plan).diagnostics
    assert said.startswith("Unequal budgets (epochs 8 against 4, steps ")
    assert "finetune from georgia and scratch may come from that alone" in said


def test_steps_of_a_tuned_arm_are_of_the_batch_size_that_was_chosen(tmp_path):
    sizes = [f"{{recipe: {{training: {{batch_size: {size}}}}}}}" for size in (16, 50)]
    tune = f"tune: {{candidates: [{', '.join(sizes)}], extend: false}}"
    plan = list_study(tmp_path, "grid: {seeds: [0]}", f"{{{tune}}}")
    finish(plan, lambda cell: 1.0)
    for cell in plan.cells:
        if cell.candidates:
            tried = [Tried(name, str(path), 0.7, 0.3, 1e-3, 4, 5.0)
                     for name, path in cell.candidates.items()]  # fmt: skip
            Tuned("mark", "macro_auroc", tried[-1].name, tuple(tried)).save(cell.run)
    steps = {name.mode: arm.steps_per_epoch for name, arm in read_arms(plan)[0].items()}
    assert steps == {"scratch": -(-1000 // 64), "finetune": 1000 / 50}


TWO = "tune: {candidates: [{rate: 0.3}, {rate: 1}], extend: false}"


def tuned_alone(tmp_path, recipe="{}"):
    """What a study says where scratch alone is tuned; ``recipe`` is what fine-tuning sets."""
    changes = f"protocols: {{plain: {{}}, as_set: {{modes: [scratch], recipe: {{{TWO}}}}}}}"
    plan = list_study(tmp_path, f"{changes}\ngrid: {{seeds: [0, 1]}}", finetune=recipe)
    finish(plan, lambda cell: 1.0)
    for cell in plan.cells:
        cell.run.write_status(epochs=4)
        tried = [Tried(path.name, str(path), 0.7, 0.3, 1e-3, 4, 5.0)
                 for path in cell.candidates.values()]  # fmt: skip
        if tried:
            Tuned("mark", "macro_auroc", tried[-1].name, tuple(tried)).save(Run(cell.run.folder))
    return compared_in(plan)


def test_an_arm_that_is_left_untuned_beside_a_tuned_one_is_named(tmp_path):
    compared = tuned_alone(tmp_path)
    assert (compared.settings, compared.beyond) == ((0, 2), (0, 0))
    (said,) = compared.diagnostics
    assert said.startswith("Unequal budgets (settings 0 against 2): ")
    assert headline([compared], "macro_auroc").endswith(
        "The arms were not tuned alike, which may be what differs: see their settings."
    )


def test_a_ridge_head_has_nothing_to_tune(tmp_path):
    ridge = "{training: {phases: [{epochs: 1, train_from: head, fit: ridge}]}}"
    compared = tuned_alone(tmp_path, ridge)
    assert compared.settings is None
    assert compared.diagnostics == ()
    assert "not tuned alike" not in headline([compared], "macro_auroc")


def test_seeds_that_share_a_tuned_run_are_tuned_all_the_same(tmp_path):
    ridge = "training: {phases: [{epochs: 1, train_from: head, fit: ridge}]}"
    heads = "{recipe: {model: {head: mean_max}}}, {recipe: {model: {head: pooled}}}"
    tune = f"tune: {{candidates: [{heads}], extend: false}}"
    plan = list_study(tmp_path, "grid: {seeds: [0, 1, 2]}", f"{{{ridge}, {tune}}}")
    finish(plan, lambda cell: 1.0)
    for cell in plan.cells:
        if cell.candidates:
            tried = [Tried(name, f"../{path.name}", 0.7, None, 1e-3, 1, 5.0)
                     for name, path in cell.candidates.items()]  # fmt: skip
            Tuned("mark", "macro_auroc", tried[-1].name, tuple(tried), edge="lowest").save(cell.run)
    (arm,) = (arm for name, arm in read_arms(plan)[0].items() if name.mode == "finetune")
    (name,) = {run.name for run in arm.runs}
    chosen = tried[-1].name
    assert (len(arm.runs), dict(arm.tuning.chosen), arm.tuning.tried[chosen]) == (3, {chosen: 3}, 3)
    # what was trained is counted once
    assert (arm.tuning.seconds, arm.tuning.edges) == (10.0, (name,))
    assert len(arm.tuning.diverged) == 2
