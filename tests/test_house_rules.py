"""Rules of docs/architecture.md that can be read from the text of the package's modules."""

import ast
import functools
import re
from collections import Counter, defaultdict
from pathlib import Path

import ecg_keras

PACKAGE = Path(ecg_keras.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
# lines of a module that only one other imports
ALONE = 80
DOCSTRING = 5


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


def module_of(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(("ecg_keras", *parts)).removesuffix(".__init__")


MODULES = {module_of(path): path for path in FILES}


def room_of(path):
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


@functools.cache
def exported_by(package):
    """Public names of a package, also those of a lazy face, and the modules that they come from."""
    path = MODULES.get(package)
    if path is None or path.name != "__init__.py":
        return {}
    names = {
        alias.asname or alias.name: node.module
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("ecg_keras.")
        and node.module != "ecg_keras.faces"
        for alias in node.names
    }
    return names | {
        node.name: package
        for node in TREES[path].body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


def test_no_public_name_of_a_lazy_face_is_also_a_module_of_its_package():
    """Else it is the module, once that was imported, and no longer the function."""
    text = "lazy_face(__name__)"
    packages = [name for name, path in MODULES.items() if text in path.read_text(encoding="utf-8")]
    assert "ecg_keras.models" in packages
    for package in packages:
        for name in exported_by(package):
            shadowed = f"{package}.{name}" in MODULES and exported_by(package)[name] != package
            assert not shadowed, f"{package}: rename the module {name}.py"


def list_imported(path):
    """Modules of the package that a module imports, with the names that it takes from each."""
    found = defaultdict(set)
    packages = {}  # names by which the module knows packages
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ecg_keras":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in MODULES and alias.name not in exported_by(node.module):
                    found[inner]
                    packages[alias.asname or alias.name] = inner
                else:
                    found[node.module].add(alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in MODULES:
                    found[alias.name]
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = packages.get(node.value.id)
            if module:
                found[module].add(node.attr)
    return found


IMPORTED = {path: list_imported(path) for path in FILES}


def test_a_file_name_occurs_once():
    places = defaultdict(list)
    for path in FILES:
        if path.name != "__init__.py":
            places[path.name].append(name_of(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_test_file_name_occurs_once():
    # pytest takes two files of one name for the same module, unless they run in processes apart
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_a_class_name_occurs_once():
    places = defaultdict(list)
    for path, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name_of(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_package_is_more_than_a_quarter():
    lines = defaultdict(int)
    for path in FILES:
        lines[room_of(path)] += len(path.read_text(encoding="utf-8").splitlines())
    total = sum(lines.values())
    assert {room: n for room, n in lines.items() if n > total / 4} == {}


def find_circle(graph):
    """Modules that import one another in a loop, the first that is found."""
    state = {}

    def visit(node, trail):
        state[node] = "open"
        for other in sorted(graph[node]):
            if state.get(other) == "open":
                return [*trail[trail.index(other) :], other]
            if other not in state:
                circle = visit(other, [*trail, other])
                if circle:
                    return circle
        state[node] = "done"
        return []

    for node in graph:
        if node not in state:
            circle = visit(node, [node])
            if circle:
                return circle
    return []


def test_no_modules_import_one_another_in_a_circle():
    # a face imports its modules, and they import other packages' faces: faces are no modules here
    faces = {module for module, path in MODULES.items() if path.name == "__init__.py"}
    graph = {
        module: {other for other in IMPORTED[path] if other not in faces and other != module}
        for module, path in MODULES.items()
        if module not in faces
    }
    assert find_circle(graph) == []
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def list_named():
    """Modules that a row of a table names as text, ``ecg_keras.models.recurrent:gru``."""
    return {
        node.value.partition(":")[0]
        for path, tree in TREES.items()
        if path.name != "moved.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    } & set(MODULES)


def find_cramped():
    """Modules of fewer than `ALONE` lines that one module imports, and no table names."""
    importers = defaultdict(set)
    named = list_named()
    for path, imported in IMPORTED.items():
        for module, names in imported.items():
            homes = {exported_by(module).get(name, module) for name in names} or {module}
            for home in homes:
                importers[home].add(path)
    return {
        name_of(path)
        for module, path in MODULES.items()
        if path.name != "__init__.py"
        and room_of(path)
        and module not in named
        and len({one for one in importers[module] if one.name != "__init__.py"}) < 2
        and len(path.read_text(encoding="utf-8").splitlines()) < ALONE
    }


def test_a_module_has_two_importers_or_eighty_lines():
    # a command is a module, which the table of commands imports by its name
    commands = {name for name in find_cramped() if name.startswith("cli/")}
    assert find_cramped() - commands == set()


def find_past_faces():
    """Imports of another package's modules, which its face should stand for."""
    return {
        f"{name_of(path)}: {module}"
        for path, imported in IMPORTED.items()
        for module in imported
        if MODULES.get(module, path).name != "__init__.py"
        and room_of(MODULES.get(module, path)) not in ("", room_of(path))
    }


def test_other_packages_are_imported_through_their_faces():
    assert find_past_faces() == set()


def find_long_docstrings():
    """Docstrings of more than `DOCSTRING` lines of what is not public; a command's is its help."""
    return {
        f"{name_of(path)}: {node.name}"
        for path, tree in TREES.items()
        if room_of(path) not in ("", "cli") and path.name != "__init__.py"
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and node.name not in exported_by(f"ecg_keras.{room_of(path)}")
        and len((ast.get_docstring(node) or "").splitlines()) > DOCSTRING
    }


def test_docstrings_of_what_no_face_exports_are_short():
    assert find_long_docstrings() == set()


def list_words(tree):
    """Names that a module uses, also those in texts such as ``module:function``, once each."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield from (node.name, node.asname or "")
        elif isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield from re.findall(r"\w+", str(node.value))


def find_unused():
    """Functions and classes of modules that no module or template of the package names."""
    used = {word for tree in TREES.values() for word in list_words(tree)}
    used |= {
        word for path in PACKAGE.rglob("*.j2") for word in re.findall(r"\w+", path.read_text())
    }
    for path, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name not in used:
                yield f"{name_of(path)}: {node.name}"


def test_nothing_is_there_that_only_its_tests_use():
    hooks = {"__getattr__"}  # of Python
    assert [one for one in find_unused() if one.rpartition(" ")[2] not in hooks] == []
