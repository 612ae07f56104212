"""Checkpoints: what is kept, what is removed, and when training is given up."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from ecg_keras.errors import DataError, DivergedError
from ecg_keras.training.checkpoint import Checkpoint, read_progress


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    monkeypatch.setattr("ecg_keras.training.checkpoint.SECONDS_BETWEEN", 0.0)


def checkpoint(folder, progress=None, optimizer="adam", **settings) -> Checkpoint:
    signal = keras.Input((4, 2), name="signal")
    x = keras.layers.Flatten(name="stem_flatten")(signal)
    model = keras.Model(signal, keras.layers.Dense(1, "sigmoid", name="head")(x))
    model.compile(optimizer, "binary_crossentropy")
    model.train_on_batch(np.ones((2, 4, 2)), np.ones((2, 1)))
    choices = {"select": "best_macro_auroc", "patience": None, "phase": 1, **settings}
    callback = Checkpoint(folder, model, phase_begun=0, last_epoch=9, progress=progress, **choices)
    callback.set_model(model)
    callback.on_train_begin()
    return callback


def files(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_best_and_the_last_epoch_are_kept_and_no_more(tmp_path):
    callback = checkpoint(tmp_path)
    for epoch, score in enumerate((0.6, 0.8, 0.7)):
        callback.on_epoch_end(epoch, {"loss": 1.0, "val_macro_auroc": score})
    assert files(tmp_path) == ["best-0002.keras", "epoch-0003.weights.h5", "progress.json"]
    progress = read_progress(tmp_path)
    assert (progress.best_epoch, progress.best_score, progress.waited) == (2, 0.8, 1)
    assert progress == callback.progress


def test_a_file_that_someone_else_removes_first_is_no_error(tmp_path, monkeypatch):
    callback, listed = checkpoint(tmp_path), Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda folder: [*listed(folder), folder / ".nfs0001"])
    callback.on_epoch_end(0, {"loss": 1.0, "val_macro_auroc": 0.6})
    monkeypatch.undo()
    assert files(tmp_path) == ["best-0001.keras", "epoch-0001.weights.h5", "progress.json"]


def test_a_loss_that_is_not_finite_ends_the_training_and_names_the_run(tmp_path):
    callback = checkpoint(tmp_path / "mine" / "checkpoints")
    with pytest.raises(DivergedError, match=r"mine: training diverged: the loss is nan after epo"):
        callback.on_epoch_end(0, {"loss": np.nan})


def test_epochs_in_quick_succession_are_saved_together(tmp_path, monkeypatch):
    monkeypatch.setattr("ecg_keras.training.checkpoint.SECONDS_BETWEEN", 1e9)
    callback = checkpoint(tmp_path)
    best = None
    for epoch, score in enumerate((0.6, 0.9, 0.7, 0.8, 0.1, 0.1, 0.1, 0.1, 0.1)):
        assert files(tmp_path) == []
        if epoch == 1:
            best = callback.model.get_weights()
        callback.on_epoch_end(epoch, {"loss": 1.0, "val_macro_auroc": score})
        callback.model.train_on_batch(np.ones((2, 4, 2)), np.ones((2, 1)))
        latest = callback.model.get_weights()
    assert files(tmp_path) == ["best-0002.keras", "epoch-0009.weights.h5", "progress.json"]
    saved = keras.models.load_model(tmp_path / "best-0002.keras", compile=False).get_weights()
    for one, other in zip(saved, best, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(saved[0], latest[0])


@pytest.mark.parametrize(
    ("select", "best"), [("best_loss", 1), ("last", 3), ("best_macro_auprc", 2)]
)
def test_what_is_best_is_the_recipes_choice(tmp_path, select, best):
    callback = checkpoint(tmp_path, select=select)
    for epoch, (loss, auprc) in enumerate(((0.1, 0.1), (0.2, 0.9), (0.3, 0.2))):
        callback.on_epoch_end(epoch, {"loss": 1.0, "val_loss": loss, "val_macro_auprc": auprc})
    assert read_progress(tmp_path).best_epoch == best


def test_the_averages_of_the_weights_are_selected_and_training_resumes_from_the_weights(tmp_path):
    averaging = keras.optimizers.Adam(0.1, use_ema=True)
    callback = checkpoint(tmp_path / "run", optimizer=averaging, select="last")
    callback.model.train_on_batch(np.ones((2, 4, 2)), np.ones((2, 1)))
    callback.on_train_batch_end(0)
    callback.on_epoch_end(0, {"loss": 1.0})
    averages = [np.array(one) for one in averaging._model_variables_moving_average]
    latest = callback.model.get_weights()
    assert not np.allclose(averages[0], latest[0])
    saved = keras.models.load_model(tmp_path / "run/best-0001.keras", compile=False)
    again = checkpoint(tmp_path / "again", optimizer=keras.optimizers.Adam(0.1, use_ema=True)).model
    for file, wanted in (("epoch-0001", latest), ("epoch-0009", averages)):
        if file == "epoch-0009":  # the end of the phase, of which the averages are left
            callback.on_epoch_end(8, {"loss": 1.0})
        again.load_weights(tmp_path / f"run/{file}.weights.h5")
        for one, other in zip(again.get_weights(), wanted, strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(saved.get_weights(), averages, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("at", ["weights", "progress"])
def test_a_kill_at_the_end_of_a_phase_leaves_the_checkpoint_before(tmp_path, monkeypatch, at):
    callback = checkpoint(tmp_path)
    callback.on_epoch_end(0, {"loss": 1.0, "val_macro_auroc": 0.9})
    before, kept = read_progress(tmp_path), contents(tmp_path)

    def stop(*arguments):
        if at == "weights":
            Path(arguments[1]).write_bytes(b"half of a file")
        raise KeyboardInterrupt

    name = "keras.Model.save_weights" if at == "weights" else f"{Checkpoint.__module__}.write_json"
    monkeypatch.setattr(name, stop)
    with pytest.raises(KeyboardInterrupt):  # another callback has stopped it
        callback.on_train_end()
    assert read_progress(tmp_path) == before
    assert {name: contents(tmp_path)[name] for name in kept} == kept
    monkeypatch.undo()
    monkeypatch.setattr(f"{Checkpoint.__module__}.SECONDS_BETWEEN", 0.0)
    again = checkpoint(tmp_path, before)
    again.on_epoch_end(1, {"loss": 1.0, "val_macro_auroc": 0.8})
    again.on_train_end()
    assert read_progress(tmp_path).phase_ended
    assert files(tmp_path) == ["best-0001.keras", "epoch-0002-ended.weights.h5", "progress.json"]
    again.model.load_weights(tmp_path / "epoch-0002-ended.weights.h5")


def test_the_last_epoch_has_no_score(tmp_path):
    first = checkpoint(tmp_path, select="last")
    first.on_epoch_end(0, {"loss": 1.0, "val_macro_auroc": 0.9})
    progress = read_progress(tmp_path)
    assert (progress.best_epoch, progress.best_score) == (1, None)
    # written by earlier versions, which took the number of the epoch for a score
    earlier = replace(progress, best_score=7.0)
    second = checkpoint(tmp_path, earlier, select="last", patience=1)
    second.on_epoch_end(1, {"loss": 1.0, "val_macro_auroc": 0.1})
    assert (second.progress.best_epoch, second.progress.best_score) == (2, None)
    assert second.progress.waited == 0


def test_an_undefined_score_never_beats_a_defined_one(tmp_path):
    callback = checkpoint(tmp_path)
    for epoch, score in enumerate((float("nan"), 0.5, float("nan"))):
        callback.on_epoch_end(epoch, {"loss": 1.0, "val_macro_auroc": score})
    assert read_progress(tmp_path).best_epoch == 2


def test_patience_counts_within_a_phase(tmp_path):
    first = checkpoint(tmp_path, patience=2)
    first.on_epoch_end(0, {"loss": 1.0, "val_macro_auroc": 0.9})
    first.on_epoch_end(1, {"loss": 1.0, "val_macro_auroc": 0.8})
    second = checkpoint(tmp_path, read_progress(tmp_path), phase=2, patience=2)
    for epoch, stops in ((2, False), (3, False), (4, True)):
        second.on_epoch_end(epoch, {"loss": 1.0, "val_macro_auroc": 0.1})
        assert bool(second.model.stop_training) == stops
    assert read_progress(tmp_path).phase_ended


def test_a_loss_that_is_not_finite_stops_with_advice(tmp_path):
    with pytest.raises(DataError, match=r"the loss is nan after epoch 3\. Lower learning_rate"):
        checkpoint(tmp_path).on_epoch_end(2, {"loss": float("nan")})
    assert files(tmp_path) == []


def test_a_disk_without_room_is_refused_before_a_file_is_begun(tmp_path, monkeypatch):
    callback = checkpoint(tmp_path)
    callback.on_epoch_end(0, {"loss": 1.0, "val_macro_auroc": 0.6})
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=500_000))
    with pytest.raises(DataError, match=r"a checkpoint needs 1 MB, and 500 kB are free\. Make"):
        callback.on_epoch_end(1, {"loss": 1.0, "val_macro_auroc": 0.7})
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_damaged_progress_is_named(tmp_path):
    (tmp_path / "progress.json").write_text("{}")
    with pytest.raises(DataError, match=r"progress\.json: damaged.*train this run again"):
        read_progress(tmp_path)
