"""`contrast`: equal to evaluate and compare where they apply, and what seeds and folds add."""

import numpy as np
import pytest
from scipy import special, stats

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Arm, Predictions, compare, contrast, contrasts, evaluate
from ecg_keras.evaluation.arm_scores import plan_draws, score_arm
from ecg_keras.metrics import METRICS
from ecg_keras.statistics import judge, verdict_sentence

LABELS = ("NORM", "MI", "RARE")


def draw(skill, seed=0, patients=120, records_each=2, labels=LABELS, prefix="r"):
    """Predictions on the same records whatever the skill; noise is shared in part."""
    rng = np.random.default_rng(7)
    people = np.repeat(np.arange(patients), records_each)
    targets = rng.random((len(people), 3)) < [0.5, 0.2, 0.03]
    shared = rng.normal(size=targets.shape)
    own = np.random.default_rng(seed).normal(size=targets.shape)
    scores = skill * targets + 0.8 * shared + 0.6 * own
    ids = [f"{prefix}{i:04d}" for i in range(len(people))]
    people = np.char.add("p", people.astype(str))
    return Predictions(labels, ids, people, targets, 1 / (1 + np.exp(-scores)))


def take(predictions, rows):
    return Predictions(
        predictions.labels,
        predictions.record_ids[rows],
        predictions.patient_ids[rows],
        predictions.targets[rows],
        predictions.probabilities[rows],
    )


def arm(skill, seeds=3, folds=1, first=0, name="this arm", **world):
    runs = []
    for seed in range(first, first + seeds):
        whole = draw(skill, seed, **world)
        fold_of = np.unique(whole.patient_ids, return_inverse=True)[1] % folds
        runs.append(tuple(take(whole, np.flatnonzero(fold_of == fold)) for fold in range(folds)))
    return Arm(tuple(runs), name=name)


def test_one_seed_and_fold_has_the_values_of_evaluate_and_compare():
    a, b = draw(2.0, 1), draw(1.0, 2)
    limits = dict(zip(LABELS, (0.6, 0.4, 0.7), strict=True))
    fixed = evaluate(a, None, thresholds="fixed", bootstrap=400, seed=3)
    summary, labels = contrasts([Arm(((a,),))], [1], bootstrap=400, seed=3)
    for name in METRICS:
        assert summary[name].value == pytest.approx(fixed.summary[name].value, abs=1e-12)
    for label in LABELS:
        assert labels[label].value == pytest.approx(fixed.labels[label].auroc.value, abs=1e-12)
    both = compare(a, b, thresholds_a=limits, bootstrap=400, seed=3)
    arms = [Arm(((a,),), ((limits,),)), Arm(((b,),))]
    difference, _ = contrasts(arms, [1, -1], bootstrap=400, seed=3)
    labels = {
        label: contrast(arms, [1, -1], metric=label, bootstrap=400, seed=3) for label in LABELS
    }
    # one engine: what compare prints is the contrast of one seed
    for found, printed in [(difference[name], both.summary[name]) for name in METRICS] + [
        (labels[label], both.labels[label]) for label in LABELS
    ]:
        ends = (found.value, found.low, found.high, found.p_value)
        said = (printed.value, printed.low, printed.high, printed.p_value)
        assert ends == pytest.approx(said, abs=1e-9)
    draws = plan_draws(arms, 400, 3)
    ours, theirs = (score_arm(one, draws).auroc[0, 0] for one in arms)
    apart = ours - theirs
    left_out = apart[1 : 1 + draws.groups]
    most = max(apart[1 + draws.groups :].var(ddof=1), left_out.var() * (len(left_out) - 1))
    assert labels["NORM"].patient_variance == pytest.approx(most, rel=0.03)


def test_contrast_is_the_entry_of_contrasts():
    arms = [arm(1.5, 2), arm(1.0, 2, first=50)]
    summary, labels = contrasts(arms, [1, -1], bootstrap=100)
    assert contrast(arms, [1, -1], metric="macro_auprc", bootstrap=100) == summary["macro_auprc"]
    assert contrast(arms, [1, -1], metric="MI", bootstrap=100) == labels["MI"]
    assert contrast(arms, [1, -1], bootstrap=100) == summary["macro_auroc"]


