"""The example of docs/statistics.md runs."""

import re
from pathlib import Path

import numpy as np

from ecg_keras.evaluation import Predictions

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"


def test_the_example_of_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    ids = [f"r{i}" for i in range(150)]
    truth = rng.integers(0, 2, (150, 2))
    for way, skill in (("finetune", 0.5), ("scratch", 0.2)):
        for seed in range(5):
            said = skill * truth + (1 - skill) * rng.random(truth.shape)
            Predictions(("MI", "CD"), ids, ids, truth, said).save(
                f"runs/{way}_seed{seed}/predictions/test.npz"
            )
    section = PAGE.read_text(encoding="utf-8").split("\n## Verdicts over seeds")[1]
    (example,) = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    exec(compile(example, PAGE.name, "exec"), {})
    assert capsys.readouterr().out.startswith("finetune is better than scratch: macro AUROC +0.")
