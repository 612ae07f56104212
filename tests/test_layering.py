"""The layers of docs/architecture.md, read from every module's imports, also those in functions."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ecg_keras

PACKAGE = Path(ecg_keras.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
LINES = 400

# Lower layers first; those of one row don't import one another.
LAYERS = [
    {"errors", "array_types"},
    {
        "files",
        "array_files",
        "faces",
        "keras_settings",
        "moved",
        "stopping",
        "text",
        "user_modules",
    },
    {"keras_library", "json_files"},
    {"metrics"},
    {"config", "labels", "records"},
    {"signals"},
    {"formats", "simulate"},
    {"sources"},
    {"download"},
    {"data"},
    {"validation"},
    {"models"},
    {"weights"},
    {"training"},
    # the public name of training's callbacks
    {"callbacks", "evaluation", "transferability"},
    {"statistics"},
    {"export"},
    {"prediction", "serving"},
    {"attribution", "monitoring"},
    {"report"},
    {"workflow"},
    {"study"},
    {"advise"},
    {"cli"},
    {"__main__"},
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

# third party -> the files or folders of the package that may import it
DOORS = {
    "keras": ("keras_library.py",),
    "wfdb": ("formats/wfdb_segments.py",),
    "soundfile": ("formats/wfdb_formats.py",),
    "h5py": ("formats/hdf5_files.py", "models/architecture.py", "weights/keras_files.py"),
    "onnx": ("weights/onnx_files.py", "export/converters.py"),
    "tf2onnx": ("export/converters.py",),
    "onnxruntime": ("export/converters.py",),
    "openvino": ("export/converters.py",),
    "ai_edge_litert": ("export/converters.py",),
    "safetensors": ("weights/weights_files.py",),
    "pydicom": ("formats",),
    "ecgdatakit": ("formats/xml_exports.py",),
    "pandas": ("data", "formats", "sources", "validation"),
    "pyarrow": ("data", "formats", "prediction", "sources", "validation"),
    "pyarrow_hotfix": ("data", "formats", "sources", "validation"),
    "tensorflow_data_validation": ("validation",),
    "apache_beam": ("data/beam.py", "validation"),
    "tensorflow_metadata": ("validation",),
    "tfx_bsl": ("validation",),
    "pydantic": ("config",),
    "ruamel": ("config",),
    "matplotlib": ("report",),
    "jinja2": ("report",),
    "click": ("cli",),
    "rich": ("cli",),
    "tensorflow_serving": ("export", "prediction/server_interfaces.py", "serving"),
    "grpc": ("prediction/server_interfaces.py", "serving/grpc_services.py"),
    "starlette": ("serving/rest.py",),
    "uvicorn": ("serving/rest_server.py",),
    "prometheus_client": ("serving/desk.py",),
    "pooch": ("download",),
    "requests": ("download", "prediction/server_interfaces.py"),
}

# these read databases and compute on arrays: they never import TensorFlow at their top
NO_TENSORFLOW = (
    "__init__.py",
    "errors.py",
    "keras_settings.py",
    "config",
    "signals",
    "metrics",
    "cli",
    "data/__init__.py",
    "data/settings.py",
    "records.py",
    "labels.py",
    "formats",
    "download",
    "sources",
    "data/splits.py",
    "simulate",
    "weights",
)


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def belongs(path: Path, places: tuple[str, ...]) -> bool:
    name = name_of(path)
    return any(name == place or name.startswith(f"{place}/") for place in places)


def list_imports(nodes: Iterator[ast.AST]) -> Iterator[tuple[str, int]]:
    """Dotted names of what is imported, with their lines; `from a import b` gives `a.b`."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def find_upward_imports(text: str, layer: str) -> list[str]:
    """Imports in a module of `layer` of its own row's peers or a row above, or relative ones."""
    wrong = []
    for name, line in list_imports(ast.walk(ast.parse(text))):
        parts = name.split(".")
        if parts[0] not in ("ecg_keras", "") or parts[1:2] in ([layer], ["__version__"]):
            continue
        if len(parts) == 1 or parts[1] not in RANK or RANK[parts[1]] >= RANK[layer]:
            wrong.append(f"line {line}: {name}")
    return wrong


