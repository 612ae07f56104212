"""For each family, the published name of what belongs to one of our layers."""

from __future__ import annotations

import re


def resnet1d(layer: str) -> str | None:
    """Of the code released with the paper (arXiv 2402.02021), named as torchvision's ResNet."""
    outside = {"stem_conv": "conv1", "stem_norm": "bn1", "embedding_dense": "fc1", "head": "fc2"}
    if layer in outside:
        return outside[layer]
    found = re.fullmatch(r"stage(\d)_block(\d+)_(shortcut_)?(conv|norm)(\d?)", layer)
    if found is None:
        return None
    stage, block, shortcut, kind, number = found.groups()
    place = f"layer{stage}.{int(block) - 1}"
    if shortcut:
        return f"{place}.downsample.{0 if kind == 'conv' else 1}"
    return f"{place}.{'conv' if kind == 'conv' else 'bn'}{number}"
