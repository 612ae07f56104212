"""docs/predictions-from-elsewhere.md: its examples and commands run, its keys are complete."""

import re
import shlex
import sys
from pathlib import Path

from ecg_keras.cli import main
from ecg_keras.evaluation import Predictions
from ecg_keras.study.prediction_files import KEYS

PAGE = (Path(__file__).parents[1] / "docs" / "predictions-from-elsewhere.md").read_text()


def test_the_examples_and_commands_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    examples = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for code in examples:
        assert len([line for line in code.splitlines() if line]) <= 10
        exec(compile(code, "predictions-from-elsewhere.md", "exec"), names)
    assert names["second"].labels == ("NORM", "MI", "CD")
    test = Predictions.load("theirs/test.npz")
    test.save("theirs/valid.npz")
    rows = [
        f"{record},{'MF'[i % 2]},{40 + i % 50},{i % 3}" for i, record in enumerate(test.record_ids)
    ]
    Path("theirs/records.csv").write_text("\n".join(["record_id,sex,age,site", *rows]))
    commands = re.findall(r"^(ecg-keras (?:evaluate|compare theirs|study).*)$", PAGE, re.M)
    assert len(commands) == 6
    for line in commands:
        words = shlex.split(line, comments=True)
        quick = ["--set", "question.bootstrap=100"] if "study" in words else ["--bootstrap", "100"]
        monkeypatch.setattr(sys, "argv", [*words, *quick])
        main()
    assert Path("compare.html").is_file() and Path("scores.html").is_file()
    assert "Learning curves" in Path("runs/grid/report.html").read_text()
    assert "better than" in capsys.readouterr().out


def test_every_key_of_a_path_is_explained():
    table = PAGE.partition("| key | value |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", re.sub(r"\|[^|]*\|$", "", table, flags=re.M))) == set(KEYS)
