"""A recipe as people write it: what differs from the defaults, with comments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ecg_keras.config import Recipe


def write_recipe_text(
    recipe: Recipe, header: Sequence[str], comments: Mapping[str, str] | None = None
) -> str:
    """YAML that `ecg_keras.config.load_recipe` reads back as the same recipe.

    Args:
        recipe: what to write.
        header: lines of the comment on top.
        comments: by section, such as ``initialise``: a line above it.

    Example:
        >>> from ecg_keras.config import Recipe
        >>> data = {"source": "ptb", "raw": "data/raw/ptb"}
        >>> print(write_recipe_text(Recipe(mode="scratch", data=data), ["Learn."]), end="")
        # Learn.
        mode: scratch
        data:
          source: "ptb"
          raw: "data/raw/ptb"
    """
    lines = [f"# {line}".rstrip() for line in header]
    tree = recipe.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for section, values in tree.items():
        if comments and section in comments:
            lines.append(f"# {comments[section]}")
        if not isinstance(values, dict):
            lines.append(f"{section}: {values if section == 'mode' else json.dumps(values)}")
            continue
        lines.append(f"{section}:")
        # JSON is YAML, too
        lines += [
            f"  {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()
        ]
    return "\n".join(lines) + "\n"
