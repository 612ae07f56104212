"""The page of predictions made elsewhere."""

import numpy as np
import pytest
from page_elements import Page, check_accessible, check_self_contained

from ecg_keras.evaluation import Predictions, evaluate
from ecg_keras.report import scores_page
from ecg_keras.text import percent

LABELS = ("NORM", '<b class="x">ST & T_100%</b>', "never")


def draw(records, seed):
    rng = np.random.default_rng(seed)
    targets = rng.random((records, 3)) < (0.5, 0.2, 0.0)
    said = 1 / (1 + np.exp(2 - 3 * targets - rng.normal(size=targets.shape)))
    ids = [f"{seed}-{number}" for number in range(records)]
    return Predictions(LABELS, ids, ids, targets, said)


@pytest.fixture(scope="module")
def scored():
    test = draw(150, 0)
    return evaluate(test, draw(100, 1), calibration="temperature", bootstrap=100), test


@pytest.fixture(scope="module")
def page(scored, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "new" / "theirs.html"
    assert scores_page(*scored, path, title="theirs & ours") == path
    return Page(path.read_text(encoding="utf-8"))


def test_scores_that_may_decide_are_ruled_off_from_the_others(scored, tmp_path):
    text = scores_page(*scored, tmp_path / "page.html", title="").read_text(encoding="utf-8")
    assert text.count('<tr class="next">') == 1
    assert '<tr class="next"><th scope="row">Macro F-max</th>' in text


def test_it_needs_nothing_but_itself_and_can_be_read_by_all(page):
    check_self_contained(page)
    check_accessible(page)
    assert page.all("b") == []


def test_it_holds_the_scores_and_how_they_came_about(page, scored):
    scores, _ = scored
    auroc = scores.summary["macro_auroc"]
    assert f"Macro AUROC {auroc.value:.3f} (95 % interval {auroc.low:.3f} to " in page.words
    assert "on 150 ECGs of 150 patients." in page.words
    for note in scores.notes:
        assert note in page.words
    assert "Macro F1" in page.words
    assert "was trained on was not looked at" in page.words


def test_sets_say_how_often_they_were_right_and_alone(page, scored):
    scores, _ = scored
    row = scores.sets.labels["NORM"]
    assert "Where it should not decide alone" in page.words
    assert f"{row.coverage_with.value:.3f} {row.coverage_with.low:.3f} to " in page.words
    assert f"{percent(row.alone, 1)}" in page.words
    assert (
        "No set, because fewer than 9 validation patients have or lack them: never." in page.words
    )


def test_a_score_of_too_few_patients_has_no_interval(tmp_path):
    test = draw(4, 2)
    scores = evaluate(test, None, thresholds="fixed", bootstrap=100)
    assert not scores.summary["macro_auroc"].has_interval
    path = scores_page(scores, test, tmp_path / "few.html", title="few")
    words = Page(path.read_text(encoding="utf-8")).words
    assert "(too few patients for an interval) on 4 ECGs of 4 patients." in words
    assert "nan" not in words


def test_it_draws_the_labels_that_are_defined(page, scored):
    scores, _ = scored
    for label, row in scores.labels.items():
        assert label in page.words
        assert (row.auroc is None) == (label == "never")
    assert page.words.count("Calibration, with 95 % intervals") == 2


def test_curves_are_of_what_was_scored(scored, tmp_path):
    """Calibrated probabilities, at the thresholds that were chosen for them."""
    scores, test = scored
    assert scores.calibration.apply(test).probabilities[0, 0] != test.probabilities[0, 0]
    first = scores_page(scores, test, tmp_path / "a.html", title="a").read_bytes()
    turned = test.take(np.arange(len(test.record_ids))[::-1])
    assert scores_page(scores, turned, tmp_path / "b.html", title="a").read_bytes() == first
