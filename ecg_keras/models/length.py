"""The same network for signals of another length."""

from __future__ import annotations

from ecg_keras.errors import ConfigError
from ecg_keras.keras_library import keras


def with_length(model: keras.Model, num_samples: int) -> keras.Model:
    """A model for signals of another length that shares every layer and weight with this one.

    A network that pools over time is trained on short crops and asked about whole ECGs.

    Args:
        model: such as what `classifier` returns, with input ``(batch, samples, num_leads)``.
        num_samples: of the new input.

    Returns:
        A functional model; training either one trains both.

    Raises:
        ConfigError: the network's head has a weight for every time step.

    Example:
        >>> whole = classifier(find_backbone("resnet1d18")(num_samples=1000), ["MI"])
        >>> with_length(whole, 250).input_shape
        (None, 250, 12)
    """
    signal = keras.Input((num_samples, model.input_shape[-1]), name="signal", dtype="float32")
    try:
        # `call` runs the model layer by layer, which keeps the new one flat
        output = model.call(signal)
    except ValueError as error:
        raise ConfigError(
            f"{model.name} with this head has a weight for every time step and can't take "
            f"{num_samples} samples instead of {model.input_shape[1]}. Use `head: pooled`."
        ) from error
    return keras.Model(signal, output, name=model.name)
