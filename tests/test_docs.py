"""What the Markdown files say is so: keys and defaults, links, commands, Python examples."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from published_weights import publish
from pydantic import BaseModel

import ecg_keras as ecg
from ecg_keras import workflow
from ecg_keras.cli import cli
from ecg_keras.config import Phase, Recipe, load_study, parse_overrides
from ecg_keras.errors import unknown_name
from ecg_keras.models import ZOO
from ecg_keras.simulate import simulate
from ecg_keras.study import list_cells

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("recipes/*.md")])
CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


# ---------------------------------------------------------------- docs/recipes.md


def fields(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every dotted key of a section that holds a value, with its default."""
    for name, field in section.model_fields.items():
        key = prefix + (field.alias or name)
        inner = [one for one in classes(field.annotation) if issubclass(one, BaseModel)]
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        if inner == [Phase]:
            yield key, default
            yield from fields(Phase)
        elif inner:
            yield from fields(inner[0], f"{key}.")
        else:
            yield key, default


def classes(annotation: object) -> list[type]:
    """The classes in a type such as ``Section | None`` or ``tuple[Section, ...]``."""
    parts = getattr(annotation, "__args__", ())
    if not parts:
        return [annotation] if isinstance(annotation, type) else []
    return [one for part in parts for one in classes(part)]


def documented() -> Iterator[tuple[str, str]]:
    """The keys in the table of docs/recipes.md, each with its default as it is written there."""
    text = (ROOT / "docs/recipes.md").read_text().partition("\n## Keys\n")[2]
    for row in re.findall(r"^\| (`.+?) \| (.+?) \|", text, re.MULTILINE):
        keys = re.findall(r"`([^`]+)`", row[0])
        section = keys[0].rpartition(".")[0]
        keys = [section + key if key.startswith(".") else key for key in keys]
        defaults = re.split(r",\s+(?![^\[]*\])", row[1]) if len(keys) > 1 else [row[1]]
        assert len(defaults) == len(keys), row
        yield from zip(keys, defaults, strict=True)


def test_the_page_of_recipes_names_every_key_and_no_other():
    assert sorted(key for key, _ in documented()) == sorted(key for key, _ in fields(Recipe))


def test_the_page_of_recipes_shows_the_error_of_today():
    text = (ROOT / "docs/recipes.md").read_text()
    message = unknown_name("backbone", "resnet18", (one.name for one in ZOO))
    assert f"12: model.backbone: {message}\n" in text


def test_the_page_of_recipes_tells_the_defaults():
    told, compared = dict(documented()), 0
    for key, default in fields(Recipe):
        written = told[key].strip("`")
        if isinstance(default, bool):
            assert written == str(default).lower(), key
        elif isinstance(default, int | float):
            assert float(written) == default, key
        elif isinstance(default, str | Path):
            assert written == str(default), key
        elif isinstance(default, tuple) and key != "training.phases":
            assert written == str(list(default)), key
        else:
            continue
        compared += 1
    assert compared > 35


# ---------------------------------------------------------------- links


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return plain.strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page):
    text = CODE.sub("", page.read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name) if name else page
        assert path.exists(), f"{page.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", CODE.sub("", path.read_text()), re.MULTILINE)
            assert anchor in map(slug, headings), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_files_of_the_repository_are_where_a_page_says(page):
    if page.name == "CHANGELOG.md":
        return  # names what has moved since
    text = page.read_text()
    for path in re.findall(r"`((?:ecg_keras|tests|tools|recipes|docs)/[\w/.]+)`", text):
        assert (ROOT / path).exists(), f"{page.name} names {path}"
    for table, path in re.findall(r"`([A-Z_]{3,})`[^`]{0,30}\sin\s+`(ecg_keras/[\w/]+\.py)`", text):
        defined = re.search(rf"^{table}\b", (ROOT / path).read_text(), re.MULTILINE)
        assert defined, f"{page.name} looks for {table} in {path}"


def test_the_readme_leads_to_every_page():
    linked = set(re.findall(r"\]\(([^)#\s]+)\)", (ROOT / "README.md").read_text()))
    assert {str(page.relative_to(ROOT)) for page in ROOT.glob("docs/*.md")} <= linked


