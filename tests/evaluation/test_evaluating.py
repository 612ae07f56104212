"""`evaluate` and `Scores`: values, undefined labels, thresholds, the JSON file and the table."""

import json
import time

import numpy as np
import pytest
from metric_oracles import ORACLES
from sklearn import metrics as sklearn_metrics

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Estimate, Predictions, Scores, evaluate
from ecg_keras.metrics import METRICS, best_f1_thresholds

LABELS = ("NORM", "MI", "STTC", "RARE")


def draw(seed, patients=150, labels=LABELS, prevalence=(0.5, 0.3, 0.2, 0.0)):
    rng = np.random.default_rng(seed)
    people = np.sort(rng.integers(patients, size=int(1.3 * patients)))
    targets = rng.random((len(people), len(labels))) < np.array(prevalence)
    probabilities = 1 / (1 + np.exp(-(1.5 * targets + rng.normal(size=targets.shape) - 1)))
    ids = [f"r{i:05d}" for i in range(len(people))]
    return Predictions(labels, ids, people.astype(str), targets, probabilities)


def shuffled(predictions, seed=0):
    return predictions.take(np.random.default_rng(seed).permutation(len(predictions.record_ids)))


@pytest.fixture(scope="module")
def scores():
    return evaluate(draw(0), draw(1), bootstrap=200)


def test_thresholds_that_the_test_split_chose_are_named_as_such():
    test = draw(0)
    scores = evaluate(test, draw(1), thresholds="test", bootstrap=100)
    best = best_f1_thresholds(test.targets, test.probabilities)
    assert list(scores.thresholds.values()) == best.tolist()
    assert scores.thresholds_from == "test"
    assert (
        scores.summary["macro_f1"].value
        >= evaluate(test, draw(1), bootstrap=100).summary["macro_f1"].value
    )
    assert evaluate(test, None, thresholds="test", bootstrap=100).thresholds == scores.thresholds
    assert "with the best F1 on the test split itself, which flatters." in scores.table()
    assert "Fewer than 5 test patients have RARE: there it is 0.5." in scores.table()


def test_values_equal_those_of_scikit_learn_at_the_thresholds_of_validation(scores):
    test, valid = draw(0), draw(1)
    limits = best_f1_thresholds(valid.targets, valid.probabilities)
    assert list(scores.thresholds.values()) == limits.tolist()
    defined = slice(0, 3)
    truth, said = test.targets[:, defined], test.probabilities[:, defined].astype(float)
    decided = said >= limits[defined]
    expected = {name: oracle(truth, said, decided) for name, oracle in ORACLES.items()}
    assert list(scores.summary) == list(METRICS)
    assert {name: score.value for name, score in scores.summary.items()} == pytest.approx(expected)
    mi = scores.labels["MI"]
    assert mi.positives == truth[:, 1].sum()
    assert mi.prevalence == pytest.approx(truth[:, 1].mean())
    assert mi.f1.value == pytest.approx(sklearn_metrics.f1_score(truth[:, 1], decided[:, 1]))
    assert mi.sensitivity.value == pytest.approx(
        sklearn_metrics.recall_score(truth[:, 1], decided[:, 1])
    )
    assert mi.specificity.value == pytest.approx(
        sklearn_metrics.recall_score(truth[:, 1], decided[:, 1], pos_label=0)
    )
    assert (scores.records, scores.patients) == (195, len(np.unique(test.patient_ids)))


def test_every_interval_holds_its_value_and_is_not_empty(scores):
    estimates = [*scores.summary.values(), *scores.further.values()]
    for row in scores.labels.values():
        estimates += [row.auroc, row.auprc, row.f1, row.sensitivity, row.specificity]
        estimates += [row.f_max, row.sensitivity_at_95_specificity, row.brier]
    for score in filter(None, estimates):
        if score.has_interval:
            assert 0 <= score.low <= score.value <= score.high <= 1
            assert score.low < score.high
    without = [name for name, row in scores.labels.items() if not row.brier.has_interval]
    assert without == ["RARE"]
    assert all(score.has_interval for score in scores.summary.values())


