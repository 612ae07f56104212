"""What a way is worth in labels: exact curves, ends of the sizes, and sentences."""

import math
from dataclasses import replace

import numpy as np
import pytest
import test_curves
from test_findings import contrast_of

from ecg_keras.statistics import LabelEfficiency, LearningCurve, say_worths
from ecg_keras.statistics.crossover import label_efficiency
from ecg_keras.statistics.curve_words import say_factor, say_worth

SIZES = np.array([50.0, 100, 200, 400, 800, 1600])
WORDS = ("finetune", "scratch", [50, 200, 1600])


def measured(way, reference, error=0.001, degrees=30.0):
    """Contrasts of curves that are known, all equally uncertain and with independent errors."""

    def difference(own, other):
        value = float(own @ way + other @ reference)
        spread = error * math.sqrt(own @ own + other @ other)
        return test_curves.contrast_of(value, spread, degrees)

    return difference


def found(way, reference, place, **luck):
    difference = measured(np.asarray(way), np.asarray(reference), **luck)
    return label_efficiency(SIZES, place, difference, level=0.95, draws=400, seed=0)


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_a_planted_factor_is_found_where_the_curves_overlap(factor):
    def scratch(n):
        return 0.92 - 0.22 * (n / 50) ** -0.55

    for place in range(6):
        one = found(scratch(factor * SIZES), scratch(SIZES), place)
        if factor * SIZES[place] < 1600 and place:
            estimate, low, high = one.factor
            assert estimate == pytest.approx(factor, rel=0.02)
            assert low <= factor <= high < math.inf
        elif factor * SIZES[place] > 1600:
            assert one.equal[0] == math.inf, "nothing is said beyond the sizes"


def test_a_way_that_is_poorer_than_the_smallest_size_is_below_it():
    one = found(np.full(6, 0.5), np.linspace(0.6, 0.9, 6), 5)
    assert one.equal == (-math.inf, -math.inf, -math.inf)
    assert one.factor[2] == -math.inf


def test_a_flat_reference_says_nothing_and_the_interval_shows_it():
    one = found(np.full(6, 0.7), np.full(6, 0.7), 2, error=0.01)
    assert one.equal[1:] == (-math.inf, math.inf)


def test_more_noise_and_fewer_seeds_widen_the_interval():
    scratch = 0.92 - 0.22 * (SIZES / 50) ** -0.55
    way = np.full(6, scratch[3])
    widths = [
        np.diff(np.log(found(way, scratch, 1, **luck).equal[1:]))[0]
        for luck in ({"error": 0.001}, {"error": 0.004}, {"error": 0.004, "degrees": 1.2})
    ]
    assert widths[0] < widths[1] < widths[2]


@pytest.mark.parametrize(
    ("equal", "said"),
    [
        (
            [(740, 520, 1100)],
            "finetune on 200 ECGs equals scratch on 740 [520, 1,100]: a factor of 3.7 [2.6, 5.5].",
        ),
        (
            [(-math.inf, -math.inf, 90), (740, 520, math.inf)],
            "finetune on 200 ECGs equals scratch on 740 [520, beyond 1,600]: a factor of 3.7 "
            "[2.6, beyond 8].",
        ),
        (
            [(140, -math.inf, 300)],
            "finetune on 200 ECGs equals scratch on 140 [below 50, 300]: a factor of 0.7 [below "
            "0.25, 1.5].",
        ),
        (
            [(math.inf, math.inf, math.inf)] * 2,
            "finetune on 200 ECGs scores above scratch on 1,600 ECGs, the most that were tried: a "
            "factor of more than 8.",
        ),
        (
            [(math.inf, 900, math.inf)],
            "What finetune is worth in labels is undefined: on 200 ECGs it scores above scratch on "
            "1,600 ECGs as measured, and nowhere as scratch does within the sizes: the learning "
            "curves do not overlap.",
        ),
        (
            [(-math.inf, -math.inf, 60)],
            "What finetune is worth in labels is undefined: on 200 ECGs it scores below scratch on "
            "50 ECGs as measured, and nowhere as scratch does within the sizes: the learning "
            "curves do not overlap.",
        ),
    ],
)
def test_one_sentence(equal, said):
    assert say_worth(*WORDS, [LabelEfficiency(200, ends) for ends in equal]) == said


def test_the_smallest_size_is_spoken_of_last_and_none_is_chosen_by_its_interval():
    worth = [LabelEfficiency(50, (300, 200, math.inf)), LabelEfficiency(200, (740, 520, 1100))]
    assert say_worth(*WORDS, worth).startswith("finetune on 200 ECGs equals")
    assert say_worth(*WORDS, worth[::-1]).startswith("finetune on 50 ECGs equals"), "also if open"
    assert say_factor(worth[0], WORDS[2]) == "6 [4, beyond 32]"
    large = LabelEfficiency(10, (1720.0, -math.inf, math.inf))
    assert say_factor(large, (20.0, 12_600.0)) == "170 [below 2, beyond 1,300]"


def curve(*equal):
    worth = tuple(LabelEfficiency(200, ends) for ends in equal)
    return LearningCurve(
        "ludb", *WORDS[:2], tuple(WORDS[2]), {}, (), {}, 0.02, None, "", None, worth
    )


def test_several_curves_are_counted_and_the_first_that_can_be_told_is_told():
    more, less, beyond = (740, 520, 1100), (90, 60, 150), (math.inf, math.inf, math.inf)
    curves = [curve(more), curve(less), curve((200, 55, 1500)), curve(beyond), curve()]
    (said,) = say_worths(curves)
    assert said.startswith(
        "What a way of training is worth in labels, in 4 learning curves: more than its own ECGs "
        "in 2, less in 1, not shown in 1. For example, of ludb: finetune on 200 ECGs equals "
        "scratch on 740 "
    )
    assert say_worths([curve()]) == ()


def test_curves_that_do_not_overlap_are_counted_as_undefined():
    """The caption of each says so as well, in `test_one_sentence`."""
    above, below = (math.inf, 700, math.inf), (-math.inf, -math.inf, 60)
    (said,) = say_worths([curve((740, 520, 1100)), curve(above), curve(below)])
    assert said.startswith(
        "What a way of training is worth in labels, in 3 learning curves: more than its own ECGs "
        "in 1, less in 0, not shown in 0, undefined in 2, which do not overlap with the "
        "reference's. For example, of ludb: "
    )


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ((1,), " With one seed each this is of the trained networks alone, and says nothing of"),
        ((1, 1), " With one seed each this is of the trained networks alone"),
        ((3, 1), " With one seed each in 1 of them this is of the trained networks alone"),
        ((3, 3), None),
    ],
)
def test_one_seed_is_said_to_be_one(seeds, said):
    one = replace(curve((740, 520, 1100)), differences=(contrast_of(0.05),))
    curves = [replace(one, differences=(replace(one.differences[0], seeds=n),)) for n in seeds]
    (text,) = say_worths(curves)
    assert ("of the trained networks alone" in text) == (said is not None)
    assert said is None or said in text
    assert "seed" not in curves[0].says_worth, "a figure's caption says it of the whole curve"
