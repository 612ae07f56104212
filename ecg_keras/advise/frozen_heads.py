"""Is a checkpoint better than a random network? Ridge heads on the frozen weights of both.

As the controls of a study ask it, in pilots: a head in closed form on the checkpoint and one on
random weights of the same network, which take a pass of the training records each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ecg_keras.advise.ways import Way
from ecg_keras.config import RIDGE_HEAD, Recipe, compose, fingerprint
from ecg_keras.errors import DataError
from ecg_keras.evaluation import Predictions, upstream_is_no_better
from ecg_keras.statistics import Arm, contrast

# the recipe of a way with a seed
RecipeOf = Callable[[Way, int], Recipe]
# what a run in the folder of this name predicts of the validation split
Train = Callable[[Recipe, str], Predictions]


@dataclass(frozen=True, eq=False)
class FrozenHeads:
    """What ridge heads say of the validation split: on a checkpoint's weights, and on random ones.

    Both have the same seeds, of which come the random weights and the subset of the records.
    """

    upstream: Arm
    random: Arm


def fit_frozen_heads(
    way: Way, name: str, seeds: Iterable[int], recipe_of: RecipeOf, train: Train
) -> FrozenHeads | str:
    """Fits both for the checkpoint of a way, whose folders' names have ``name``.

    Or says why they can't be fitted, such as on an embedding that memory does not hold.
    """
    network = fingerprint(way.network.model_dump(mode="json"))[:6]
    starts = (
        (Way("linear probe", way.network, way.checkpoint), name),
        # checkpoints of one network have one random one
        (Way("scratch", way.network), f"random-{network}"),
    )
    numbers = tuple(seeds)
    try:
        upstream, random = (
            Arm(
                tuple(
                    (train(_with_ridge_head(recipe_of(start, seed)), f"frozen-{slug}-seed{seed}"),)
                    for seed in numbers
                ),
                name=slug,
            )
            for start, slug in starts
        )
    except DataError as error:
        return " ".join(str(error).split())
    return FrozenHeads(upstream, random)


def _with_ridge_head(recipe: Recipe) -> Recipe:
    return compose([recipe.model_dump(mode="json", by_alias=True), RIDGE_HEAD], "frozen network")


def doubt_checkpoint(
    heads: FrozenHeads | str | None, checkpoint: str, *, level: float, bootstrap: int, seed: int
) -> tuple[str, ...]:
    """A sentence where the checkpoint is not shown to be better than a random network."""
    if heads is None:
        return ()
    if isinstance(heads, str):
        return (f"Whether {checkpoint} is better than a random network is not known: {heads}",)
    arms = [heads.upstream, heads.random]
    gain = contrast(arms, [1, -1], level=level, bootstrap=bootstrap, seed=seed)
    doubt = upstream_is_no_better(gain, checkpoint, "the target")
    return (doubt,) if doubt else ()
