"""A keras.json of another kind: the same network, or one line that says what to change."""

import os
import subprocess
import sys

import pytest

LOOK = """
import ecg_keras as ecg
model = ecg.models.classifier(ecg.models.resnet1d18(num_samples=400), ["AF", "LBBB"])
print(model.count_params(), model.get_layer("stem_conv").kernel.shape, model.output.dtype)
"""


def look(home, code=LOOK, *arguments):
    unset = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        capture_output=True,
        text=True,
        env={**unset, "KERAS_HOME": str(home)},
        check=False,
    )


def test_channels_first_is_the_same_network(case):
    found = look(case("14-keras-environment") / "kh_channels_first")
    assert found.stdout == "4122114 (7, 12, 64) float32\n"


@pytest.mark.parametrize(
    ("home", "reason"),
    [
        ("kh_float16", "keras.json: floatx is float16, with which a recipe gives another network"),
        ("kh_torch", "keras.json: backend is torch. Unset it, or set KERAS_BACKEND=tensorflow"),
    ],
)
def test_others_are_refused_in_one_line(case, home, reason):
    place = case("14-keras-environment")
    command = "from ecg_keras.cli import main; main()"
    said = look(place / home, command, "train", str(place / "recipe.yaml"))
    assert said.returncode == 2
    assert len(said.stderr.splitlines()) == 1
    assert reason in said.stderr
    assert reason in look(place / home).stderr.splitlines()[-1]
