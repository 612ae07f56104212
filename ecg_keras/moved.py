"""Former names of modules, which import what has moved and warn; each stays for one release."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any, cast

# former names, with those of the modules inside them, and where they are now
MODULES: Mapping[str, str] = {
    "ecg_keras.config.schema": "ecg_keras.config",
    "ecg_keras.data.download": "ecg_keras.download",
    "ecg_keras.data.duplicates": "ecg_keras.data.identities",
    "ecg_keras.data.expectations": "ecg_keras.sources.expectations",
    "ecg_keras.data.formats": "ecg_keras.formats",
    "ecg_keras.data.hdf5_files": "ecg_keras.formats.hdf5_files",
    "ecg_keras.data.labels": "ecg_keras.labels",
    "ecg_keras.data.own_modules": "ecg_keras.user_modules",
    "ecg_keras.data.plain_files": "ecg_keras.formats.plain_files",
    "ecg_keras.data.records": "ecg_keras.records",
    "ecg_keras.data.simulate": "ecg_keras.simulate",
    "ecg_keras.data.sources": "ecg_keras.sources",
    "ecg_keras.data.validation": "ecg_keras.validation",
    "ecg_keras.data.wfdb_files": "ecg_keras.formats.wfdb_files",
    "ecg_keras.data.wfdb_headers": "ecg_keras.formats.wfdb_headers",
    "ecg_keras.data.wfdb_spans": "ecg_keras.formats.wfdb_files",
    "ecg_keras.signals.verification": "ecg_keras.signals.fault_checks",
    "ecg_keras.sources.challenge": "ecg_keras.sources.challenge_format",
    "ecg_keras.sources.tables": "ecg_keras.sources.fields",
    "ecg_keras.statistics.variance": "ecg_keras.evaluation.variance",
    "ecg_keras.study.advise": "ecg_keras.advise.recommend",
}

# former modules whose source is an object now
SETS: Mapping[str, str] = {
    f"ecg_keras.sources.{name}": f"ecg_keras.sources.challenge_sets.{name.upper()}"
    for name in ("chapman", "cpsc2018", "cpsc2018_extra", "georgia", "incart", "ningbo", "ptb")
} | {"ecg_keras.sources.ptbxl_challenge": "ecg_keras.sources.challenge_sets.PTBXL"}

# former names inside packages that stay; a package loads them with `load_former`
NAMES: Mapping[str, str] = {
    "ecg_keras.data.Anomaly": "ecg_keras.validation.Anomaly",
    "ecg_keras.data.Comparison": "ecg_keras.validation.DatasetComparison",
    "ecg_keras.data.Distance": "ecg_keras.validation.Distance",
    "ecg_keras.data.Numbers": "ecg_keras.validation.Numbers",
    "ecg_keras.data.Profile": "ecg_keras.validation.Profile",
    "ecg_keras.data.Texts": "ecg_keras.validation.Texts",
    "ecg_keras.data.Validation": "ecg_keras.validation.Validation",
    "ecg_keras.data.find_drift": "ecg_keras.validation.find_drift",
    "ecg_keras.data.validate": "ecg_keras.validation.validate",
    "ecg_keras.training.begin_run": "ecg_keras.training.begin.begin_run",
    "ecg_keras.training.find_changes": "ecg_keras.training.begin.find_changes",
    "ecg_keras.training.run_fingerprint": "ecg_keras.training.begin.run_fingerprint",
    "ecg_keras.validation.Comparison": "ecg_keras.validation.DatasetComparison",
}


def new_name(name: str) -> str | None:
    """Where a module is now; ``None`` where it has not moved.

    Example:
        >>> new_name("ecg_keras.data.sources.ptbxl"), new_name("ecg_keras.data.splits")
        ('ecg_keras.sources.ptbxl', None)
    """
    for old, new in MODULES.items():
        if name == old or name.startswith(f"{old}."):
            moved = new + name[len(old) :]
            return new_name(moved) or moved  # some modules have moved, and were renamed
    return SETS.get(name)


def warn_of_move(old: str, new: str, *, stacklevel: int = 3) -> None:
    """Warns that a name has moved, in words that show which import to change."""
    warnings.warn(
        f"{old} has moved to {new}; the former name will be removed in the next release.",
        FutureWarning,
        stacklevel=stacklevel,
    )


def load_former(name: str) -> Any:
    """What a former name of `NAMES` stands for, with a warning for who imports it."""
    new = NAMES[name]
    warn_of_move(name, new, stacklevel=4)
    module, _, attribute = new.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


class _MovedModules(MetaPathFinder, Loader):
    """Finds a module by its former name: the very module that its new name imports."""

    def __init__(self) -> None:
        self._specs: dict[str, ModuleSpec | None] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith("ecg_keras.") or new_name(name) is None:
            return None
        return spec_from_loader(name, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        new = new_name(spec.name) or spec.name
        warn_of_move(spec.name, new)  # Python's own frames of an import do not count
        if new in SETS.values():
            home, _, name = new.rpartition(".")
            # Python imports whatever is in place of a module
            return cast(ModuleType, getattr(importlib.import_module(home), name))
        module = importlib.import_module(new)
        self._specs[spec.name] = getattr(module, "__spec__", None)
        return module

    def exec_module(self, module: ModuleType) -> None:
        # importing under another name has put that name's spec into the module
        spec = getattr(module, "__spec__", None)
        if spec is not None:
            module.__spec__ = self._specs.pop(spec.name, spec)


def keep_former_names() -> None:
    """Lets Python import the former names; called once, when the package is imported.

    The first of all finders: the folder of a moved package would otherwise be searched under the
    former name, and its modules imported a second time.
    """
    if not any(isinstance(finder, _MovedModules) for finder in sys.meta_path):
        sys.meta_path.insert(0, _MovedModules())
