"""What docs/weight-families.md says is so."""

import re
from pathlib import Path

import pytest

from ecg_keras.config import WeightsCard

PAGE = Path(__file__).resolve().parents[2] / "docs" / "weight-families.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_names_each_key_of_a_card():
    rows = re.findall(r"^\| (`.+?) \|", TEXT.partition("## A card")[2], re.M)
    keys = {key for row in rows for key in re.findall(r"`(\w+)`", row)}
    assert set(WeightsCard.model_fields) <= keys


@pytest.mark.parametrize("code", re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S))
def test_the_examples_run(code, capsys):
    exec(compile(code, str(PAGE), "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith("family: net1d\n") or printed == "lstm ('stem_lstm', 'head')\n"
