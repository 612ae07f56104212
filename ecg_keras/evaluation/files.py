"""Reading what this layer wrote, with errors that name the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecg_keras.errors import DataError


def read_json(path: Path, kind: str) -> dict[str, Any]:
    """The object in a JSON file.

    Args:
        path: of the file.
        kind: what it should hold, in an error.

    Raises:
        DataError: there is no such file, or it holds no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file of {kind}.") from error
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: can't be read as {kind}: {error}.") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: a file of {kind} holds a JSON object, not {content!r:.40}.")
    return content


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turns the lack or the wrong type of a field into a `DataError` that names the file."""
    try:
        yield
    except KeyError as error:
        raise DataError(f"{path}: a file of {kind} needs the field {error}.") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: a field of these {kind} has a wrong type: {error}.") from error
