"""Steps on two devices are those of one, whatever the optimizer makes of gradients.

Tried on two logical CPUs in a process of its own.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    path = tmp_path_factory.mktemp("mirrored") / "model.keras"
    script = Path(__file__).with_name("two_devices.py")
    done = subprocess.run([sys.executable, script, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimizer", ["clipvalue", "clipnorm", "scaled", "weight_decay", "joined", "joined_later"]
)
def test_two_devices_take_the_steps_of_one(found, optimizer):
    for one, two in zip(*found[optimizer], strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_an_overflow_on_one_device_is_a_step_of_none(found):
    assert found["overflow"]["before"] == found["overflow"]["after"]
    assert found["overflow"]["scales"] == [0.5, 0.5]  # halved in each of three steps


@pytest.mark.slow
def test_what_is_saved_was_scored_where_each_device_normalises_its_own_records(found):
    assert found["scored"]["logged"] == pytest.approx(found["scored"]["saved"], rel=1e-5)
    for one, other in found["left"]:
        assert one == other


@pytest.mark.slow
def test_what_works_on_one_device_alone_is_refused_on_several(found):
    assert [one.partition(" works on one device alone.")[0] for one in found["refused"]] == [
        "gradient_accumulation_steps",
        "ema_overwrite_frequency",
        "a loss with reduction=sum",
        "gradient_accumulation_steps",  # of one of several optimizers
        "gradient_accumulation_steps",  # and of one that is made when it is first used
    ]
