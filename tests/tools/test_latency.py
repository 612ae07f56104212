"""The script that times exports: turns, ratios, and the two ways that need no PyTorch."""

import sys
import time

import numpy as np
import pytest
from tiny import mean

from ecg_keras.export import export_saved_model
from ecg_keras.models import classifier


def test_ways_take_turns_and_the_first_round_does_not_count(script):
    calls = []

    def way(name, seconds):
        def call():
            calls.append(name)
            time.sleep(seconds * (len(calls) > 4))

        return call

    found = script.take_turns([way("a", 0.001), way("b", 0.004)], 3, 2)
    assert calls == list("aabb") * 4
    assert found.shape == (2, 3, 2)
    assert (found[0] >= 0.001).all() and (found[1] >= 0.004).all()
    assert script.describe(np.array([1.0, 2.0, 3.0, 4.0, 5.0])) == "3.00 (2.00 to 4.00)"


def test_an_export_and_its_layers_answer_as_keras_does(script, tmp_path):
    model = classifier(mean(250, 12, head="pooled", seed=0), ["MI", "NORM"])
    facts = {"labels": ["MI", "NORM"], "leads": [f"lead {number}" for number in range(12)]}
    export_saved_model(model, tmp_path / "1", sampling_rate=100, **facts)
    script.save_layers(model, tmp_path / "layers")
    batch = np.random.default_rng(0).normal(0, 0.3, (2, 250, 12)).astype(np.float32)
    for name in ("1", "layers"):
        ask = script.ask_tensorflow(tmp_path / name, batch, 1)
        assert ask() == pytest.approx(model(batch).numpy(), abs=1e-6)


def test_it_says_what_it_needs(script, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(sys, "argv", ["", "data", "--rounds", "12", "--threads", "1"])
    with pytest.raises(SystemExit):
        script.main()
    assert "python -m pip install torch" in capsys.readouterr().err
