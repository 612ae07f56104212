"""From finished runs to what a study says, on runs whose truth is planted."""

import itertools
import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from finished_study import RECIPE, finish, list_study

from ecg_keras import transferability
from ecg_keras.data import read_dataset
from ecg_keras.data.dataset import SplitSummary
from ecg_keras.errors import DataError
from ecg_keras.evaluation import Predictions, compare
from ecg_keras.json_files import write_json
from ecg_keras.metrics import best_f1_thresholds
from ecg_keras.report import write_study
from ecg_keras.study.arm_contrasts import (
    compare_arms,
    find_shifts,
    logged_column,
    score_arm,
)
from ecg_keras.study.arm_curves import find_curves, find_interactions, keep_ledger
from ecg_keras.study.finished import read_arms
from ecg_keras.study.gathering import gather
from ecg_keras.study.upstreams import (
    describe_datasets,
    find_skew,
    list_anomalies,
    list_leaks,
    list_remarks,
    rank_upstreams,
)
from ecg_keras.training import Guarded

BETTER = {"scratch": 1.0, "finetune": 2.0}


def by_mode(cell):
    return 1.0 if cell.arm is None else BETTER[cell.arm.mode]


def finished(folder, more, skill=by_mode, **which):
    """The plan of a study whose runs are finished."""
    plan = list_study(folder, more)
    finish(plan, skill, **which)
    return plan


def test_a_planted_gain_is_found_and_a_planted_null_is_not(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0, 1, 2]}")
    arms, notes = read_arms(plan)
    assert notes == ()
    question = plan.loaded.study.question
    (found,) = compare_arms(arms, "as_set", question)
    assert (found.arm.mode, found.reference.mode) == ("finetune", "scratch")
    assert found.verdict.word == "better"
    assert found.contrast is found.scores["macro_auroc"]
    assert found.contrast.low > 0
    assert found.contrast.seeds == 3
    assert max(found.delong.values()) < 0.05
    assert set(found.labels) == {"NORM", "MI", "CD"}

    other = tmp_path / "null"
    other.mkdir()
    null = finished(other, "grid: {seeds: [0, 1, 2]}", lambda cell: 1.0)
    (found,) = compare_arms(read_arms(null)[0], "as_set", question)
    assert found.verdict.word in ("equivalent", "inconclusive")


def test_predictions_of_a_study_are_held_once_and_what_cells_share_too(tmp_path):
    arms, _ = read_arms(finished(tmp_path, "grid: {seeds: [0, 1, 2]}"))
    cells = [cell for arm in arms.values() for cell in arm.runs]
    for arm in arms.values():
        held = [one for folds in arm.arm.predictions for one in folds]
        assert [id(one) for one in held] == [id(cell.test) for cell in arm.runs]
        assert all(one.targets is cells[0].test.targets for one in arm.arm.tested)
    assert len(cells) == 6
    for name in ("record_ids", "patient_ids", "targets"):
        assert len({id(getattr(cell.test, name)) for cell in cells}) == 1
    assert len({id(cell.test.probabilities) for cell in cells}) == 6


def test_cells_of_other_labels_share_theirs(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0, 1, 2]}")
    for cell in plan.cells:
        if cell.arm and cell.arm.mode == "scratch":
            path = cell.run.predictions("test")
            test = Predictions.load(path)
            other = 1 - test.targets
            ids = test.record_ids, test.patient_ids
            Predictions(test.labels, *ids, other, test.probabilities).save(path)
    for arm in read_arms(plan)[0].values():
        for name in ("record_ids", "targets"):
            assert len({id(getattr(cell.test, name)) for cell in arm.runs}) == 1


def test_without_folds_and_with_one_seed_the_difference_is_that_of_compare(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0]}")
    arms, _ = read_arms(plan)
    (found,) = compare_arms(arms, "as_set", plan.loaded.study.question)
    pair = [
        Predictions.load(arms[name].runs[0].run.predictions("test"))
        for name in (found.arm, found.reference)
    ]
    assert found.contrast.value == pytest.approx(compare(*pair).summary["macro_auroc"].value)
    assert np.isnan(found.contrast.seed_variance)


def test_arms_are_compared_on_the_seeds_that_both_have_finished(tmp_path):
    plan = list_study(tmp_path, "grid: {seeds: [0, 1, 2], folds: 3}")
    finish(plan, by_mode, skip=("ludb-resnet1d18-scratch-s1-f2",))
    arms, notes = read_arms(plan)
    assert notes == ("ludb, resnet1d18, scratch: not all runs of seed 1 are finished.",)
    (found,) = compare_arms(arms, "as_set", plan.loaded.study.question)
    assert (found.contrast.seeds, found.contrast.folds) == (2, 3)
    assert found.contrast.records == 3 * 240
    assert found.delong == {"NORM": None, "MI": None, "CD": None}