def test_a_contrast_is_the_weighted_sum_seed_by_seed():
    arms = [arm(skill, 3, first=first) for skill, first in ((2, 0), (1, 10), (1.5, 20), (1, 30))]
    single = [np.array(contrast([one], [1], bootstrap=100).by_seed) for one in arms]
    found = contrast(arms, [1, -1, -1, 1], bootstrap=100)
    expected = single[0] - single[1] - single[2] + single[3]
    np.testing.assert_allclose(found.by_seed, expected, atol=1e-12)
    assert found.value == pytest.approx(expected.mean())
    assert found.seed_variance == pytest.approx(expected.var(ddof=1))
    assert (found.seeds, found.folds, found.records, found.patients) == (3, 1, 240, 120)
    assert found.level == 0.95


def test_the_interval_is_what_standard_error_and_degrees_say():
    found = contrast([arm(1.5), arm(1.0, first=50)], [1, -1], level=0.9, bootstrap=200)
    reach = stats.t.ppf(0.95, found.degrees) * found.standard_error
    assert found.high - found.value == pytest.approx(reach, rel=1e-5)
    assert found.value - found.low == pytest.approx(reach, rel=1e-5)
    # p falls below alpha where the interval of 1 - alpha excludes 0
    edge = contrast([arm(1.5), arm(1.0, first=50)], [1, -1], level=1 - found.p_value, bootstrap=200)
    assert min(abs(edge.low), abs(edge.high)) == pytest.approx(0, abs=1e-9)


def test_a_score_keeps_its_interval_between_0_and_1():
    found = contrast([arm(2.5, 2, patients=40)], [1], bootstrap=100)
    assert 0.85 < found.value < 1
    assert 0 < found.low < found.value < found.high < 1
    assert found.value - found.low > found.high - found.value


def test_a_score_that_leans_reaches_further_down_and_a_difference_does_not():
    def reaches(found, scale):
        low, value, high = (scale(end) for end in (found.low, found.value, found.high))
        return value - low, high - value

    for metric, leans in (("macro_auprc", True), ("macro_auroc", False)):
        down, up = reaches(contrast([arm(1.5)], [1], metric=metric), special.logit)
        assert down > 1.02 * up if leans else down == pytest.approx(up)
        down, up = reaches(contrast([arm(1.5), arm(1.0)], [1, -1], metric=metric), float)
        assert down == pytest.approx(up)


@pytest.mark.parametrize("folds", [1, 4])
def test_neither_the_order_of_records_nor_that_of_seeds_and_folds_matters(folds):
    def mixed(one):
        rng = np.random.default_rng(0)
        runs = [
            tuple(take(said, rng.permutation(len(said.record_ids))) for said in own)[::-1]
            for own in one.predictions
        ]
        return Arm(tuple(runs[::-1]))

    arms = [arm(1.5, 3, folds), arm(1.0, 3, folds, first=50)]
    plain, labels = contrasts(arms, [1, -1], bootstrap=150)
    again, labels_again = contrasts([mixed(one) for one in arms], [1, -1], bootstrap=150)
    for one, other in [*zip(plain.values(), again.values(), strict=True)] + [
        (labels[name], labels_again[name]) for name in LABELS
    ]:
        assert other.by_seed[::-1] == pytest.approx(one.by_seed, abs=1e-12)
        for name in ("value", "low", "high", "p_value", "patient_variance"):
            assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-6, abs=1e-9)


def test_more_seeds_shrink_the_interval():
    arms = arm(1.5, 12), arm(1.0, 12, first=100)
    widths = {}
    for seeds in (3, 12):
        some = []
        for start in range(0, 12, seeds):
            cut = [Arm(one.predictions[start : start + seeds]) for one in arms]
            found = contrast(cut, [1, -1], bootstrap=200)
            some.append(found.high - found.low)
        widths[seeds] = np.mean(some)
    assert widths[12] < 0.8 * widths[3]


