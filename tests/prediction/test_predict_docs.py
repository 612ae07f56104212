"""docs/predict.md: its examples run, and its tables are complete."""

import re
import shutil
from pathlib import Path

import pandas as pd

import ecg_keras as ecg
from ecg_keras.prediction import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "predict.md").read_text()


def test_the_examples_in_python_run(lab, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(lab.run, "runs/mine")
    Path("incoming").mkdir()
    for header in lab.headers[:3]:
        for path in (header, header.with_suffix(".dat")):
            shutil.copy(path, "incoming")
    names: dict[str, object] = {}
    for code in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        exec(compile(code, "predict.md", "exec"), names)
    out = capsys.readouterr().out
    assert "3 recordings: 3 answered, 0 abstained, 0 unreadable" in out
    assert out.endswith(f"(3, {len(lab.dataset.labels)})\n")


def test_the_page_names_every_column_and_format(lab, tmp_path):
    ecg.predict(lab.run, lab.headers[0], out=tmp_path / "a.csv")
    label = lab.dataset.labels[0]
    columns = [one.replace(label, "LABEL") for one in pd.read_csv(tmp_path / "a.csv").columns]
    table = PAGE.partition("| column | what it is |")[2].partition("\n\n")[0]
    named = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE)))
    others = [f"_{one}" for one in lab.dataset.labels[1:]]
    # of embed, and of runs that know their training signals
    elsewhere = {"embedding", "distance"}
    assert {one for one in columns if not one.endswith(tuple(others))} == {*named} - elsewhere
    assert all(f"`{ending}`" in PAGE for ending in KINDS)