def test_runs_without_a_validation_split_take_their_thresholds_from_the_test_split(tmp_path):
    published = "{data: {split: {method: records, valid: 0}}, training: {validate_on: test}}"
    plan = finished(
        tmp_path,
        f"protocols: {{published: {{recipe: {published}, pretrain: {published}}}}}\n"
        "grid: {seeds: [0]}",
    )
    for cell in plan.cells:
        cell.run.predictions("valid").unlink()
    arms, notes = read_arms(plan)
    assert notes == () and len(arms) == 2
    for arm in arms.values():
        (tested,) = arm.runs
        best = best_f1_thresholds(tested.test.targets, tested.test.probabilities)
        assert list(tested.thresholds.values()) == best.tolist()
    (found,) = compare_arms(arms, "published", plan.loaded.study.question)
    assert found.contrast.value > 0
    question = plan.loaded.study.question
    assert {score_arm(arm, question, "").validated_on for arm in arms.values()} == {"test"}


def test_each_record_has_the_thresholds_of_its_own_fold(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0, 1], folds: 3}")
    arm = next(iter(read_arms(plan)[0].values()))
    scored = score_arm(arm, plan.loaded.study.question, "val_macro_auroc")
    for label, limits in scored.limits.items():
        assert len(set(limits)) == 3
        for fold, folds in enumerate(zip(*arm.cells.values(), strict=True)):
            own = np.isin(scored.predictions.record_ids, arm.cells[0][fold].test.record_ids)
            mean = np.mean([cell.thresholds[label] for cell in folds])
            assert own.sum() == 240 and limits[own] == pytest.approx(mean)


def test_without_folds_all_records_have_one_threshold(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0, 1]}")
    arm = next(iter(read_arms(plan)[0].values()))
    scored = score_arm(arm, plan.loaded.study.question, "val_macro_auroc")
    assert scored.limits == arm.mean_thresholds


def test_faults_of_the_data_that_were_trained_on_are_said_once(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0, 1]}")
    assert list_anomalies(read_arms(plan)[0]) == ()
    for cell in plan.cells:
        cell.run.write_status(anomalies=["train: peak_mv: values up to 4000"])
    assert list_anomalies(read_arms(plan)[0]) == (
        "The check of ludb found a fault, and its runs were trained all the same (data.anomalies: "
        "warn): train: peak_mv: values up to 4000",
    )


def test_what_the_check_of_the_data_did_not_look_at_is_said_once(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0, 1]}")
    assert list_remarks(read_arms(plan)[0]) == ()
    for cell in plan.cells:
        cell.run.write_status(remarks=["checked without a library"])
    arms, _ = read_arms(plan)
    assert list_remarks(arms) == ("The check of ludb: checked without a library.",)


def test_a_skew_that_was_not_measured_is_said_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_data_validation", None)
    plan = finished(tmp_path, "grid: {seeds: [0]}")
    for cell in plan.cells:
        shards = Path(cell.run.read_status()["shards"])
        shards.mkdir(exist_ok=True)
        shutil.copy(cell.run.dataset, shards)
    kept = tmp_path / "skew.json"
    found, (missed,) = find_skew(read_arms(plan)[0], kept)
    assert found == {} == json.loads(kept.read_text())
    assert missed.startswith("How ludb differs from georgia was not measured: drift, skew and ")
    assert "need TensorFlow Data Validation, which can't be imported" in missed


def test_labels_of_different_sets_are_no_skew(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0]}")
    ours, theirs = (f"train: {name}" for name in ("labels: 40 % of all are MI", "peak_mv: median"))
    kept = tmp_path / "skew.json"
    kept.write_text(json.dumps({"ludb georgia": [ours, theirs]}))
    found, missed = find_skew(read_arms(plan)[0], kept)
    assert (found, missed) == ({"ludb from georgia": (ours, theirs)}, ())
    for run in (cell.run for cell in plan.cells if cell.kind == "pretrain"):
        dataset = read_dataset(run.dataset)
        counts = {name: replace(one, labels={"AF": 3}) for name, one in dataset.splits.items()}
        run.dataset.write_text(replace(dataset, labels=("AF",), splits=counts).dump())
    found, (missed,) = find_skew(read_arms(plan)[0], kept)
    assert found == {"ludb from georgia": (theirs,)}
    assert missed == (
        "How often labels occur in ludb and in georgia was not compared: their labels are not the "
        "same."
    )
    assert json.loads(kept.read_text())["ludb georgia"] == [ours, theirs]


