"""docs/serving.md: every Python block runs as it is, its clients against `ecg-keras serve`."""

import ast
import re
from pathlib import Path

import keras
import numpy as np
import pytest

from ecg_keras import data, evaluation, models, workflow
from ecg_keras.export import read_card
from ecg_keras.export.requests import convert
from ecg_keras.serving import running_server
from ecg_keras.training import Run, seen_from

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def build_untrained(dataset: data.Dataset) -> keras.Model:
    keras.utils.set_random_seed(0)
    signal = keras.Input((dataset.num_samples, len(dataset.leads)), name="signal")
    x = keras.layers.Conv1D(8, 7, strides=4, activation="relu", name="stem_conv")(signal)
    x = keras.layers.GlobalAveragePooling1D(name="embedding_pool")(x)
    answer = keras.layers.Dense(len(dataset.labels), "sigmoid", name="head")(x)
    return keras.Model(signal, answer)


@pytest.fixture
def quickstart(tmp_path, monkeypatch, without_tfdv) -> Run:
    """What the quickstart's recipe leaves, of fewer ECGs and with a network that learnt nothing."""
    monkeypatch.chdir(tmp_path)
    fewer = {"data.simulate.records": 60}
    job = workflow.make_job(workflow.load(ROOT / "recipes" / "quickstart.yaml", fewer))
    steps = {step.action: step for step in workflow.make_plan(job) if step.job is job}
    for action in ("simulate", "prepare"):
        steps[action].make(workflow.Watcher())
    dataset = data.describe(job.shards)
    run, model = job.run, build_untrained(dataset)
    run.folder.mkdir(parents=True)
    models.save_model(model, run.model)
    run.dataset.write_text(dataset.dump(), encoding="utf-8")
    shards = seen_from(run.folder, job.shards)
    run.write_status(state="trained", name="quickstart", mode="finetune", shards=shards)
    predictions = evaluation.predict_splits(model, job.shards, {"valid": (), "test": ()})
    evaluation.evaluate(predictions["test"], predictions["valid"], bootstrap=100).save_json(
        run.scores
    )
    workflow.export_run(run.folder, run.saved_model)
    return run


def test_every_block_runs_and_agrees_with_keras(quickstart, capsys):
    model = models.load_model(quickstart.model)
    assert quickstart.folder.relative_to(Path()) == Path("runs/quickstart")
    export, plain, rest, recordings, remote, examples = BLOCKS
    names: dict = {}
    exec(export + plain, names)
    assert sorted(one.name for one in quickstart.saved_model.parent.iterdir()) == ["1", "2"]
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
    card = read_card(quickstart.saved_model)
    (sent,) = names["body"]["instances"]
    millivolts = names["recorded"].astype(np.float32) / np.float32(1000)
    windows = convert(card, millivolts, 500, tuple(sent["leads"]))
    values = model(np.stack([one.samples * np.float32(one.scale) for one in windows])).numpy()
    answer = names["answer"]
    np.testing.assert_allclose(answer["probabilities"], values.mean(axis=0), atol=1e-5)
    assert (tuple(answer["labels"]), answer["windows"]) == (card.labels, len(windows))
    scores = evaluation.Scores.load_json(quickstart.scores)
    thresholds = [scores.thresholds[label] for label in card.labels]
    shards = quickstart.read_place("shards")
    tested = evaluation.predict(model, shards, "test").probabilities[: len(names["decisions"])]
    np.testing.assert_array_equal(names["decisions"], tested >= thresholds)
