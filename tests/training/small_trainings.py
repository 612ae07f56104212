"""What several tests of training do: other recipes, a quick fit, networks that must be equal."""

import keras
import numpy as np


def changed(recipe, *, training=None, **sections):
    """A recipe with other settings of its training, and other sections."""
    settings = {**recipe.training.model_dump(), **(training or {})}
    return type(recipe).model_validate({**recipe.model_dump(), "training": settings, **sections})


def network(outputs: int = 2, optimizer=None) -> keras.Model:
    """One that averages signals ``(20, 3)``, compiled."""
    keras.utils.set_random_seed(1)
    signal = keras.Input((20, 3), name="signal")
    x = keras.layers.GlobalAveragePooling1D()(signal)
    model = keras.Model(signal, keras.layers.Dense(outputs, "sigmoid", name="head")(x))
    model.compile(optimizer or keras.optimizers.Adam(1e-2), "binary_crossentropy")
    return model


def fit(model, batches, *callbacks, **settings):
    """The history of a fit in the order of the batches."""
    quiet = {"verbose": 0, "shuffle": False, "callbacks": list(callbacks), **settings}
    return model.fit(batches, **quiet).history


def assert_same(arrays, others):
    for one, other in zip(arrays, others, strict=True):
        np.testing.assert_array_equal(one, other)


def weights(run):
    """Of the network of a run."""
    return keras.models.load_model(run.model, compile=False).get_weights()