def test_the_readme_counts_databases_and_networks():
    text = (ROOT / "README.md").read_text()
    databases = set(ecg.sources.SOURCES) - {"folder", "simulated"}
    assert f"[{len(databases)} databases](docs/sources.md)" in text
    assert f"[{len(ecg.models.BACKBONES)} networks](docs/backbones.md)" in text


# ---------------------------------------------------------------- commands


def quoted_commands(page: Path) -> list[str]:
    """What a page tells to type: lines of code blocks, and code in the text."""
    text = page.read_text()
    lines = [
        line.removeprefix("$ ")
        for block in CODE.findall(text)
        for line in block.replace("\\\n", " ").splitlines()
    ]
    lines += re.findall(r"`(ecg-keras [^`]+)`", CODE.sub("", text))
    return [line for line in lines if line.startswith("ecg-keras ")]


# a card of weights that filter nothing, so that crops are allowed
PLAIN = [("filters: [{kind: highpass, hz: 0.5, order: 1}]", "filters: []")]
COMMANDS = [(page, line) for page in PAGES for line in quoted_commands(page)]


@pytest.mark.parametrize(
    ("page", "line"), COMMANDS, ids=[f"{page.name}: {line}" for page, line in COMMANDS]
)
def test_a_quoted_command_can_be_typed(page, line, tmp_path):
    command: click.Command = cli
    words = shlex.split(line, comments=True)[1:]
    name = "ecg-keras"
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(click.Context(command), name)
        assert found is not None, f"{page.name}: there is no command {name}"
        command = found
    if not words:  # the text speaks of the command
        return
    given = command.make_context(name, words).params
    if "recipe" in given and (ROOT / given["recipe"]).is_file():
        overrides = parse_overrides(given.get("assignments", ()))
        if name == "study":
            for key in [key for key in overrides if key.endswith(".from")]:
                path, _ = publish(
                    tmp_path, family="xception_time", rate=100, samples=1000, changes=PLAIN
                )
                overrides[key] = str(path)
            list_cells(load_study(ROOT / given["recipe"], overrides))
            return
        loaded = workflow.load(ROOT / given["recipe"], overrides)
        workflow.upstream_recipe(loaded)


def test_commands_are_found_on_the_pages():
    assert len(COMMANDS) > 25
    assert {line.split()[1] for _, line in COMMANDS} >= {"train", "compare", "export", "simulate"}


# ---------------------------------------------------------------- Python


def examples(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def shortened(code: str, **changes: str) -> str:
    for old, new in changes.items():
        assert f"{old}=" in code
        code = re.sub(rf"\b{old}=\d+", f"{old}={new}", code)
    return code


@pytest.mark.slow
def test_the_examples_in_python_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    simulate("data/raw/ptbxl", hospital="lakeside", records=60)
    backbone = ecg.models.find_backbone("resnet1d18")(num_samples=200, num_leads=12)
    upstream = ecg.models.classifier(
        backbone, ("A", "B"), scaling="standardise", mean=[0] * 12, std=[1] * 12
    )
    for run in ("runs/simulated_pretrain", "runs/ptbxl_pretrain"):
        Path(run).mkdir(parents=True)
        ecg.models.save_model(upstream, f"{run}/model.keras")

    callbacks, phase, search = examples("docs/callbacks.md")
    assert "ecg.train(" in search  # tests/workflow/test_searching.py
    names = {}
    exec(
        compile(shortened(callbacks, seconds="2", num_samples="200"), "callbacks.md", "exec"), names
    )
    assert "macro AUROC" in capsys.readouterr().out
    assert len(Path("log.csv").read_text().splitlines()) == 3
    assert Path("serving/mine/1/saved_model.pb").is_file()
    exec(compile(phase, "callbacks.md", "exec"), names)
    assert len(Path("phase.csv").read_text().splitlines()) == 3

    (readme,) = examples("README.md")
    exec(compile(shortened(readme, num_samples="200", epochs="1"), "README.md", "exec"), {})
