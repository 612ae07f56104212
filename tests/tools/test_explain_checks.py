"""The check of attributions plants what it says, and prints a row for each method."""

import re
import sys

import numpy as np

from ecg_keras.attribution import METHODS
from ecg_keras.signals import LEADS


def test_the_cause_is_in_two_leads_and_in_one_half(script, monkeypatch):
    signals, targets, places = script.plant(8)
    monkeypatch.setattr(script, "ELEVATION_MV", 0)
    plain, _, _ = script.plant(8)
    assert 0 < targets.mean() < 1
    assert (places.any(axis=(1, 2)) == targets).all()
    assert np.flatnonzero(places.any(axis=(0, 1))).tolist() == [
        LEADS.index("V2"),
        LEADS.index("V3"),
    ]
    halves = places.reshape(8, 2, -1).any(axis=2).sum(axis=1)
    assert (halves == targets).all()
    added = signals - plain
    assert (added[places] > 0).all() and added.max() <= 0.5 and not added[~places].any()


def test_every_method_has_a_row_and_a_picture(script, monkeypatch, capsys, tmp_path):
    words = "tiny:mean --records 40 --epochs 1 --shown 2"
    picture = tmp_path / "a.png"
    monkeypatch.setattr(sys, "argv", ["", *words.split(), "--picture", str(picture)])
    script.main()
    printed = capsys.readouterr().out
    assert re.match(r"tiny:mean: AUROC [01]\.\d{3}, \d+ s\n", printed)
    assert re.findall(r"^  (\w+): inside", printed, re.M) == list(METHODS)
    assert picture.read_bytes().startswith(b"\x89PNG")
