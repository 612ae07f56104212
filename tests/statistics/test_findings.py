"""The paper's four findings: from planted results to the right word, and never from estimates."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import stats

from ecg_keras.evaluation import Estimate
from ecg_keras.statistics import (
    ArmName,
    Compared,
    Contrast,
    Interaction,
    LearningCurve,
    Speed,
    findings,
    judge,
    ledger_row,
)
from ecg_keras.statistics.findings import CLAIMS

MARGIN = 0.02
FAST = (Estimate(0.4, 0.3, 0.6), Estimate(0.05, 0.02, 0.08))
SLOW = (Estimate(1.6, 1.2, 2.0), Estimate(-0.05, -0.08, -0.02))
UNCLEAR = (Estimate(0.4, 0.1, 1.4), Estimate(0.05, -0.02, 0.12))


def contrast_of(value, error=0.004, seeds=5):
    degrees = 40.0
    half = error * stats.t.ppf(0.975, degrees)
    return Contrast(
        value=value, low=value - half, high=value + half, level=0.95, standard_error=error,
        degrees=degrees, p_value=float(2 * stats.t.sf(abs(value) / error, degrees)),
        seed_variance=error**2, patient_variance=error**2, seeds=seeds, folds=1, records=500,
        patients=500, by_seed=(value,) * seeds,
    )  # fmt: skip


def compared(gain, *, error=0.004, speed=FAST, seeds=5, **name):
    arm = ArmName(
        **{
            "downstream": "ptbxl", "backbone": "resnet1d18", "head": "as_published", "size": 0,
            "protocol": "sound", "mode": "finetune", "upstream": "georgia", **name,
        }
    )  # fmt: skip
    reference = ArmName(**{**vars(arm), "mode": "scratch", "upstream": ""})
    contrast = contrast_of(gain, error, seeds)
    ratio, area = speed
    reached = ratio is not None
    return Compared(
        arm=arm, reference=reference, contrast=contrast,
        verdict=judge([contrast], margin=MARGIN)[0],
        scores={"macro_auroc": contrast}, labels={}, delong={},
        speed=Speed(0.8, (4.0 if reached else None, 10.0), (40.0 if reached else None, 100.0),
                    (8.0 if reached else None, 20.0), ratio, area, ratio),
    )  # fmt: skip


def curve(
    change, *, error=0.004, crossover=(400.0, 300.0, 500.0), last=0.0, way="finetune", seeds=5
):
    return LearningCurve(
        title="ptbxl, resnet1d18", way=f"{way} from georgia", reference="scratch",
        sizes=(50.0, 200.0, 800.0), scores={}, fits={}, margin=MARGIN, crossover=crossover,
        differences=tuple(contrast_of(gain, seeds=seeds) for gain in (0.08, 0.04, last)),
        says="scratch catches up at about 400 training ECGs.",
        trend=contrast_of(change, error, seeds), mode=way, upstream="georgia",
    )  # fmt: skip


def interaction(gain, *, error=0.004, mode="finetune", seeds=5):
    difference = contrast_of(gain, error, seeds)
    return Interaction("ptbxl", mode, "georgia", "sound", ("CNN", "RNN"), difference)


def row(ratio=FAST[0], pretraining=600.0, shared_by=4, way="finetune", seeds=5):
    return ledger_row(
        "ptbxl, resnet1d18", f"{way} from georgia", own=80.0, to_quality=20.0,
        reference_to_quality=50.0, pretraining=pretraining, shared_by=shared_by, ratio=ratio,
        seeds=seeds, mode=way, upstream="georgia",
    )  # fmt: skip


def sweep(downstream, **settings):
    return [
        compared(gain, size=size, downstream=downstream, **settings)
        for gain, size in ((0.08, 50), (0.04, 200), (0.001, 0))
    ]


SWEEPS = [*sweep("ptbxl"), *sweep("ludb")]


def words(comparisons=(), curves=(), interactions=(), ledger=(), **settings):
    return [one.word for one in findings(comparisons, curves, interactions, ledger, **settings)]


def test_everything_planted_as_the_paper_says_is_confirmed():
    found = findings(SWEEPS, [curve(-0.08)], [interaction(0.05)] * 2, [row()] * 2)
    assert [one.claim for one in found] == list(CLAIMS)
    assert [one.word for one in found] == ["confirmed"] * 4
    small, declines, converges, transfers = (one.evidence for one in found)
    assert small == (
        "Preferable on small sets (confirmed): 2 better of 2 comparisons; the largest gain is "
        "+0.080 [+0.072, +0.088] (ptbxl, resnet1d18, finetune from georgia, 50 ECGs). "
        "Not always (confirmed): 4 better, 2 equivalent of 6 comparisons; the least gain is "
        "+0.001 [-0.007, +0.009] (ptbxl, resnet1d18, finetune from georgia)."
    )
    assert "it falls along 1 of 1 learning curve" in declines
    assert "shown by 1 of 1 learning curve; on ptbxl, resnet1d18: scratch catches up" in declines
    assert "The reference takes longer at the largest sizes (confirmed): faster in 2" in declines
    assert "the median needs 0.400 [0.300, 0.600] times the reference's epochs" in converges
    assert "less in 6 and more in 0 of 6 comparisons; with its share of the pre" in converges
    assert "0 of 2 still save time" in converges
    assert "more in 2, less in 0 and as much in 0 of 2 comparisons" in transfers
    assert "at best it has paid after 20 tasks" in transfers


@pytest.mark.parametrize(
    ("results", "why"),
    [
        (
            ([*sweep("ptbxl", seeds=1), *sweep("ludb", seeds=1)], [curve(-0.08, seeds=1)],
             [interaction(-0.05, seeds=1)] * 2, [row(seeds=1)] * 2),
            "One seed each says nothing of how much another training differs: at least 2 more "
            "seeds of each would.",
        ),
        (
            ([compared(0.08, size=50)], [], [interaction(-0.05)], [row(pretraining=1.0)]),
            "decides nothing: at least 1 more would.",
        ),
    ],
    ids=["one seed", "one comparison"],
)  # fmt: skip
def test_one_seed_or_one_comparison_confirms_and_refutes_nothing(results, why):
    found = findings(*results)
    assert [one.word for one in found] == ["undecided"] * 4
    for one in found:
        assert "(confirmed)" not in one.evidence and "(refuted)" not in one.evidence
        assert why in one.evidence or "there is no learning curve" in one.evidence
    assert "better of" in found[0].evidence  # the figures are there


def test_two_seeds_and_two_comparisons_are_enough():
    two = {"seeds": 2}
    assert words(
        [*sweep("ptbxl", **two), *sweep("ludb", **two)],
        [curve(-0.08, **two)],
        [interaction(0.05, **two)] * 2,
        [row(**two)] * 2,
    ) == ["confirmed"] * 4  # fmt: skip


def test_beside_comparisons_of_several_seeds_those_of_one_are_not_counted():
    single = [compared(-0.08, size=50, downstream=name, seeds=1) for name in "abc"]
    (first, *_) = findings([*SWEEPS, *single], [], [], [])
    assert first.word == "confirmed"
    assert "4 better, 2 equivalent of 6 comparisons" in first.evidence


def test_nothing_that_was_planted_is_called_nothing():
    null = [
        compared(0.0, size=size, speed=UNCLEAR, downstream=name)
        for size in (50, 200, 0)
        for name in ("ptbxl", "ludb")
    ]
    curves, pairs = [curve(0.0, crossover=None)], [interaction(0.0)] * 2
    assert words(null, curves, pairs, [row(UNCLEAR[0])] * 2) == [
        "refuted",  # equivalent on the small set
        "refuted",  # the gain keeps within the margin
        "undecided",
        "refuted",  # CNNs gain as much
    ]


def test_wide_intervals_leave_everything_undecided_whatever_the_estimates():
    noisy = [compared(0.08, size=size, error=0.1, speed=UNCLEAR) for size in (50, 200, 0)]
    wide = curve(-0.08, error=0.1, crossover=(400.0, 50.0, math.inf), last=0.03)
    assert (
        words(noisy, [wide], [interaction(0.05, error=0.1)], [row(Estimate(0.4, -20.0, 20.0))])
        == ["undecided"] * 4
    )


def test_the_opposite_is_refuted():
    worse = [
        compared(gain, size=size, speed=SLOW, downstream=name)
        for gain, size in ((-0.08, 50), (0.08, 0))
        for name in ("ptbxl", "ludb")
    ]
    assert (
        words(worse, [curve(0.08)], [interaction(-0.05)] * 2, [row(pretraining=1.0)] * 2)
        == ["refuted"] * 4
    )


def test_what_is_missing_is_said():
    found = findings([], [], [], [])
    assert [one.word for one in found] == ["undecided"] * 4
    assert "none was compared (no sweep of training sizes" in found[0].evidence
    assert "there is no learning curve (too few training sizes)" in found[1].evidence
    assert "nothing was compared" in found[2].evidence
    assert "the study has no pair of them (backbones: none)" in found[3].evidence
    assert "no cost of a pre-training is known" in found[3].evidence
    found = findings(SWEEPS, [], [], [])
    assert "(backbones: resnet1d18)" in found[3].evidence


def test_without_a_sweep_a_set_is_small_below_1000_training_ecgs():
    names = ("ptbxl", "georgia")
    found = *(compared(0.08, downstream=name) for name in names), compared(0.0, downstream="ludb")
    assert words(found)[0] == "undecided"  # nobody said how many records they have
    few, many = ({one.arm: records for one in found[:2]} for records in (353.0, 1000.0))
    assert words(found, train_records=few)[0] == "confirmed"
    assert words(found, train_records=many)[0] == "undecided"
    sized = [compared(0.08, downstream=name, size=999) for name in names]
    assert words([*sized, compared(0.0, backbone="lstm")])[0] == "confirmed"


def test_of_a_sweep_only_the_smallest_size_counts_as_small():
    def on_two(*points):
        return [
            compared(gain, size=size, downstream=name) for gain, size in points for name in "ab"
        ]

    assert words(on_two((0.0, 100), (0.08, 500)))[0] == "refuted"
    assert words(on_two((0.08, 2000), (0.0, 12000)))[0] == "confirmed"
    apart = [compared(0.08, size=50), compared(0.0, size=200, backbone="lstm")]
    assert "2 comparisons; the largest" in findings(apart, [], [], [])[0].evidence


def test_help_everywhere_refutes_not_always_but_one_comparison_cannot():
    assert words([compared(0.08, size=50)])[0] == "undecided"
    assert words([compared(0.08, size=50), compared(0.08, size=0)])[0] == "refuted"


def test_more_better_than_worse_verdicts_make_it_preferable():
    small = [
        compared(gain, size=100, downstream=name) for gain, name in ((0.08, "a"), (-0.08, "b"))
    ]
    assert words(small)[0] == "undecided"
    assert words([*small, compared(0.08, size=100, downstream="c")])[0] == "confirmed"


def test_catching_up_is_shown_by_a_finite_upper_end_or_by_the_largest_size():
    far = {"crossover": (math.inf, 700.0, math.inf)}
    assert words(SWEEPS, [curve(-0.08, last=0.05, **far)])[1] == "undecided"
    assert words(SWEEPS, [curve(-0.08, last=0.0, **far)])[1] == "confirmed"
    assert words(SWEEPS, [curve(-0.08, last=0.05)])[1] == "confirmed"


def test_one_curve_or_way_of_many_is_what_chance_would_give():
    far = curve(-0.08, last=0.05, crossover=(math.inf, 700.0, math.inf))
    good, pays, not_paid = [interaction(0.05)] * 2, row(pretraining=100.0), row(pretraining=600.0)
    for shown, word in ((1, "undecided"), (2, "undecided"), (3, "confirmed")):
        curves = [curve(-0.08)] * shown + [far] * (20 - shown)
        rows = [not_paid] * shown + [pays] * (20 - shown)
        found = words(SWEEPS, curves, good, rows)
        assert (found[1], found[3]) == (word, word)
    assert words(SWEEPS, [curve(-0.08), far], good, [not_paid, pays])[1::2] == ["confirmed"] * 2


def test_who_never_reaches_the_quality_and_runs_lower_is_slower():
    never = (None, Estimate(-0.05, -0.08, -0.02))
    for speed, word in ((never, "refuted"), ((None, UNCLEAR[1]), "undecided")):
        both = [compared(0.08, speed=speed, downstream=name) for name in "ab"]
        assert words(both)[2] == word


def test_one_run_has_no_interval_and_decides_nothing():
    alone = compared(
        0.08, speed=(Estimate(0.4, math.nan, math.nan), Estimate(0.05, *[math.nan] * 2))
    )
    found = findings([alone], [], [], [row(alone.speed.ratio)])
    assert found[2].word == "undecided"
    assert "the median needs 0.400 [one run] times" in found[2].evidence
    assert "may or may not in 1 of 1 way" in found[3].evidence


def test_one_fast_comparison_of_many_is_what_chance_would_give():
    many = [compared(0.0, downstream=f"d{number}", speed=UNCLEAR) for number in range(40)]
    assert words([*many, compared(0.0)])[2] == "undecided"
    assert words([*many, *(compared(0.0, downstream=f"e{n}") for n in range(8))])[2] == "confirmed"


def test_a_pretraining_pays_or_not_by_the_interval_of_what_is_saved():
    good = [interaction(0.05)] * 2
    for pretraining, word in ((600.0, "confirmed"), (100.0, "undecided"), (60.0, "refuted")):
        rows = [row(pretraining=pretraining)] * 2  # saves 30 [20, 35], shared by 4
        assert words(SWEEPS, [], good, rows)[3] == word, pretraining
    assert words(SWEEPS, [], good, [row(ratio=None)] * 2)[3] == "undecided"


def test_only_the_modes_that_are_fine_tuning_count():
    probes = [
        compared(-0.08, size=50, mode="linear_probe", speed=SLOW, downstream=name)
        for name in ("ptbxl", "ludb")
    ]
    results = (
        [*SWEEPS, *probes],
        [curve(-0.08), curve(0.08, way="linear_probe")],
        [*[interaction(0.05)] * 2, *[interaction(-0.05, mode="linear_probe")] * 2],
        [row(), row(), row(way="linear_probe")],
    )
    assert words(*results)[0] == "undecided"
    assert words(*results, modes=["finetune"]) == ["confirmed"] * 4
    reference = [compared(0.0, upstream="", mode="scratch")]
    assert findings([*SWEEPS, *reference], *results[1:]) == findings(SWEEPS, *results[1:])


gains = st.lists(
    st.tuples(st.floats(-0.1, 0.1), st.sampled_from([0.003, 0.05])), min_size=1, max_size=6
)


@settings(deadline=None, max_examples=50)
@given(gains)
def test_a_word_is_confirmed_only_with_verdicts_behind_it(planted):
    results = [
        compared(gain, error=error, size=100 * (number + 1), downstream="ab"[number % 2])
        for number, (gain, error) in enumerate(planted)
    ]
    verdicts = [one.verdict.word for one in results]
    (first, *_) = findings(results, [], [], [])
    if first.word == "confirmed":
        assert "better" in verdicts
        assert {"equivalent", "worse"} & set(verdicts)
    if len(set(verdicts)) == 1 and verdicts[0] == "inconclusive":
        assert first.word == "undecided"


@pytest.mark.parametrize("effect", [0.0, 0.015])
def test_without_an_effect_of_family_few_studies_confirm_one(effect):
    rng = np.random.default_rng(0)
    confirmed = 0
    for _ in range(200):
        pairs = [interaction(effect + 0.005 * rng.normal(), error=0.005) for _ in range(4)]
        confirmed += words(SWEEPS, [], pairs, [row()] * 2)[3] == "confirmed"
    assert confirmed <= 12 if effect == 0 else confirmed >= 100


def test_a_mode_of_any_name_counts():
    name = "tune from top"
    curves = [curve(-0.08, way=name), curve(-0.07, way=name)]
    rows = [row(way=name), row(way=name)]
    named = findings([], curves, [], rows, modes=[name])
    assert "2 of 2 learning curves" in named[1].evidence
    assert "2 ways" in named[3].evidence
    assert [one.word for one in named] == [
        one.word for one in findings([], [curve(-0.08), curve(-0.07)], [], [row(), row()])
    ]
