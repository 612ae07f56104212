"""How long networks take on this machine: real optimizer steps on random signals.

`main` runs as a process of its own, so that neither memory, nor a GPU, nor TensorFlow's determinism
stays with the caller: see `ecg_keras.study.pilot`. The request comes as one JSON object on standard
input; each answer goes out as one JSON line.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ecg_keras import data, models
from ecg_keras.config import Phase, Training
from ecg_keras.evaluation import Predictions, evaluate
from ecg_keras.keras_library import keras
from ecg_keras.study.pilot import Timing, Workload
from ecg_keras.training import (
    SECONDS_BETWEEN,
    choose_precision,
    compile_phase,
    fit,
    make_repeatable,
    use_precision,
)

# bytes of all layers' outputs of a batch that is measured on a CPU; a step needs about thrice that
BATCH_BYTES = 6e8
# ECGs in a batch that is measured on a CPU
BATCH = 64
LABELS = 5
# optimizer steps that count, for each size of batch
STEPS = 5
# of such steps, after which those so far are enough
SECONDS = 3.0
# a training step is a pass forward and one backward, which takes about twice as long
STEP_PER_PASS = 3.0
# times as many variables as another: no more, and its graph takes about as many times longer
NEAR = 4

Report = Callable[[Mapping[str, Any]], None]


def main(answers: int) -> None:
    """The process: times what standard input asks for, and answers a file that is open."""
    request = json.loads(sys.stdin.read())
    workloads = [Workload(**one) for one in request["workloads"]]

    def report(answer: Mapping[str, Any]) -> None:
        os.write(answers, f"{json.dumps(answer)}\n".encode())

    report({"scoring": _time_scoring()})
    time_workloads(workloads, request["seconds"], report)


def time_workloads(workloads: Sequence[Workload], seconds: float, report: Report) -> None:
    """Times each workload, those of the smallest networks first.

    A network's training is traced only if that is likely to begin and end within ``seconds``, and
    always that of the first; otherwise its predictions alone are timed.
    """
    deadline = time.perf_counter() + seconds
    # determinism can't be undone in a process
    for deterministic in (False, True):
        networks: dict[tuple[Any, ...], list[int]] = {}
        for number, one in enumerate(workloads):
            if one.deterministic == deterministic:
                networks.setdefault(one.network, []).append(number)
        if networks:
            make_repeatable(0, deterministic=deterministic)
            _time_networks(workloads, list(networks.values()), deadline, report)


def _time_scoring() -> float:
    """Seconds that scoring takes for each test record, label and patient resample."""
    random, records, resamples = np.random.default_rng(0), 400, 100
    ids = np.array([f"{number:04d}" for number in range(records)])
    predictions = Predictions(
        labels=tuple(str(label) for label in range(LABELS)),
        record_ids=ids,
        patient_ids=ids,
        targets=(random.random((records, LABELS)) < 0.3).astype(np.uint8),
        probabilities=random.random((records, LABELS), np.float32),
    )
    begun = time.perf_counter()
    evaluate(predictions, predictions, bootstrap=resamples)
    return (time.perf_counter() - begun) / (records * LABELS * resamples)


def _time_networks(
    workloads: Sequence[Workload], networks: Sequence[list[int]], deadline: float, report: Report
) -> None:
    built = []
    for numbers in networks:
        begun = time.perf_counter()
        try:
            model = _build(workloads[numbers[0]])
        except Exception as error:  # a backbone of the user's own may raise anything
            _report_error(report, numbers, error)
            continue
        built.append((numbers, model, time.perf_counter() - begun))
    built.sort(key=lambda one: len(one[1].variables))
    traced: list[tuple[int, float]] = []  # variables that train, and seconds
    per_pass: list[float] = []  # training steps in forward passes
    for numbers, model, build in built:
        try:
            predict, begin, predict_trace = _time_prediction(
                model, workloads[numbers[0]].batch_size
            )
            save = _time_saving(model)
            for number in numbers:
                one = workloads[number]
                fitted = _compile(model, one)
                variables = len(fitted.trainable_variables)
                trace = _expected_trace(traced, variables)
                forward = predict * one.batch_size * one.step_samples / one.num_samples
                measured = time.perf_counter() + trace <= deadline or not traced
                if measured:
                    step, trace = _time_steps(fitted, one.batch_size)
                    traced.append((variables, trace))
                    per_pass.append(step / forward)
                else:
                    step = forward * statistics.median([STEP_PER_PASS, *per_pass])
                timing = Timing(
                    step=step,
                    trace=trace,
                    predict=predict,
                    predict_begin=begin,
                    predict_trace=predict_trace,
                    build=build,
                    save=save,
                    between=SECONDS_BETWEEN,
                    parameters=model.count_params(),
                    measured=measured,
                )
                report({"number": number, "timing": asdict(timing)})
        except Exception as error:
            _report_error(report, numbers, error)


def _expected_trace(traced: Sequence[tuple[int, float]], variables: int) -> float:
    """Seconds that a training graph of this many variables may take, from those traced so far."""
    near = [(own, seconds) for own, seconds in traced if variables <= NEAR * own]
    if not near:  # unlike all others: measuring shows it
        return 0.0
    own, seconds = min(near, key=lambda one: abs(one[0] - variables))
    return seconds * variables / own


def _report_error(report: Report, numbers: Sequence[int], error: Exception) -> None:
    text = f"{type(error).__name__}: {error}".partition("\n")[0]
    for number in numbers:
        report({"number": number, "error": text})


def _build(one: Workload) -> keras.Model:
    with use_precision(choose_precision(one.precision)):
        backbone = models.find_backbone(one.backbone)(
            num_samples=one.num_samples, num_leads=one.num_leads, head=one.head, seed=0
        )
        return models.classifier(backbone, [str(label) for label in range(LABELS)])


def _compile(model: keras.Model, one: Workload) -> keras.Model:
    """The network as `train` compiles it for a phase."""
    phase = Phase(epochs=STEPS + 1, train_from=one.train_from)
    crop = None if one.step_samples == one.num_samples else one.step_samples
    return compile_phase(model, Training(), phase, steps_per_epoch=1, num_samples=crop)


def _measured_batch(model: keras.Model, batch_size: int) -> int:
    """ECGs in a batch: on a CPU no more than memory and patience bear."""
    if tf.config.list_logical_devices("GPU"):
        return batch_size
    samples = model.input_shape[1]  # as many steps, where a layer takes any number of them
    one = sum(
        4 * math.prod(size or samples for size in layer.output.shape[1:]) for layer in model.layers
    )
    return min(batch_size, BATCH, max(2, int(BATCH_BYTES / one)))


def _time_steps(model: keras.Model, batch_size: int) -> tuple[float, float]:
    """Seconds of a step, and until the first one began.

    Where the batch is too large to measure, two smaller ones show what a step costs whatever its
    size and what each ECG adds.
    """
    batch = _measured_batch(model, batch_size)
    first, step = _time_fit(model, batch)
    trace = max(0.0, first - step)
    if batch == batch_size:
        return step, trace
    small = max(1, batch // 4)
    _, shorter = _time_fit(model, small)
    each = max(0.0, (step - shorter) / (batch - small))
    fixed = max(0.0, step - each * batch)
    return fixed + (step - fixed) * batch_size / batch, trace


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Seconds of each step; enough of them end the training."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_train_batch_begin(self, step: int, logs: Mapping[str, float] | None = None) -> None:
        self.begun = time.perf_counter()

    def on_train_batch_end(self, step: int, logs: Mapping[str, float] | None = None) -> None:
        float((logs or {})["loss"])  # waits for the device
        self.seconds.append(time.perf_counter() - self.begun)
        self.model.stop_training = len(self.seconds) > 2 and sum(self.seconds[1:]) > SECONDS


def _time_fit(model: keras.Model, batch: int) -> tuple[float, float]:
    """Seconds of the first step and the median of those after it."""
    clock = _Clock()
    # stop_training ends an epoch, so each step is one
    fit(model, _signals(model, batch, batches=1), epochs=range(STEPS + 1), callbacks=[clock])
    return clock.seconds[0], statistics.median(clock.seconds[1:])


def _time_prediction(model: keras.Model, batch_size: int) -> tuple[float, float, float]:
    """Seconds for one ECG, for what begins and ends a prediction, and until the first begins."""
    batch = _measured_batch(model, batch_size)
    few, many = (
        _signals(model, batch, batches).map(data.as_written(lambda signal, target: signal))
        for batches in (1, 4)
    )
    first, *again = (_predict(model, few) for _ in range(3))
    short, long = min(again), min(_predict(model, many) for _ in range(2))
    each = (long - short) / (3 * batch) if long > short else long / (4 * batch)
    return each, max(0.0, short - each * batch), max(0.0, first - short)


def _predict(model: keras.Model, signals: tf.data.Dataset[Any]) -> float:
    begun = time.perf_counter()
    model.predict(signals, verbose=0)
    return time.perf_counter() - begun


def _time_saving(model: keras.Model) -> float:
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        model.save_weights(Path(folder) / "epoch.weights.h5")
        models.save_model(model, Path(folder) / "best.keras")
        return time.perf_counter() - begun


def _signals(model: keras.Model, batch: int, batches: int) -> tf.data.Dataset[Any]:
    """Random millivolts and targets, in batches whose size the graph does not know."""
    random, records = np.random.default_rng(0), batch * batches
    signal = random.standard_normal((records, *model.input_shape[1:]), np.float32)
    target = (random.random((records, LABELS)) < 0.3).astype(np.float32)
    return tf.data.Dataset.from_tensor_slices((signal, target)).batch(batch)
