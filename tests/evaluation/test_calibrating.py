"""`Calibration`: fitted on validation, applied to both splits, before thresholds and scores."""

import numpy as np
import pytest
from scipy.special import expit

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Predictions, Scores, calibrate, evaluate
from ecg_keras.metrics import best_f1_thresholds, brier, ece, fit_platt, recalibrate

LABELS = ("MI", "AF", "RARE")


def draw(seed, records=400, labels=LABELS):
    """Far too confident probabilities of two labels, and one that nobody has."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (records, 3))
    targets = (rng.random((records, 3)) < expit(logits - 1)).astype(int)
    targets[:, 2] = 0
    ids = [f"r{i:04d}" for i in range(records)]
    return Predictions(labels, ids, ids, targets, expit(3 * logits))


def test_platt_mends_probabilities_before_thresholds_and_scores():
    test, valid = draw(0), draw(1)
    scores = evaluate(test, valid, calibration="platt", bootstrap=100)
    slopes, intercepts, _ = fit_platt(valid.targets, valid.probabilities)
    mended_valid, mended_test = (
        recalibrate(said.probabilities, slopes, intercepts).astype(np.float32)
        for said in (valid, test)
    )
    limits = best_f1_thresholds(valid.targets, mended_valid)
    assert list(scores.thresholds.values()) == limits.tolist()
    expected = brier(test.targets, mended_test), ece(test.targets, mended_test)
    for column, label in enumerate(LABELS):
        assert scores.labels[label].brier.value == pytest.approx(expected[0][column])
        assert scores.labels[label].ece == pytest.approx(expected[1][column])
    np.testing.assert_array_equal(scores.calibration.apply(test).probabilities, mended_test)
    assert scores.calibration.unfitted == ("RARE",)


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_calibration_helps_the_probabilities_and_leaves_the_order(method):
    plain = evaluate(draw(0), draw(1), bootstrap=100)
    mended = evaluate(draw(0), draw(1), calibration=method, bootstrap=100)
    assert mended.further["macro_brier"].value < plain.further["macro_brier"].value - 0.02
    assert mended.macro_ece < plain.macro_ece - 0.02
    for name in ("macro_auroc", "macro_auprc"):
        assert mended.summary[name].value == pytest.approx(plain.summary[name].value, abs=1e-4)
    assert mended.labels["MI"].f1.value == pytest.approx(plain.labels["MI"].f1.value, abs=0.01)


def test_fixed_thresholds_are_those_of_mended_probabilities():
    plain = evaluate(draw(0), draw(1), thresholds="fixed", bootstrap=100)
    mended = evaluate(draw(0), draw(1), calibration="platt", thresholds="fixed", bootstrap=100)
    assert set(mended.thresholds.values()) == {0.5}
    assert mended.labels["MI"].specificity.value > plain.labels["MI"].specificity.value + 0.05


def test_none_changes_nothing():
    test = draw(0)
    calibration = calibrate(draw(1), "none")
    assert calibration.apply(test) is test
    assert calibration.sentence == "Probabilities are the network's own, without calibration."
    same = evaluate(test, draw(1), calibration="none", bootstrap=100)
    assert same == evaluate(test, draw(1), bootstrap=100)


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_the_file_gives_back_the_calibration(method, tmp_path):
    scores = evaluate(draw(0), draw(1), calibration=method, bootstrap=100)
    scores.save_json(tmp_path / "scores.json")
    assert Scores.load_json(tmp_path / "scores.json") == scores


def test_it_says_what_was_done():
    assert calibrate(draw(1), "temperature").sentence.startswith(
        "Probabilities are calibrated on the validation split: one temperature for all labels, "
    )
    assert calibrate(draw(1), "platt").sentence == (
        "Probabilities are calibrated on the validation split: a slope and an intercept for each "
        "label. As the network gave them, because no map could be fitted: RARE."
    )
    valid = draw(1)
    nobody = Predictions(
        LABELS,
        valid.record_ids,
        valid.patient_ids,
        np.zeros_like(valid.targets),
        valid.probabilities,
    )
    for method in ("temperature", "platt"):
        calibration = calibrate(nobody, method)
        assert calibration.unfitted == LABELS
        np.testing.assert_array_equal(calibration.apply(valid).probabilities, valid.probabilities)
        assert calibration.sentence == (
            "Probabilities are calibrated on the validation split: no map could be fitted on the "
            "validation split: they are the network's own."
        )


def test_what_is_wrong_is_said():
    test = draw(0)
    with pytest.raises(ConfigError, match=r"no calibration named 'plat'. Allowed: none"):
        evaluate(test, test, calibration="plat")
    with pytest.raises(ConfigError, match=r"a calibration needs the predictions of the validation"):
        evaluate(test, None, calibration="platt", thresholds="fixed")
    other = draw(0, labels=("AF", "MI", "RARE"))
    with pytest.raises(DataError, match=r"same labels in the same order. Received: AF, MI, RARE"):
        evaluate(test, other, calibration="platt")
    with pytest.raises(DataError, match=r"fitted for, MI, AF, RARE. Received: AF, MI, RARE."):
        calibrate(test, "platt").apply(other)
