"""Lazy faces: a package's public names, typed for readers and checkers, imported when first used.

A package lists them once, as imports that only a type checker runs:

    if TYPE_CHECKING:
        from ecg_keras.data.dataset import Dataset as Dataset
    else:
        __getattr__, __dir__, __all__ = lazy_face(__name__)

A checker that saw the ``__getattr__`` would take any name for one of the package.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from ecg_keras.errors import EcgKerasError

Face = tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]


def lazy_face(package: str) -> Face:
    """What a package's ``__init__`` needs to load its public names on first use.

    Args:
        package: its ``__name__``. Its ``__init__.py`` has a block ``if TYPE_CHECKING:`` with one
            import from each module, ``from ecg_keras.data.dataset import Dataset as Dataset``.

    Returns:
        ``__getattr__``, ``__dir__`` and ``__all__`` of the package.

    Raises:
        EcgKerasError: the package was installed without its sources.

    Example:
        >>> load_name, list_names, names = lazy_face("ecg_keras.data")
        >>> load_name("SPLITS"), "Dataset" in names
        (('train', 'valid', 'test'), True)
    """
    homes = _list_names(package)

    def load_name(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = homes[name]
        home = importlib.import_module(module)
        return getattr(home, attribute) if attribute else home

    names = sorted(homes)
    return load_name, lambda: names, names


def _list_names(package: str) -> dict[str, tuple[str, str]]:
    """For each public name the module to import, and which of its names; '' is the module."""
    spec = importlib.util.find_spec(package)
    text = getattr(spec and spec.loader, "get_source", lambda name: None)(package)
    if text is None:
        raise EcgKerasError(
            f"{package}: its source is missing. Install ecg_keras with its .py files."
        )
    homes = {}
    for block in ast.parse(text).body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            for node in block.body:
                if isinstance(node, ast.ImportFrom):
                    for alias in node.names:
                        homes[alias.asname or alias.name] = (
                            (f"{node.module}.{alias.name}", "")
                            if node.module == "ecg_keras"
                            else (str(node.module), alias.name)
                        )
    return homes
