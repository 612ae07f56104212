"""The pilot on a tiny network: what it measures, keeps and judges, and what may go wrong."""

import json
import sys
from dataclasses import replace

import pytest

from ecg_keras import models
from ecg_keras.errors import DataError
from ecg_keras.study import measuring, pilot
from ecg_keras.study.pilot import Timing, Workload, run_pilot

TINY = Workload(
    backbone="tiny:mean",
    head="pooled",
    num_samples=100,
    num_leads=2,
    precision="float32",
    deterministic=True,
    step_samples=50,
    batch_size=4,
    train_from="stem",
)
HEAD = replace(TINY, train_from="head", step_samples=100)
BROKEN = replace(TINY, backbone="tiny:broken")
TIMING = Timing(0.5, 10.0, 0.01, 0.25, 2.0, 1.0, 3.0, 20.0, 1000, measured=True)


@pytest.fixture
def answers(monkeypatch):
    """What the measuring process is requests, answered at once."""
    requests = []

    def measure(workloads, seconds):
        requests.append(tuple(workloads))
        yield {"scoring": 1e-6}
        for number in range(len(workloads)):
            yield {"number": number, "timing": vars(TIMING)}

    monkeypatch.setattr(pilot, "_measure", measure)
    return requests


@pytest.mark.slow
def test_networks_are_measured_in_a_process_of_their_own(tmp_path):
    told = []
    workloads = [TINY, BROKEN, HEAD]
    path = tmp_path / "pilot.json"
    found = run_pilot(workloads, path, seconds=600, on_progress=lambda *n: told.append(n))
    assert told == [(number, 3) for number in range(4)]
    assert set(found.timings) == {TINY, HEAD}
    for timing in found.timings.values():
        assert timing.measured
        # a convolution of 5 x 2 to 4, and a head of 4 to 5
        assert timing.parameters == 44 + 25
        pieces = (timing.step, timing.trace, timing.predict, timing.build, timing.save)
        assert all(0 < seconds < 60 for seconds in pieces)
    assert found.errors == {BROKEN: "OSError: no weights"}
    assert 0 < found.scoring < 1e-2
    again = run_pilot([TINY, HEAD], path, on_progress=pytest.fail)
    assert again == replace(found, errors={})


def test_time_that_is_over_lets_predictions_judge(monkeypatch):
    answers = []
    monkeypatch.setattr(measuring, "_time_steps", lambda model, batch: (8.0, 40.0))
    monkeypatch.setattr(measuring, "_time_prediction", lambda model, batch: (1.0, 0.0, 0.0))
    one, other = (replace(TINY, batch_size=size) for size in (2, 20))
    measuring.time_workloads([one, other], 1.0, answers.append)
    first, second = (answer["timing"] for answer in answers)
    assert (first["step"], first["trace"], first["measured"]) == (8.0, 40.0, True)
    # ten times the ECGs, at 8 (or thrice) a forward pass of one ECG of half the length
    assert second["step"] == pytest.approx(20 * 0.5 * (3 + 8) / 2)
    assert (second["trace"], second["measured"]) == (40.0, False)


def test_a_large_batch_is_told_by_two_smaller_ones(monkeypatch):
    steps = {64: (9.0, 1.0 + 64 * 0.01), 16: (2.0, 1.0 + 16 * 0.01)}
    monkeypatch.setattr(measuring, "_time_fit", lambda model, batch: steps[batch])
    model = measuring._build(TINY)
    step, trace = measuring._time_steps(model, 256)
    assert step == pytest.approx(1.0 + 256 * 0.01)
    assert trace == pytest.approx(9.0 - 1.64)
    # noise that would make many ECGs cheaper than few
    steps[16] = (2.0, 5.0)
    assert measuring._time_steps(model, 256)[0] == steps[64][1]
    monkeypatch.setattr(measuring, "_time_fit", lambda model, batch: (3.0, 0.01 * batch))
    assert measuring._time_steps(model, 8) == (pytest.approx(0.08), pytest.approx(2.92))


