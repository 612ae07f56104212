"""A user's own code as her type checker sees it: `make lint` checks this file, and nothing runs it.

Under mypy's strict rules an ignored error that is none is itself an error: each line with
`type: ignore` fails where the name beside it has no types any more. Pyright's strict rules find
nothing here either.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import keras

import ecg_keras as ecg

if TYPE_CHECKING:
    from typing import assert_type

    assert_type(ecg.__version__, str)
    assert_type(ecg.data.read_dataset("shards/ludb"), ecg.data.Dataset)
    assert_type(ecg.data.describe("shards/ludb").labels, tuple[str, ...])
    ecg.data.load("shards/ludb", "train", batch_size="32")  # type: ignore[arg-type]
    ecg.data.prepare("shards/ludb")  # type: ignore[call-arg, arg-type]
    ecg.models.classifier(ecg.models.resnet1d18(), 5)  # type: ignore[arg-type]
    model = ecg.models.classifier(ecg.models.find_backbone("gru")(), ["MI"])
    ecg.models.find_backbone(18)  # type: ignore[arg-type]
    ecg.callbacks.RunLog(where="run")  # type: ignore[call-arg]

    tried = ecg.train("recipe.yaml", training={"seed": 1}, callbacks=[])
    assert_type(tried.run, Path)
    ecg.data.load("shards/ludb", "train", batch_size=8, features=5)  # type: ignore[arg-type]

    made = ecg.evaluation.Predictions(["MI"], ["r1"], [1], [[True]], [[0.9]])
    assert_type(made.labels, tuple[str, ...])
    # checkers that read Keras see that a callback is one of Keras'
    callbacks: list[keras.callbacks.Callback] = [ecg.callbacks.RunLog("log.csv")]
    ecg.train("recipe.yaml", callbacks=callbacks)
    ecg.export.export_saved_model(model, "1", labels=["MI"], leads=["I"], sampling_rate=100)
    predictions = ecg.evaluation.Predictions.load("predictions/test.npz")
    assert_type(predictions, ecg.evaluation.Predictions)
    assert_type(ecg.evaluation.evaluate(predictions, None), ecg.evaluation.Scores)
    assert_type(ecg.evaluation.compare(predictions, predictions), ecg.evaluation.Comparison)
    ecg.evaluation.compare(predictions)  # type: ignore[call-arg]
    ecg.export.export_saved_model()  # type: ignore[call-arg]
    assert_type(ecg.validation.validate("shards/ludb"), ecg.validation.Validation)
    assert_type(ecg.signals.find_lead("v1"), str | None)
    ecg.study.run_study("study.yaml")  # type: ignore[arg-type]
    ecg.transferability.logme("features")  # type: ignore[call-arg]
    print(
        ecg.nowhere,  # type: ignore[attr-defined]
        ecg.advise.nowhere,  # type: ignore[attr-defined]
        ecg.attribution.nowhere,  # type: ignore[attr-defined]
        ecg.callbacks.nowhere,  # type: ignore[attr-defined]
        ecg.config.nowhere,  # type: ignore[attr-defined]
        ecg.data.nowhere,  # type: ignore[attr-defined]
        ecg.download.nowhere,  # type: ignore[attr-defined]
        ecg.evaluation.nowhere,  # type: ignore[attr-defined]
        ecg.export.nowhere,  # type: ignore[attr-defined]
        ecg.formats.nowhere,  # type: ignore[attr-defined]
        ecg.metrics.nowhere,  # type: ignore[attr-defined]
        ecg.models.nowhere,  # type: ignore[attr-defined]
        ecg.monitoring.nowhere,  # type: ignore[attr-defined]
        ecg.prediction.nowhere,  # type: ignore[attr-defined]
        ecg.report.nowhere,  # type: ignore[attr-defined]
        ecg.serving.nowhere,  # type: ignore[attr-defined]
        ecg.signals.nowhere,  # type: ignore[attr-defined]
        ecg.simulate.nowhere,  # type: ignore[attr-defined]
        ecg.sources.nowhere,  # type: ignore[attr-defined]
        ecg.statistics.nowhere,  # type: ignore[attr-defined]
        ecg.study.nowhere,  # type: ignore[attr-defined]
        ecg.training.nowhere,  # type: ignore[attr-defined]
        ecg.transferability.nowhere,  # type: ignore[attr-defined]
        ecg.validation.nowhere,  # type: ignore[attr-defined]
        ecg.weights.nowhere,  # type: ignore[attr-defined]
        ecg.workflow.nowhere,  # type: ignore[attr-defined]
    )
