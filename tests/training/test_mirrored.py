"""Several devices give the numbers of one; tried on two logical CPUs in a process of its own."""

import subprocess
import sys

import pytest
import tensorflow as tf

from ecg_keras.training import Run, read_log
from ecg_keras.training.mirrored import padded

SCRIPT = """
import sys
from pathlib import Path
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from ecg_keras.config import Recipe
from ecg_keras.training import Run, train
shards, folder = map(Path, sys.argv[1:3])
recipe = Recipe.model_validate_json(sys.argv[3])
for devices in ("one", "mirrored"):
    training = recipe.training.model_copy(update={"devices": devices})
    one = recipe.model_copy(update={"training": training})
    train(one, shards=shards, run=Run(folder / devices))
"""


def test_batches_are_filled_up_to_what_the_devices_share():
    batches = tf.data.Dataset.range(33).batch(16)
    found = [(one.numpy().tolist(), own.numpy().tolist()) for one, own in padded(batches, 3)]
    assert [len(one) for one, _ in found] == [18, 18, 3]
    assert found[0] == ([*range(16), 0, 1], [1.0] * 16 + [0.0] * 2)
    assert found[2] == ([32, 32, 32], [1.0, 0.0, 0.0])
    pairs = padded(tf.data.Dataset.zip((batches, batches)), 1)
    assert [tuple(map(len, one)) for one, _ in pairs] == [(16, 16), (16, 16), (1, 1)]


# the last record is a batch, fewer than there are devices; one of 15 can't be halved, one of 16 can
@pytest.mark.slow
@pytest.mark.parametrize(
    ("batch_size", "records"), [(15, 31), pytest.param(16, 33, marks=pytest.mark.long)]
)
def test_two_mirrored_devices_learn_what_one_does(recipe, shards, tmp_path, batch_size, records):
    # without dropout, which each device draws for itself
    changes = {
        "model": recipe.model.model_copy(update={"dropout": 0.0}),
        "data": recipe.data.model_copy(update={"train_records": records}),
        "training": recipe.training.model_copy(update={"batch_size": batch_size}),
    }
    text = recipe.model_copy(update=changes).model_dump_json(by_alias=True)
    subprocess.run(
        [sys.executable, "-c", SCRIPT, shards, tmp_path, text], check=True, capture_output=True
    )
    rows = [read_log(Run(tmp_path / name).log) for name in ("one", "mirrored")]
    assert len(rows[0]) == 5
    for one, other in zip(*rows, strict=True):
        for name in ("loss", "val_loss", "val_macro_auroc"):
            assert float(one[name]) == pytest.approx(float(other[name]), abs=1e-5)