def test_an_absent_label_is_named_and_in_no_mean(scores):
    assert scores.undefined == ("RARE",)
    assert scores.thresholds_missing == ("RARE",)
    assert scores.thresholds["RARE"] == 0.5
    rare = scores.labels["RARE"]
    assert (rare.positives, rare.prevalence, rare.resamples) == (0, 0.0, 0)
    assert (rare.auroc, rare.auprc, rare.f1, rare.sensitivity) == (None,) * 4
    assert (rare.f_max, rare.sensitivity_at_95_specificity) == (None, None)
    assert rare.specificity.value > 0
    assert rare.brier.value > 0 and rare.ece > 0
    for summary, name in (
        (scores.summary["macro_auroc"], "auroc"),
        (scores.further["macro_f_max"], "f_max"),
        (scores.further["macro_sensitivity_at_95_specificity"], "sensitivity_at_95_specificity"),
        (scores.further["macro_brier"], "brier"),
    ):
        values = [getattr(scores.labels[label], name).value for label in LABELS[:3]]
        assert summary.value == pytest.approx(np.mean(values))
    assert scores.macro_ece == pytest.approx(np.mean([scores.labels[x].ece for x in LABELS[:3]]))


def test_a_label_that_every_record_has_is_undefined_too():
    test = draw(2, prevalence=(0.5, 0.3, 0.2, 1.0))
    scores = evaluate(test, None, thresholds="fixed", bootstrap=100)
    assert scores.undefined == ("RARE",)
    assert scores.labels["RARE"].specificity is None
    assert scores.labels["RARE"].sensitivity is not None


def test_where_every_label_is_undefined_so_are_the_means():
    test = draw(2, prevalence=(0, 0, 0, 0))
    scores = evaluate(test, None, thresholds="fixed", bootstrap=100)
    assert scores.undefined == LABELS
    assert set(scores.summary.values()) == {None}
    assert set(scores.further.values()) == {None}
    assert scores.macro_ece is None
    assert "macro AUROC" in scores.table()


def test_resamples_that_lose_a_label_are_counted():
    test = draw(3, prevalence=(0.5, 0.3, 0.2, 0.0))
    targets = test.targets.copy()
    targets[7, 3] = 1
    one = Predictions(LABELS, test.record_ids, test.patient_ids, targets, test.probabilities)
    scores = evaluate(one, None, thresholds="fixed", bootstrap=1000)
    assert scores.undefined == ()
    assert scores.labels["RARE"].resamples == pytest.approx(1000 * (1 - np.exp(-1)), rel=0.06)
    assert scores.labels["NORM"].resamples == 1000


def test_fixed_thresholds_need_no_validation():
    scores = evaluate(draw(0), None, thresholds="fixed", bootstrap=100)
    assert set(scores.thresholds.values()) == {0.5}
    assert (scores.thresholds_from, scores.thresholds_missing) == ("fixed", ())


def test_the_order_of_the_records_changes_nothing(scores):
    assert evaluate(shuffled(draw(0)), shuffled(draw(1), 5), bootstrap=200) == scores
    for method in ("temperature", "platt"):
        settings = {"calibration": method, "bootstrap": 100}
        mixed = evaluate(shuffled(draw(0)), shuffled(draw(1), 5), **settings)
        assert mixed == evaluate(draw(0), draw(1), **settings)


def test_the_seed_decides_the_intervals_and_nothing_else(scores):
    other = evaluate(draw(0), draw(1), bootstrap=200, seed=1)
    name = "macro_auroc"
    assert other.summary[name].value == scores.summary[name].value
    assert other.summary[name].low != scores.summary[name].low


