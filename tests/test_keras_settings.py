"""Whatever Keras is set to, a recipe gives the same network, or is refused in a line."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from ecg_keras import models
from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import check_keras, keras
from ecg_keras.keras_settings import check_keras_settings

NETWORKS = """
import numpy as np
from ecg_keras import models
signal = np.random.default_rng(0).normal(size=(2, 100, 12)).astype("float32")
for name in ("resnet1d18", "gru"):
    for head in ("pooled", "flattened", "mean_max", "attention"):
        backbone = getattr(models, name)(num_samples=100, head=head)
        model = models.classifier(backbone, ["AF", "PAC"], scaling="minmax")
        print(name, head, model.count_params(), np.asarray(model(signal)).round(5).tolist())
"""


def run(code: str, **environment: str) -> subprocess.CompletedProcess:
    unset = {k: v for k, v in os.environ.items() if k not in ("KERAS_BACKEND", "KERAS_HOME")}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        env={**unset, **environment},
        check=False,
    )


@pytest.mark.long
def test_channels_first_and_legacy_keras_give_the_same_networks(tmp_path):
    (tmp_path / "keras.json").write_text('{"image_data_format": "channels_first"}')
    usual = run(NETWORKS, KERAS_HOME=str(tmp_path / "none"))
    other = run(NETWORKS, KERAS_HOME=str(tmp_path), TF_USE_LEGACY_KERAS="1")
    assert usual.stdout.count("\n") == 8
    assert other.stdout == usual.stdout


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backend": "torch"}, "needs Keras on TensorFlow: {file}: backend is torch. Unset it, or"),
        ({"backend": None}, "{file}: backend is None."),
        ({"floatx": "float16"}, "{file}: floatx is float16, with which a recipe gives another net"),
        ({"floatx": "float8"}, "{file}: floatx is float8"),
        ({"floatx": ["float32"]}, "{file}: floatx is ['float32']"),
        ({"epsilon": 1e-4}, "{file}: epsilon is 0.0001, with which a recipe gives another network"),
        ({"epsilon": "x" * 100_000}, "Set it to 1e-07; for half precision"),
        ({"image_data_format": "x"}, "must be one of channels_last, channels_first. Received: 'x'"),
        ([], "{file}: Keras' settings must be a JSON object. Remove the file."),
        (3, "{file}: Keras' settings must be a JSON object. Remove the file."),
    ],
)
def test_settings_that_give_another_network_or_none_are_refused(
    tmp_path, monkeypatch, settings, message
):
    path = tmp_path / "keras.json"
    path.write_text(json.dumps(settings))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ConfigError) as caught:
        check_keras_settings()
    assert message.format(file=path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_usual_settings_and_text_that_is_no_json_are_good(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    check_keras_settings()
    for text in (
        "{}",
        "no JSON",
        '{"floatx": "float32", "epsilon": 1e-07, "backend": "tensorflow"}',
    ):
        (tmp_path / "keras.json").write_text(text)
        check_keras_settings()
    (tmp_path / "keras.json").write_text("[" * 100_000)
    with pytest.raises(ConfigError, match=r"keras\.json: Keras can't read its settings: Recursion"):
        check_keras_settings()


def test_the_environment_counts_more_than_the_file(tmp_path, monkeypatch):
    (tmp_path / "keras.json").write_text('{"backend": "torch"}')
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    check_keras_settings()
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(ConfigError, match=r"needs Keras on TensorFlow: KERAS_BACKEND is jax\. Uns"):
        check_keras_settings()


@pytest.mark.parametrize("place", [None, "{folder}", "~/.keras"])
def test_a_user_without_a_home_has_the_settings_that_keras_takes(tmp_path, monkeypatch, place):
    def unknown(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.delenv("KERAS_HOME", raising=False)
    if place is not None:
        monkeypatch.setenv("KERAS_HOME", place.format(folder=tmp_path))
    (tmp_path / "keras.json").write_text('{"backend": "torch"}')
    if place == "{folder}":
        with pytest.raises(ConfigError, match=r"keras\.json: backend is torch"):
            check_keras_settings()
    else:
        check_keras_settings()


def test_a_command_and_a_script_are_refused_in_one_line_and_readers_are_not(tmp_path):
    command = "from ecg_keras.cli import main; main()"
    said = run(f"import sys; sys.argv[1:] = ['report', 'x']; {command}", KERAS_BACKEND="torch")
    assert (said.returncode, said.stdout, said.stderr.count("\n")) == (2, "", 1)
    assert said.stderr.startswith("ecg-keras: ecg_keras needs Keras on TensorFlow: KERAS_BACKEND")
    script = run("import ecg_keras as ecg; ecg.models.resnet1d18()", KERAS_BACKEND="torch")
    assert script.stderr.splitlines()[-1].startswith("ecg_keras.errors.ConfigError: ecg_keras need")
    assert run("from ecg_keras import data, metrics", KERAS_BACKEND="torch").returncode == 0


@pytest.mark.parametrize(
    ("name", "value"), [("floatx", "float64"), ("floatx", "float16"), ("epsilon", 1e-3)]
)
def test_what_a_script_changes_later_is_refused_too(name, value):
    setting, usual = getattr(keras.config, f"set_{name}"), getattr(keras.config, name)()
    backbone = models.gru(num_samples=50)
    setting(value)
    try:
        for build in (check_keras, models.gru, lambda: models.classifier(backbone, ["AF"])):
            with pytest.raises(ConfigError, match=f"keras.config: {name} is {value}, with which"):
                build()
    finally:
        setting(usual)


def test_a_head_is_float32_whatever_the_policy_of_the_script():
    before = keras.config.dtype_policy()
    try:
        for policy in ("mixed_float16", "mixed_bfloat16", "float16"):
            keras.config.set_dtype_policy(policy)
            model = models.classifier(models.resnet1d18(num_samples=100), ["AF"], scaling="minmax")
            assert model.get_layer("head").dtype_policy.name == "float32"
            assert np.asarray(model(np.zeros((1, 100, 12), np.float32))).dtype == np.float32
    finally:
        keras.config.set_dtype_policy(before)


def test_a_backbone_that_takes_leads_for_time_is_refused():
    signal = keras.Input((100, 12))
    x = keras.layers.Conv1D(4, 3, data_format="channels_first", name="stem_conv")(signal)
    backbone = keras.Model(signal, keras.layers.Flatten(name="embedding_flatten")(x), name="mine")
    with pytest.raises(ConfigError, match=r"backbone mine: the layer stem_conv is channels_first"):
        models.classifier(backbone, ["AF"])
