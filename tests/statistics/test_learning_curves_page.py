"""docs/learning-curves.md: its example runs, and what it says of defaults and names is so."""

import re
from pathlib import Path

import numpy as np

from ecg_keras.config.study import Question
from ecg_keras.statistics.claims import SMALL
from ecg_keras.statistics.power_law import RATES

PAGE = (Path(__file__).parents[2] / "docs" / "learning-curves.md").read_text(encoding="utf-8")


def test_the_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, slow in (("finetune", 2), ("scratch", 5)):
        for seed in range(3):
            folder = tmp_path / f"runs/ptb_{name}_seed{seed}"
            folder.mkdir(parents=True)
            rows = [
                f"{epoch},{0.9 - 0.4 * np.exp(-epoch / slow) + 0.002 * rng.normal():.4f},1.5"
                for epoch in range(1, 31)
            ]
            text = "\n".join(["epoch,val_macro_auroc,seconds", *rows])
            (folder / "log.csv").write_text(text)
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    found = {}
    exec(compile(example, "learning-curves.md", "exec"), found)
    assert "Estimate(value=" in capsys.readouterr().out
    assert found["found"].ratio.high < 1


def test_defaults_are_as_told():
    question = Question()
    assert f"(`question.margin`, {question.margin:g} by default)" in PAGE
    assert f"(`question.quality`, {question.quality:g} by default)" in PAGE
    assert f"fewer than {SMALL:,} training ECGs" in PAGE
    assert re.search(rf"on\s+a grid of {RATES[0]:g} to {RATES[-1]:g}\b", PAGE)
