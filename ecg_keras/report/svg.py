"""A matplotlib figure as an SVG element that lives inside a page: themed, titled and small."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from ecg_keras.report.style import LIGHT, STYLE, without_font_warnings

SVG = "{http://www.w3.org/2000/svg}"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
VARIABLES = {colour: f"var(--{name})" for name, colour in LIGHT.items()}
# text stays text, so that it can be searched, read aloud and set in the page's own font; the salt
# makes the ids, and so the page's bytes, the same every time
WRITING: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ecg_keras",
    "path.simplify": True,
}


def inline_svg(figure: Figure, name: str, title: str) -> Markup:
    """The figure as an ``<svg>`` element that fills its box, in the colours of the page's theme."""
    root = ElementTree.fromstring(_written(figure))
    for parent in root.iter():
        for child in [child for child in parent if _shows_nothing(child)]:
            parent.remove(child)
    used = {match for element in root.iter() for match in _references(element)}
    for element in root.iter():
        _clean(element, name, used)
    del root.attrib["width"], root.attrib["height"]
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title")
    label = ElementTree.Element(f"{SVG}title", {"id": f"{name}-title"})
    label.text = title
    root.insert(0, label)
    ElementTree.register_namespace("", SVG[1:-1])
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _written(figure: Figure) -> bytes:
    buffer = BytesIO()
    with matplotlib.rc_context({**STYLE, **WRITING}), without_font_warnings():
        # else savefig draws everything once more, to nowhere, for the layout alone
        FigureCanvasSVG(figure)
        if (layout := figure.get_layout_engine()) is not None:
            layout.execute(figure)
            figure.set_layout_engine(None)
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return buffer.getvalue()


def _shows_nothing(element: ElementTree.Element) -> bool:
    return element.tag == f"{SVG}metadata" or element.get("style") == "fill: none"


def _references(element: ElementTree.Element) -> list[str]:
    href = element.get(XLINK_HREF, "").removeprefix("#")
    clip = re.findall(r"url\(#([^)]+)\)", element.get("clip-path", ""))
    return [*clip, *([href] if href else [])]


def _clean(element: ElementTree.Element, name: str, used: set[str]) -> None:
    attributes = element.attrib
    if element.tag != f"{SVG}text":
        element.text = None  # indentation
    element.tail = None
    if attributes.get("id") not in used:
        attributes.pop("id", None)
    else:
        attributes["id"] = f"{name}-{attributes['id']}"
    if XLINK_HREF in attributes:
        attributes["href"] = f"#{name}-{attributes.pop(XLINK_HREF)[1:]}"
    if "clip-path" in attributes:
        attributes["clip-path"] = attributes["clip-path"].replace("url(#", f"url(#{name}-")
    for key in ("d", "x", "y", "transform"):
        if key in attributes:
            attributes[key] = _rounded(attributes[key])
    if "style" in attributes:
        attributes["style"] = _themed(attributes["style"])


def _rounded(text: str) -> str:
    text = re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", text)
    return " ".join(text.split())


def _themed(style: str) -> str:
    style = re.sub(r"#[0-9a-f]{6}", lambda colour: VARIABLES.get(colour[0], colour[0]), style)
    style = re.sub(r"font-family:[^;]*(; )?", "", style)  # the page's
    return re.sub(r"(font: .*?\d+px) [^;]*", r"\1 system-ui, sans-serif", style)
