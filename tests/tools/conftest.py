"""The scripts in tools/, each imported for the tests that are named after it."""

import importlib
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture(scope="module")
def script(request):
    """Of test_memory.py `memory`, which is forgotten afterwards with all that it imported there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(TOOLS)
        yield importlib.import_module(request.path.stem.removeprefix("test_"))
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(f"{TOOLS}/"):
            del sys.modules[name]
