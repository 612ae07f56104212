"""The script that counts faults in single recordings: a line for each change."""

import re

from ecg_keras.simulate import simulate


def test_each_change_has_a_count(script, monkeypatch, capsys, tmp_path):
    simulate(tmp_path / "site", hospital="lakeside", records=6)
    monkeypatch.setattr(script, "PLACES", ("site/records500",))
    script.main(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    counts = dict(
        re.fullmatch(r"(.*): a fault in (\d+) of 6 \(.*%\)", one).groups() for one in lines
    )
    assert list(counts) == list(script.CHANGES)
    assert counts["as published"] == "0"
    assert int(counts["columns I and II exchanged"]) == 6
