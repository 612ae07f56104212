"""The pictures of docs/augmentation.md: of every change, with the settings that the page tells."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from ruamel.yaml import YAML

from ecg_keras.config import Augment

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
PAGE = (ROOT / "docs" / "augmentation.md").read_text(encoding="utf-8")


def sections():
    """For each section with a picture: its title, recipe line, alternative text and file."""
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        found = re.search(r"!\[(.+)\]\(images/augment-(.+)\.svg\)", section)
        if found:
            line = re.search(r"^```yaml\n(.+?)^```", section, re.MULTILINE | re.DOTALL)
            yield section.splitlines()[0], YAML(typ="safe").load(line[1]), found[1], found[2]


def test_every_key_has_a_picture_and_a_section(script):
    told = {name: line["augment"] for _, line, _, name in sections()}
    drawn = {name: dict(plot.settings) for name, plot in script.PLOTS.items()}
    assert told == drawn
    assert {key for settings in drawn.values() for key in settings} == set(Augment.model_fields)
    for title, line, words, name in sections():
        assert title.lower().replace(" ", "-") == name
        assert name.replace("-", "_") in line["augment"]
        Augment.model_validate(line["augment"])
        assert len(words) > 20


def test_every_picture_is_there_and_none_else_and_all_are_small(script):
    files = sorted(IMAGES.glob("augment-*"))
    assert [file.stem for file in files] == sorted(f"augment-{name}" for name in script.PLOTS)
    assert sum(file.stat().st_size for file in files) < 600_000
    for file in files:
        root = ElementTree.parse(file).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        # a page of its own colour, whatever lies behind it
        assert "#fff9f7" in file.read_text()


def test_the_tool_draws_what_the_functions_do(script, tmp_path):
    figure = script.draw_columns(script.PLOTS["gain"])
    lines = [line.get_ydata() for line in figure.axes[0].lines if line.get_gid() is None]
    # before and after, of two leads, from three seeds, around each lead's own zero
    assert len(lines) == 12
    for before, after in zip(lines[::2], lines[1::2], strict=True):
        slope, offset = np.polyfit(before, after, 1)
        np.testing.assert_allclose(after, slope * before + offset, atol=1e-3)
        assert 0.01 < abs(slope - 1) < 0.6
    paths = [tmp_path / name for name in ("one.svg", "two.svg")]
    for path in paths:
        script.write(script.draw_columns(script.PLOTS["gain"]), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_a_crop_is_drawn_where_it_was(script):
    ecg = np.arange(60.0).reshape(20, 3)
    assert script.find(ecg[7:12], ecg) == 7
