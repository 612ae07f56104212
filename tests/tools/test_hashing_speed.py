"""The script that times how a database is identified."""

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "hashing_speed.py"


def test_each_way_is_timed_and_the_files_stay_as_they_are(tmp_path):
    spec = importlib.util.spec_from_file_location("hashing_speed", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.make_files(tmp_path, 2)
    before = {path: path.read_bytes() for path in script.list_files(tmp_path)}
    lines = script.measure(tmp_path).splitlines()
    assert lines[0] == "17 files, 2 MB" and len(lines) == 7
    assert [line.split("  ")[0] for line in lines[5:]] == ["a listing", "a second call"]
    assert {path: path.read_bytes() for path in script.list_files(tmp_path)} == before