def test_unusual_records_are_on_the_cards_of_the_databases(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0]}")
    assert "noted_records" not in describe_datasets(read_arms(plan)[0])["ludb"]
    for cell in plan.cells:
        tree = json.loads(cell.run.dataset.read_text())
        noted = {"record_id": "r7", "lead": "aVF", "measure": "einthoven_mv", "value": 0.029}
        cell.run.dataset.write_text(json.dumps({**tree, "noted": [{**noted, "what": "poor aVF"}]}))
    card = describe_datasets(read_arms(plan)[0])["ludb"]
    assert (card["noted"], card["noted_records"]) == (1, {"r7, einthoven_mv of aVF": "poor aVF"})


def test_an_arm_without_a_whole_seed_is_left_out(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0]}", skip=("ludb-resnet1d18-scratch-s0",))
    arms, notes = read_arms(plan)
    assert [name.mode for name in arms] == ["finetune"]
    assert notes == ("ludb, resnet1d18, scratch: not all runs of seed 0 are finished.",)
    assert compare_arms(arms, "as_set", plan.loaded.study.question) == ()


def test_runs_of_an_older_pretraining_are_left_out(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0]}")
    plan.cells[0].run.write_status(fingerprint="another")
    plan.cells[0].run.model.touch()
    arms, notes = read_arms(plan)
    assert [name.mode for name in arms] == ["scratch"]
    assert notes[0].endswith("finetune from georgia: not all runs of seed 0 are finished.")


def test_scores_and_predictions_of_an_arm(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0, 1], folds: 3}")
    arms, _ = read_arms(plan)
    name = next(iter(arms))
    result = score_arm(arms[name], plan.loaded.study.question, "val_macro_auroc")
    assert (result.seeds, result.folds, result.train_records) == (2, 3, 1000)
    assert len(result.predictions.record_ids) == 3 * 240
    one, other = (cells[0].test.sorted().probabilities for cells in arms[name].cells.values())
    np.testing.assert_allclose(result.predictions.probabilities[:240], (one + other) / 2, rtol=1e-6)
    assert result.scores["macro_auroc"].low < result.scores["macro_auroc"].value
    assert result.convergence.score.shape == (6, 4)
    assert result.convergence.steps[0] == np.ceil(1000 / 64)
    assert result.seconds == 20


@pytest.mark.parametrize("order", [("sound", "half"), ("half", "sound")])
def test_a_protocol_of_the_evaluation_alone_moves_f1_and_not_auroc(tmp_path, order):
    protocols = {"sound": "{}", "half": "{recipe: {evaluation: {thresholds: fixed}}}"}
    listed = ", ".join(f"{name}: {protocols[name]}" for name in order)
    plan = list_study(
        tmp_path,
        f"protocols: {{{listed}}}\ngrid: {{seeds: [0, 1]}}\nquestion: {{metric: macro_f1}}",
    )
    assert len(plan.cells) == 5
    finish(plan, by_mode)
    arms, _ = read_arms(plan)
    question = plan.loaded.study.question
    fixed = [arm for name, arm in arms.items() if name.protocol == "half"]
    assert {t for arm in fixed for t in arm.runs[0].thresholds.values()} == {0.5}
    changes = plan.loaded.study.protocol_changes
    (shift,) = find_shifts(arms, changes, question)
    assert (shift.arm.protocol, shift.protocol) == order
    assert shift.contrast.value == pytest.approx(shift.after.value - shift.before.value)
    assert shift.contrast.value != 0
    auroc = question.model_copy(update={"metric": "macro_auroc"})
    (shift,) = find_shifts(arms, changes, auroc)
    assert shift.contrast.value == 0


def test_a_protocol_is_held_against_the_one_that_it_names(tmp_path):
    half = "recipe: {evaluation: {thresholds: fixed}}"
    plan = finished(
        tmp_path,
        f"protocols: {{sound: {{}}, half: {{{half}}}, same: {{against: half, {half}}}}}\n"
        "grid: {seeds: [0, 1]}\nquestion: {metric: macro_f1}",
    )
    study = plan.loaded.study
    half, same = find_shifts(read_arms(plan)[0], study.protocol_changes, study.question)
    assert (half.arm.protocol, same.arm.protocol) == ("sound", "half")
    assert half.contrast.value != 0
    assert same.before.value == half.after.value
    assert same.contrast.value == 0


