"""The table of families of published weights, from their card templates."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML

from documented.markdown import format_table
from ecg_keras import weights

UNKNOWN = "yours to say"


def describe_families() -> str:
    """One row for each card template, with the families that share it."""
    shared: dict[str, list[weights.Family]] = {}
    for row in weights.FAMILIES:
        shared.setdefault(row.card, []).append(row)
    heading = (
        "`family` in cards",
        "input",
        "labels",
        "has seen",
        "licence of the weights",
        "where",
    )
    return format_table(heading, (_describe(rows) for rows in shared.values()))


def _describe(rows: list[weights.Family]) -> tuple[str, ...]:
    card = YAML(typ="safe").load(weights.card_template(rows[0].name))
    seen = [one["database"] for one in card["seen"] or ()]
    labels = card["labels"]
    return (
        ", ".join(f"`{row.name}`" for row in rows),
        _describe_input(card),
        UNKNOWN if labels is None else ", ".join(labels),
        UNKNOWN if card["seen"] is None else ", ".join(f"`{one}`" for one in seen) or "no ECGs",
        card["licence"] or UNKNOWN,
        f"[{card['citation'].split(',')[0]}]({card['url']})",
    )


def _describe_input(card: dict[str, Any]) -> str:
    scaling = card["scaling"]
    over = {"lead": " a lead", "all": " over all"}[scaling.get("over", "lead")]
    steps = [f"{one['kind']} {_numbers(one)}" for one in card["filters"]]
    steps += [] if scaling["kind"] == "none" else [scaling["kind"] + over]
    length = f"{card['samples']} samples at {card['sampling_rate']} Hz"
    leads = f"{len(card['leads'])} leads"
    return ", ".join([leads, length, card["unit"], *steps])


def _numbers(one: dict[str, Any]) -> str:
    values = one.get("hz", one.get("seconds"))
    text = " to ".join(map(str, values)) if isinstance(values, list) else str(values)
    return f"{text} {'Hz' if 'hz' in one else 's'}"
