"""The script of planted truths: its ECGs, its network, what it chooses and what it counts."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest


def test_splits_are_of_one_hospital_and_share_no_ecg(script, monkeypatch):
    worlds = sys.modules["planted.worlds"]
    monkeypatch.setattr(worlds, "SIZES", {"train": 3, "valid": 2, "test": 4})
    task = worlds.draw_task(0)
    assert [len(ecgs.targets) for ecgs in task.values()] == [3, 2, 4]
    whole = worlds.record("riverside", 9, seed=1000)
    np.testing.assert_array_equal(
        np.concatenate([ecgs.signals for ecgs in task.values()]), whole.signals
    )
    assert len(np.unique(whole.signals, axis=0)) == 9
    assert whole.targets.any(axis=1).mean() > 0.5


def test_the_network_learns_and_begins_each_run_where_it_is_told(script):
    worlds, networks = sys.modules["planted.worlds"], sys.modules["planted.networks"]
    ecgs = worlds.record("riverside", 24, seed=3)
    trainer = networks.Trainer(1e-2, 60)
    start = networks.small(1).get_weights()
    fitted = trainer.fit(start, ecgs, 0)
    assert script.score_validation(networks.predict(fitted, ecgs))["macro_auroc"] > 0.85
    assert int(trainer.optimizer.iterations) == 60
    trainer.run = lambda *given: None
    for kept, given in zip(trainer.fit(start, ecgs, 0).get_weights(), start, strict=True):
        np.testing.assert_array_equal(kept, given)


def test_a_decay_slows_the_stages_towards_the_signal(script):
    worlds, networks = sys.modules["planted.worlds"], sys.modules["planted.networks"]
    ecgs = worlds.record("riverside", 24, seed=3)
    start = networks.small(1).get_weights()
    first = [
        networks.Trainer(1e-2, 3, decay).fit(start, ecgs, 0).get_weights()[0]
        for decay in (1.0, 0.7)
    ]
    moved = [np.abs(weights - start[0]).mean() for weights in first]
    assert moved[1] == pytest.approx(0.7**3 * moved[0], rel=0.2)


def test_dead_units_stay_silent(script, monkeypatch):
    worlds, networks = sys.modules["planted.worlds"], sys.modules["planted.networks"]
    upstream = networks.small(5)
    monkeypatch.setattr(worlds, "_pretrained", lambda number, inverted: upstream.get_weights())
    ecgs = worlds.record("riverside", 4, seed=2)
    assert embed(networks, worlds.same_task(0), ecgs)[:, worlds.ALIVE :].any()
    assert not embed(networks, worlds.dead_units(0), ecgs)[:, worlds.ALIVE :].any()


def embed(networks, weights, ecgs):
    model = networks.small(0)
    model.set_weights(weights)
    said = ecgs.signals
    for layer in model.layers[1:-2]:  # without dropout and head
        said = layer(said)
    return np.asarray(said)


def test_a_mis_set_arm_is_tuned_back_to_the_rate_that_is_best(script):
    best, asked = 1.0, []
    steps_of_10, default_grid = script.GRIDS.values()

    def runs(seed, rate, decay):
        asked.append((rate, decay))
        distance = abs(np.log10(rate / best))
        said = np.array([[0.2], [0.4], [0.6], [0.8]]) + [[seed * 1e-3]]
        return SimpleNamespace(
            scores={"macro_auroc": 1 - distance / 10, "calibrated_loss": 1.0},
            test=script.Predictions(
                ["MI"], list("abcd"), list("abcd"), [[0], [0], [1], [1]], said - rate * 1e-3
            ),
        )

    def rates(arm):
        return [
            round((0.2 + seed * 1e-3 - float(folds[0].probabilities[0, 0])) * 1e3, 2)
            for seed, folds in enumerate(arm.predictions)
        ]

    for default in (0.1, 1.0, 10.0):
        assert rates(script.untuned_arm(runs, default)) == [default] * 3
        assert rates(script.tuned_arm(runs, default, steps_of_10)) == [1.0] * 3
    # too low by a hundred: the edge, and one rate beyond it
    assert rates(script.tuned_arm(runs, 0.01, steps_of_10)) == [1.0] * 3
    # off the grid: the nearest candidate
    assert rates(script.tuned_arm(runs, 0.2, default_grid)) == [0.6] * 3
    asked.clear()
    assert rates(script.tuned_arm(runs, 1.0, default_grid)) == [1.0] * 3
    assert (0.1, 0.7) in asked and (1.0, 1.0) in asked


def kept(script, number, words):
    return {
        "number": number,
        "auroc": {
            way: [0.5, 0.6, 0.7, 0.6, 0.5] if way == "scratch" else [0.5, 0.6, 0.6, 0.8, 0.5]
            for way in ("scratch", *script.TRUTHS)
        },
        "words": {truth: dict.fromkeys(script.defaults(10), words) for truth in script.TRUTHS},
    }


def test_tables_and_what_counts_as_wrong(script):
    rows = [
        kept(script, 0, ["better", "inconclusive"]),
        kept(script, 1, ["equivalent", "equivalent"]),
    ]
    none, gain = list(script.TRUTHS)[:2]
    rows[0]["words"][none]["both right"] = ["inconclusive", "inconclusive"]
    rows[0]["words"][gain]["scratch 10x too high"] = ["worse", "better"]
    # four wrong defaults where there is nothing, one "worse" where there is a gain; where harm was
    # planted the right defaults are as wrong
    assert script.count_wrong(rows, 0) == "5 of 24"
    assert script.count_wrong(rows, 1) == "0 of 24"
    planted, verdicts = script.planted_table(rows), script.verdict_table(rows)
    assert "| +0.100 ± 0.000 |" in planted
    assert f"| {none}; scratch 10x too low | 50.0 ± 35.4 | 0.0" in verdicts
    assert list(script.describe([])) == ["No repetition is kept."]


def test_what_is_kept_is_of_one_error_and_grid(script, monkeypatch, tmp_path, capsys):
    path = tmp_path / "kept.jsonl"
    path.write_text(json.dumps(kept(script, 0, ["equivalent", "equivalent"])))
    line = ["planted_truths.py", "--kept", str(path), "--repetitions", "0"]
    monkeypatch.setattr(sys, "argv", line)
    script.main()
    assert "scratch 10x too high" in capsys.readouterr().out
    for other in (["--error", "5"], ["--default-grid"]):
        monkeypatch.setattr(sys, "argv", [*line, *other])
        with pytest.raises(SystemExit):
            script.main()
        assert "of another error or grid: name another file" in capsys.readouterr().err