def test_an_arm_that_its_run_is_not_calibrated_for_is_said(tmp_path):
    platt = "platt: {recipe: {evaluation: {calibration: platt}}}"
    plan = finished(tmp_path, f"protocols: {{sound: {{}}, {platt}}}\ngrid: {{seeds: [0, 1]}}")
    _, notes = read_arms(plan)
    assert len(notes) == 2
    assert notes[0] == (
        "ludb, resnet1d18, scratch, protocol platt: evaluation.calibration is platt, but the run "
        "is another arm's too, whose predictions are stored with calibration none: these are shown."
    )


def test_a_gain_that_falls_with_size_is_a_learning_curve(tmp_path):
    plan = list_study(tmp_path, "grid: {seeds: [0, 1, 2], sizes: [50, 100, 200, 400]}")
    gains = {50: 1.2, 100: 0.8, 200: 0.4, 400: 0.0}

    def skill(cell):
        if cell.arm is None:
            return 1.0
        return 1.0 + (gains[cell.arm.size] if cell.arm.mode == "finetune" else 0.0)

    finish(plan, skill)
    arms, _ = read_arms(plan)
    question = plan.loaded.study.question
    (curve,) = find_curves(arms, "as_set", question)
    assert curve.sizes == (50, 100, 200, 400)
    assert (curve.way, curve.reference) == ("finetune from georgia", "scratch")
    assert curve.crossover is not None
    assert 100 < curve.crossover[0] <= 400
    assert find_curves(arms, "other", question) == ()


def test_a_size_beyond_the_training_split_is_left_out_and_the_page_says_so(tmp_path):
    # of 1000 training ECGs, in runs of the fixture
    plan = finished(
        tmp_path,
        "grid: {seeds: [0, 1], sizes: [100, 500, 1000, 2000, all]}\nquestion: {bootstrap: 100}",
    )
    arms, notes = read_arms(plan)
    assert [name.size for name in arms if name.mode == "scratch"] == [100, 500, 0]
    assert notes[0] == (
        "ludb, resnet1d18, scratch, 1000 ECGs: left out, as its 1,000 training ECGs are all, as "
        "in ludb, resnet1d18, scratch."
    )
    assert len(notes) == 4
    question = plan.loaded.study.question
    (curve,) = find_curves(arms, "as_set", question)
    assert curve.sizes == (100, 500, 1000)
    assert {one.verdict.comparisons for one in compare_arms(arms, "as_set", question)} == {3}


def test_without_all_records_among_the_sizes_the_first_that_has_them_stays(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0], sizes: [100, 1500, 2000]}")
    arms, _ = read_arms(plan)
    assert [name.size for name in arms if name.mode == "scratch"] == [100, 1500]


def test_a_size_that_a_fold_exceeds_by_a_record_stays(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0], sizes: [1000, all], folds: 3}")
    for cell in plan.cells:
        if cell.fold == 0:
            tree = json.loads(cell.run.dataset.read_text())
            tree["splits"]["train"]["records"] = 1001
            cell.run.dataset.write_text(json.dumps(tree))
    arms, notes = read_arms(plan)
    assert [name.size for name in arms if name.mode == "scratch"] == [1000, 0]
    assert notes == ()


def test_an_arm_is_not_left_out_for_one_that_lacks_its_seeds(tmp_path):
    plan = list_study(tmp_path, "grid: {seeds: [0, 1], sizes: [2000, 3000, all]}")
    finish(plan, by_mode, skip=("ludb-resnet1d18-scratch-s1",))
    arms, _ = read_arms(plan)
    kept = {name.size: tuple(arm.cells) for name, arm in arms.items() if name.mode == "scratch"}
    assert kept == {2000: (0, 1), 0: (0,)}


def test_families_of_backbones_interact(tmp_path):
    plan = list_study(tmp_path, "grid: {seeds: [0, 1, 2], backbones: [resnet1d18, lstm, gru]}")

    def skill(cell):
        if cell.arm is None or cell.arm.mode == "scratch":
            return 1.0
        return 2.0 if cell.arm.backbone == "resnet1d18" else 1.0

    finish(plan, skill)
    arms, _ = read_arms(plan)
    (found,) = find_interactions(arms, "as_set", plan.loaded.study.question)
    assert found.families == found.names == ("CNN", "RNN")
    assert found.contrast.low > 0
    assert found.head == "as_published"
    # a backbone of no known family is of one of its own
    some = {"resnet1d18": "CNN", "lstm": "RNN"}
    several = find_interactions(arms, "as_set", plan.loaded.study.question, some)
    assert [one.families for one in several] == [("CNN", "RNN"), ("CNN", "other"), ("RNN", "other")]


