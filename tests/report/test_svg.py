"""A figure as part of a page: themed, titled, small, the same every time."""

import re
from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib.figure import Figure

from ecg_keras.report.style import DARK, LIGHT, STYLE
from ecg_keras.report.svg import inline_svg


def figure(text="label"):
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(3, 2))
        axes = made.subplots()
        axes.plot(range(5000), [i**0.5 for i in range(5000)], color=LIGHT["blue"], marker="o")
        axes.set_title(text)
    return made


def test_it_is_well_formed_and_has_a_text_alternative():
    root = ElementTree.fromstring(inline_svg(figure(), "one", "What <it> shows & why"))
    title = root[0]
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", title.get("id"))
    assert title.text == "What <it> shows & why"
    assert not {"width", "height", "style"} & set(root.attrib), "it is as wide as its box"
    assert root.get("viewBox") == "0 0 216 144"


def test_colours_become_the_themes_variables():
    svg = inline_svg(figure(), "one", "t")
    assert "var(--blue)" in svg
    assert LIGHT["blue"] not in svg
    assert set(LIGHT) == set(DARK)


def test_ids_are_unique_in_a_page_and_references_hold():
    both = inline_svg(figure(), "one", "t") + inline_svg(figure(), "two", "t")
    ids = re.findall(r'\bid="([^"]+)"', both)
    assert len(ids) == len(set(ids)) > 4
    references = re.findall(r'href="#([^"]+)"', both) + re.findall(r"url\(#([^)]+)\)", both)
    assert references
    assert set(references) <= set(ids)
    assert "xlink" not in both


def test_nothing_is_left_that_changes_or_leads_outside():
    svg = inline_svg(figure(), "one", "t")
    assert svg == inline_svg(figure(), "one", "t")
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
    assert "Matplotlib" not in svg
    assert "DejaVu" not in svg


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "a$b$", "ST & T", "心筋梗塞", "\\frac"]
)
def test_any_text_is_drawn_as_it_is(name):
    svg = inline_svg(figure(name), "one", name)
    texts = [element.text for element in ElementTree.fromstring(svg).iter()]
    assert texts.count(name) == 2  # the title of the element and that of the axes
    assert "<script" not in svg
