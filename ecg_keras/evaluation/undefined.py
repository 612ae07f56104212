"""What is undefined: NaN in memory, ``null`` in files, which are strict JSON."""

from __future__ import annotations

import math
from typing import Any


def without_nan(content: Any) -> Any:
    """Plain values with ``None`` for NaN, at every depth.

    Example:
        >>> without_nan({"low": math.nan, "ends": (0.5, math.nan)})
        {'low': None, 'ends': [0.5, None]}
    """
    if isinstance(content, dict):
        return {key: without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [without_nan(value) for value in content]
    return None if isinstance(content, float) and math.isnan(content) else content


def number(content: Any) -> float:
    """A number of a file; NaN where there is none.

    Example:
        >>> number(1), number(None)
        (1.0, nan)
    """
    return math.nan if content is None else float(content)
