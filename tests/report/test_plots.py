"""What the figures of scores and training show, read from their lines."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from ecg_keras import metrics
from ecg_keras.evaluation import Predictions
from ecg_keras.report.label_curves import draw_label, find_points, thin
from ecg_keras.report.plots import (
    Curve,
    History,
    calibration_plot,
    loss_plot,
    pr_plot,
    roc_plot,
    score_plot,
)
from ecg_keras.report.style import LIGHT


def predictions(records=4000, seed=0):
    rng = np.random.default_rng(seed)
    targets = (rng.random((records, 1)) < 0.2).astype(np.uint8)
    probabilities = 1 / (1 + np.exp(-(2.0 * targets - 1 + rng.normal(size=targets.shape))))
    ids = [str(number) for number in range(records)]
    return Predictions(("MI",), ids, ids, targets, probabilities)


def lines(figure, axes=0):
    return {line.get_label(): line for line in figure.axes[axes].get_lines()}


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_thinned_curves_keep_their_ends_and_their_area():
    made = predictions()
    truth, scores = made.targets[:, 0], made.probabilities[:, 0]
    (x, y), pr = (
        thin(*curve(truth, scores)[:2]) for curve in (metrics.roc_curve, metrics.pr_curve)
    )
    assert len(x) <= 300 and len(pr[0]) <= 300
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert pr[0][-1] == 1
    area = np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)
    assert area == pytest.approx(metrics.auroc(truth[:, None], scores[:, None])[0], abs=2e-3)
    area = np.sum(np.diff(pr[0]) * pr[1][1:])
    assert area == pytest.approx(metrics.auprc(truth[:, None], scores[:, None])[0], abs=1e-2)


def test_few_points_are_all_kept():
    x, _ = thin(*metrics.roc_curve([0, 1, 1], [0.2, 0.3, 0.7])[:2])
    assert x.tolist() == [0, 0, 0, 1]


def test_the_point_of_a_threshold_is_on_the_curves():
    made = predictions()
    truth, scores = made.targets[:, 0], made.probabilities[:, 0].astype(float)
    for curve, point in zip(
        (metrics.roc_curve, metrics.pr_curve), find_points(truth == 1, scores >= 0.6), strict=True
    ):
        *curve_points, at = curve(truth, scores)
        assert point == pytest.approx(np.array(curve_points)[:, np.flatnonzero(at >= 0.6)[-1]])
    present = np.array([False, True, True])
    assert find_points(present, np.zeros(3, bool)) == ((0, 0), (0, 1))


def test_thresholds_of_each_record_decide_it():
    said = Predictions(
        ("MI",), list("abcd"), list("abcd"), [[0], [1], [0], [1]], [[0.2], [0.4], [0.6], [0.8]]
    )
    figures = draw_label("x", said, 0, np.array([0.3, 0.3, 0.7, 0.7]), ("", "", ""), 0.95)
    for drawing, point in zip(figures, ([0, 1], [1, 1]), strict=False):
        (drawn,) = lines(drawing.draw())["threshold"].get_xydata().tolist()
        assert drawn == point


def test_the_run_and_its_baseline_differ_in_colour_and_in_line():
    curve, other = (
        Curve(np.array([0, 1]), np.array([0.5, 1]), (0.2, 0.7)),
        Curve(np.array([0, 1]), np.array([0.1, 1])),
    )
    for figure, guide in (
        (roc_plot(curve, other), "chance"),
        (pr_plot(curve, 0.25, other), "prevalence 0.25"),
    ):
        drawn = lines(figure)
        assert legend(figure) == [guide, "this run", "baseline", "threshold"]
        assert to_hex(drawn["this run"].get_color()) == LIGHT["blue"]
        assert to_hex(drawn["baseline"].get_color()) == LIGHT["orange"]
        assert drawn["this run"].get_linestyle() == "-"
        assert drawn["baseline"].get_linestyle() == "--"
        assert np.ravel(drawn["threshold"].get_xydata()).tolist() == [0.2, 0.7]
    assert set(lines(pr_plot(curve, 0.25))["prevalence 0.25"].get_ydata()) == {0.25}
    assert "baseline" not in legend(roc_plot(curve))


def test_calibration_is_that_of_the_metrics():
    made = predictions(500)
    truth, scores = made.targets[:, 0], made.probabilities[:, 0]
    figure = calibration_plot(truth, scores, made.patient_ids, 0.95)
    mean, share, _ = metrics.reliability_curve(truth, scores)
    observed = lines(figure)["observed"].get_xydata()
    assert observed == pytest.approx(np.stack([mean, share], 1))
    bars = [np.array(one) for one in figure.axes[0].collections[0].get_segments()]
    for (x, y), bar in zip(observed, bars, strict=True):
        assert (bar[:, 0] == x).all()
        assert -1e-9 <= bar[0, 1] <= y <= bar[1, 1] <= 1 + 1e-9
    assert legend(figure) == ["calibrated", "observed", "absent", "present"]


def test_wilsons_interval_is_the_published_one():
    # Newcombe 1998 (Statistics in Medicine 17:857), table I, method 3: 81 of 263
    present = [1] * 81 + [0] * 182
    assert calibration_bar(present, range(263)) == pytest.approx([0.2553, 0.3662], abs=5e-5)


def calibration_bar(present, patients, level=0.95):
    ids = np.array([str(number) for number in patients])
    figure = calibration_plot(present, [0.3] * len(present), ids, level)
    (bar,) = figure.axes[0].collections[0].get_segments()
    return bar[:, 1]


def test_ecgs_of_one_patient_do_not_make_a_calibration_surer():
    present = np.arange(40) % 4 == 0
    once = calibration_bar(present, range(40))
    assert calibration_bar(np.repeat(present, 5), np.repeat(range(40), 5)) == pytest.approx(once)
    # nor as many as there are patients, where most ECGs are of one of them
    low, high = calibration_bar(np.repeat(present, [1] * 39 + [61]), [*range(39), *[39] * 61])
    assert high - low > 2 * (once[1] - once[0])
    assert calibration_bar(present, range(40), 0.8)[0] > once[0]


def history(best=4):
    epoch = np.arange(1.0, 7.0)
    columns = {
        "epoch": epoch,
        "phase": np.where(epoch < 3, 1.0, 2.0),
        "loss": 1 / epoch,
        "val_loss": 1.1 / epoch,
        "val_macro_auroc": np.where(epoch == 2, np.nan, 1 - 0.4 / epoch),
        "val_macro_auprc": 1 - 0.6 / epoch,
    }
    return History(columns, best)


def test_training_shows_phases_the_best_epoch_and_the_baseline():
    figure = loss_plot(history(), history(best=None))
    assert legend(figure) == [
        *("train", "validation", "baseline, train", "baseline, validation"),
        "best epoch (4)",
    ]
    drawn = lines(figure)
    assert drawn["best epoch (4)"].get_xdata()[0] == 4
    assert drawn["validation"].get_ydata() == pytest.approx(history().columns["val_loss"])
    names = [text.get_text() for text in figure.axes[0].texts]
    assert names == ["phase 1", "phase 2"]
    assert figure.axes[0].texts[1].xy[0] == 2.5
    assert legend(score_plot(history(best=None))) == ["macro AUPRC", "macro AUROC"]


def test_one_epoch_in_one_phase_is_enough_to_draw():
    columns = {name: np.array([1.0]) for name in history().columns}
    figure = score_plot(History(columns, 1))
    assert len(figure.axes[0].texts) == 0
