"""docs/serving.md: every Python block runs, its clients against `ecg-keras serve`."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from ecg_keras.models import save_model
from ecg_keras.serving import running_server

DOCS = Path(__file__).resolve().parents[2] / "docs" / "serving.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize(
    "build", ["cnn", pytest.param("rnn", marks=pytest.mark.long)], indirect=True, scope="session"
)
def test_every_block_runs_and_agrees_with_keras(exported, tmp_path, monkeypatch, capsys):
    model, _ = exported
    monkeypatch.chdir(tmp_path)
    Path("runs/quickstart").mkdir(parents=True)
    save_model(model, "runs/quickstart/model.keras")
    export, plain, rest, remote = BLOCKS
    names: dict = {}
    exec(export + plain, names)
    expected = model(names["signal"].astype(np.float32)).numpy()
    lines = capsys.readouterr().out.splitlines()
    printed = [list(ast.literal_eval(line).values()) for line in lines]
    np.testing.assert_allclose(printed, expected, atol=6e-4)
    with running_server("runs/quickstart/saved_model", port=0, grpc_port=0) as server:
        for client, place in ((rest, server.rest), (remote, server.grpc)):
            names.pop("probabilities", None)
            exec(re.sub(r"localhost:850[01]", place.split("/")[2], client), names)
            np.testing.assert_allclose(names["probabilities"], expected, atol=1e-6)