def test_two_thousand_resamples_of_two_thousand_records_take_seconds():
    labels = tuple(f"L{i}" for i in range(14))
    test = draw(4, patients=1540, labels=labels, prevalence=(0.2,) * 14)
    begin = time.process_time()
    evaluate(test, None, thresholds="fixed", bootstrap=2000)
    assert time.process_time() - begin < 20  # about 1 s


def test_what_is_wrong_is_said():
    test = draw(0)
    with pytest.raises(ConfigError, match=r"no choice of thresholds named 'valid'. Allowed: fixed"):
        evaluate(test, test, thresholds="valid")
    with pytest.raises(ConfigError, match=r"need the predictions of the validation split. Pass"):
        evaluate(test, None)
    other = draw(0, labels=("NORM", "STTC", "MI", "RARE"))
    with pytest.raises(DataError, match=r"same labels in the same order. Received: NORM, STTC"):
        evaluate(test, other)


def test_the_file_gives_back_the_scores(scores, tmp_path):
    scores.save_json(tmp_path / "run" / "scores.json")
    assert Scores.load_json(tmp_path / "run" / "scores.json") == scores


def test_the_file_is_strict_json_in_the_documented_form(tmp_path):
    ids = [f"r{i:02d}" for i in range(12)]
    targets = np.array([[1, 0]] * 6 + [[0, 0]] * 6)
    said = np.array([[0.9, 0.1]] * 6 + [[0.2, 0.1]] * 6)
    test = Predictions(("MI", "RARE"), ids, ids, targets, said)
    path = tmp_path / "scores.json"
    evaluate(test, test, bootstrap=100, seed=3).save_json(path)

    def refuse(constant):
        raise AssertionError(f"{constant} in JSON")

    def perfect(low):
        return {"value": 1.0, "low": pytest.approx(low, abs=0.001), "high": 1.0}

    few = {"value": pytest.approx(0.01), "low": None, "high": None}
    brier = {
        "value": pytest.approx(0.025),
        "low": pytest.approx(0.0173, abs=0.001),
        "high": pytest.approx(0.0359, abs=0.001),
    }
    content = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    # 6 of 6 are found: Wilson's interval, and with t of few degrees of freedom a wider one
    means = content["summary"] | content["further"]
    assert {row["value"] for name, row in means.items() if row and name != "macro_brier"} == {1.0}
    assert {row["high"] for name, row in means.items() if row and name != "macro_brier"} == {1.0}
    assert content.pop("summary")["macro_auroc"] == perfect(0.476)
    assert content.pop("further")["macro_brier"]["value"] == pytest.approx(0.025)
    assert content.pop("labels") == {
        "MI": {
            "positives": 6,
            "prevalence": 0.5,
            "resamples": 100,
            "auroc": perfect(0.635),
            "auprc": perfect(0.553),
            "f1": perfect(0.610),
            "sensitivity": perfect(0.610),
            "specificity": perfect(0.610),
            "f_max": perfect(0.553),
            "sensitivity_at_95_specificity": {"value": 1.0, "low": None, "high": None},
            "brier": brier,
            "ece": pytest.approx(0.15),
        },
        "RARE": {
            "positives": 0,
            "prevalence": 0.0,
            "resamples": 0,
            **dict.fromkeys(("auroc", "auprc", "f1", "sensitivity", "f_max")),
            "sensitivity_at_95_specificity": None,
            "specificity": perfect(0.757),
            "brier": few,
            "ece": pytest.approx(0.1),
        },
    }
    assert content.pop("subgroups") is None  # columns of the records were not given
    sets = content.pop("sets")
    assert sets["labels"]["RARE"] == {
        "with_label": 0,
        "without_label": 12,
        **dict.fromkeys(("absent_to", "present_from", "alone", "either", "neither")),
        **dict.fromkeys(("coverage_with", "coverage_without")),
    }
    assert content == {
        "metric_names": list(METRICS),
        "level": 0.95,
        "bootstrap": 100,
        "seed": 3,
        "records": 12,
        "patients": 12,
        "calibration": {
            "method": "none",
            "slopes": {"MI": 1.0, "RARE": 1.0},
            "intercepts": {"MI": 0.0, "RARE": 0.0},
            "unfitted": [],
        },
        "thresholds": {"MI": pytest.approx(0.55), "RARE": 0.5},
        "thresholds_from": "validation",
        "thresholds_missing": ["RARE"],
        "undefined": ["RARE"],
        "macro_ece": pytest.approx(0.15),
        "challenge_note": "the labels have no SNOMED CT codes",
    }