def list_top_imports(text: str) -> Iterator[tuple[str, int]]:
    """What runs when the module is imported: not functions, not `if TYPE_CHECKING`."""
    pending: list[ast.AST] = [ast.parse(text)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield from list_imports(iter([node]))
        pending.extend(ast.iter_child_nodes(node))


def find_tensorflow(text: str) -> list[str]:
    """What imports TensorFlow or Keras when the module is imported, our door to Keras too."""
    return [
        f"line {line}: {name}"
        for name, line in list_top_imports(text)
        if name.split(".")[0] in ("tensorflow", "keras")
        or name.split(".")[:2] == ["ecg_keras", "keras_library"]
    ]


def test_every_part_of_the_package_has_a_layer():
    parts = {path.stem if path.suffix else path.name for path in PACKAGE.iterdir()}
    assert parts - {"__init__", "__pycache__", "py", "tables"} == set(RANK)


@pytest.mark.parametrize("path", [p for p in FILES if p.parent != PACKAGE], ids=name_of)
def test_imports_only_from_layers_below(path):
    layer = path.relative_to(PACKAGE).parts[0]
    assert find_upward_imports(path.read_text(encoding="utf-8"), layer) == []


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
)
def test_single_files_import_only_from_layers_below(name):
    text = (PACKAGE / f"{name}.py").read_text(encoding="utf-8")
    assert find_upward_imports(text, name) == []


def test_an_upward_import_would_be_found():
    text = "import numpy\ndef f():\n    from ecg_keras.models import zoo\nimport ecg_keras.data\n"
    assert find_upward_imports(text, "metrics") == [
        "line 4: ecg_keras.data",
        "line 3: ecg_keras.models.zoo",
    ]
    assert find_upward_imports("from ecg_keras import signals", "metrics") != []
    assert find_upward_imports("import ecg_keras", "metrics") != []
    assert find_upward_imports("from ..models import zoo", "metrics") != []
    assert find_upward_imports("from ecg_keras import errors", "metrics") == []
    assert find_upward_imports("from ecg_keras.metrics import ranking", "metrics") == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_third_parties_come_through_their_own_doors(path):
    wrong = [
        f"line {line}: {name}, allowed only in {', '.join(DOORS[name.split('.')[0]])}"
        for name, line in list_imports(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        if name.split(".")[0] in DOORS and not belongs(path, DOORS[name.split(".")[0]])
    ]
    assert wrong == []


def test_the_table_of_doors_is_that_of_the_docs():
    names: dict[tuple[str, ...], list[str]] = {}
    for name, places in DOORS.items():
        names.setdefault(places, []).append(name)
    rows = ["| door | third party |", "|---|---|"]
    for places, behind in names.items():
        doors, parties = (", ".join(f"`{one}`" for one in ones) for ones in (places, behind))
        rows.append(f"| {doors} | {parties} |")
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert "\n\n{}\n\n".format("\n".join(rows)) in page


@pytest.mark.parametrize(
    "path", [path for path in FILES if belongs(path, NO_TENSORFLOW)], ids=name_of
)
def test_no_tensorflow_is_imported_where_it_is_not_needed(path):
    assert find_tensorflow(path.read_text(encoding="utf-8")) == []


def test_an_import_of_tensorflow_would_be_found():
    door = "ecg_keras.keras_library"
    for line in ("import tensorflow as tf", "from keras import layers", f"import {door}"):
        assert find_tensorflow(line) != [] == find_tensorflow(f"def f():\n    {line}")
    assert find_tensorflow(f"from {door} import keras") == [f"line 1: {door}.keras"]
    assert find_tensorflow("from ecg_keras import keras_library") == [f"line 1: {door}"]
    assert find_tensorflow("from ecg_keras import keras_settings\nimport keras_hub") == []


def test_each_door_and_each_place_without_tensorflow_exists():
    places = [*NO_TENSORFLOW, *(place for doors in DOORS.values() for place in doors)]
    assert [place for place in places if not (PACKAGE / place).exists()] == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_assert_and_no_long_file(path):
    text = path.read_text(encoding="utf-8")
    asserts = [n.lineno for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Assert)]
    assert asserts == []
    assert len(text.splitlines()) <= LINES


@pytest.mark.parametrize(
    "module",
    [
        "ecg_keras.cli",
        "ecg_keras.config",
        "ecg_keras.signals",
        "ecg_keras.metrics",
        "ecg_keras.data",
        "ecg_keras.sources",
        "ecg_keras.models",
        "ecg_keras.weights",
    ],
)
def test_importing_it_imports_no_tensorflow(module):
    assert_no_tensorflow(f"import {module}")


def test_importing_each_module_of_formats_downloads_and_simulations_imports_no_tensorflow():
    packages = ("formats", "download", "simulate")
    paths = [path for path in FILES if belongs(path, packages)]
    names = [".".join(("ecg_keras", *path.relative_to(PACKAGE).with_suffix("").parts))
             for path in paths]  # fmt: skip
    assert len(names) > 30
    assert_no_tensorflow("\n".join(f"import {name.removesuffix('.__init__')}" for name in names))


def assert_no_tensorflow(imports: str):
    code = f"import sys\n{imports}\nprint({{'tensorflow', 'keras'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("set()\n", "")
