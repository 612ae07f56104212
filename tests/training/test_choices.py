"""What recipes name by one row: every row works in a run, and a function of one's own does."""

import json
import subprocess
import sys

import keras
import pytest
from small_trainings import assert_same, changed, weights
from test_loop import StopAt

from ecg_keras.config import Recipe, Training, run_mark
from ecg_keras.errors import ConfigError
from ecg_keras.training import CALLBACKS, LOSSES, OPTIMIZERS, Run, read_log, train
from ecg_keras.user_modules import import_function

TABLES = [LOSSES, OPTIMIZERS, CALLBACKS]
OWN = """
import keras

def hinge(scale=1.0):
    return lambda truth, predicted: scale * keras.losses.binary_crossentropy(truth, predicted)

class Halt(keras.callbacks.Callback):
    def __init__(self, after):
        super().__init__()
        self.after = after

    def on_epoch_end(self, epoch, logs=None):
        logs["own"] = 7.0
        if epoch + 1 == self.after:
            self.model.stop_training = True

def nothing():
    return 3
"""


@pytest.fixture(autouse=True)
def my_choices(tmp_path, monkeypatch):
    (tmp_path / "my_choices.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("my_choices", None)


def quick(recipe, **training):
    phases = [{"epochs": 2, "learning_rate": 1e-3}]
    return changed(recipe, training={"phases": phases, **training}, data=recipe.data)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.kind)
def test_names_occur_once_and_can_be_imported(table):
    assert len({row.name for row in table.rows}) == len(table.rows)
    for row in table.rows:
        assert row.meaning
        table.check({row.name: {}})
        assert callable(import_function(table.kind, row.make))


def test_looking_up_names_imports_no_keras():
    code = (
        "import sys; from ecg_keras.training import LOSSES, OPTIMIZERS, CALLBACKS; "
        "LOSSES.check('focal'); sys.exit('keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_defaults_change_no_fingerprint(recipe):
    default = {"loss": "binary_crossentropy", "optimizer": "adam", "callbacks": []}
    plain = recipe.model_dump(exclude_defaults=True, by_alias=True)
    named = {**plain, "training": {**plain["training"], **default}}
    one, other = (Recipe.model_validate({**one, "data": recipe.data}) for one in (plain, named))
    assert run_mark(one) == run_mark(other)
    focal = {**plain, "training": {**plain["training"], "loss": "focal"}}
    assert run_mark(Recipe.model_validate({**focal, "data": recipe.data})) != run_mark(one)


def test_each_loss_trains(tmp_path, recipe, shards):
    losses = {}
    for name in (*(row.name for row in LOSSES.rows), "my_choices:hinge"):
        run = Run(tmp_path / name.replace(":", "-"))
        phases = [{"epochs": 1, "learning_rate": 1e-3}]
        train(quick(recipe, loss=name, phases=phases), shards=shards, run=run)
        (row,) = read_log(run.log)
        losses[name] = float(row["loss"])
    assert losses["my_choices:hinge"] == pytest.approx(losses["binary_crossentropy"], rel=1e-4)
    assert 0 < losses["asymmetric"] < losses["binary_crossentropy"]
    assert 0 < losses["focal"] < losses["binary_crossentropy"]


def test_callbacks_are_called_between_the_scores_and_the_log(tmp_path, recipe, shards):
    callbacks = [
        {"validation_scores": {"prefix": "also_", "per_label": True}},
        {"my_choices:Halt": {"after": 9}},
        {"run_log": {"arm": "a"}},
        "terminate_on_nan",
    ]
    run = Run(tmp_path / "run")
    train(quick(recipe, callbacks=callbacks), shards=shards, run=run)
    rows, own = read_log(run.log), read_log(run.folder / "run_log.csv")
    assert [row["also_macro_auroc"] for row in rows] == [row["val_macro_auroc"] for row in rows]
    assert all("also_auroc_MI" in row and row["own"] == "7" for row in rows)
    assert [row["arm"] for row in own] == ["a", "a"]


def test_a_run_with_callbacks_resumes_as_if_there_had_been_no_stop(tmp_path, recipe, shards):
    callbacks = [{"run_log": {}}, {"my_choices:Halt": {"after": 9}}]
    phases = [{"epochs": 3, "learning_rate": 1e-3, "stage_decay": 0.5}]
    decaying = {"optimizer": "adamw", "weight_decay": 0.01}
    wanted = quick(recipe, callbacks=callbacks, phases=phases, **decaying)
    whole, stopped = Run(tmp_path / "whole"), Run(tmp_path / "stopped")
    train(wanted, shards=shards, run=whole)
    with pytest.raises(KeyboardInterrupt):
        train(wanted, shards=shards, run=stopped, callbacks=[StopAt(2)])
    train(wanted, shards=shards, run=stopped)
    assert whole.read_status()["decays_by_stage"] and stopped.read_status()["decays_by_stage"]
    for name in ("log.csv", "run_log.csv"):
        logs = [read_log(run.folder / name) for run in (whole, stopped)]
        for row in (*logs[0], *logs[1]):
            row.pop("seconds")
        assert logs[0] == logs[1]
    assert_same(weights(whole), weights(stopped))


def test_a_callback_that_stops_a_phase_ends_it(tmp_path, recipe, shards):
    phases = [{"epochs": 5, "learning_rate": 1e-3}, {"epochs": 1, "learning_rate": 1e-3}]
    wanted = quick(recipe, callbacks=[{"my_choices:Halt": {"after": 2}}], phases=phases)
    run = train(wanted, shards=shards, run=Run(tmp_path / "run"))
    assert [row["phase"] for row in read_log(run.log)] == ["1", "1", "2"]
    assert json.loads(run.status.read_text())["epochs"] == 3
    assert keras.models.load_model(run.model, compile=False) is not None


def test_what_is_no_callback_is_refused(tmp_path, recipe, shards):
    wanted = quick(recipe, callbacks=["my_choices:nothing"])
    with pytest.raises(ConfigError, match=r"must make Keras callbacks\. Received: 3"):
        train(wanted, shards=shards, run=Run(tmp_path / "run"))


def test_settings_that_are_refused_name_the_row():
    with pytest.raises(ConfigError, match=r"loss focal can't be made with the settings .*gama"):
        LOSSES.check({"focal": {"gama": 3}})
    with pytest.raises(ConfigError, match=r"optimizer sgd can't be made with .* `momentum` must"):
        OPTIMIZERS.make({"sgd": {"momentum": 7.0}}, {"learning_rate": 1.0, "weight_decay": 0.0})
    assert Training(loss={"focal": {"gamma": 3}}).loss == {"focal": {"gamma": 3}}