def test_families_are_compared_with_the_head_held_equal(tmp_path):
    axes = "seeds: [0, 1, 2], backbones: [resnet1d18, lstm], heads: [as_published, mean_max]"
    plan = list_study(tmp_path, f"grid: {{{axes}}}")

    def skill(cell):
        if cell.arm is None or cell.arm.mode == "scratch":
            return 1.0
        gains = {("resnet1d18", "as_published"): 1.0}
        return 1.0 + gains.get((cell.arm.backbone, cell.arm.head), 0.0)

    finish(plan, skill)
    arms, _ = read_arms(plan)
    found = find_interactions(arms, "as_set", plan.loaded.study.question)
    contrasts = {one.head: one.contrast for one in found}
    assert contrasts.keys() == {"as_published", "mean_max"}
    assert contrasts["as_published"].low > 0
    assert contrasts["mean_max"].value < contrasts["as_published"].low


def test_convergence_is_in_the_metric_of_the_study_where_all_logs_have_it(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0]}\nquestion: {metric: macro_f1}")
    question = plan.loaded.study.question
    arms = list(read_arms(plan)[0].values())
    assert logged_column(question, arms) == "val_macro_auroc"  # as an earlier version logged
    for cell in plan.cells:
        text = cell.run.log.read_text().replace("val_macro_auroc", "val_macro_f1")
        cell.run.log.write_text(text)
    arms = list(read_arms(plan)[0].values())
    assert logged_column(question, arms) == "val_macro_f1"
    result = score_arm(arms[0], question, "val_macro_f1")
    assert result.convergence.score[0, -1] == pytest.approx(0.6)


@pytest.mark.usefixtures("without_shards")
def test_a_validation_score_that_is_undefined_costs_its_curve_and_not_the_page(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0, 1]}\nquestion: {bootstrap: 100}")
    log = plan.by_name["ludb-resnet1d18-finetune-from-georgia-s1"].run.log
    log.write_text(log.read_text().replace("1,1,0.55,", "1,1,nan,"))
    assert "nan" in log.read_text()
    result = gather(plan)
    has_curve = {name.mode: one.convergence is not None for name, one in result.arms.items()}
    assert has_curve == {"scratch": True, "finetune": False}
    (found,) = result.comparisons
    assert found.speed is None and found.verdict.word == "better"
    assert (
        "ludb, resnet1d18, finetune from georgia: how fast it learns is not shown. "
        "ludb-resnet1d18-finetune-from-georgia-s1: val_macro_auroc of epoch 1 must be a finite "
        "number. Received: 'nan'. A score is undefined where no label has both positive and "
        "negative validation records."
    ) in result.not_done


@pytest.mark.usefixtures("without_shards")
def test_convergence_of_all_arms_is_in_one_score(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0]}\nquestion: {metric: macro_f1}")
    for cell in plan.cells:
        if cell.arm is not None and cell.arm.mode == "scratch":  # by a later version
            first, *rows = cell.run.log.read_text().splitlines()
            lines = [f"{first},val_macro_f1", *(f"{row},0.99" for row in rows)]
            cell.run.log.write_text("\n".join([*lines, ""]))
    result = gather(plan)
    last = {name.mode: arm.convergence.score[0, -1] for name, arm in result.arms.items()}
    assert last == pytest.approx({"scratch": 0.6, "finetune": 0.7})
    assert any("Convergence is shown in val_macro_auroc" in line for line in result.not_done)


def test_the_ledger_counts_the_pretraining(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0, 1]}")
    arms, _ = read_arms(plan)
    rows = keep_ledger(arms, compare_arms(arms, "as_set", plan.loaded.study.question))
    assert [(row.way, row.own, row.pretraining) for row in rows] == [
        ("scratch", 20.0, 0.0),
        ("finetune from georgia", 20.0, 100.0),
    ]
    assert rows[1].saved > 0


def test_dataset_cards_name_both_sides(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0]}")
    cards = describe_datasets(read_arms(plan)[0])
    assert [(name, card["role"]) for name, card in cards.items()] == [
        ("ludb", "downstream"),
        ("georgia (upstream)", "upstream"),
    ]
    assert cards["ludb"]["records"] == cards["ludb"]["patients"] == 1000 + 2 * 240