def test_one_seed_says_nothing_of_the_luck_of_seeds():
    found = contrast([arm(1.5, 1), arm(1.0, 1, first=9)], [1, -1], bootstrap=300)
    assert np.isnan(found.seed_variance)
    assert found.interaction_variance == 0
    assert found.standard_error == pytest.approx(found.patient_variance**0.5)
    assert found.degrees == pytest.approx(found.patient_degrees, rel=1e-5)


def test_clustered_records_count_as_their_patients():
    # five copies of each record: five times the records, no more knowledge
    one = draw(1.5, 1, patients=80, records_each=1)
    copies = Predictions(
        LABELS,
        [f"c{i:04d}" for i in range(5 * 80)],
        np.repeat(one.patient_ids, 5),
        np.repeat(one.targets, 5, axis=0),
        np.repeat(one.probabilities, 5, axis=0),
    )
    plain = contrast([Arm(((one,),))], [1], bootstrap=400)
    copied = contrast([Arm(((copies,),))], [1], bootstrap=400)
    assert copied.value == pytest.approx(plain.value, abs=1e-9)
    assert copied.standard_error == pytest.approx(plain.standard_error, rel=1e-6)
    assert (copied.records, copied.patients) == (400, 80)


def test_few_positives_leave_few_degrees_of_freedom():
    _, labels = contrasts([arm(1.5, 1), arm(1.0, 1, first=9)], [1, -1], bootstrap=200)
    assert labels["RARE"].patient_degrees < 20 < 50 < labels["NORM"].patient_degrees


def test_a_label_of_one_patient_can_not_be_told():
    said = draw(1.5, 1)
    rare = said.targets.copy()
    rare[:, 2] = said.patient_ids == "p7"  # two records of one patient
    lone = Predictions(LABELS, said.record_ids, said.patient_ids, rare, said.probabilities)
    summary, labels = contrasts([Arm(((lone,),))], [1], bootstrap=100)
    assert labels["RARE"] is None and labels["MI"] is not None
    assert np.isfinite(summary["macro_auroc"].low)
    with pytest.raises(DataError, match=r"RARE is undefined: it needs at least two patients"):
        contrast([Arm(((lone,),))], [1], metric="RARE", bootstrap=100)


def world(positives, scores, patients=60):
    """One label of the first patients, one record each, and what is said of each record."""
    ids = [f"r{i:03d}" for i in range(patients)]
    targets = np.arange(patients) < positives
    said = np.where(targets, *scores) if isinstance(scores, tuple) else scores
    return Predictions(["MI"], ids, ids, targets[:, None], np.asarray(said)[:, None])


PERFECT, FLAT = (0.9, 0.1), np.full(60, 0.5)


def several(*predictions):
    return Arm(tuple((one,) for one in predictions))


def test_without_two_patients_of_any_label_nothing_is_said_of_a_difference():
    rng = np.random.default_rng(0)
    for seeds in (1, 3):
        arms = [
            several(*(world(1, rng.random(60)) for _ in range(seeds))) for _ in ("one", "other")
        ]
        found, _ = contrasts(arms, [1, -1], bootstrap=100)
        for name in METRICS:
            assert np.isfinite(found[name].value)
            assert np.isnan([found[name].low, found[name].high, found[name].p_value]).all()
        (verdict,) = judge([found["macro_auroc"]], margin=0.02)
        assert (verdict.word, verdict.more_seeds, verdict.more_records) == (
            "inconclusive", None, None,
        )  # fmt: skip
        text = verdict_sentence("a", "b", "macro_auroc", found["macro_auroc"], verdict)
        assert "[too few] (no p-value;" in text and "Fewer than two patients have" in text


def test_a_difference_that_never_varies_is_inconclusive_as_in_compare():
    pair = world(10, PERFECT), world(10, FLAT)
    for seeds in (1, 3):
        arms = [several(*[one] * seeds) for one in pair]
        found = contrast(arms, [1, -1], bootstrap=100)
        assert found.value == 0.5
        assert np.isnan([found.low, found.high, found.p_value]).all()
        assert judge([found], margin=0.02)[0].word == "inconclusive"
    assert compare(*pair, bootstrap=100).verdict == "inconclusive"


