"""What networks learn on one device and on two logical CPUs, as one line of JSON.

A script, as TensorFlow divides a CPU only before it does anything else.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf
from keras.optimizers import (
    SGD,
    AdamW,
    LossScaleOptimizer as Scaled,
    MultiOptimizer as Joined,
    OptimizerMap,
)

from ecg_keras.errors import ConfigError
from ecg_keras.models import save_model
from ecg_keras.training import Mirrored, ValidationScores, padded

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def chosen_later(**settings):
    """Optimizers that nobody but the function knows before they are built."""
    first, second = SGD(0.5, clipnorm=0.05), SGD(0.2, **settings)
    return Joined(lambda variable: first if "kernel" in variable.path else second)


optimizers = {
    "clipvalue": lambda: SGD(0.5, clipvalue=0.02),
    "clipnorm": lambda: SGD(0.5, clipnorm=0.05, momentum=0.9),
    "scaled": lambda: Scaled(SGD(0.5, global_clipnorm=0.05), initial_scale=4.0),
    "weight_decay": lambda: Scaled(AdamW(0.01, weight_decay=0.5), dynamic_growth_steps=2),
    "joined": lambda: Joined(OptimizerMap(SGD(0.5), {".*kernel": SGD(0.2, clipvalue=0.02)})),
    "joined_later": chosen_later,
}
strategy = tf.distribute.MirroredStrategy(
    ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
)
random = np.random.default_rng(0)
# the last batch is one record, fewer than there are devices
signals = random.normal(size=(5, 3)).astype(np.float32)
targets = (random.random((5, 2)) < 0.5).astype(np.float32)
weights = random.uniform(0.5, 4.0, 5).astype(np.float32)


def network(kind):
    keras.utils.set_random_seed(0)
    signal = keras.Input((3,))
    x = keras.layers.Dense(4, "tanh", kernel_regularizer=keras.regularizers.L2(0.1))(signal)
    return kind(signal, keras.layers.Dense(2, "sigmoid")(x))


def learn(model, optimizer, *parts, callbacks=()):
    model.compile(optimizer, "binary_crossentropy")
    batches = tf.data.Dataset.from_tensor_slices(parts).batch(4)
    if isinstance(model, Mirrored):
        batches = padded(batches, 2).map(lambda batch, own: (*batch, own))
    history = model.fit(batches, epochs=3, shuffle=False, verbose=0, callbacks=callbacks).history
    scores = history.get("val_loss", history["loss"])
    return [scores, *(one.tolist() for one in model.get_weights())]


# what each device has of each weight
def copies(model):
    return [[one.numpy().tolist() for one in weight.value.values] for weight in model.weights]


found = {}
for name, optimizer in optimizers.items():
    given = (signals, targets) if name == "clipvalue" else (signals, targets, weights)
    found[name] = [learn(network(keras.Model), optimizer(), *given)]
    with strategy.scope():
        found[name].append(learn(network(Mirrored), optimizer(), *given))

with strategy.scope():
    signal = keras.Input((3,))
    x = keras.layers.BatchNormalization(momentum=0.5)(signal)
    model = Mirrored(signal, keras.layers.Dense(2, "sigmoid")(x))
    scores = ValidationScores((signals, targets), ["AF", "MI"])
    save = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: save_model(model, sys.argv[1]))
    logged, *_ = learn(model, SGD(0.5), signals, targets, callbacks=[scores, save])
    saved = keras.models.load_model(sys.argv[1])
    loss = keras.losses.binary_crossentropy(targets, saved(signals, training=False))
    found["scored"] = {"logged": logged[-1], "saved": float(keras.ops.mean(loss))}
    learn(model, SGD(0.5), signals, targets)
    found["left"] = copies(model)

found["refused"] = []
for loss, settings in (
    ("mse", {"gradient_accumulation_steps": 2}),
    ("mse", {"use_ema": True, "ema_overwrite_frequency": 2}),
    (keras.losses.MeanSquaredError(reduction="sum"), {}),
):
    with strategy.scope():
        try:
            network(Mirrored).compile(Scaled(SGD(0.5, **settings)), loss)
        except ConfigError as error:
            found["refused"].append(str(error))
accumulating = {"gradient_accumulation_steps": 2}
for make in (
    lambda: Joined(OptimizerMap(SGD(0.5), {".*kernel": SGD(0.5, **accumulating)})),
    lambda: chosen_later(**accumulating),
):
    with strategy.scope():
        try:
            learn(network(Mirrored), make(), signals, targets)
        except ConfigError as error:
            found["refused"].append(str(error))

with strategy.scope():
    model = network(Mirrored)
    before = copies(model)
    optimizer = Scaled(SGD(0.5), initial_scale=4.0)
    # the last record's gradient is not finite, on the second device alone
    signals[3], targets[3] = np.inf, 1.0
    learn(model, optimizer, signals[:4], targets[:4])
found["overflow"] = {"before": before, "after": copies(model)}
found["overflow"]["scales"] = [float(one.numpy()) for one in optimizer.dynamic_scale.value.values]
print(json.dumps(found))
