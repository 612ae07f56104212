"""A page of HTML taken apart, and what every page must hold to."""

from html.parser import HTMLParser
from itertools import pairwise

VOID = {"meta", "link", "br", "img", "input", "hr", "path", "use"}


class Page(HTMLParser):
    """The elements of a page, after a check that every one is closed where it should be."""

    def __init__(self, text):
        super().__init__()
        self.text, self.open, self.elements, self.said = text, [], [], []
        self.feed(text.replace("<wbr>", ""))  # where a word may break, it is one
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.said.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.said).split())

    def all(self, tag):
        return [attributes for name, attributes, _ in self.elements if name == tag]


def check_self_contained(page):
    """It needs no network, no script and no other file."""
    assert not {"script", "link", "img", "iframe", "object", "base"} & {
        tag for tag, *_ in page.elements
    }
    addresses = {
        value
        for _, attributes, _ in page.elements
        for name, value in attributes.items()
        if name in {"href", "src"} and not value.startswith("#")
    }
    assert addresses == set()
    assert "http" not in page.text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "@import" not in page.text and "url(" not in page.text.replace("url(#", "")


def check_accessible(page):
    """It can be read without eyes or mouse, and on a phone."""
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes, _ in page.elements:
        for name in ("aria-labelledby", "href"):
            if name in attributes:
                assert attributes[name].removeprefix("#") in ids
    assert len(page.all("table")) == len(page.all("caption"))
    assert all("scope" in attributes for attributes in page.all("th"))
    assert all(svg["role"] == "img" and svg["aria-labelledby"] for svg in page.all("svg"))
    for tag, attributes, within in page.elements:
        if tag == "table":
            assert within[-1] == "div"
        if attributes.get("class") == "scroll":
            assert attributes["tabindex"] == "0" and attributes["aria-label"]
    levels = [int(tag[1]) for tag, *_ in page.elements if tag in {"h1", "h2", "h3", "h4", "h5"}]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.all("html") == [{"lang": "en"}]
    assert "prefers-color-scheme: dark" in page.text