def test_a_patient_of_several_splits_is_one_patient(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0]}")
    (run,) = {
        cell.run for cell in plan.cells if cell.arm is not None and cell.arm.mode == "scratch"
    }
    dataset = replace(read_dataset(run.dataset), shared_patients=80)
    run.dataset.write_text(dataset.dump())
    card = describe_datasets(read_arms(plan)[0])["ludb"]
    assert card["patients"] == "at most 1,400"  # one may be in all three
    nobody = SplitSummary(0, 0, dict.fromkeys(dataset.labels, 0), {}, {})
    two = replace(dataset, splits={**dataset.splits, "valid": nobody})
    run.dataset.write_text(two.dump())
    assert describe_datasets(read_arms(plan)[0])["ludb"]["patients"] == 1240 - 80


def test_of_published_weights_nothing_is_counted_that_is_not_known(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0, 1]}")
    for run in {cell.run for cell in plan.cells if cell.kind == "pretrain"}:
        status = run.read_status()
        run.status.write_text(
            json.dumps({key: status[key] for key in status if key not in ("seconds", "shards")})
        )
        dataset = read_dataset(run.dataset)
        nobody = SplitSummary(0, 0, dict.fromkeys(dataset.labels, 0), {}, {})
        run.dataset.write_text(
            replace(dataset, splits=dict.fromkeys(dataset.splits, nobody)).dump()
        )
    arms, _ = read_arms(plan)
    card = describe_datasets(arms)["georgia (upstream)"]
    assert not {"records", "patients", "labels", "dropped", "duplicates"} & set(card)
    assert (card["source"], card["leads"]) == ("georgia", ["I", "II"])
    _, row = keep_ledger(arms, compare_arms(arms, "as_set", plan.loaded.study.question))
    assert row.saved > 0
    assert (row.pretraining, row.share, row.tasks_to_pay, row.saved_with_share) == (None,) * 4


def test_the_page_tells_of_leaks(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0, 1]}")
    arms, _ = read_arms(plan)
    assert "In 4 of 4 runs leaks were not looked for" in list_leaks(arms)[0]
    nothing = {"mark": "m", "warnings": [], "notes": [], "known_tests": 0, "unchecked": False}
    runs = [cell.run for arm in arms.values() for cell in arm.runs]
    for run in runs:
        write_json(run.leaks, {**nothing, "left_out": {"train": ["r1", "r2"], "valid": []}})
    arms, _ = read_arms(plan)
    (line,) = list_leaks(arms)
    assert line.startswith("Whether networks know test ECGs was looked for by patient id")
    assert describe_datasets(arms)["ludb"]["left_out_for_leaks"] == 2
    stored = arms[next(iter(arms))].runs[0].dataset.splits["train"].records
    assert {arm.train_records for arm in arms.values()} == {stored - 2}
    left_out = {"train": [], "valid": []}
    write_json(runs[0].leaks, {**nothing, "left_out": left_out, "known_tests": 3})
    write_json(runs[1].leaks, {**nothing, "left_out": left_out, "unchecked": True})
    first, second, _ = list_leaks(read_arms(plan)[0])
    assert first.startswith("1 of 4 runs know test ECGs, by patient or signal")
    assert second.startswith("Upstreams of 1 of 4 runs do not say what they were trained on")


def test_a_record_left_out_in_several_folds_is_one_record(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0], folds: 3}")
    nothing = {"mark": "m", "warnings": [], "notes": [], "known_tests": 0, "unchecked": False}
    runs = [cell.run for cell in plan.cells if cell.arm is not None]
    for number, run in enumerate(runs):
        left_out = {"train": ["r1", "r2"], "valid": [f"r{3 + number % 2}", "r1"]}
        write_json(run.leaks, {**nothing, "left_out": left_out})
    assert len(runs) == 6
    card = describe_datasets(read_arms(plan)[0])["ludb"]
    assert card["left_out_for_leaks"] == 4


@pytest.mark.usefixtures("without_shards")
def test_the_largest_difference_may_be_a_loss(tmp_path):
    skill = {("finetune", 100): 0.2, ("finetune", 0): 1.3}
    plan = list_study(tmp_path, "grid: {seeds: [0, 1, 2], sizes: [100, all]}")
    finish(plan, lambda one: skill.get((one.arm.mode, one.arm.size), 1.0) if one.arm else 1.0)
    result = gather(plan)
    gain, loss = sorted(result.comparisons, key=lambda one: abs(one.contrast.value))
    assert gain.contrast.value > 0 > loss.contrast.value
    assert f"is {loss.contrast.value:+.3f} [" in result.sentence


