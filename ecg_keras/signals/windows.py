"""One length for all ECGs: which part of a longer one is kept, what becomes of a shorter one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ecg_keras.errors import ConfigError, look_up


def fit_length(
    values: npt.NDArray[Any], num_samples: int, *, window: str = "start", short: str = "drop"
) -> npt.NDArray[np.float32] | None:
    """The ECG cut or padded to ``num_samples``.

    Args:
        values: ``(any length, num_leads)``.
        num_samples: wanted length, at least 1.
        window: ``"start"`` keeps the first samples, ``"centre"`` the middle ones. Zeros are added
            at the end and on both sides, respectively; ``"centre"`` is how the CODE databases
            are padded (an odd zero goes to the end).
        short: what to do with a recording that is too short: ``"drop"`` or ``"pad"``.

    Returns:
        float32 ``(num_samples, num_leads)``, or ``None`` for a short recording to be dropped.

    Raises:
        ConfigError: an argument is not one of those above.

    Example:
        >>> fit_length(np.ones((3, 1)), 6, window="centre", short="pad").ravel()
        array([0., 1., 1., 1., 0., 0.], dtype=float32)
        >>> fit_length(np.ones((3, 1)), 6) is None
        True
    """
    padded = look_up("way with short recordings", short, {"drop": False, "pad": True})
    start, stop = kept_part(len(values), num_samples, window)
    lacking = num_samples - (stop - start)
    if not lacking:
        return np.asarray(values[start:stop], dtype=np.float32)
    if not padded:
        return None
    before = lacking // 2 if window == "centre" else 0
    fitted = np.zeros((num_samples, *values.shape[1:]), dtype=np.float32)
    fitted[before : before + len(values)] = values
    return fitted


def kept_part(length: int, num_samples: int, window: str) -> tuple[int, int]:
    """The first sample that `fit_length` keeps of a recording, and the one behind the last.

    Args:
        length: of the recording.
        num_samples, window: as `fit_length` takes them.

    Raises:
        ConfigError: as `fit_length`.

    Example:
        >>> kept_part(7, 4, "centre"), kept_part(3, 4, "centre")
        ((1, 5), (0, 3))
    """
    centred = look_up("window", window, {"start": False, "centre": True})
    if num_samples < 1:
        raise ConfigError(f"num_samples must be at least 1. Received: {num_samples}.")
    start = max(0, length - num_samples) // 2 if centred else 0
    return start, min(length, start + num_samples)
