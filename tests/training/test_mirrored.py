"""Several devices give the numbers of one; tried on two logical CPUs in a process of its own."""

import subprocess
import sys

import pytest

from ecg_keras.training import Run, read_log

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


@pytest.mark.slow
def test_two_mirrored_devices_learn_what_one_does(recipe, shards, tmp_path):
    # without dropout, which each device draws for itself, and with whole batches, whose halves
    # count alike
    changes = {
        "model": recipe.model.model_copy(update={"dropout": 0.0}),
        "data": recipe.data.model_copy(update={"train_records": 32}),
    }
    text = recipe.model_copy(update=changes).model_dump_json(by_alias=True)
    subprocess.run(
        [sys.executable, "-c", SCRIPT, shards, tmp_path, text], check=True, capture_output=True
    )
    rows = [read_log(Run(tmp_path / devices).log) for devices in ("one", "mirrored")]
    for one, other in zip(*rows, strict=True):
        for name in ("loss", "val_loss", "val_macro_auroc"):
            assert float(one[name]) == pytest.approx(float(other[name]), abs=1e-4)