@pytest.mark.usefixtures("without_shards")
def test_runs_of_different_precisions_that_are_compared_are_said(tmp_path):
    def said(plan):
        return [line for line in gather(plan).not_done if "different precisions" in line]

    more = "grid: {seeds: [0, 1]}\nquestion: {bootstrap: 100}"
    plan = finished(tmp_path, more)
    first, *others = (cell.run for cell in plan.cells if cell.arm is not None)
    assert said(plan) == []
    for run in (first, *others):
        write_json(run.environment, {"precision": "mixed_bfloat16"})
    assert said(plan) == []
    write_json(first.environment, {"precision": "float32"})
    (line,) = said(plan)
    assert "ludb, resnet1d18, finetune from georgia and ludb, resnet1d18, scratch." in line

    chosen = "protocols: {exact: {recipe: {training: {precision: float32}}}}"
    folder = tmp_path / "chosen"
    folder.mkdir()
    plan = finished(folder, f"{chosen}\n{more}")
    for cell, precision in zip(plan.cells, itertools.cycle(["float32", "float64"])):
        write_json(cell.run.environment, {"precision": precision})
    assert said(plan) == []  # what a study sets is shown as such


@pytest.mark.usefixtures("without_shards")
def test_the_answer_is_a_sentence_and_a_table(tmp_path):
    plan = finished(tmp_path, "grid: {seeds: [0, 1, 2], sizes: [100, all]}")
    result = gather(plan)
    assert result.sentence.startswith("Of 2 comparisons with scratch, 2 better. The largest")
    first, *_, row = result.table().splitlines()
    assert first == result.sentence
    assert row.startswith("ludb, resnet1d18, finetune from georgia ")
    assert row.endswith("better")
    assert len(result.arms) == 4
    assert any(line.startswith("Each upstream was pre-trained once") for line in result.not_done)
    assert any("over training patients" in line for line in result.not_done)


@pytest.mark.usefixtures("without_shards")
def test_seeds_that_share_a_pretraining_speak_against_their_comparison(tmp_path):
    sweep = "sweeps: [{backbones: [gru], seeds: [0, 1, 2], upstream_seeds: [0, 1]}]"
    plan = finished(tmp_path, f"grid: {{seeds: [0, 1, 2], upstream_seeds: [0, 1, 2]}}\n{sweep}")
    result = gather(plan)
    shown = {one.arm.backbone: one.diagnostics for one in result.comparisons}
    assert shown["resnet1d18"] == ()
    (said,) = shown["gru"]
    assert said.startswith("georgia was pre-trained 2 times for 3 seeds: intervals and verdicts")
    assert f"! {said}" in result.table()
    assert not any("pre-trained once" in line for line in result.not_done)


@pytest.mark.usefixtures("without_shards")
def test_seeds_that_share_a_pretraining_speak_against_its_control_as_well(tmp_path):
    more = "controls: true\ngrid: {seeds: [0, 1, 2], upstream_seeds: [0, 1]}"
    plan = list_study(tmp_path, f"{more}\nexclude: [{{mode: upstream_probe}}]")
    finish(plan, lambda cell: 2.0 if cell.arm and cell.arm.upstream else 1.0)
    result = gather(plan)
    (control,) = result.controls
    (said,) = control.diagnostics
    assert said.startswith("georgia was pre-trained 2 times for 3 seeds: intervals and verdicts")
    page = write_study(replace(result, comparisons=()), tmp_path / "page").read_text()
    assert said in page


@pytest.mark.usefixtures("without_shards")
def test_one_pretraining_for_all_seeds_of_a_sweep_is_said(tmp_path):
    sweep = "sweeps: [{backbones: [gru], seeds: [0, 1]}]"
    plan = finished(tmp_path, f"grid: {{seeds: [0, 1], upstream_seeds: [0, 1]}}\n{sweep}")
    result = gather(plan)
    assert any("What some arms start from was pre-trained once" in one for one in result.not_done)
    assert result.list_diagnostics() == ()


def test_metrics_see_the_records_that_were_trained_on(tmp_path, monkeypatch):
    plan = finished(tmp_path, "grid: {seeds: [0]}")
    asked = []
    monkeypatch.setattr("ecg_keras.study.gathering.find_skew", lambda *args: ({}, ()))
    monkeypatch.setattr(transferability, "score_all", lambda features: {"knn": 0.5})
    monkeypatch.setattr(
        transferability, "extract", lambda *args, left_out, **rest: asked.append(left_out)
    )
    gather(plan)
    gather(plan)  # what was computed is kept
    (arm,) = [arm for name, arm in read_arms(plan)[0].items() if name.upstream]
    guarded = Guarded("m", {"train": ("r1", "r7"), "valid": ("r9",)})
    guarded.save(arm.runs[0].run)
    gather(plan)
    gather(plan)
    assert asked == [(), ("r1", "r7")]


