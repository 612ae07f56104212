"""`compare` and `Comparison`: planted differences, pairing, refusals, the file and the table."""

import json

import numpy as np
import pytest

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import (
    UNKNOWN_TUNING,
    Comparison,
    Predictions,
    compare,
    delong_test,
    evaluate,
)
from ecg_keras.metrics import METRICS

LABELS = ("NORM", "MI", "RARE")


def draw(skill, seed=0, patients=300, records_each=1, labels=LABELS):
    """Predictions on the same records whatever the skill; noise is shared in part."""
    rng = np.random.default_rng(7)
    people = np.repeat(np.arange(patients), records_each)
    targets = rng.random((len(people), 3)) < [0.5, 0.2, 0.0]
    shared = rng.normal(size=targets.shape)
    own = np.random.default_rng(seed).normal(size=targets.shape)
    scores = skill * targets + 0.8 * shared + 0.6 * own
    ids = [f"r{i:04d}" for i in range(len(people))]
    return Predictions(labels, ids, people.astype(str), targets, 1 / (1 + np.exp(-scores)))


def change(predictions, **changes):
    names = ("labels", "record_ids", "patient_ids", "targets", "probabilities")
    return Predictions(**({name: getattr(predictions, name) for name in names} | changes))


def shuffled(predictions, seed=0):
    order = np.random.default_rng(seed).permutation(len(predictions.record_ids))
    names = ("record_ids", "patient_ids", "targets", "probabilities")
    return change(predictions, **{name: getattr(predictions, name)[order] for name in names})


@pytest.fixture(scope="module")
def planted():
    return compare(draw(2.0, 1), draw(1.0, 2), names=("fine-tuned", "scratch"), bootstrap=300)


def test_a_planted_difference_is_found_in_both_directions(planted):
    assert planted.verdict == "better"
    deciding = planted.summary["macro_auroc"]
    assert 0 < deciding.low < deciding.value < deciding.high
    assert 0 < deciding.p_value < 1e-8
    turned = compare(draw(1.0, 2), draw(2.0, 1), bootstrap=300)
    assert turned.verdict == "worse"
    assert turned.summary["macro_auroc"].value == -deciding.value
    assert turned.summary["macro_auroc"].low == pytest.approx(-deciding.high, abs=1e-12)


def test_without_a_difference_the_verdict_is_inconclusive():
    same = compare(draw(1.0, 1), draw(1.0, 2), bootstrap=300)
    assert same.verdict == "inconclusive"
    assert same.summary["macro_auroc"].low < 0 < same.summary["macro_auroc"].high
    assert same.summary["macro_auroc"].p_value > 0.05


def test_within_the_margin_two_models_are_equivalent_and_the_file_keeps_it(tmp_path):
    arguments = draw(1.0, 1), draw(1.0, 2)
    near = compare(*arguments, margin=0.2, bootstrap=300)
    assert near.verdict == "equivalent"
    assert near.sentence.startswith("a and b are equivalent within ±0.2: macro AUROC ")
    near.save_json(tmp_path / "near.json")
    assert Comparison.load_json(tmp_path / "near.json") == near
    with pytest.raises(ConfigError, match="margin must be above 0"):
        compare(*arguments, margin=0.0, bootstrap=100)


