"""Which of the known families the tensors of a file are of, and which of them are the network's."""

from __future__ import annotations

from collections.abc import Mapping

from ecg_keras.array_types import AnyArray
from ecg_keras.errors import DataError
from ecg_keras.weights.families import FAMILIES, Family, Shape
from ecg_keras.weights.weights_files import under_wrappers


def recognise(tensors: Mapping[str, AnyArray]) -> Family | None:
    """The family that names and shapes of tensors are of, or `None` where no row has them.

    A file that several networks of ours can take, such as ImageNet's, is of the first.

    Args:
        tensors: such as `read_tensors` returns.

    Example:
        >>> recognise({"conv1.weight": np.zeros((64, 12, 7))}) is None
        True
    """
    for named in (tensors, *under_wrappers(tensors).values()):
        fitting = [row for row in FAMILIES if looks_like(named, row)]
        ways = [row.recognised_by for row in fitting]
        if ways and ways.count(ways[0]) == len(ways):
            return fitting[0]
    return None


def of_network(
    tensors: Mapping[str, AnyArray], family: Family
) -> tuple[Mapping[str, AnyArray], tuple[str, ...]]:
    """The tensors of the network alone, where what trained it keeps others beside it.

    A checkpoint of Lightning has ``model.conv1.weight`` beside ``criterion.pos_weight``.

    Args:
        tensors: such as `read_tensors` returns.
        family: a row of `FAMILIES`.

    Returns:
        Those under the one wrapper (``model.``, ``net.``, ...) under which they have the names of
        the family, without it, and the names of the others; all of them where they have these
        names already, or under no wrapper.

    Raises:
        DataError: there are several such networks.

    Example:
        >>> tensors = {"model.gru.weight_ih_l0": np.zeros((300, 12)), "loss.weight": np.ones(5)}
        >>> network, others = of_network(tensors, find_family("gru"))
        >>> list(network), others
        (['gru.weight_ih_l0'], ('loss.weight',))
    """
    if looks_like(tensors, family):
        return tensors, ()
    wrapped = under_wrappers(tensors)
    found = [prefix for prefix, inside in wrapped.items() if looks_like(inside, family)]
    if len(found) > 1:
        raise DataError(
            f"holds {len(found)} networks of {family.name}, {'* and '.join(found)}*. Save the "
            "state dict of one alone."
        )
    if not found:
        return tensors, ()
    return wrapped[found[0]], tuple(name for name in tensors if not name.startswith(found[0]))


def looks_like(tensors: Mapping[str, AnyArray], family: Family) -> bool:
    """Whether tensors have the names and shapes by which a family is recognised.

    Args:
        tensors: such as `read_tensors` returns.
        family: a row of `FAMILIES`.

    Example:
        >>> looks_like({"conv1.weight": np.zeros((64, 12, 7))}, find_family("resnet1d18"))
        False
    """
    named = family.renamed(tensors)
    shapes = {name: named[name].shape for name in family.recognised_by if name in named}
    return all(_fits(shapes.get(name), shape) for name, shape in family.recognised_by.items())


def has_head(tensors: Mapping[str, AnyArray], family: Family) -> bool:
    """Whether the published head is among tensors, or a part of it.

    Args:
        tensors: such as `read_tensors` returns.
        family: a row of `FAMILIES`.

    Example:
        >>> has_head({"fc1.weight": np.zeros((512, 512))}, find_family("resnet1d18"))
        False
    """
    begins = tuple(f"{family.tensors('head')}{sign}" for sign in "./")
    network, _ = of_network(tensors, family)
    named = any(name.startswith(begins) for name in family.renamed(network))
    return named and "head" not in family.own


def _fits(found: tuple[int, ...] | None, wanted: Shape | None) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return len(found) == len(wanted) and all(
        want in (None, has) for want, has in zip(wanted, found, strict=True)
    )
