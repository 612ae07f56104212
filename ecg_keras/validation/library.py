"""TensorFlow Data Validation, where it is installed, and the text files it reads."""

from __future__ import annotations

import warnings
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

from ecg_keras.data import writing_to
from ecg_keras.errors import DataError
from ecg_keras.files import replacing


def load_tfdv() -> ModuleType:
    """TensorFlow Data Validation; what its own imports warn of is no concern of its users.

    Raises:
        DataError: it can't be imported.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # first, because they keep the stderr they find for their logs
            import apache_beam  # noqa: F401
            import tensorflow  # noqa: F401

            # it prints that it can't draw in notebooks
            with redirect_stderr(StringIO()):
                import tensorflow_data_validation as tfdv
    except ImportError as error:
        raise DataError(
            "drift, skew and statistics need TensorFlow Data Validation, which can't be imported "
            f"({error}). Run `pip install tensorflow-data-validation` where it has a package for "
            "your Python and system: docs/dependencies.md lists them."
        ) from error
    return tfdv


def why_missing() -> str:
    """Why TensorFlow Data Validation can't be imported; empty where it can."""
    try:
        load_tfdv()
    except DataError as error:
        return str(error.__cause__)
    return ""


def read_message(path: Path, message: Any) -> Any:
    """Fills a protocol buffer from a text file.

    Raises:
        DataError: the file is none of that kind.
    """
    from google.protobuf import text_format

    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), message)
    except (text_format.ParseError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise DataError(
            f"{path}: not a {type(message).__name__} as text: {error}. Fix it, or remove it: it "
            "is made again."
        ) from error


def write_message(path: Path, message: Any) -> None:
    """Writes a protocol buffer as text, whole or not at all.

    Raises:
        DataError: it can't be written.
    """
    from google.protobuf import text_format

    with writing_to(path.parent), replacing(path) as temporary:
        temporary.write_text(text_format.MessageToString(message), encoding="utf-8")
