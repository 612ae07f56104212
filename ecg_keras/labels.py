"""From a database's codes to labels: what each label of a label set means, and code tables."""

from __future__ import annotations

import csv
import functools
from collections.abc import Collection, Iterable, Mapping
from importlib.resources import files

# for each label, in label order, the codes of which any one makes it present
Definition = Mapping[str, Collection[str]]


def present_labels(codes: Iterable[str], definition: Definition) -> tuple[str, ...]:
    """The labels that a recording's codes make present, in label order.

    Args:
        codes: of one recording; their order and repetitions mean nothing.
        definition: for each label the codes of which any one makes it present.

    Returns:
        Names of `definition`, each once.

    Example:
        >>> present_labels(["59118001"], {"LBBB": ["164909002"], "RBBB": ["713427006", "59118001"]})
        ('RBBB',)
    """
    found = set(codes)
    return tuple(label for label, members in definition.items() if not found.isdisjoint(members))


@functools.cache
def read_table(name: str) -> tuple[dict[str, str], ...]:
    """The rows of one of the package's own code tables, as ``{column: text}``.

    Args:
        name: of the file in ``ecg_keras/tables``, without extension.

    Returns:
        Its rows.

    Example:
        >>> read_table("snomed")[0]["abbreviation"]
        'AF'
    """
    text = files("ecg_keras").joinpath("tables", f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
