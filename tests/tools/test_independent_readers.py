"""The script that compares exports: what it measures of a network, and when it fails."""

import json
import sys

import keras
import numpy as np
import pytest
from tiny import mean

SIGNALS = np.random.default_rng(0).normal(0, 0.3, (4, 250, 12)).astype(np.float32)
SOUND = {
    "answers": {"saved_model": 2e-7, "onnx": "none: it has none. Use another.", "litert": 0.0,
                "openvino": 1e-5},
    "range": [0.1, 0.9],
    "marks": {"keras.src": 0, "ConvertToTensor": 0},
}  # fmt: skip


def test_a_network_is_compared_in_each_format(script, monkeypatch, tmp_path):
    def find(name):
        return lambda samples, leads: mean(samples, leads, head="pooled", seed=0)

    monkeypatch.setattr(script, "find_backbone", find)
    monkeypatch.setattr(script, "FORMATS", {"onnx": script.FORMATS["onnx"]})
    keras.utils.set_random_seed(0)
    monkeypatch.setattr(script, "read_signals", lambda data: SIGNALS)
    found = script.measure(*script.of_random_weights("gru", tmp_path))
    assert found["answers"]["onnx"] < 1e-5
    assert found["marks"] == {"keras.src": 0, "ConvertToTensor": 0}
    low, high = found["range"]
    assert 0 < low < 0.45 and 0.55 < high < 1  # where a difference shows


def test_a_run_is_compared_as_the_command_exports_it(script, monkeypatch, tmp_path):
    lengths, exported = [], []

    def read(data, samples):
        lengths.append(samples)
        return SIGNALS

    monkeypatch.setattr(script, "read_signals", read)
    monkeypatch.setattr(script, "load_model", lambda path: mean(250, 12, head="pooled", seed=0))
    monkeypatch.setattr(
        script, "export_run", lambda run, folder, format: exported.append((run, folder, format))
    )
    _, export, signals = script.of_run(tmp_path / "run", tmp_path)
    export(tmp_path / "1", "onnx")
    assert signals is SIGNALS and lengths == [250]
    assert exported == [(tmp_path / "run", tmp_path / "1", "onnx")]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, 0),
        ({"answers": {**SOUND["answers"], "onnx": 2e-5}}, 1),
        ({"answers": {**SOUND["answers"], "litert": float("nan")}}, 1),
        ({"marks": {"keras.src": 0, "ConvertToTensor": 3}}, 1),
    ],
)
def test_what_is_unequal_or_unknown_is_exit_code_1(
    script, monkeypatch, capsys, tmp_path, change, code
):
    for name, kept in (("gru", SOUND), ("lstm", {**SOUND, **change})):
        (tmp_path / f"{name}.json").write_text(json.dumps(kept))
    monkeypatch.setattr(sys, "argv", ["", "--folder", str(tmp_path), "--print-only"])
    if code:
        with pytest.raises(SystemExit) as stop:
            script.main()
        assert stop.value.code == code
    else:
        script.main()
    printed = capsys.readouterr().out
    assert "| `gru` | 2e-07 | none: it has none | 0 | 1e-05 | 0.10 to 0.90 |" in printed
