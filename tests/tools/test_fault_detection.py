"""The table of planted faults counts what it says it counts."""

import numpy as np
import pytest

from ecg_keras.records import Signal
from ecg_keras.signals import LEADS, Repair
from ecg_keras.simulate import record_ecg


@pytest.fixture(scope="module")
def right():
    return [Signal(record_ecg("riverside", index).values, 500.0, LEADS) for index in range(6)]


def test_every_fault_changes_a_recording(script, right):
    names = []
    for name, fault in script.faults():
        wrong = fault(right[0], np.random.default_rng(0))
        assert wrong.values.shape == right[0].values.shape
        same = np.array_equal(wrong.values, right[0].values)
        assert not (same and wrong.sampling_rate == right[0].sampling_rate), name
        names.append(name)
    assert len(set(names)) == len(names) > 40


def test_found_repaired_and_made_worse_are_told_apart(script, right, monkeypatch):
    faults = dict(script.faults())
    assert script.detect(faults["x 1000"], [right]) == "100% (100%)"
    assert script.detect(lambda one, rng: one, [right, right]) == "0% (0%)"
    assert script.detect(faults["x 200 (steps taken for mV)"], [right]) == "100% (0%)"
    monkeypatch.setattr(script, "is_mended", lambda *given: False)
    assert script.detect(faults["x 1000"], [right]) == "100% (0%), 100% wrong"


def test_a_repair_must_lead_back_to_what_was_there(script, right):
    turned = [Signal(-one.values, one.sampling_rate, one.leads) for one in right]
    gains = dict.fromkeys(LEADS, -1.0)
    assert script.is_mended(Repair(gains=gains), right, turned)
    assert not script.is_mended(Repair(), right, turned)
    assert not script.is_mended(Repair(gains=gains, rate_factor=2.0), right, turned)