def test_a_file_of_an_earlier_version_has_no_margin(planted, tmp_path):
    planted.save_json(tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    del content["margin"], content["has_ridge_head"]
    (tmp_path / "a.json").write_text(json.dumps(content))
    found = Comparison.load_json(tmp_path / "a.json")
    assert found.margin is None
    assert planted.sentence == f"{found.sentence} {UNKNOWN_TUNING}"  # it may be of ridge heads


def test_identical_predictions_differ_by_exactly_nothing():
    same = compare(draw(1.0), shuffled(draw(1.0)), bootstrap=100)
    for row in [*same.summary.values(), same.labels["MI"]]:
        assert (row.value, row.low, row.high, row.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert same.labels["MI"].delong_p_value == 1.0
    assert same.verdict == "inconclusive"


def test_the_order_of_the_records_changes_nothing(planted):
    again = compare(
        shuffled(draw(2.0, 1)),
        shuffled(draw(1.0, 2), 5),
        names=("fine-tuned", "scratch"),
        bootstrap=300,
    )
    assert again == planted


def test_values_are_those_of_evaluate_at_the_same_thresholds():
    a, b = draw(2.0, 1), draw(1.0, 2)
    scores = [evaluate(x, x, bootstrap=100) for x in (a, b)]
    compared = compare(
        a, b, thresholds_a=scores[0].thresholds, thresholds_b=scores[1].thresholds, bootstrap=100
    )
    for name in METRICS:
        row = compared.summary[name]
        assert (row.a, row.b) == tuple(score.summary[name].value for score in scores)
        assert row.value == row.a - row.b
    fixed = compare(a, b, bootstrap=100)
    assert fixed.summary["macro_auroc"] == compared.summary["macro_auroc"]
    assert fixed.summary["macro_f1"] != compared.summary["macro_f1"]


def test_each_label_has_its_difference_and_delongs_test(planted):
    assert list(planted.labels) == list(LABELS)
    assert planted.undefined == ("RARE",)
    assert planted.labels["RARE"] is None
    a, b = draw(2.0, 1), draw(1.0, 2)
    test = delong_test(a.targets[:, 1], a.probabilities[:, 1], b.probabilities[:, 1])
    mi = planted.labels["MI"]
    assert mi.delong_p_value == test.p_value
    assert mi.value == pytest.approx(test.difference)
    # two roads to the same uncertainty, as records are independent here
    assert (mi.high - mi.low) / (2 * 1.96) == pytest.approx(test.standard_error, rel=0.25)
    assert mi.resamples == 300


def test_several_records_of_a_patient_are_told_and_resampled_together():
    a, b = draw(1.4, 1, records_each=4), draw(1.0, 2, records_each=4)
    clustered = compare(a, b, bootstrap=100)
    assert clustered.several_records
    assert clustered.patients == 300
    assert "DeLong's test takes records as independent" in clustered.table()
    assert "DeLong's test" not in compare(draw(1.4, 1), draw(1.0, 2), bootstrap=100).table()


def test_the_metric_that_was_asked_for_decides():
    a, b = draw(2.0, 1), draw(1.0, 2)
    never = dict.fromkeys(LABELS, 1.0)
    compared = compare(a, b, metric="macro_f1", thresholds_a=never, bootstrap=100)
    assert compared.summary["macro_auroc"].low > 0
    assert compared.verdict == "worse"
    assert "macro F1 0.000 against" in compared.sentence


def other_patients(predictions):
    patients = predictions.patient_ids.copy()
    patients[3] = "someone"
    return change(predictions, patient_ids=patients)


def other_targets(predictions):
    targets = predictions.targets.copy()
    targets[5, 1] = 1 - targets[5, 1]
    return change(predictions, targets=targets)


def other_records(predictions):
    return change(predictions, record_ids=["x", *predictions.record_ids[1:]])


def fewer_records(predictions):
    names = ("record_ids", "patient_ids", "targets", "probabilities")
    return change(predictions, **{name: getattr(predictions, name)[2:] for name in names})


@pytest.mark.parametrize(
    ("b", "message"),
    [
        (
            draw(1.0, labels=("MI", "NORM", "RARE")),
            r"labels of A and B differ \(the same labels in another order\): NORM, MI, RARE and MI",
        ),
        (draw(1.0, labels=("NORM", "MI", "CD")), r"labels of A and B differ: NORM, MI, RARE and"),
        (
            other_records(draw(1.0)),
            r"records of A and B differ: 1 only in A, such as r0000; 1 only in B, such as x\.",
        ),
        (fewer_records(draw(1.0)), r"records of A and B differ: 2 only in A, such as r0000\. Test"),
        (
            other_patients(draw(1.0)),
            r"patients of A and B differ in 1 records: r0003 is of patient 3 in one and someone",
        ),
        (
            other_targets(draw(1.0)),
            r"targets of A and B differ in 1 records: r0005 has MI \d in one and \d in the other",
        ),
    ],
)
def test_only_the_same_records_patients_labels_and_targets_are_compared(b, message):
    limits = dict.fromkeys(LABELS, 0.4)  # of a model's own labels, which may not be b's
    for thresholds in (None, limits):
        with pytest.raises(DataError, match=message):
            compare(draw(1.0), b, names=("A", "B"), thresholds_b=thresholds)


def test_what_is_wrong_is_said():
    a = draw(1.0)
    with pytest.raises(ConfigError, match=r"no metric named 'auroc'. Allowed: macro_auprc"):
        compare(a, a, metric="auroc")
    with pytest.raises(DataError, match=r"b: thresholds must be one for each label.*Received: MI"):
        compare(a, a, thresholds_b={"MI": 0.3})
    empty = change(a, targets=np.zeros_like(a.targets))
    with pytest.raises(DataError, match=r"b?: no score is defined: .* one that has not\. Test"):
        compare(empty, empty)


def test_the_file_gives_back_the_comparison(planted, tmp_path):
    path = tmp_path / "comparison.json"
    planted.save_json(path)
    assert Comparison.load_json(path) == planted
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["sentence"] == planted.sentence
    assert content["labels"]["RARE"] is None
    assert set(content["summary"]["macro_auroc"]) == {"value", "low", "high", "a", "b", "p_value"}
    path.write_text('{"names": ["a", "b"]}', encoding="utf-8")
    with pytest.raises(DataError, match=r"json: damaged: a file of comparisons needs the field"):
        Comparison.load_json(path)


def with_positives(number, seed, patients=60):
    """One label that so many patients of two records each have; noise has no end."""
    rng = np.random.default_rng(seed)
    people = np.repeat(np.arange(patients), 2)
    targets = (people < number)[:, None]
    scores = targets + rng.normal(size=(len(people), 1))
    ids = [f"r{i:04d}" for i in range(len(people))]
    return Predictions(["X"], ids, people.astype(str), targets, 1 / (1 + np.exp(-scores)))


def test_one_patient_with_a_label_settles_nothing(tmp_path):
    compared = compare(with_positives(1, 1), with_positives(1, 2), bootstrap=100)
    for row in (compared.summary["macro_auroc"], compared.labels["X"]):
        assert not row.has_interval and np.isnan(row.p_value) and row.value != 0
    assert compared.verdict == "inconclusive"
    assert "too few patients for an interval" in compared.sentence
    assert "[too few]" in compared.table()
    compared.save_json(tmp_path / "comparison.json")
    content = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    assert content["labels"]["X"]["low"] is None and content["labels"]["X"]["p_value"] is None
    assert Comparison.load_json(tmp_path / "comparison.json") == compared


@pytest.mark.parametrize("number", [2, 5])
def test_equal_networks_are_rarely_called_different_where_labels_are_rare(number):
    found = [
        compare(with_positives(number, seed), with_positives(number, seed + 500), bootstrap=100)
        for seed in range(40)
    ]
    for rows in ([one.labels["X"] for one in found], [one.summary["macro_auroc"] for one in found]):
        wrong = sum(row.p_value < 0.05 for row in rows)
        assert wrong <= 6  # 5 % expected at most: 2, and chance
        assert all(row.low <= row.value <= row.high for row in rows)
        assert all((row.p_value < 0.05) == (row.low > 0 or row.high < 0) for row in rows)


def test_labels_of_one_patient_each_widen_the_headline():
    """Resamples lack a label that one patient has; what its score hides is in the leave-outs."""

    def draw_rare(seed):
        rng = np.random.default_rng(seed)
        targets = np.arange(200)[:, None] == np.arange(8)
        scores = targets + rng.normal(size=targets.shape)
        ids = [f"r{i:04d}" for i in range(200)]
        labels = [f"L{i}" for i in range(7)] + ["common"]
        targets[:, 7] = np.arange(200) % 2
        return Predictions(labels, ids, ids, targets, 1 / (1 + np.exp(-scores)))

    found = [compare(draw_rare(seed), draw_rare(seed + 500), bootstrap=100) for seed in range(40)]
    rows = [one.summary["macro_auroc"] for one in found]
    assert sum(row.p_value < 0.05 for row in rows) <= 6
    spread = np.std([row.value for row in rows])
    claimed = np.mean([(row.high - row.low) / 2 / 2.4 for row in rows])
    assert 0.7 < claimed / spread < 1.6


def test_a_comparison_of_another_version_opens(planted, tmp_path):
    path = tmp_path / "comparison.json"
    planted.save_json(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["summary"]["weighted_f1"], content["labels"]["MI"]["delong_p_value"]
    content["summary"]["macro_new"] = {**content["summary"]["macro_f1"], "more": 1}
    content["newer"] = 1
    path.write_text(json.dumps(content), encoding="utf-8")
    opened = Comparison.load_json(path)
    assert opened.sentence == planted.sentence
    assert opened.labels["MI"].delong_p_value is None
    assert "weighted_f1" not in opened.summary and "macro new" in opened.table()


def test_the_sentence_and_the_table(planted):
    assert planted.sentence.startswith("fine-tuned is better than scratch: macro AUROC 0.9")
    assert planted.sentence.endswith(
        "p < 0.001) on 300 records of 300 patients; of one trained network each, so another seed "
        "may decide otherwise. How they were tuned is not known."
    )
    lines = planted.table().splitlines()
    assert lines[0] == planted.sentence
    summary, labels = lines[2 : 3 + len(METRICS)], lines[4 + len(METRICS) :][: 1 + len(LABELS)]
    for block in (summary, labels):
        assert len({len(line) for line in block}) == 1
    assert [line.split()[0] for line in labels[1:]] == list(LABELS)
    assert labels[-1].split() == ["RARE", "-", "-", "-", "-", "-"]
    assert "In no mean, because no or every test record has them: RARE." in lines