def test_where_shards_are_gone_the_page_says_what_it_lacks(tmp_path, monkeypatch):
    plan = finished(tmp_path, "grid: {seeds: [0], heads: [as_published, mean_max]}")
    monkeypatch.setattr("ecg_keras.study.gathering.find_skew", lambda *args: ({}, ()))
    result = gather(plan)
    assert len(result.comparisons) == 2 and result.transferability == ()
    (line,) = [line for line in result.not_done if "How well" in line]
    shards = plan.cells[0].run.folder.parent / "shards"
    assert line.startswith(f"How well georgia fits ludb is not said: {shards}")
    assert not (plan.folder / "transferability.json").exists()

    monkeypatch.setattr(transferability, "extract", lambda *args, **rest: None)
    monkeypatch.setattr(transferability, "score_all", lambda features: {"knn": 0.5})
    (found,) = gather(plan).transferability  # once they are back
    assert len(found.values) == 2


def test_upstreams_are_ranked_within_a_mode_and_not_over_all_arms(tmp_path, monkeypatch):
    sources = ("georgia", "ptbxl", "cpsc2018", "ptb", "sph")
    text = "".join(f"  {source}: {{data: {{source: {source}}}}}\n" for source in sources)
    monkeypatch.setattr(
        "finished_study.RECIPE", RECIPE.replace("  georgia: {data: {source: georgia}}\n", text)
    )
    plan = finished(tmp_path, "  probe: {}\ngrid: {seeds: [0]}", lambda cell: 1.0)
    arms, _ = read_arms(plan)
    monkeypatch.setattr(transferability, "extract", lambda folder, *args, **rest: folder)
    monkeypatch.setattr(
        transferability,
        "score_all",
        lambda folder: {"knn": float(sources.index(folder.name.split("-")[1]))},
    )
    # in both modes the higher estimates gain more, and in one of them all gain less
    compared = [
        SimpleNamespace(
            arm=name,
            contrast=SimpleNamespace(
                value=sources.index(name.upstream) - 9 * (name.mode == "probe")
            ),
        )
        for name in arms
        if name.upstream
    ]
    (found,), missed = rank_upstreams(
        arms, compared, tmp_path / "kept.json", level=0.95, bootstrap=100, seed=0
    )
    assert missed == () and len(found.values) == 10
    assert found.tau == pytest.approx((1, 1, 1))


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Ranks two upstreams of a study, but those named; on how many records, and what is said."""
    text = "".join(f"  {source}: {{data: {{source: {source}}}}}\n" for source in ("georgia", "sph"))
    recipe = RECIPE.replace("  georgia: {data: {source: georgia}}\n", text)
    monkeypatch.setattr("finished_study.RECIPE", recipe)
    arms, _ = read_arms(finished(tmp_path, "grid: {seeds: [0]}", lambda cell: 1.0))
    asked = []
    monkeypatch.setattr(transferability, "score_all", lambda features: {"knn": 0.5})

    def extract(*args, train_records, **rest):
        asked.append(train_records)

    def measure(most, without="", failing=False):
        def fail(*args, **rest):
            raise DataError("gone")

        compared = [
            SimpleNamespace(arm=name, contrast=SimpleNamespace(value=0.1))
            for name in arms
            if name.upstream and name.upstream != without
        ]
        asked.clear()
        monkeypatch.setattr(transferability, "extract", fail if failing else extract)
        monkeypatch.setattr("ecg_keras.study.upstreams.MOST_RECORDS", most)
        settings = {"level": 0.95, "bootstrap": 100, "seed": 0}
        _, said = rank_upstreams(arms, compared, tmp_path / "kept.json", **settings)
        return list(asked), said

    return measure


def test_of_many_training_records_upstreams_are_ranked_by_a_part(measured):
    _, said = measured(50, failing=True)
    assert not any("is measured on" in line for line in said)  # nothing is there
    for asked in ([50, 50], []):
        found, (said,) = measured(50)
        assert found == asked
    assert said.startswith("How well upstreams fit ludb is measured on 50 of the training ECGs")


def test_values_of_all_training_records_are_taken_where_all_upstreams_have_them(measured):
    assert measured(20_000, without="sph") == ([None], ())
    assert measured(50, without="sph") == ([], ())
    asked, said = measured(50)  # of few records and of many they can't be compared
    assert asked == [50, 50] and len(said) == 1
    assert measured(20_000) == ([None], ())
    assert measured(50) == ([], ())


def test_nothing_finished_is_told_with_what_to_do(tmp_path):
    plan = list_study(tmp_path, "grid: {seeds: [0]}")
    with pytest.raises(DataError, match=r"no arm of the study is finished\. Run `ecg-keras"):
        gather(plan)
