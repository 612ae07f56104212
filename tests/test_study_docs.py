"""What docs/study.md says of the keys of a study recipe is so."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_origin

import pytest
from pydantic import BaseModel

from ecg_keras.config import Part, Study, load_study
from ecg_keras.config.study import Left
from ecg_keras.study import list_cells

PAGE = Path(__file__).resolve().parents[1] / "docs" / "study.md"
# what a mapping's keys are called on the page
KEYS = {"raw": "SOURCE"}


def fields(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every key that holds a value, with its default; a name of the user's own is NAME."""
    for name, field in section.model_fields.items():
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        parts = getattr(field.annotation, "__args__", ())
        sections = [one for one in (field.annotation, *parts) if is_section(one)]
        key = prefix + name
        if get_origin(field.annotation) is dict and field.annotation != Part:
            key, default = f"{key}.{KEYS.get(name, 'NAME')}", None
            sections = [one for one in parts if is_section(one)]
        if sections and not isinstance(default, tuple):
            yield from fields(sections[0], f"{key}.")
        else:
            yield key, default


def is_section(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, BaseModel)


def documented() -> dict[str, str]:
    """The keys of the page's table, each with its default as it is written there."""
    told = {}
    text = PAGE.read_text().partition("\n## Keys\n")[2]
    for keys, defaults in re.findall(r"^\| (`.+?) \| (.+?) \|", text, re.MULTILINE):
        names = re.findall(r"`([^`]+)`", keys)
        written = defaults.split(", ") if len(names) > 1 else [defaults]
        told |= dict(zip(names, written, strict=True))
    return told


def test_the_page_names_every_key_and_no_other():
    assert set(documented()) == {key for key, _ in fields(Study)}
    (row,) = re.findall(r"^\| `exclude` .*", PAGE.read_text(), re.MULTILINE)
    assert set(Left.model_fields) <= set(re.findall(r"`(\w+)`", row))


def test_the_page_tells_the_defaults():
    told, compared = documented(), 0
    for key, default in fields(Study):
        written = told.get(key, "").replace("`", "")
        if isinstance(default, tuple) and default:
            assert written == str(list(default)).replace("'", ""), key
        elif isinstance(default, bool):
            assert written == str(default).lower(), key
        elif isinstance(default, int | float):
            assert float(written) == default, key
        elif isinstance(default, str):
            assert written == default, key
        else:
            continue
        compared += 1
    assert compared >= 12


@pytest.mark.parametrize("block", re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.M | re.S))
def test_the_examples_are_studies(tmp_path, block):
    path = tmp_path / "example.yaml"
    path.write_text(block)
    plan = list_cells(load_study(path))
    modes = [cell.recipe.mode for cell in plan.cells if cell.kind != "candidate"]
    # two backbones, two sizes, three seeds, five folds, four protocols
    assert {mode: modes.count(mode) for mode in set(modes)} == {
        "pretrain": 4,
        "scratch": 240,
        "finetune": 240,
    }
    # each of the 120 that are scaled by minimum and maximum is chosen from four, and so is each of
    # the sound ones, of whose candidates one is the untuned run
    assert len(plan.cells) - len(modes) == 4 * 120 + 3 * 120
