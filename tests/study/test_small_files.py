"""A study's own small files, damaged: one line that names the file, or made again; at once."""

import json
import time
from dataclasses import asdict

import pytest

from ecg_keras.errors import DataError
from ecg_keras.study.cell_notes import read_failure, read_leak, read_seconds
from ecg_keras.study.pilot import Timing, Workload, describe_machine, run_pilot
from ecg_keras.study.upstreams import find_skew, rank_upstreams
from ecg_keras.training import Run

DAMAGED = {
    "nothing": b"",
    "truncated": b'{"error": "no sp',
    "other text": b"host: node7",
    "binary": bytes(range(256)),
    "a list": b"[1, 2]",
    "null": b"null",
    "deep": b'{"a": ' * 100_000,
    "NaN": b'{"seconds": NaN, "error": NaN, "scoring": NaN}',
    "digits": b'{"seconds": ' + b"9" * 5000 + b"}",
    "wrong types": json.dumps(
        {"seconds": "long", "error": ["a"], "leak": 3, "format": 1, "timings": {}, "mark": 5}
    ).encode(),
}


def rank(path):
    return rank_upstreams({}, (), path, level=0.95, bootstrap=100, seed=0)


@pytest.fixture(autouse=True)
def at_once():
    """Within a second of this process, however busy the machine is."""
    begun = time.process_time()
    yield
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize(
    ("name", "read"),
    [("skew.json", lambda path: find_skew({}, path)), ("transferability.json", rank)],
)
def test_what_was_kept_of_upstreams_is_refused_in_a_line(tmp_path, name, read, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: damaged: ")
    assert said.endswith("Remove it; it is made again.")
    assert "\n" not in said and len(said) < 500


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_failure_that_can_not_be_read_is_still_a_failure(tmp_path, content):
    path = tmp_path / "failed.json"
    path.write_bytes(content)
    assert read_failure(Run(tmp_path)) == f"{path} is damaged"
    assert read_leak(Run(tmp_path)) is None


def test_a_failure_is_one_line_with_all_that_helps(tmp_path):
    cell_file = tmp_path / "failed.json"
    said = "shards: validation found anomalies (1):\n  heart_rate: high\nCorrect the recordings."
    cell_file.write_text(json.dumps({"error": said}))
    assert read_failure(Run(tmp_path)) == " ".join(said.split())
    cell_file.write_text(json.dumps({"error": "a" * 5000}))
    assert len(read_failure(Run(tmp_path))) <= 600


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_claim_that_can_not_be_read_counts_no_time(tmp_path, content):
    (tmp_path / "cell.json").write_bytes(content)
    assert read_seconds(Run(tmp_path)) == 0


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_pilot_that_can_not_be_read_is_measured_again(tmp_path, content):
    path = tmp_path / "pilot.json"
    path.write_bytes(content)
    pilot = run_pilot([], path)
    assert (pilot.scoring, pilot.timings) == (0, {})


@pytest.mark.parametrize(
    ("field", "value"),
    [("step", "fast"), ("step", None), ("parameters", 1.5), ("save", [1])],
)
def test_a_timing_of_wrong_types_is_measured_again(tmp_path, field, value):
    timing = Timing(*[1.0] * 8, parameters=7, measured=True)
    work = Workload("lstm", "pooled", 100, 12, "float32", True, 100, 8, "stem")
    path = tmp_path / "pilot.json"

    def kept(**changed):
        one = {"workload": asdict(work), "timing": {**asdict(timing), **changed}}
        content = {"format": 1, "machine": describe_machine(), "scoring": 1.0, "load": 0.0}
        path.write_text(json.dumps({**content, "timings": [one]}))
        return run_pilot([], path).timings

    assert kept() == kept(of_a_later_version=3.0) == {work: timing}
    assert kept(**{field: value}) == {}
