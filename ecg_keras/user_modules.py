"""Python code of the user's own that a recipe names: a source, or the module of a function."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ecg_keras.errors import ConfigError, nearest, shortened


def import_own(name: str) -> ModuleType:
    """Imports a module by its name: one that Python finds, or one of the current folder."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise ConfigError(
            f"cannot import {name!r:.80}: no name of a module, such as our_lab.holter."
        )
    here = Path.cwd()
    if str(here) not in sys.path and not _is_found(name) and _is_in(here, name):
        sys.path.append(str(here))
        importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise ConfigError(
                f"cannot import {shortened(name)}: there is no module {shortened(error.name)}. A "
                "module of your own must be in the current folder or a folder of PYTHONPATH, or "
                "be installed."
            ) from error
        raise ConfigError(_describe_failure(name, error)) from error
    except Exception as error:  # the module's own code may raise anything
        raise ConfigError(_describe_failure(name, error)) from error


def import_object(name: str) -> Any:
    """Imports what ``module:object`` names; a name without a colon is that of a module itself."""
    module_name, colon, attribute = name.partition(":")
    module = import_own(module_name)
    if not colon:
        return module
    if not hasattr(module, attribute):
        raise ConfigError(
            f"cannot import {shortened(name)}: the module {shortened(module_name)} has no "
            f"{shortened(repr(attribute))}.{nearest(attribute, vars(module))}"
        )
    return getattr(module, attribute)


def import_function(kind: str, name: str) -> Callable[..., Any]:
    """What ``module:function`` names."""
    module, _, function = name.partition(":")
    try:
        found: Callable[..., Any] = getattr(import_own(module), function)
        if not callable(found):
            raise ConfigError(f"{function} is a {type(found).__name__}, not a function.")
    except (ConfigError, AttributeError) as error:
        raise ConfigError(
            f"{kind} {name!r} can't be imported: {error}. Your own {kind} is named module:function."
        ) from error
    return found


def _is_found(name: str) -> bool:
    top = name.partition(".")[0]
    return top in sys.modules or importlib.util.find_spec(top) is not None


def _is_in(folder: Path, name: str) -> bool:
    """Whether a folder has the file or the package that the name of a module means."""
    place = folder.joinpath(*name.split("."))
    return place.with_name(f"{place.name}.py").is_file() or (place / "__init__.py").is_file()


def _describe_failure(name: str, error: Exception) -> str:
    first = str(error).partition("\n")[0][:300]
    what = f"{type(error).__name__}: {first}"
    return f"cannot import {shortened(name)}: its code fails: {what}. Correct the module."
