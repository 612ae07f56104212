"""YAML to plain values, within bounds: a small file must not ask for much time or memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import ScalarNode

from ecg_keras.errors import CONTROL, ConfigError, shortened

MAX_BYTES = 250_000
# keys and values; where an alias repeats some, they count again
MAX_NODES = 5000
MAX_DEPTH = 50
# of a whole number; 64 bits have no more
MAX_DIGITS = 20


class YamlError(ConfigError):
    """What is wrong with a text of YAML, without its place."""

    def __init__(self, problem: str, line: int | None = None, *, syntax: bool = False) -> None:
        super().__init__(f"{'not YAML: ' * syntax}{problem}")
        self.line, self.syntax = line, syntax


# Aliases are shared while YAML is read, and are written out when settings are made of it: ten lines
# of ten aliases each are ten thousand million values.
class _BoundedComposer(Composer):
    """Counts what a text holds while it is read, so that reading stops where it is too much."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self.warn_double_anchors = False
        self.nodes, self.level = 0, 0
        self.nodes_of: dict[str, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.parser.peek_event()
        line = event.start_mark.line + 1
        before = self.nodes
        is_alias = isinstance(event, AliasEvent)
        if is_alias:
            if event.anchor in self.anchors and event.anchor not in self.nodes_of:
                raise YamlError(f"the alias *{shortened(event.anchor)} is a part of itself.", line)
            self.nodes += self.nodes_of.get(event.anchor, 1)
        else:
            self.nodes, self.level = self.nodes + 1, self.level + 1
            self.nodes_of.pop(event.anchor, None)  # an anchor may be given to another node
        if self.nodes > MAX_NODES:
            raise YamlError(
                f"more than {MAX_NODES} keys and values, with aliases written out. Write fewer.",
                line,
            )
        if self.level > MAX_DEPTH:
            raise YamlError(f"nested more than {MAX_DEPTH} deep. Nest less.", line)
        node = super().compose_node(parent, index)
        if is_alias:
            return node
        self.level -= 1
        if event.anchor is not None:
            self.nodes_of[event.anchor] = self.nodes - before
        if isinstance(node, ScalarNode):
            _check_scalar(node, line)
        return node


def _check_scalar(node: ScalarNode, line: int) -> None:
    if not node.value.isprintable() and (found := CONTROL.search(node.value)):
        raise YamlError(
            f"the control character {found[0]!r} in {shortened(repr(node.value), 40)}. Remove it.",
            line,
        )
    if len(node.value) > MAX_DIGITS and str(node.tag).endswith(":int"):
        raise YamlError(
            f"a whole number has at most {MAX_DIGITS} digits. Received: "
            f"{shortened(node.value, 40)}.",
            line,
        )


def read_yaml(path: Path, kind: str = "recipe") -> Any:
    """What a file of YAML, called its kind in errors, holds as ruamel's types with their lines."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}.") from error
    if len(content) > MAX_BYTES:
        raise ConfigError(
            f"{path}: a {kind} has at most {MAX_BYTES} bytes, and this file has "
            f"{path.stat().st_size}. Name a {kind}."
        )
    try:
        return parse_yaml(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}:{line}: not YAML: byte {error.start + 1} is not UTF-8. Save it as UTF-8."
        ) from error
    except YamlError as error:
        line_of = "" if error.line is None else f":{error.line}"
        raise ConfigError(f"{path}{line_of}: {error}") from error


def parse_yaml(text: str) -> Any:
    """What a text of YAML 1.2 holds, as ruamel's types that know their lines."""
    yaml = YAML(typ="rt")
    yaml.Composer = _BoundedComposer
    try:
        return yaml.load(text)
    except DuplicateKeyError as error:
        key = str(error.problem).removeprefix('found duplicate key "').partition('" with value')[0]
        raise YamlError(
            f"the key {shortened(repr(key))} is there twice. Remove one of them.", _line_of(error)
        ) from error
    except MarkedYAMLError as error:
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        raise YamlError(f"{shortened(problem, 400)}.", _line_of(error), syntax=True) from error
    except YamlError:
        raise
    except Exception as error:  # ruamel lets through what int, datetime and base64 raise
        problem = str(error).partition("\n")[0] or type(error).__name__
        raise YamlError(f"{shortened(problem, 400)}.", syntax=True) from error


def _line_of(error: MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return mark.line + 1 if mark else 1
