"""The page of a study: verdict first, complete, self-contained; what is missing is said."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from page_elements import Page, check_accessible, check_self_contained
from study_example import LONG, bare, study

from ecg_keras.config import Data
from ecg_keras.data import prepare, read_shards
from ecg_keras.errors import DataError
from ecg_keras.evaluation import Estimate, GroupGain, Predictions
from ecg_keras.report import (
    decision_sections,
    study_costs,
    study_ecgs,
    study_labels,
    study_record,
    write_study,
)
from ecg_keras.report.blocks import Absent, Group, Rows
from ecg_keras.report.study_checklist import ITEMS, checklist
from ecg_keras.report.study_differences import controls, differences, families, protocols
from ecg_keras.report.study_groups import decisions
from ecg_keras.report.study_labels import labels, thresholds
from ecg_keras.report.study_learning import convergence, tuning
from ecg_keras.report.study_verdicts import verdicts
from ecg_keras.report.study_view import StudyView
from ecg_keras.report.table_files import csv_text
from ecg_keras.report.tables import cell_text
from ecg_keras.statistics import ArmTuning, Control

SECTIONS = [
    *("verdicts", "differences", "learning-curves", "convergence", "protocols", "families"),
    *("labels", "calibration", "thresholds", "decision-curves"),
    *("transferability", "ledger", "findings", "data"),
    *("ecgs", "settings", "not-done", "checklist"),
]
ALWAYS = [
    *("verdicts", "differences", "convergence", "labels", "calibration", "thresholds"),
    *("decision-curves", "data"),
    *("ecgs", "settings", "not-done", "checklist"),
]


def small():
    """A study that is quick to draw."""
    few = {"downstreams": ("ludb_sinus_rhythm_only",), "backbones": ("lstm",), "sizes": (0,)}
    return study(**few, protocols=("sound",), upstreams=("georgia",))


@pytest.fixture(scope="module")
def result():
    return study(protocols=("sound", "as_published"), upstreams=("georgia",))


@pytest.fixture(scope="module")
def page(result, tmp_path_factory):
    path = write_study(result, tmp_path_factory.mktemp("study"))
    assert path.name == "report.html" and (path.parent / "tables" / "comparisons.csv").is_file()
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def bare_page(tmp_path_factory):
    path = write_study(bare(small()), tmp_path_factory.mktemp("bare"))
    return Page(path.read_text(encoding="utf-8"))


def headings(page):
    return [attributes["id"] for attributes in page.all("h2")]


def test_the_verdict_comes_first(page, result):
    assert page.words.index(result.sentence) < page.words.index("Verdicts")
    assert len(page.all("h1")) == 1
    first = result.comparisons[0].verdict
    assert first.word in page.words


def test_every_section_is_there_in_its_order_and_listed(page):
    assert headings(page) == SECTIONS
    links = [a["href"][1:] for a, within in ((a, w) for t, a, w in page.elements if t == "a")
             if "nav" in within]  # fmt: skip
    assert links == SECTIONS


@pytest.mark.parametrize("kind", ["page", "bare_page"])
def test_it_needs_nothing_but_itself_and_can_be_read_by_all(kind, request):
    shown = request.getfixturevalue(kind)
    check_self_contained(shown)
    check_accessible(shown)
    assert len(shown.text.encode()) < 2_000_000


def test_names_are_text_never_markup(page):
    assert page.all("b") == [] and page.all("small") != []
    assert '<b class="x">ST & T_100%</b>' in page.words
    assert LONG in page.words
    assert "loss is NaN after step 12 <lr 0.01>" in page.words
    assert "# <small> & quick" in page.words and "<CPU>" in page.words


def test_a_section_without_content_is_left_out_and_the_reason_said(bare_page):
    assert headings(bare_page) == ALWAYS
    for reason in (
        "No learning curves: they need at least three training sizes.",
        "No other protocols: the study has one protocol only.",
        "No families of backbones: a comparison of gains needs backbones of two families.",
        "No transferability: no estimate was computed for the arms of this study.",
        "No ledger: no run noted its time.",
        "No findings: the published findings were not tested.",
    ):
        assert reason in bare_page.words
    assert "The environment was not noted." in bare_page.words
    assert "failed and" not in bare_page.words
    assert (
        "for you to write" in bare_page.words and "Not compared in this study." in bare_page.words
    )
    assert "Diagnostics speak against" not in bare_page.words
    assert "What speaks against" not in bare_page.words


def test_a_study_of_which_nothing_is_done_still_has_a_page(tmp_path):
    empty = replace(bare(small()), arms={}, comparisons=(), datasets={},
                    cells={"done": 0, "failed": 2, "missing": 3})  # fmt: skip
    page = Page(write_study(empty, tmp_path).read_text(encoding="utf-8"))
    assert headings(page) == ["settings", "not-done"]
    assert "No reporting checklist: no arm was tested." in page.words
    assert "0 runs done, 2 failed, 3 missing." in page.words
    assert "No verdicts: no arm could be compared with its reference." in page.words
    check_accessible(page)


def test_what_is_unfinished_stands_beside_the_verdicts(page):
    assert "Of 601 runs, 1 failed and 2 are not there yet" in page.words
    assert page.words.count("598 runs done, 1 failed, 2 missing.") == 1
    assert "The upstream code15 was not there." in page.words
    assert "Not a medical device" in page.words


def test_the_numbers_are_the_results(page, result):
    one = result.comparisons[0].contrast
    value, low, high = (f"{end:+.3f}".replace("-", "−") for end in (one.value, one.low, one.high))
    assert f"{value} {low} to {high}" in page.words
    assert "Differences from scratch in macro AUROC" in page.words
    assert "equivalent means within ±0.02" in page.words
    assert "τ = +0.410 (−0.120 to +0.780). 4 arms." in page.words
    assert "τ is undefined. 4 arms." in page.words
    assert "Fine-tuning helps on small data." in page.words and "✓ confirmed" in page.words
    assert "Brier, scratch" in page.words
    assert "Curves are drawn from its mean probability over the 3 seeds" in page.words
    assert "5-fold cross-validation" in page.words
    assert "rms_mv: the distance of the histograms is 0.31" in page.words


def test_long_parts_are_folded(page):
    folded = [tag for tag, _, within in page.elements if tag == "table" and "details" in within]
    opened = [tag for tag, _, within in page.elements if tag == "table" and "details" not in within]
    assert folded and opened
    assert "Scores of every arm" in page.words


def test_figures_say_in_words_what_they_show(page):
    drawn = [svg["aria-labelledby"] for svg in page.all("svg")]
    for prefix in (
        *("forest1", "learning1", "convergence1", "protocol1", "families1", "transferability1"),
        *("label1-0-roc", "label1-0-pr", "label1-0-calibration", "ledger1"),
    ):
        assert any(name.startswith(prefix) for name in drawn), prefix
    assert "Differences on ptbxl:" in page.words


def test_the_same_result_gives_the_same_bytes(tmp_path):
    made = bare(small())
    one, two = (write_study(made, tmp_path / name) for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert [path.name for path in (tmp_path / "one").iterdir() if path.name[0] == "."] == []


def test_shards_that_are_gone_are_named_and_no_folder_is_a_fact(page):
    assert "The ECGs can't be drawn. /nowhere/ptbxl/fold0: there is no such folder" in page.words
    assert "Truth and prediction of record" in page.words
    assert page.words.count("/nowhere/") == 2  # one for each downstream, none in the data's cards
    section = study_record.ecgs(StudyView(replace(small(), datasets={})))
    assert "The study names no shards of it." in str(section.blocks)


def test_groups_that_gain_more_have_a_section_and_a_table(tmp_path):
    plain = small()
    one = plain.comparisons[0]
    some = Estimate(0.08, 0.02, 0.14)
    gains = (
        GroupGain("sex", "female", 40, 38, ("A",), some, one.contrast, some, 0.01, 0.02,
                  "gains more"),
        GroupGain("sex", "other", 3, 3, ()),
    )  # fmt: skip
    result = replace(plain, gains={one.arm: gains})
    page = Page(write_study(result, tmp_path).read_text(encoding="utf-8"))
    assert "gains" in headings(page)
    assert "by sex: female gains more (Holm's p = 0.020)." in page.words
    assert "Groups by sex: whether one gains more." in page.words  # in the checklist
    assert "Key subgroups: item 14." in page.words
    with (tmp_path / "tables" / "group_gains.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["word"] for row in rows] == ["gains more", "too few"]
    assert (rows[0]["interaction_low"], rows[1]["interaction"]) == ("0.02", "")
    with (tmp_path / "tables" / "decision_curves.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {float(row["threshold"]) for row in rows} >= {0.01, 0.5}
    check_accessible(page)


def test_the_ledger_counts_ways_from_pretrained_networks_and_what_it_does_not_know():
    one = replace(small().ledger[1], to_quality=7.5, saved=21.25, tasks_to_pay=254.1)
    way = {"saved": 30.0, "saved_interval": (10.0, 50.0), "tasks_to_pay": 0.0}
    random = replace(one, way="finetune", upstream="", pretraining=0.0, **way)
    late = replace(random, to_quality=None, saved=None, saved_interval=None, tasks_to_pay=None)
    theirs = replace(one, pretraining=None, **{**way, "tasks_to_pay": None})
    section = study_costs.ledger(StudyView(replace(small(), ledger=(random, late, one, theirs))))
    assert section.blocks[0].startswith(
        "Of 2 ways from a pre-trained network, 2 saved time to the same quality as measured, 1 of "
        "them by an interval"
    )
    assert section.blocks[0].endswith("What the pre-training took is not known of 1.")
    (table,) = section.tables
    shown = [
        tuple(cell_text(column.kind, cell) for column, cell in zip(table.columns, row, strict=True))
        for row in table.rows
    ]
    assert [row[4:] for row in shown] == [
        ("", "", "50.0 s", "30.0 s", ""),
        ("", "", "50.0 s", "undefined", ""),
        ("1.5 h", "4", "23.3 min", "21.2 s", "254.1"),
        ("not known", "4", "not known", "30.0 s", "not known"),
    ]
    assert csv_text(table).splitlines()[4].endswith(",,4,,30.0,")


def test_curves_of_some_labels_only_say_which(monkeypatch):
    made = study(downstreams=("ptbxl",), backbones=("lstm",), sizes=(0,), protocols=("sound",))
    for module in (study_labels, decision_sections):
        monkeypatch.setattr(module, "MOST_LABELS", 2)
    cut = "Curves are of the 2 labels with most positives; "
    group = next(one for one in labels(StudyView(made)).blocks if isinstance(one, Group))
    assert group.blocks[0].endswith(f" {cut}the table has all.")
    section = decisions(StudyView(made))
    group = next(one for one in section.blocks if isinstance(one, Group))
    others = f"{cut}the others are in the pooled curve alone."
    assert group.blocks[0] == others
    (full,) = section.tables
    assert full.title == "Net benefit at all thresholds" and full.caption.endswith(others)
    monkeypatch.undo()
    group = next(one for one in labels(StudyView(made)).blocks if isinstance(one, Group))
    assert "Curves are of" not in group.blocks[0]


def test_each_ecg_is_decided_at_the_threshold_of_its_own_fold(tmp_path):
    made = small()
    (name,) = {one.arm for one in made.best.values()}
    tested = made.arms[name].predictions
    # what no mean threshold can do: every decision is right
    right = dict(zip(tested.labels, np.where(tested.targets.T == 1, 0.0, 1.0), strict=True))
    changed = replace(made, arms={**made.arms, name: replace(made.arms[name], by_record=right)})
    page = Page(write_study(changed, tmp_path).read_text(encoding="utf-8"))
    section = thresholds(StudyView(changed))
    first, *_ = section.blocks[1].table.rows
    assert [score.value for score in first[3:]] == [1, 1, 1]  # F1, sensitivity, specificity
    assert "from the label's threshold in its own fold upwards, the mean over seeds." in page.words
    assert "Curves pool the folds" in page.words
    assert "Largest loss of the test ECGs" in page.words
    assert "Worst miss" not in page.words and "Worst false alarm" not in page.words


def test_given_ecgs_are_shown_instead():
    made = small()
    arm = made.arms[made.comparisons[0].arm]
    shown = study_ecgs(arm.predictions, arm.thresholds, ())
    section = study_record.ecgs(StudyView(made), {arm.name.downstream: shown[:1]})
    (group,) = [block for block in section.blocks if isinstance(block, Group)]
    assert group.blocks[-1].shown == shown[:1] and len(group.blocks) == 2
    assert isinstance(study_record.ecgs(StudyView(made), {}), Absent)


@pytest.fixture(scope="module")
def folds(tmp_path_factory):
    """The shards of three folds of the same records."""
    root = tmp_path_factory.mktemp("folds")
    (root / "raw").mkdir()
    made = []
    for fold in range(3):
        split = {"method": "patients", "folds": 3, "fold": fold}
        data = Data(source="lake.hospital", raw=root / "raw", split=split)
        prepare(data, root / f"fold{fold}")
        made.append(root / f"fold{fold}")
    return made


def out_of_fold(folds):
    records = [record for folder in folds for record in read_shards(folder, "test")]
    labels = tuple(f"label {number}" for number in range(len(records[0].target)))
    return Predictions(
        labels,
        [record.record_id for record in records],
        [record.patient_id for record in records],
        [record.target for record in records],
        [0.9 - 0.8 * record.target * (number + 1) / len(records)
         for number, record in enumerate(records)],
    )  # fmt: skip


def test_each_worst_error_is_read_from_the_fold_that_tested_it(folds):
    said = out_of_fold(folds)
    shown = study_ecgs(said, dict.fromkeys(said.labels, 0.5), [str(path) for path in folds])
    assert [ecg.rule.split(":")[0] for ecg in shown] == [
        "Worst miss", "Worst false alarm", "Largest loss of the test ECGs",
    ][: len(shown)]  # fmt: skip
    assert (
        shown[0].record_id
        == said.record_ids[max(i for i in range(len(said.record_ids)) if said.targets[i].any())]
    )
    for ecg in shown:
        assert "25 mm/s, 10 mm/mV" in ecg.drawing.svg() and "years, female." in ecg.about
    with pytest.raises(DataError, match=f"no test split there has .*{shown[0].record_id}"):
        study_ecgs(said, dict.fromkeys(said.labels, 0.5), folds[:1])


def test_the_checklist_has_tripod_ais_numbers_and_links_that_hold(result):
    assert len(ITEMS) == len(set(ITEMS)) == 52
    assert len({item.rstrip("abcdefg") for item in ITEMS}) == 27
    section = checklist(StudyView(result), {"data": "Data"})
    rows = section.blocks[1].table.rows
    numbers = [number for number, *_ in rows]
    assert [item for item in ITEMS if item in numbers] == numbers
    assert {see for *_, see in rows} == {'<a href="#data">Data</a>', "for you to write"}
    left = section.blocks[2].removeprefix("For you to write: items ").rstrip(".").split(", ")
    assert sorted(left + numbers) == sorted(ITEMS)
    answers = {row[0]: row[2] for row in rows}
    assert "500 ECGs of 480 patients of ptbxl" in answers["20a"]
    assert answers["23a"].endswith("Key subgroups: not examined.")
    # what recipes decide is not claimed of all of them
    assert "imputed" not in answers["11"] and "data.short" in answers["11"]
    assert "not trained on" not in answers["12g"] and "is compared" not in answers["16"]


def test_one_arm_is_no_scatter_but_a_row():
    one = small()
    few = tuple(
        replace(metric, values=metric.values[:1], tau=None) for metric in one.transferability
    )
    section = study_costs.transferability(StudyView(replace(one, transferability=few)))
    assert [type(block) for block in section.blocks] == [str, Rows]
    assert len(section.blocks[1].table.rows) == len(few)
    nothing = tuple(replace(metric, values=()) for metric in few)
    assert isinstance(
        study_costs.transferability(StudyView(replace(one, transferability=nothing))), Absent
    )


def of_one_seed(result):
    """The same study with one seed of each arm."""

    def single(contrast):
        return replace(contrast, seeds=1, by_seed=contrast.by_seed[:1], seed_variance=np.nan)

    return replace(
        result,
        arms={name: replace(arm, seeds=1) for name, arm in result.arms.items()},
        comparisons=tuple(
            replace(one, contrast=single(one.contrast)) for one in result.comparisons
        ),
    )


def test_with_one_seed_the_page_says_what_it_cannot_show_and_settles_nothing(tmp_path):
    page = Page(write_study(of_one_seed(bare(small())), tmp_path).read_text(encoding="utf-8"))
    assert "With one seed of each way (all) two trained networks are compared" in page.words
    assert "the ways of training need at least 2 more seeds of each" in page.words
    assert "intervals over patients alone (one seed each)" in page.words
    assert "over seeds and patients" not in page.words
    assert "at least 2 more seeds" in page.words
    assert "settled" not in page.words
    lines = (tmp_path / "tables" / "comparisons.csv").read_text("utf-8").splitlines()[1:]
    assert lines and all("at least 2 more seeds" in line for line in lines)


def test_where_arms_have_other_seeds_than_their_difference_the_tables_say_so():
    plain = small()
    first, second = plain.comparisons
    few = replace(first, contrast=replace(first.contrast, seeds=2))
    mixed = StudyView(replace(plain, comparisons=(few, second)))
    section = verdicts(mixed)
    assert "with 2 to 3 seeds, 5-fold" in section.blocks[0]
    note = "it need not be the difference of the two scores."
    table, _, _ = section.tables
    assert note in table.caption and table.select(["seeds"]).rows == ((2,), (3,))
    (group,) = [block for block in section.blocks if isinstance(block, Group)]
    (shown,) = [block.table for block in group.blocks if isinstance(block, Rows)]
    assert "seeds" in {column.key for column in shown.for_page().columns}
    assert note in mixed.result.table()
    (labelled,) = labels(mixed).tables
    assert labelled.caption.endswith(note)
    (control,) = controls(StudyView(replace(plain, controls=(control_of(few),)))).tables
    assert control.caption.endswith(note)
    assert note not in plain.table() + verdicts(StudyView(plain)).tables[0].caption


def control_of(one):
    """The same difference as one from a control."""
    return Control("weights", one.arm, one.reference, one.contrast, one.verdict)


@pytest.mark.parametrize(
    ("by", "named"),
    [("calibrated_loss", "calibrated loss (lower is better)"), ("macro_auroc", "macro AUROC")],
)
def test_tables_of_learning_say_which_score_and_intervals_they_have(by, named):
    plain = small()
    tuned = ArmTuning(2, by, {"rate 1": 3}, {"rate 1": 3}, {"rate 1": 0.4}, (), {"a": 3.0})
    arms = {name: replace(arm, tuning=tuned) for name, arm in plain.arms.items()}
    section = tuning(StudyView(replace(plain, arms=arms)))
    assert f"On validation: the mean {named} over the runs for" in section.tables[0].caption
    assert f"by {named} on its validation split" in section.blocks[0]
    (speed,) = convergence(StudyView(plain)).tables
    assert speed.caption.endswith("Both have 95 % intervals over runs.")


def test_a_sweep_of_one_seed_is_said_to_be_one_beside_verdicts_of_several():
    made = study(
        downstreams=("ptbxl",),
        backbones=("resnet1d18", "lstm"),
        sizes=(0,),
        protocols=("sound", "half"),
        upstreams=("georgia",),
    )
    shifts, gains = (
        tuple(
            replace(one, contrast=replace(one.contrast, seeds=seeds))
            for one, seeds in zip(some, numbers, strict=True)
        )
        for some, numbers in ((made.shifts, (1, 1, 1, 1)), (2 * made.interactions, (1, 3)))
    )
    mixed = StudyView(replace(made, shifts=shifts, interactions=gains))
    (group,) = (block for block in protocols(mixed).blocks if isinstance(block, Group))
    assert (
        "over patients alone (one seed each). With one seed of each way (all) trained networks are "
        "compared: intervals and p-values say nothing of how much another training differs"
    ) in group.blocks[0]
    (table,) = protocols(mixed).tables
    assert "with 95 % intervals over patients alone (one seed each)." in table.caption
    assert "over seeds and patients. The band" in differences(mixed).blocks[0]
    drawing = families(mixed).blocks[0].drawings[0]
    assert "over seeds and patients, or patients alone where there is one seed" in drawing.caption
    assert "With one seed of each way (1 of them) trained networks" in drawing.caption


def test_diagnostics_stand_in_the_head_below_the_verdicts_and_in_a_table(tmp_path):
    """What holds of the data is said once, what is said of a few ways stays open."""
    result = study(downstreams=("ptbxl",), sizes=(0,), protocols=("sound",))
    shared = "The validation split is small for a choice."
    comparisons = [
        replace(one, diagnostics=(f"{one.arm} had not finished <learning>.", shared))
        for one in result.comparisons[1:]
    ]
    made = replace(bare(result), comparisons=(result.comparisons[0], *comparisons))
    page = Page(write_study(made, tmp_path).read_text(encoding="utf-8"))
    assert "Diagnostics speak against 7 of 8 comparisons: what to do is said" in page.words
    assert "What speaks against 7 of these comparisons:" in page.words
    assert page.words.count("had not finished <learning>.") == 7
    assert page.words.count(shared) == 1
    assert "2 more diagnostics" in page.words
    lines = (tmp_path / "tables" / "diagnostics.csv").read_text("utf-8").splitlines()
    assert len(lines) == 1 + 2 * 7
    assert made.table().count("! ") == 8
    many = [replace(one, diagnostics=(f"{one.arm} a.", f"{one.arm} b.")) for one in comparisons]
    last = replace(made, comparisons=tuple(many)).table().splitlines()[-2:]
    assert last[0].startswith("! ") and last[1] == "... and 4 more on the page"


def test_of_many_comparisons_those_with_a_verdict_are_open():
    many = study(
        downstreams=("ptbxl",), backbones=tuple("abcdef"), sizes=(0,), protocols=("sound",)
    )
    group = next(block for block in verdicts(StudyView(many)).blocks if isinstance(block, Group))
    judged = [one for one in many.comparisons if one.verdict.word != "inconclusive"]
    assert 0 < len(judged) <= 16 < len(many.comparisons)
    text, table, fold = group.blocks
    assert text.endswith("The table has those that are not inconclusive.")
    assert len(table.table.rows) == len(judged)
    assert fold.summary == "All 24 comparisons on ptbxl"
    assert len(fold.blocks[0].table.rows) == 24


def test_a_protocol_is_shown_with_the_one_that_it_changes():
    made = study(
        downstreams=("ptbxl",),
        backbones=("lstm",),
        sizes=(0,),
        protocols=("sound", "half"),
        upstreams=("georgia",),
    )
    shifts = tuple(replace(one, arm=replace(one.arm, protocol="untuned")) for one in made.shifts)
    section = protocols(StudyView(replace(made, shifts=shifts)))
    (group,) = (block for block in section.blocks if isinstance(block, Group))
    assert group.blocks[0].startswith("Against untuned, half moves ")
    assert "Differences on ptbxl under untuned and under half" in group.blocks[1].drawings[0].title
    absent = protocols(StudyView(replace(made, shifts=())))
    assert absent.reason == "no arm has runs of a protocol and of the one that it changes."


def test_epochs_that_the_test_split_chose_are_said_to_be_and_are_no_validation(tmp_path):
    plain = small()
    on_test = {name: replace(arm, validated_on="test") for name, arm in plain.arms.items()}
    said = "In every arm the test split itself scored every epoch"
    page = Page(write_study(replace(plain, arms=on_test), tmp_path).read_text(encoding="utf-8"))
    assert page.words.count(said) == 3  # verdicts, what was not done, checklist
    assert "Mean score on test over all runs" in page.words
    assert "Time to the same quality on test." in page.words
    assert "Saved: time to the same quality on test that" in page.words
    assert "Score on test over epochs of" in page.words
    assert "5-fold cross-validation: each ECG is tested once, by networks not trained on it. 3" in (
        page.words
    )
    first = next(iter(on_test))
    some = StudyView(replace(plain, arms={**plain.arms, first: on_test[first]}))
    assert some.chosen_on_test(plain.arms).startswith("In 1 of 3 arms (protocol sound) the test")
    assert StudyView(plain).chosen_on_test(plain.arms) == ""
