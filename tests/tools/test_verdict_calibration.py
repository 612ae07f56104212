"""The script that proves the verdicts: its worlds, its figures, and a few hundred trials."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from ecg_keras.evaluation import Predictions
from ecg_keras.metrics import auroc, challenge_score, decide, sample_f_max


def test_planted_scores_have_the_auroc_that_is_claimed(script):
    world = script.Scenario(
        "large", 1500, (1, 2), seeds=8, folds=2, seed_sd=0.03, gains=(0.06, -0.02)
    )
    found = []
    for seed in range(12):
        arms, truths = script.draw_scores(world, np.random.default_rng(seed))
        assert truths == [0.06, -0.02]
        found.append(
            [
                np.mean(
                    [auroc(f.targets, f.probabilities).mean() for s in a.predictions for f in s]
                )
                for a in arms
            ]
        )
    means = np.mean(found, axis=0)
    np.testing.assert_allclose(means, [0.91, 0.83, 0.85], atol=0.008)


def test_the_truth_of_these_networks_is_their_own(script):
    world = script.Scenario("", 100, seeds=1, seed_sd=0.05, networks=True)
    truths = [script.draw_scores(world, np.random.default_rng(seed))[1][0] for seed in range(200)]
    assert np.mean(truths) == pytest.approx(0, abs=0.015)
    assert np.std(truths) == pytest.approx(0.05 * math.sqrt(2), rel=0.2)


def test_learners_learn_and_their_truth_is_that_of_their_weights(script):
    rng = np.random.default_rng(0)
    world = script.Scenario("", 5000, prevalence=(0.3,), trained="alike")
    features, target = script.draw_training(world, rng)
    weights = script.learn(features[1], target, None)
    fresh, truth = script.draw_training(replace(world, patients=40000), rng)
    seen = auroc(truth[:, None], (fresh[0] @ weights)[:, None])[0]
    assert script.expect(weights) == pytest.approx(seen, abs=0.01)
    assert 0.7 < seen < 0.8
    assert script.expect_new(replace(world, trained="unlike")) == 0.0


def test_wrong_verdicts_are_told_from_right_ones(script):
    def is_wrong(word, truth):
        return script.Answer(None, word, truth).is_wrong(0.02)

    assert is_wrong("better", 0.0) and is_wrong("worse", 0.0) and is_wrong("better", -0.1)
    assert is_wrong("equivalent", 0.02) and is_wrong("equivalent", -0.03)
    assert not any(is_wrong("inconclusive", truth) for truth in (-0.1, 0.0, 0.1))
    assert not (is_wrong("better", 0.1) or is_wrong("equivalent", 0.0) or is_wrong("worse", -0.1))
    assert script.share([True] * 19 + [False]) == "95.0 ± 6.4"


def test_training_sets_are_told_from_those_that_are_drawn_anew(script):
    world = script.Scenario("", 60, prevalence=(0.4,), seeds=1, folds=3, trained="unlike")
    trials = [script.try_once(world, seed) for seed in range(20)]
    row = script.describe(world, trials)
    same, new, widened = (
        float(row[name].split(" ")[0])
        for name in ("coverage", "of new training sets", "the same, widened")
    )
    assert new <= widened <= 100 and same >= 80
    (answer,) = trials[0]
    reach = answer.contrast.high - answer.contrast.value
    for distance, held in ((0.9, True), (1.57, True), (1.6, False)):  # root of 1 + 3 / 2
        truth = answer.contrast.value + distance * reach
        assert script.widened_covers(replace(answer, truth=truth), 3) is held


def test_verdicts_are_calibrated(script):
    """Few trials with a fixed seed, so it can't fail by luck; the script has the large numbers."""

    def trials(world, number):
        answers = [script.try_once(world, seed) for seed in range(number)]
        assert all(len(own) == len(world.gains) for own in answers)
        return answers

    world = script.Scenario("", 60, (1, 2), prevalence=(0.35,), seeds=3)
    none = trials(world, 160)
    allowed = 0.05 + 2.5 * math.sqrt(0.05 * 0.95 / 160)
    assert np.mean([answer.is_wrong(0.02) for (answer,) in none]) <= allowed
    assert 0.92 <= np.mean([answer.covers for (answer,) in none]) <= 0.995
    family = trials(replace(world, gains=(0.0,) * 4), 30)
    assert np.mean([any(one.is_wrong(0.02) for one in own) for own in family]) <= 0.12
    far = replace(world, patients=150, gains=(0.12,), seed_sd=0.01)
    power = [
        np.mean([answer.word == "better" for (answer,) in trials(some, 40)])
        for some in (replace(far, patients=40), far)
    ]
    assert power[1] > power[0] + 0.15 and power[1] > 0.8