def test_intervals_end_where_differences_do():
    rng = np.random.default_rng(2)
    chance = rng.random((2, 60)) / 4
    good, poor = world(2, chance[0] + 0.7 * (np.arange(60) < 2)), world(2, chance[1])
    arms = [several(good), several(poor)]
    found = contrast(arms, [1, -1], bootstrap=100)
    printed = compare(good, poor, bootstrap=100).summary["macro_auroc"]
    assert (found.low, found.high) == (printed.low, printed.high)
    assert found.high == 1.0
    # of a difference of differences, which may be twice as large
    assert contrast([*arms, *arms[::-1]], [1, -1, -1, 1], bootstrap=100).high == 2.0


@pytest.mark.parametrize("scores", [PERFECT, FLAT])
def test_a_score_that_never_varies_has_the_interval_of_evaluate(scores):
    said = world(10, scores)
    own = evaluate(said, None, thresholds="fixed", bootstrap=100)
    summary, labels = contrasts([several(said, said, said)], [1], bootstrap=100)
    pairs = [(summary[name], own.summary[name]) for name in METRICS]
    for found, printed in [*pairs, (labels["MI"], own.labels["MI"].auroc)]:
        assert (found.low, found.high) == pytest.approx((printed.low, printed.high), abs=1e-9)
    assert 0.3 < labels["MI"].low < labels["MI"].value <= labels["MI"].high
    # of too few patients neither says any
    assert np.isnan(contrast([several(world(3, PERFECT))], [1], bootstrap=100).low)


def test_arms_of_other_records_may_differ_in_their_differences_alone():
    # the same patients in other folds or with other records, as another protocol has them
    a, b = arm(1.5, 2), arm(1.0, 2, first=9)
    c, d = (arm(s, 2, first=f, patients=100, prefix="x") for s, f in ((1.5, 30), (1.0, 40)))
    found = contrast([c, d, a, b], [1, -1, -1, 1], bootstrap=200)
    first = contrast([c, d], [1, -1], bootstrap=200)
    second = contrast([a, b], [1, -1], bootstrap=200)
    assert found.value == pytest.approx(first.value - second.value)
    assert found.records == 440 and found.patients == 120
    with pytest.raises(
        DataError, match=r"records of this arm and this arm differ: \d+ only in this"
    ):
        contrast([a, c], [1, -1], bootstrap=200)


def test_refusals():
    good = arm(1.5, 2, name="finetune")
    with pytest.raises(ConfigError, match=r"no metric or label named 'macro_aurok'.*Did you mean"):
        contrast([good], [1], metric="macro_aurok", bootstrap=100)
    with pytest.raises(ConfigError, match=r"one finite weight for each arm.*1 arms and .* \[1, -1"):
        contrast([good], [1, -1], bootstrap=100)
    with pytest.raises(ConfigError, match="one finite weight for each arm"):
        contrast([], [], bootstrap=100)
    with pytest.raises(ConfigError, match="bootstrap must be at least 100"):
        contrast([good], [1], bootstrap=99)
    with pytest.raises(ConfigError, match=r"level must be above 0.5 and below 1. Received: 1"):
        contrast([good], [1], level=1)
    more = arm(1.0, 3, name="scratch")
    with pytest.raises(
        DataError, match=r"seeds of finetune and scratch differ: 2 and 3.*leave out"
    ):
        contrast([good, more], [1, -1], bootstrap=100)
    other = arm(1.0, 2, labels=("NORM", "MI", "AFIB"), name="scratch")
    with pytest.raises(DataError, match=r"labels of finetune and scratch differ: NORM, MI, RARE"):
        contrast([good, other], [1, -1], bootstrap=100)
    nobody = Predictions(["MI"], ["r1", "r2"], ["p", "q"], [[0], [0]], [[0.1], [0.2]])
    with pytest.raises(DataError, match="finetune: no score is defined: a label needs a test rec"):
        contrast([Arm(((nobody,),), name="finetune")], [1], bootstrap=100)
    alone = Predictions(["MI"], ["r1", "r2"], ["p", "p"], [[0], [1]], [[0.1], [0.2]])
    with pytest.raises(DataError, match=r"at least two patients. All records are of p"):
        contrast([Arm(((alone,),))], [1], bootstrap=100)