def test_scores_of_another_version_open(scores, tmp_path):
    path = tmp_path / "scores.json"
    scores.save_json(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["summary"]["weighted_f1"], content["labels"]["MI"]["brier"]
    content["further"] = {"macro_new": {"value": 0.5, "low": 0.4, "high": 0.6, "why": "new"}}
    content["labels"]["MI"] |= {"new": None, "f1": {"value": 0.5}}
    content["newer"] = {"field": 1}
    path.write_text(json.dumps(content), encoding="utf-8")
    opened = Scores.load_json(path)
    assert opened.summary["weighted_f1"] is None and opened.labels["MI"].brier is None
    assert opened.summary["macro_auroc"] == scores.summary["macro_auroc"]
    assert opened.further["macro_new"] == Estimate(0.5, 0.4, 0.6)
    assert opened.further["sample_f_max"] is None
    assert opened.labels["MI"].f1.value == 0.5 and not opened.labels["MI"].f1.has_interval
    assert "macro new" in opened.table() and "0.500 [too few]" in opened.table()
    opened.save_json(path)
    assert Scores.load_json(path) == opened


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"there is no such file of scores"),
        ("{", r"can't be read as scores: Expecting"),
        ("[1]", r"holds a JSON object, not \[1\]"),
        ('{"challenge_note": null}', r"a file of scores needs the field 'level'"),
        (
            '{"challenge_note": null, "level": "high"}',
            r"a field of these scores has a wrong type: must be a number",
        ),
    ],
)
def test_a_wrong_file_is_named(tmp_path, content, message):
    path = tmp_path / "scores.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        Scores.load_json(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_the_table_is_aligned_and_says_what_is_missing(scores):
    lines = scores.table().splitlines()
    assert lines[0] == (
        f"195 records of {scores.patients} patients; 95 % intervals over patients, from 200 "
        "resamples of them"
    )
    blocks = [block.splitlines() for block in scores.table().split("\n\n")[1:-1]]
    assert [line.split("  ")[0] for line in blocks[0][1:]] == [
        *(row.title for row in METRICS.values()),
        "macro F-max",
        "sample-centric F-max",
        "macro sensitivity at 95 % specificity",
        "macro Brier score (lower is better)",
        "macro ECE (lower is better)",
    ]
    for block in blocks[1:]:
        assert [line.split()[0] for line in block[1:]] == list(LABELS)
    for block in blocks:
        assert len({len(line) for line in block[:-1]}) == 1
    assert blocks[1][4].split()[:7] == ["RARE", "0", "(0.0", "%)", "-", "-", "-"]
    assert blocks[2][4].split()[:3] == ["RARE", "-", "-"]
    assert lines[-9:] == [
        "In no mean, because no or every test record has them: RARE.",
        "No Challenge score: the labels have no SNOMED CT codes.",
        "Too few: no interval where fewer than 5 patients have or lack a label, or fewer than 60 "
        "lack it (sens. at 95 % spec.).",
        "Probabilities are the network's own, without calibration.",
        "Each label's threshold is the one with the best F1 on the validation split; the test "
        "split had no part in it.",
        "Fewer than 5 validation patients have RARE: there it is 0.5.",
        *scores.sets.notes,
    ]
    assert max(map(len, lines)) <= 120