def test_the_tables_are_printed(script, capsys):
    script.main(["--trials", "2", "--only", "60 patients", "--workers", "1", "--part", "studies"])
    printed = capsys.readouterr().out
    assert printed.startswith("2 trials of each scenario, 200 resamples of patients")
    assert "### No difference\n\n| scenario | coverage | wrong verdicts |" in printed
    assert "| 60 patients of 1 to 3 records |" in printed
    assert "### Trained" not in printed  # nothing with that title
    with pytest.raises(SystemExit):
        script.main(["--trials", "0"])
    assert "--trials and --workers must be at least 1" in capsys.readouterr().err


def test_the_commands_have_tables_in_both_worlds(script, tmp_path, capsys):
    rng = np.random.default_rng(0)
    ids = np.array([f"r{number}" for number in range(90)])
    targets = (np.arange(90) % 3 == 0)[:, None]
    files = []
    for name in ("a", "b"):
        said = 1 / (1 + np.exp(-(targets + rng.normal(size=targets.shape))))
        files.append(str(tmp_path / f"{name}.npz"))
        Predictions(("MI",), ids, ids, targets, said).save(files[-1])
    asked = ["--trials", "2", "--only", "5 positives", "--workers", "1", "--part", "commands"]
    script.main(asked)
    script.main([*asked, "--real", *files])
    printed = capsys.readouterr().out
    for world in ("binormal", "real"):
        for heading in script.commands.HEADINGS.values():
            assert f"### {heading} ({world})" in printed
    assert printed.count("| 5 positives of 300 patients |") == 6


def test_a_world_knows_the_truth_of_its_scores(script):
    known = sys.modules["calibration.worlds"].known
    truth = known(0.9, 0.1)[1]
    assert truth["auroc"] == pytest.approx(0.9, abs=0.005)
    assert truth["specificity"] == pytest.approx(0.9, abs=0.005)
    rare = known(0.9, 0.01)[1]
    assert rare["auroc"] == pytest.approx(truth["auroc"]) and rare["auprc"] < truth["auprc"]
    assert rare["sensitivity"] == pytest.approx(truth["sensitivity"])


def test_a_world_knows_the_truth_of_scores_of_all_labels_together(script):
    worlds, endless = (sys.modules[f"calibration.{name}"] for name in ("worlds", "endless"))
    rng = np.random.default_rng(1)
    skill, share, limits = np.array([1.0, 1.5, 2.0]), np.array([0.4, 0.2, 0.1]), [0.5, 0.3, 0.15]
    has = rng.random((150_000, 3)) < share
    said = worlds.calibrated(rng.normal(size=has.shape) + skill * has, skill, share)
    truth = endless.expect_together(skill, share, np.array(limits))
    assert truth["sample_f_max"] == pytest.approx(float(sample_f_max(has, said)), abs=0.004)
    seen = challenge_score(has, decide(said, limits), endless.CODES[:3])
    assert truth["challenge_2021"] == pytest.approx(float(seen), abs=0.008)
    assert endless.expect_together(np.ones(5), np.full(5, 0.1), np.full(5, 0.5)) == {}


def test_intervals_that_miss_or_leave_out_their_value_are_counted(script):
    def said(low, high, truth=0.5):
        return script.commands.Printed("auroc", 0.5, low, high, truth)

    few = said(math.nan, math.nan)
    trials = [[said(0.4, 0.6), said(0.4, 0.6, 0.7)], [said(0.4, 0.6), few]]
    held, outside, printed = script.commands.cells(trials, "auroc")
    assert held.startswith("75.0") and outside == "0" and printed == "75"
    assert script.commands.cells([[said(0.6, 0.7)]], "auroc")[1] == "1"
    assert script.commands.cells([[few]], "auroc")[0] == "too few"
