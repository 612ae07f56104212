"""The table of backbones. It imports no TensorFlow, so recipes can be checked without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ecg_keras.errors import ConfigError, look_up
from ecg_keras.user_modules import import_function

if TYPE_CHECKING:
    from ecg_keras.keras_library import keras


@dataclass(frozen=True)
class Backbone:
    """One row of the table.

    Attributes:
        name: in recipes.
        module: with the function of that name, which builds it.
        family: of networks that are compared with one another as a group.
        as_published: what ``head="as_published"`` means: how the backbone turns its time steps into
            one embedding.
        stages: of its classifier, as `ecg_keras.models.stages` reads them from its layers.
        sources: of the network, numbers of the references in docs/backbones.md.
        dense_embedding: whether a dense layer follows that embedding, so that its weights are for
            one ``head`` alone.
        highest_rate: learning rate of Adam above which it is not known to learn, where it is below
            that of the shipped recipes; docs/backbones.md says what was measured.
    """

    name: str
    module: str
    family: str
    as_published: Literal["pooled", "mean_max", "attention", "flattened"]
    stages: tuple[str, ...]
    sources: tuple[int, ...]
    highest_rate: float | None = None
    dense_embedding: bool = False


_RESNET = ("stem", "stage1", "stage2", "stage3", "stage4", "embedding", "head")
_RNN = ("stem", "head")
_XCEPTION = ("stem", "stage1", "embedding", "head")
_TWO_STAGES = ("stem", "stage1", "stage2", "head")
_NET1D = ("stem", *(f"stage{number}" for number in range(1, 8)), "head")
_RESNET50 = ("stem", "conv1", "conv2", "conv3", "conv4", "conv5", "head")
_EFFICIENT = ("stem", *(f"block{number}" for number in range(1, 7)), "top", "head")
_IMAGES = "ecg_keras.models.image_networks"
_RESNETS = "ecg_keras.models.resnet1d"
_XRESNETS = "ecg_keras.models.xresnet1d"
_THREE_STAGES = ("stem", "stage1", "stage2", "stage3", "head")
_FOUR_STAGES = ("stem", "stage1", "stage2", "stage3", "stage4", "head")
# of a backbone of your own that names none in an attribute ``family`` of its function
OTHER_FAMILY = "other"

ZOO = (
    Backbone("resnet1d18", _RESNETS, "CNN", "pooled", _RESNET, (1, 2), dense_embedding=True),
    Backbone("resnet1d50", _RESNETS, "CNN", "pooled", _RESNET, (1, 2), dense_embedding=True),
    Backbone("resnet1d101", _RESNETS, "CNN", "pooled", _RESNET, (1, 2), dense_embedding=True),
    Backbone("lstm", "ecg_keras.models.recurrent", "RNN", "flattened", _RNN, (1, 3)),
    Backbone("bilstm", "ecg_keras.models.recurrent", "RNN", "flattened", _RNN, (1, 3)),
    Backbone("gru", "ecg_keras.models.recurrent", "RNN", "flattened", _RNN, (1, 4)),
    Backbone("xception_time", "ecg_keras.models.xceptiontime", "CNN", "pooled", _XCEPTION, (5, 6)),
    Backbone("inception_ahus", "ecg_keras.models.ahus", "CNN", "pooled", _TWO_STAGES, (7, 8)),
    Backbone("net1d", "ecg_keras.models.ecgfounder", "CNN", "pooled", _NET1D, (9,)),
    Backbone("ribeiro_resnet", "ecg_keras.models.ribeiro", "CNN", "flattened", _FOUR_STAGES, (10,)),
    Backbone(
        "cnn_transformer",
        "ecg_keras.models.convolution_transformer",
        "transformer",
        "pooled",
        _RESNET,
        (11,),
        3e-4,
        dense_embedding=True,
    ),
    Backbone(
        "vit1d",
        "ecg_keras.models.patch_transformer",
        "transformer",
        "pooled",
        _FOUR_STAGES,
        (12, 13),
        3e-4,
    ),
    Backbone(
        "s4", "ecg_keras.models.s4_network", "SSM", "pooled", _FOUR_STAGES, (14, 15, 16), 1e-3
    ),
    Backbone("cwt_resnet50", _IMAGES, "CNN", "pooled", _RESNET50, (2, 17, 18)),
    Backbone("cwt_efficientnetv2b0", _IMAGES, "CNN", "pooled", _EFFICIENT, (18, 19)),
    Backbone("stft_resnet50", _IMAGES, "CNN", "pooled", _RESNET50, (2, 20)),
    Backbone("fourier_cnn", "ecg_keras.models.fourier", "CNN", "pooled", _TWO_STAGES, (21, 22)),
    Backbone("xresnet1d18", _XRESNETS, "CNN", "mean_max", _FOUR_STAGES, (23, 24)),
    Backbone("xresnet1d50", _XRESNETS, "CNN", "mean_max", _FOUR_STAGES, (23, 24)),
    Backbone("xresnet1d101", _XRESNETS, "CNN", "mean_max", _FOUR_STAGES, (23, 24)),
    Backbone("resnet1d_wang", "ecg_keras.models.wang", "CNN", "mean_max", _THREE_STAGES, (21, 23)),
    Backbone("fcn_wang", "ecg_keras.models.wang", "CNN", "mean_max", _TWO_STAGES, (21, 23)),
    Backbone(
        "inception1d",
        "ecg_keras.models.inception_time",
        "CNN",
        "mean_max",
        ("stem", "stage1", "head"),
        (8, 23),
    ),
)

# the columns of the table by name
BACKBONES: Mapping[str, str] = {row.name: f"{row.module}:{row.name}" for row in ZOO}
FAMILIES: Mapping[str, str] = {row.name: row.family for row in ZOO}
AS_PUBLISHED_HEAD: Mapping[str, str] = {row.name: row.as_published for row in ZOO}
STAGES: Mapping[str, tuple[str, ...]] = {row.name: row.stages for row in ZOO}
HIGHEST_RATES: Mapping[str, float | None] = {row.name: row.highest_rate for row in ZOO}
DENSE_EMBEDDINGS = tuple(row.name for row in ZOO if row.dense_embedding)


def published_head(backbone: str, head: str) -> str | None:
    """What a backbone's ``head`` is where it may be ``"as_published"``.

    Returns:
        The head's name; ``None`` of a backbone of the user's own, which says it once it is built.

    Example:
        >>> published_head("lstm", "as_published"), published_head("lstm", "pooled")
        ('flattened', 'pooled')
    """
    return AS_PUBLISHED_HEAD.get(backbone) if head == "as_published" else head


def weights_fit(backbone: str, theirs: str | None, ours: str | None) -> bool:
    """Whether weights of a backbone with one ``head`` fit the same backbone with another.

    Args:
        backbone: a name of `BACKBONES`; of a network of your own that is known once it is built.
        theirs, ours: such as ``"pooled"``, as `published_head` gives them.

    Example:
        >>> [weights_fit(name, "pooled", "mean_max") for name in ("gru", "resnet1d18")]
        [True, False]
    """
    return theirs == ours or not (backbone in DENSE_EMBEDDINGS or "attention" in (theirs, ours))


def find_backbone(name: str) -> Callable[..., keras.Model]:
    """The function that builds a backbone.

    Args:
        name: a name of `BACKBONES`, or ``module:function`` of a backbone of your own.

    Returns:
        A function of ``(num_samples=1000, num_leads=12, *, head="as_published", seed=0)`` that
        returns a functional `keras.Model` from ``signal`` ``(batch, num_samples, num_leads)`` to
        an embedding ``(batch, size)``. Both sizes are at least 1; 1000 samples are 10 s at 100 Hz.
        ``head`` is how the last time steps become one vector: ``"pooled"`` (their mean),
        ``"mean_max"``, ``"attention"``, ``"flattened"``, or the one that `AS_PUBLISHED_HEAD` names.
        ``seed`` is of the first weights and of dropout; equal seeds give equal weights. A size that
        is too small and an unknown ``head`` are a `ConfigError`.

    Raises:
        ConfigError: there is no such name, module or function.

    Example:
        >>> backbone = find_backbone("resnet1d18")(num_samples=1000, num_leads=12)
        >>> backbone.output_shape
        (None, 512)
    """
    target = name if ":" in name else look_up("backbone", name, BACKBONES)
    return import_function("backbone", target)


def family_of(backbone: str) -> str:
    """The family of networks that a backbone belongs to.

    Args:
        backbone: a name of `BACKBONES`, or ``module:function`` of a backbone of your own, whose
            attribute ``family`` names one.

    Returns:
        Such as ``"CNN"``; ``"other"``, a family like any other, where none is named.

    Raises:
        ConfigError: there is no such module or function.

    Example:
        >>> family_of("gru"), family_of("mystery")
        ('RNN', 'other')
    """
    if ":" not in backbone:
        return FAMILIES.get(backbone, OTHER_FAMILY)
    return str(getattr(find_backbone(backbone), "family", OTHER_FAMILY))


def highest_rate_of(backbone: str) -> float | None:
    """The learning rate of Adam above which a backbone is not known to learn.

    Args:
        backbone: a name of `BACKBONES`, or ``module:function`` of a backbone of your own, whose
            attribute ``highest_rate`` names one.

    Returns:
        The rate; ``None`` where no such limit is known, or there is no such module or function.

    Example:
        >>> highest_rate_of("vit1d"), highest_rate_of("resnet1d18")
        (0.0003, None)
    """
    if ":" not in backbone:
        return HIGHEST_RATES.get(backbone)
    with suppress(ConfigError):  # whoever builds it says that it is not there
        rate = getattr(find_backbone(backbone), "highest_rate", None)
        return None if rate is None else float(rate)
    return None
