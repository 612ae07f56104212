"""How recordings of any source are read: as far as is wanted, and what fails is the record's."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.records import RecordInfo, Signal, Span

Reader = Callable[[RecordInfo, Span | None], Signal]

# Hz between which every recorder of ECGs is: what else a file says is a slip
LOWEST_HZ, HIGHEST_HZ = 10.0, 100_000.0


def reader_of(source: Any) -> Reader:
    """A source's ``read_signal``, whether or not it can read a part of a recording.

    Args:
        source: from `find_source` or `source_of`.

    Returns:
        A function of a record and the seconds of it that are wanted. It returns at least those:
        all of the recording where the source's function takes no ``span``. Whatever that function
        raises becomes a `DataError` that names the file, as does a rate that is none of an
        ECG's: one record never ends a run.

    Example:
        >>> from ecg_keras.sources import find_source
        >>> read = reader_of(find_source("ptbxl"))
    """
    takes_span = "span" in inspect.signature(source.read_signal).parameters

    def read(info: RecordInfo, span: Span | None) -> Signal:
        try:
            signal = source.read_signal(info, span=span) if takes_span else source.read_signal(info)
        except (DataError, ConfigError, OSError) as error:
            raise DataError(str(error)) from error
        except Exception as error:  # of a module of the user's own, or of a library's decoder
            raise DataError(
                f"{info.path}: read_signal of the source raised {type(error).__name__}: {error}."
            ) from error
        if not isinstance(signal, Signal):
            raise DataError(
                f"{info.path}: read_signal of the source must return a Signal. Received: "
                f"{type(signal).__name__}."
            )
        if not LOWEST_HZ <= signal.sampling_rate <= HIGHEST_HZ:
            raise DataError(
                f"{info.path}: the sampling rate must be {LOWEST_HZ:g} to {HIGHEST_HZ:,.0f} Hz. "
                f"Received: {signal.sampling_rate:g} Hz. Correct it in the file or its table."
            )
        return signal

    return read
