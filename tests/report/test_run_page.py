"""The page of a run: complete, self-contained, safe, the same every time; and what is missing."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from markupsafe import Markup
from page_elements import Page, check_accessible, check_self_contained

from ecg_keras.config import Data, compose, dump_recipe, load_recipe, run_settings
from ecg_keras.data import prepare, read_dataset, read_shards
from ecg_keras.errors import DataError
from ecg_keras.evaluation import (
    Budget,
    Comparison,
    Grouping,
    Predictions,
    Scores,
    compare,
    evaluate,
    score_subgroups,
)
from ecg_keras.report import comparison_page, score_sections, shown_ecgs, write_report
from ecg_keras.report.blocks import Drawing
from ecg_keras.training import Run, Tried, Tuned, read_network

SECTIONS = [
    *("scores", "comparison", "thresholds", "sets", "curves", "subgroups"),
    *("decision-curves", "training"),
    *("ecgs", "data", "limits", "settings"),
]


@pytest.fixture(scope="module")
def page(made_run):
    return Page(write_report(made_run.folder).read_text(encoding="utf-8"))


@pytest.fixture
def copied(made_run, tmp_path):
    """The run alone, elsewhere; its baseline and shards stay where they were."""
    return Run(Path(shutil.copytree(made_run.folder, tmp_path / made_run.name)))


@pytest.fixture
def undrawn(page, monkeypatch):
    """Figures of no lines, where a test is about words: drawing is what pages take their time for.

    The page of all tests is drawn before.
    """

    def svg(drawing):
        name = f"{drawing.name}-title"
        return Markup(f'<svg role="img" aria-labelledby="{name}"><title id="{name}"></title></svg>')

    monkeypatch.setattr(Drawing, "svg", svg)


UNDRAWN = pytest.mark.usefixtures("undrawn")


def change_recipe(run, overrides):
    recipe = load_recipe(run.recipe, overrides).recipe
    run.recipe.write_text(dump_recipe(recipe), encoding="utf-8")


def report(run, **options):
    return Page(write_report(run.folder, **options).read_text(encoding="utf-8"))


@UNDRAWN
def test_the_candidates_of_both_arms_are_shown(copied, tmp_path):
    baseline = Run(Path(shutil.copytree(copied.read_place("baseline_run"), tmp_path / "base")))
    copied.write_status(baseline_run=str(baseline.folder))
    for run, best in ((copied, 0.3), (baseline, 0.1)):
        tried = [
            Tried(f"rate {rate:g}", "x", rate, None if rate == 3 else 0.3, 1e-3, 10, 5.0)
            for rate in (best, 3)
        ]
        Tuned("mark", "macro_auroc", f"rate {best:g}", tuple(tried)).save(run)
    words = report(copied).words
    first, second = words.index("rate 0.3 (chosen)"), words.index("rate 0.1 (chosen)")
    assert first < words.index("Tuning of the baseline") < second
    (baseline.folder / "tuning.json").unlink()
    assert "Tuning of the baseline" not in report(copied).words


@UNDRAWN
@pytest.mark.parametrize("keeps", [True, False])
def test_a_tuned_run_is_described_by_what_was_chosen(copied, keeps):
    change_recipe(copied, {"tune": {}})
    recipe = load_recipe(copied.recipe).recipe
    training = {"seed": 5, "phases": [{"epochs": 10}], "select": "best_loss"}
    changes = {"training": training, "model": {"backbone": "gru"}}
    chosen = compose([recipe.model_dump(mode="json", by_alias=True), changes], "here")
    status = {"settings": run_settings(recipe), "trained_settings": run_settings(chosen)}
    Tuned("m", "macro_auroc", "a", (Tried("a", "candidate", 0.7, 0.3, 1e-3, 10, 5.0),)).save(copied)
    if keeps:
        copied.write_status(**status)
    else:  # an earlier version did not, and has the candidate's folder
        copied.write_status(settings=status["settings"])
        Run(copied.folder / "candidate").write_status(settings=status["trained_settings"])
    assert read_network(copied) == chosen.model
    words = report(copied).words
    assert "gru, fine-tuned on lake.hospital" in words
    assert "10 epochs, 8,744,581 parameters" in words
    assert "the one with the lowest validation loss" in words
    assert "one training seed (5)" in words


def change(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **values}), "utf-8")


def test_the_first_sentences_are_the_verdict(page, made_run):
    score = Scores.load_json(made_run.scores).summary["macro_auroc"]
    first, second = (
        page.words.index("resnet1d18, fine-tuned on lake.hospital (superdiagnostic, 4 labels)"),
        page.words.index(Comparison.load_json(made_run.comparison).sentence),
    )
    assert first < second < page.words.index("Scores on the test split")
    assert (
        f"reaches a macro AUROC of {score.value:.3f} (95 % interval {score.low:.3f} to "
        f"{score.high:.3f}) on 60 test ECGs of 30 patients." in page.words
    )


def test_every_section_is_there_and_listed(page):
    targets = [a["href"][1:] for a in page.all("a") if a["href"] != "#content"]
    assert targets == SECTIONS
    assert [heading["id"] for heading in page.all("h2")] == SECTIONS
    assert len(page.all("h1")) == 1


@UNDRAWN
def test_groups_of_ecgs_are_scored_beside_the_rest(copied):
    test = Predictions.load(copied.predictions("test"))
    of = {str(one): "ab"[int(one[-1]) % 2] for one in test.record_ids}
    scores = Scores.load_json(copied.scores)
    limits = np.array([scores.thresholds[label] for label in test.labels])
    found = score_subgroups(test, limits, [Grouping("ward", ("a", "b"), of)], bootstrap=100)
    replace(scores, subgroups=found).save_json(copied.scores)
    page = report(copied)
    assert "They were not scored by group." not in page.words
    assert found.sentences[0] in page.words
    assert "were not scored apart" not in page.words
    assert "Observed − predicted of each label by ward" in page.words
    check_accessible(page)


def test_an_earlier_run_says_how_its_groups_are_scored(page):
    assert "They were not scored by group. `ecg-keras evaluate RUN` adds" in page.words
    assert "Subgroups, such as by age or sex, were not scored apart." in page.words


def test_it_needs_nothing_but_itself(page):
    check_self_contained(page)
    assert len(page.text.encode()) < 3_000_000


def test_it_can_be_read_without_eyes_or_mouse(page):
    check_accessible(page)
    assert len(page.all("table")) >= 6
    assert len(page.all("svg")) >= 1 + 3 * 3 + 2 + 4


def test_names_are_text_never_markup(page):
    assert page.all("b") == []
    assert page.words.count('<b class="x">T & U</b>') >= 6
    assert "心筋 $x$" in page.words
    assert "lead V1 is <flat>" in page.words
    assert "<CPU>" in page.words


def test_the_tables_say_what_the_files_say(page, made_run):
    scores = Scores.load_json(made_run.scores)
    row = scores.labels["NORM"]
    several = (row.auroc, row.auprc, row.f1, row.sensitivity, row.specificity)
    for score in (*several, row.brier):
        assert f"{score.value:.3f} {score.low:.3f} to {score.high:.3f}" in page.words
    assert f"{row.sensitivity_at_95_specificity.value:.3f} too few" in page.words
    best = scores.further["macro_f_max"]
    assert f"Macro F-max {best.value:.3f} {best.low:.3f} to {best.high:.3f}" in page.words
    assert f"Macro ECE (lower is better) {scores.macro_ece:.3f}" in page.words
    assert f"NORM {row.f_max.value:.3f}" in page.words
    assert f"{row.brier.high:.3f} {row.ece:.3f}" in page.words
    assert "Challenge 2021" not in page.words
    reason = "the labels have no SNOMED CT codes"
    assert f"No score of the PhysioNet/CinC Challenge: {reason}." in page.words
    assert "Probabilities are the network's own, without calibration." in page.words
    assert f"NORM {scores.thresholds['NORM']:.3f} {row.f1.value:.3f}" in page.words
    assert "left out of the means: never" in page.words
    missing = ", ".join(scores.thresholds_missing)
    assert f"Fewer than 5 validation patients have {missing}: there it is 0.5." in page.words
    difference = Comparison.load_json(made_run.comparison).labels["NORM"]
    assert f"AUROC of NORM {difference.a:.3f} {difference.b:.3f} +{difference.value:.3f}" in (
        page.words
    )
    assert "10 epochs in 2 phases, 8,744,581 parameters, 1.5 minutes." in page.words
    assert "The weights of epoch 8 were kept" in page.words
    assert "Dropped: 25 records. Most often: too short (25)" in page.words
    assert "and 5 more, listed in dataset.json" in page.words
    assert "train07, test03 (in test, train)" in page.words


@UNDRAWN
def test_calibration_and_challenge_scores_are_told_where_there_are_any(copied):
    test, valid = (Predictions.load(copied.predictions(split)) for split in ("test", "valid"))
    codes = dict(zip(test.labels, (("426783006",), ("164889003",), (), ()), strict=True))
    scores = evaluate(test, valid, calibration="platt", codes=codes, bootstrap=100)
    scores.save_json(copied.scores)
    words = report(copied).words
    assert scores.calibration.sentence in words
    score = scores.further["challenge_2021"]
    assert f"Challenge 2021 score {score.value:.3f} {score.low:.3f} to {score.high:.3f}" in words
    assert "No score of the PhysioNet/CinC Challenge" not in words


@UNDRAWN
def test_too_few_patients_are_said_instead_of_an_interval(copied, tmp_path):
    test, valid = (Predictions.load(copied.predictions(split)) for split in ("test", "valid"))
    rare = np.arange(len(test.patient_ids)) == np.arange(len(test.labels))[:, None]
    few = replace(test, targets=rare.T.astype(np.uint8))  # one patient with each label
    evaluate(few, valid, bootstrap=100).save_json(copied.scores)
    few.save(copied.predictions("test"))
    words = report(copied).words
    assert "(too few patients for an interval) on" in words
    assert (
        f"Macro F1 {Scores.load_json(copied.scores).summary['macro_f1'].value:.3f} too few" in words
    )
    other = replace(few, probabilities=1 - few.probabilities)
    compared = compare(few, other, names=("one", "other"), bootstrap=100)
    text = comparison_page(compared, tmp_path / "page.html").read_text(encoding="utf-8")
    assert "too few" in text and ">nan" not in text
    assert text.count('<tr class="next"><th scope="row">AUROC of ') == 1


def test_the_limits_are_said(page):
    words = page.words[page.words.index("Limits", 400) :]
    assert "never (0)" in words
    assert "One network, one training seed (0)" in words
    assert "Copies of a recording are in different splits (1 group)" in words
    assert "knows test records was not looked for" in words
    assert "Not a medical device" in words


def test_the_quality_of_each_lead_is_shown(page):
    words = page.words[page.words.index("Quality of each lead") :]
    assert "flat % clipped % noise µV baseline µV mains µV I 0 (0) " in words


@UNDRAWN
def test_a_repaired_database_is_said(copied, page):
    assert "every ECG was repaired" not in page.words
    tree = json.loads(copied.dataset.read_text())
    repair = {"what": "lead I is inverted", "evidence": "so", "done": ["lead I is turned over"]}
    copied.dataset.write_text(json.dumps({**tree, "repairs": [repair]}))
    words = report(copied).words
    assert "every ECG was repaired: lead I is inverted: lead I is turned over (so)." in words


@UNDRAWN
def test_unusual_records_are_listed_with_lead_and_value(copied, page):
    assert "Kept, with a figure outside of what is expected 0 records" in page.words
    tree = json.loads(copied.dataset.read_text())
    noted = [
        {"record_id": f"r{n}", "lead": "V2", "measure": "peak_mv", "value": 25.0 + n, "what": what}
        for n in range(120)
        for what in [f"largest sample {25 + n} mV in V2 <, expected 0.05 to 20 mV"]
    ]
    copied.dataset.write_text(json.dumps({**tree, "noted": noted}))
    words = report(copied).words
    assert "Kept, with a figure outside of what is expected 120 records" in words
    assert "r99: largest sample 124 mV in V2 <, expected 0.05 to 20 mV and 20 more" in words


@UNDRAWN
def test_what_the_check_of_the_data_found_is_said_where_training_went_on(copied, page):
    assert "check of the data" not in page.words
    copied.write_status(anomalies=["train: peak_mv: values up to <4000", "test: labels: none"])
    made = report(copied)
    assert (
        "The check of the data found faults , and the network was trained all the same "
        "( data.anomalies: warn ): train: peak_mv: values up to <4000 test: labels: none"
    ) in made.words
    assert "found 2 faults, and the network was trained all the same" in made.words
    check_accessible(made)


@UNDRAWN
def test_what_the_check_of_the_data_did_not_look_at_is_said(copied, page):
    assert "The check of the data:" not in page.words
    copied.write_status(remarks=["checked without a <library>"])
    words = report(copied).words
    assert words.count("The check of the data: checked without a <library>.") == 1


@UNDRAWN
def test_patients_in_several_splits_are_said(copied, page):
    assert "No patient is in two splits, as far as the database distinguishes" in page.words
    assert "drawn by record" not in page.words
    assert "patient of its own" not in page.words
    tree = json.loads(copied.dataset.read_text())
    copied.dataset.write_text(json.dumps({**tree, "shared_patients": 3}))
    change_recipe(copied, {"data.split.method": "records"})
    words = report(copied).words
    assert "No patient is in two splits" not in words
    assert words.count("3 patients have ECGs in several splits.") == 2
    assert "drawn by record, without regard to patients" in words[words.index("Limits", 400) :]


@UNDRAWN
def test_a_test_split_that_chose_is_said(copied, page):
    assert "The test split itself chose" not in page.words
    change_recipe(copied, {"training.validate_on": "test", "training.select": "best_weighted_f1"})
    words = report(copied).words
    assert "The test split itself chose the epoch, as in the published protocol" in words
    assert "the one with the best test weighted F1 at threshold 0.5." in words
    assert "Macro AUROC and macro AUPRC on the test split." in words
    training = words[words.index("Binary cross-entropy on the training split") :]
    assert "validation" not in training[: training.index("Surest right answer")]
    test = Predictions.load(copied.predictions("test"))
    evaluate(test, None, thresholds="test", bootstrap=100).save_json(copied.scores)
    words = report(copied).words
    assert "The test split itself chose the epoch and the thresholds" in words
    assert "with the best F1 on the test split itself" in words
    change_recipe(copied, {"training.validate_on": "test", "training.select": "last"})
    assert "The test split itself chose the thresholds, as" in report(copied).words


@UNDRAWN
def test_leaks_that_are_allowed_and_records_that_are_left_out_are_said(copied):
    guarded = {
        "mark": "m",
        "left_out": {"train": ["train07"], "valid": []},
        "warnings": ["Leaks are allowed (data.leaks): its training would know 2 test records."],
        "notes": ["1 of 40 training records are left out."],
        "known_tests": 2,
        "unchecked": False,
    }
    copied.leaks.write_text(json.dumps(guarded))
    words = report(copied).words
    limits = words[words.index("Limits") :]
    assert "its training would know 2 test records." in limits
    assert "not looked for" not in limits
    assert "Left out of training or validation, for leaks 1 record" in words
    assert "Left out for leaks: 1 of 40 training records are left out. train07 (in train)" in words
    many = {"train": [f"train{number}" for number in range(22)], "valid": []}
    copied.leaks.write_text(json.dumps({**guarded, "left_out": many}))
    assert "and 2 more, listed in leaks.json" in report(copied).words


@UNDRAWN
def test_a_database_without_patients_is_said(copied):
    tree = json.loads(copied.dataset.read_text())
    for split in tree["splits"].values():
        split["patients"] = split["records"]
    copied.dataset.write_text(json.dumps(tree))
    assert "Every ECG here counts as a patient of its own." in report(copied).words


def test_ecgs_are_drawn_with_truth_and_decision(page):
    shown = [svg for svg in page.all("svg") if svg["aria-labelledby"].startswith("ecg")]
    assert 4 <= len(shown) <= 6
    assert "Surest right answer: every label right, smallest loss" in page.words
    assert "years, female." in page.words
    assert "present, right" in page.words and "present, false alarm" in page.words


def test_the_same_files_give_the_same_bytes(page, copied):
    assert write_report(copied.folder).read_text(encoding="utf-8") == page.text
    assert [file.name for file in copied.folder.iterdir() if file.name.startswith(".")] == []


@UNDRAWN
def test_what_is_optional_is_said_to_be_missing(copied):
    for path in (copied.log, copied.environment, copied.comparison):
        path.unlink()
    copied.write_status(shards=str(copied.folder / "gone"))
    bare = report(copied)
    assert [heading["id"] for heading in bare.all("h2")] == [
        section for section in SECTIONS if section != "comparison"
    ]
    assert "no log.csv" in bare.words
    assert "no environment.json" in bare.words
    assert "Dashed: the baseline" not in bare.words
    assert f"The ECGs can't be drawn. {copied.folder}/gone: there is no such folder" in bare.words
    assert not [svg for svg in bare.all("svg") if svg["aria-labelledby"].startswith("ecg")]
    assert "Truth and prediction of record" in bare.words


@UNDRAWN
def test_a_baseline_that_has_moved_leaves_the_comparison(copied):
    copied.write_status(baseline_run=str(copied.folder / "moved"))
    moved = report(copied)
    assert "Comparison with the baseline" in moved.words
    assert "Dashed: the baseline" not in moved.words


def test_a_baseline_of_other_ecgs_is_not_drawn_as_one_of_the_same(copied, tmp_path):
    baseline = Run(Path(shutil.copytree(copied.read_place("baseline_run"), tmp_path / "base")))
    copied.write_status(baseline_run=str(baseline.folder))
    theirs = Predictions.load(baseline.predictions("test"))
    theirs.take(np.arange(1, len(theirs.record_ids))).save(baseline.predictions("test"))
    assert "Dashed: the baseline, on the same ECGs." not in report(copied).words


def test_other_shards_are_not_drawn(copied, made_run, tmp_path):
    shards = Path(shutil.copytree(made_run.folder.parent / "shards", tmp_path / "shards"))
    change(shards / "dataset.json", fingerprint="0" * 64)
    copied.write_status(shards=str(shards))
    assert "holds another dataset than the run was trained on" in report(copied).words
    with pytest.raises(DataError, match="holds another dataset"):
        write_report(copied.folder, shards=shards)
    with pytest.raises(DataError, match="nowhere: there is no such folder of shards"):
        write_report(copied.folder, shards=tmp_path / "nowhere")


def test_many_labels_keep_the_page_small(copied, monkeypatch):
    monkeypatch.setattr(score_sections, "MOST_PANELS", 2)
    monkeypatch.setattr(shown_ecgs, "MOST_LABELS", 2)
    few = report(copied)
    drawn = [svg["aria-labelledby"] for svg in few.all("svg")]
    assert sum(name.endswith("-roc-title") for name in drawn) == 2
    assert "Shown are the 2 labels with most positives; the tables have all." in few.words
    assert "labels are absent and were decided absent" in few.words


@pytest.mark.parametrize(
    "name", ["recipe.yaml", "dataset.json", "status.json", "scores.json", "predictions/test.npz"]
)
def test_a_missing_file_is_named(copied, name):
    (copied.folder / name).unlink()
    with pytest.raises(DataError) as caught:
        write_report(copied.folder)
    assert str(caught.value).startswith(f"{copied.folder / name}: there is no such file")
    assert "ecg-keras" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("log.csv", "epoch,phase,loss\n1,1,much\n", "not a log"),
        ("environment.json", "{", "damaged"),
        ("scores.json", "{}", "needs the field"),
        ("predictions/test.npz", "PK", "can't be read as predictions"),
    ],
)
def test_a_damaged_file_is_named(copied, name, content, says):
    (copied.folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=says) as caught:
        write_report(copied.folder)
    assert str(copied.folder / name) in str(caught.value)


def test_scores_of_other_labels_are_refused(copied):
    content = json.loads(copied.scores.read_text(encoding="utf-8"))
    content["labels"]["other"] = content["labels"].pop("NORM")
    change(copied.scores, labels=content["labels"])
    with pytest.raises(DataError, match=r"scores.json: has the labels .*other.*Remove"):
        write_report(copied.folder)


def test_two_runs_can_be_compared_on_a_page_of_their_own(made_run, tmp_path):
    comparison = Comparison.load_json(made_run.comparison)
    path = comparison_page(comparison, tmp_path / "compare.html")
    page = Page(path.read_text(encoding="utf-8"))
    assert path == tmp_path / "compare.html"
    assert "lake_finetune against lake_scratch" in page.words
    assert comparison.sentence in page.words
    assert len(page.all("svg")) == len(page.all("table")) == 1
    assert page.all("nav") == []


@UNDRAWN
def test_pages_say_what_runs_were_trained_for_and_what_speaks_against_them(copied, tmp_path):
    budgets = (Budget(12, 408, 1088), Budget(80, 2720, 1088))
    said = "lake_finetune had not finished learning: train it for longer."
    comparison = Comparison.load_json(copied.comparison)
    comparison = replace(comparison, budgets=budgets, diagnostics=(said,))
    comparison.save_json(copied.comparison)
    for path in (
        comparison_page(comparison, tmp_path / "compare.html"),
        write_report(copied.folder),
    ):
        words = Page(path.read_text(encoding="utf-8")).words
        assert comparison.budget_sentence in words
        assert comparison.warning in words
        assert words.index(comparison.sentence) < words.index(comparison.warning)
        assert words.index(comparison.warning) < words.index(said)


@pytest.mark.real
def test_real_ecgs_from_shards(real_data, copied, tmp_path):
    shards = tmp_path / "ptbxl"
    dataset = prepare(Data(source="ptbxl", raw=real_data / "ptbxl"), shards)
    shutil.copy(shards / "dataset.json", copied.dataset)
    copied.comparison.unlink()
    records = list(read_shards(shards, "test"))
    targets = [record.target for record in records]
    likely = [0.2 + 0.6 * target for target in targets]
    ids = [record.record_id for record in records]
    test = Predictions(dataset.labels, ids, [record.patient_id for record in records],
                       targets, likely)  # fmt: skip
    test.save(copied.predictions("test"))
    evaluate(test, None, thresholds="fixed", bootstrap=100).save_json(copied.scores)
    page = report(copied, shards=shards)
    assert "Every label's threshold is 0.5" in page.words
    assert "reaches a macro AUROC of 1.000" in page.words
    assert [svg for svg in page.all("svg") if svg["aria-labelledby"].startswith("ecg")]
    assert read_dataset(copied.dataset).source == "ptbxl" and "on ptbxl (" in page.words
