"""One recurrent layer of 100 units over time, as released with the paper (arXiv 2402.02021).

As published, the outputs of all time steps go side by side into the head, so more than 90 % of an
RNN's weights sit in the head that fine-tuning throws away; ``head="pooled"`` takes their mean
instead. First weights are drawn as in PyTorch, uniform within ``1 / sqrt(units)``, biases included.
PyTorch keeps two biases per gate where Keras' LSTM has one (their sum), so its LSTMs count 400
parameters more per direction for the same network.
"""

from __future__ import annotations

from typing import Any

from ecg_keras.keras_library import keras, layers
from ecg_keras.models.building import as_backbone, signal_input, uniform

UNITS = 100


def lstm(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """A long short-term memory layer (Hochreiter & Schmidhuber 1997) of 100 units.

    Arguments and errors: see `find_backbone`.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, num_samples * 100)``, or ``(batch, 100)`` where pooled. Its one stage is
        ``stem``: 45,200 trainable parameters with 12 leads.

    Example:
        >>> lstm(num_samples=250, num_leads=2, head="pooled").output_shape
        (None, 100)
    """
    signal = signal_input(num_samples, num_leads)
    x = layers.LSTM(name="stem_lstm", **_lstm_settings(seed, "stem_lstm"))(signal)
    return as_backbone("lstm", signal, x, head)


def bilstm(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """Two LSTM layers of 100 units, one of them backward in time, outputs concatenated.

    Arguments, stages and errors are those of `lstm`; the embedding is twice as wide and the
    trainable parameters are 90,400.

    Example:
        >>> bilstm(num_samples=250, num_leads=2, head="pooled").output_shape
        (None, 200)
    """
    signal = signal_input(num_samples, num_leads)
    forward = layers.LSTM(name="lstm", **_lstm_settings(seed, "stem_bilstm/forward"))
    # made here, because Bidirectional's own copy of the forward layer would start with its weights
    backward = layers.LSTM(
        name="lstm_backward", go_backwards=True, **_lstm_settings(seed, "stem_bilstm/backward")
    )
    x = layers.Bidirectional(forward, backward_layer=backward, name="stem_bilstm")(signal)
    return as_backbone("bilstm", signal, x, head)


def gru(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """A gated recurrent layer (Cho et al. 2014, arXiv 1406.1078) of 100 units.

    Its reset gate acts after the recurrent product, as in PyTorch and cuDNN. Arguments, stages
    and errors are those of `lstm`; the trainable parameters are 34,200.

    Example:
        >>> gru(num_samples=250, num_leads=2, head="pooled").output_shape
        (None, 100)
    """
    signal = signal_input(num_samples, num_leads)
    x = layers.GRU(reset_after=True, name="stem_gru", **_settings(seed, "stem_gru"))(signal)
    return as_backbone("gru", signal, x, head)


def _settings(seed: int, name: str) -> dict[str, Any]:
    return {
        "units": UNITS,
        "return_sequences": True,
        "kernel_initializer": uniform(UNITS, seed, f"{name}/kernel"),
        "recurrent_initializer": uniform(UNITS, seed, f"{name}/recurrent_kernel"),
        "bias_initializer": uniform(UNITS, seed, f"{name}/bias"),
    }


def _lstm_settings(seed: int, name: str) -> dict[str, Any]:
    return {**_settings(seed, name), "unit_forget_bias": False}
