"""docs/serving.md: every Python block runs, its clients against `ecg-keras serve`."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ecg_keras.export import read_card
from ecg_keras.export.requests import ask_examples, convert
from ecg_keras.models import save_model
from ecg_keras.serving import running_server

DOCS = Path(__file__).resolve().parents[2] / "docs" / "serving.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)


def make_signals(model) -> np.ndarray:
    shape = (3, *model.input_shape[1:])
    return np.random.default_rng(2).normal(0, 0.5, shape).astype(np.float32)


@pytest.mark.parametrize(
    "build", ["cnn", pytest.param("rnn", marks=pytest.mark.long)], indirect=True, scope="session"
)
def test_every_block_runs_and_agrees_with_keras(exported, tmp_path, monkeypatch, capsys):
    model, _ = exported
    monkeypatch.chdir(tmp_path)
    Path("runs/quickstart").mkdir(parents=True)
    save_model(model, "runs/quickstart/model.keras")
    asked = ask_examples(read_card(exported[1]), make_signals(model))
    Path("shards/quickstart").mkdir(parents=True)
    with tf.io.TFRecordWriter("shards/quickstart/test-00000-of-00001.tfrecord") as writer:
        for one in asked.inputs["examples"]:
            writer.write(one)
    export, plain, rest, recordings, remote, examples = BLOCKS
    names: dict = {}
    exec(export + plain, names)
    expected = model(names["signal"].astype(np.float32)).numpy()
    lines = capsys.readouterr().out.splitlines()
    printed = [list(ast.literal_eval(line).values()) for line in lines]
    np.testing.assert_allclose(printed, expected, atol=6e-4)
    with running_server("runs/quickstart/saved_model", port=0, grpc_port=0) as server:
        at_rest, at_grpc = (place.split("/")[2] for place in (server.rest, server.grpc))
        for client in (rest, remote, recordings, examples):
            code = client.replace("localhost:8501", at_rest).replace("localhost:8500", at_grpc)
            names.pop("probabilities", None)
            exec(code, names)
            if client in (rest, remote):
                np.testing.assert_allclose(names["probabilities"], expected, atol=1e-6)
    millivolts = (names["recorded"].astype(np.float32) / np.float32(1000))[:, [1, 2]]
    windows = convert(read_card(exported[1]), millivolts, 500, ("II", "aVF"))
    values = model(np.stack([one.samples * np.float32(one.scale) for one in windows])).numpy()
    answer = names["answer"]
    np.testing.assert_allclose(answer["probabilities"], values.mean(axis=0), atol=1e-5)
    assert (answer["labels"], answer["windows"]) == (["CD", "MI", "NORM"], len(windows))
    values = model(np.concatenate(asked.windows)).numpy()
    np.testing.assert_array_equal(names["decisions"], values >= [0.2, 0.3, 0.6])
