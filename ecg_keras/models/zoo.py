"""The table of backbones. It imports no TensorFlow, so recipes can be checked without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ecg_keras.errors import ConfigError, look_up
from ecg_keras.user_modules import import_own

# name: module and function
BACKBONES: dict[str, str] = {
    "bilstm": "ecg_keras.models.recurrent:bilstm",
    "gru": "ecg_keras.models.recurrent:gru",
    "lstm": "ecg_keras.models.recurrent:lstm",
    "resnet1d18": "ecg_keras.models.resnet1d:resnet1d18",
    "resnet1d50": "ecg_keras.models.resnet1d:resnet1d50",
    "resnet1d101": "ecg_keras.models.resnet1d:resnet1d101",
}

# what head="as_published" means: how the backbone turns its time steps into one embedding
AS_PUBLISHED_HEAD: dict[str, str] = {
    "bilstm": "flattened",
    "gru": "flattened",
    "lstm": "flattened",
    "resnet1d18": "pooled",
    "resnet1d50": "pooled",
    "resnet1d101": "pooled",
}

_RESNET = ("stem", "stage1", "stage2", "stage3", "stage4", "embedding", "head")

# the stages of a backbone's classifier, as `ecg_keras.models.stages` reads them from its layers
STAGES: dict[str, tuple[str, ...]] = {
    "bilstm": ("stem", "head"),
    "gru": ("stem", "head"),
    "lstm": ("stem", "head"),
    "resnet1d18": _RESNET,
    "resnet1d50": _RESNET,
    "resnet1d101": _RESNET,
}


def find_backbone(name: str) -> Callable[..., Any]:
    """The function that builds a backbone.

    Args:
        name: a name of `BACKBONES`, or ``module:function`` of a backbone of your own, which takes
            ``(num_samples, num_leads, *, head, seed)`` as those of this package do.

    Returns:
        A function that returns a functional `keras.Model`.

    Raises:
        ConfigError: there is no such name, module or function.

    Example:
        >>> backbone = find_backbone("resnet1d18")(num_samples=1000, num_leads=12)
        >>> backbone.output_shape
        (None, 512)
    """
    target = name if ":" in name else look_up("backbone", name, BACKBONES)
    module_name, _, function_name = target.partition(":")
    try:
        function: Callable[..., Any] = getattr(import_own(module_name), function_name)
    except (ConfigError, AttributeError) as error:
        raise ConfigError(
            f"backbone {name!r} can't be imported: {error}. A backbone of your own is named "
            "module:function."
        ) from error
    return function
