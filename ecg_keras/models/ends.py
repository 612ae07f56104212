"""The two ends every backbone has: the signal that goes in and the embedding that comes out."""

from __future__ import annotations

from ecg_keras.errors import ConfigError, look_up
from ecg_keras.keras_library import check_keras, keras, layers

# of every layer that asks: signals are (samples, leads), whatever Keras is set to
CHANNELS_LAST = "channels_last"
SUMMARIES = {
    "pooled": lambda: layers.GlobalAveragePooling1D(CHANNELS_LAST, name="embedding_pool"),
    "flattened": lambda: layers.Flatten(CHANNELS_LAST, name="embedding_flatten"),
}


def signal_input(num_samples: int, num_leads: int) -> keras.KerasTensor:
    """The input ``signal``, float32 ``(batch, num_samples, num_leads)``.

    Raises:
        ConfigError: a size is below 1, or Keras is set to other numbers than float32.
    """
    check_keras()
    if num_samples < 1 or num_leads < 1:
        raise ConfigError(
            "a backbone needs num_samples and num_leads of at least 1. "
            f"Received: num_samples={num_samples}, num_leads={num_leads}."
        )
    return keras.Input((num_samples, num_leads), name="signal", dtype="float32")


def summarise_time(x: keras.KerasTensor, head: str, as_published: str) -> keras.KerasTensor:
    """One vector per ECG from ``(batch, steps, channels)``.

    Args:
        x: float ``(batch, steps, channels)``.
        head: ``"pooled"`` takes the mean over time, ``"flattened"`` keeps all time steps side by
            side, ``"as_published"`` is ``as_published``.
        as_published: which of the two the published network does.

    Returns:
        Float ``(batch, channels)`` or ``(batch, steps * channels)``.

    Raises:
        ConfigError: ``head`` is none of these.
    """
    choices = {**SUMMARIES, "as_published": SUMMARIES[as_published]}
    return look_up("head", head, choices)()(x)