@pytest.mark.parametrize(
    ("long", "each", "begin"), [(2.6, 1.2 / 12, 1.0), (1.2, 1.2 / 16, 1.1)], ids=["usual", "noise"]
)
def test_predictions_of_few_and_of_many_ecgs_tell_what_each_costs(monkeypatch, long, each, begin):
    seconds = iter([9.0, 1.5, 1.4, long, long + 1])
    monkeypatch.setattr(measuring, "_predict", lambda model, signals: next(seconds))
    assert measuring._time_prediction(measuring._build(TINY), 4) == pytest.approx(
        (each, begin, 9.0 - 1.4)
    )


def test_a_graph_far_larger_than_all_others_is_tried():
    traced = [(5, 1.0), (60, 8.0)]
    assert measuring._expected_trace(traced, 120) == 16.0
    assert measuring._expected_trace(traced, 10) == 2.0
    assert measuring._expected_trace(traced, 300) == 0.0
    assert measuring._expected_trace([], 10) == 0.0


def test_only_what_is_missing_is_measured(tmp_path, answers):
    path = tmp_path / "new" / "pilot.json"
    first = run_pilot([TINY], path)
    both = run_pilot([TINY, HEAD], path)
    assert run_pilot([HEAD], path) == both
    assert answers == [(TINY,), (HEAD,)]
    assert first.timings == {TINY: TIMING}
    assert both.timings == {TINY: TIMING, HEAD: TIMING}


def test_what_was_judged_is_measured_the_next_time(tmp_path, answers):
    path = tmp_path / "pilot.json"
    run_pilot([TINY, HEAD], path)
    kept = json.loads(path.read_text())
    kept["timings"][1]["timing"] |= {"measured": False, "step": 99.0}
    path.write_text(json.dumps(kept))
    assert run_pilot([TINY, HEAD], path).timings[HEAD] == TIMING
    assert answers[1:] == [(HEAD,)]


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: kept["machine"].update(cpu="another"),
        lambda kept: kept["machine"].update(tensorflow="2.0"),
        lambda kept: kept.update(format=0),
        lambda kept: kept["timings"][0]["timing"].pop("step"),
    ],
)
def test_a_pilot_of_another_machine_or_version_does_not_count(tmp_path, answers, change):
    path = tmp_path / "pilot.json"
    run_pilot([TINY], path)
    kept = json.loads(path.read_text())
    change(kept)
    path.write_text(json.dumps(kept))
    assert run_pilot([TINY], path).timings == {TINY: TIMING}
    assert len(answers) == 2


def test_where_nothing_may_be_written_what_was_measured_is_given_all_the_same(
    tmp_path, answers, monkeypatch
):
    def refuse(path, content):
        raise PermissionError(path)

    monkeypatch.setattr(pilot, "write_json", refuse)
    assert run_pilot([TINY], tmp_path / "pilot.json").timings == {TINY: TIMING}


def test_a_process_that_dies_leaves_what_it_told(tmp_path, monkeypatch):
    monkeypatch.setattr(pilot, "_measure", lambda *_: iter([{"scoring": 1e-6}]))
    found = run_pilot([TINY], tmp_path / "pilot.json")
    assert found.timings == {}
    assert "ended, perhaps for want of memory" in found.errors[TINY]


def test_a_process_that_can_not_begin_tells_why(tmp_path, monkeypatch):
    monkeypatch.setattr(pilot, "describe_machine", dict)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(DataError, match=r"^the pilot can't begin: ModuleNotFoundError"):
        run_pilot([TINY], tmp_path / "pilot.json")
    assert not (tmp_path / "pilot.json").exists()


@pytest.mark.parametrize("name", ["cnn_transformer", "fourier_cnn", "s4", "vit1d"])
def test_a_layer_that_takes_any_number_of_steps_can_be_measured(name):
    model = models.classifier(models.find_backbone(name)(64, 3), ["MI"])
    assert measuring._measured_batch(model, 10_000) == measuring.BATCH
    assert measuring._measured_batch(model, 3) == 3
