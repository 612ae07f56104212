"""How time steps become one vector."""

from typing import get_args, get_type_hints

import keras
import numpy as np
import pytest

from ecg_keras.config import Model
from ecg_keras.models import Backbone, head_of
from ecg_keras.models.architecture import LAST_LAYERS
from ecg_keras.models.building import SUMMARIES, summarise_time

STEPS = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)


def summary(head: str, published: str = "flattened", shape: tuple = (5, 4)) -> keras.Model:
    x = keras.Input(shape)
    return keras.Model(x, summarise_time(x, head, published))


def test_recipes_and_rows_name_the_heads_that_there_are():
    assert get_args(Model.model_fields["head"].annotation) == ("as_published", *SUMMARIES)
    assert get_args(get_type_hints(Backbone)["as_published"]) == tuple(SUMMARIES)
    assert LAST_LAYERS.keys() == SUMMARIES.keys()


@pytest.mark.parametrize("head", SUMMARIES)
def test_a_head_is_known_by_its_last_layer_and_may_be_the_published_one(head):
    model = summary(head)
    assert model.layers[-1].name == LAST_LAYERS[head]
    assert head_of(model) == head
    published = summary("as_published", head)
    assert [layer.name for layer in published.layers[1:]] == [
        layer.name for layer in model.layers[1:]
    ]
    assert np.array_equal(published(STEPS), model(STEPS))


def test_a_network_with_other_layers_has_the_head_that_was_published():
    x = keras.Input((5, 4))
    assert head_of(keras.Model(x, keras.layers.GlobalMaxPooling1D()(x))) == "as_published"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("pooled", STEPS.mean(axis=1)),
        ("mean_max", np.concatenate([STEPS.max(axis=1), STEPS.mean(axis=1)], axis=1)),
        ("attention", STEPS.mean(axis=1)),
        ("flattened", STEPS.reshape(3, 20)),
    ],
)
def test_what_a_head_computes_at_first(head, expected):
    assert np.allclose(summary(head)(STEPS), expected, atol=1e-6)


def test_attention_weighs_steps_by_a_softmax_of_their_scores():
    model = summary("attention")
    query = np.array([1.0, -2.0, 0.5, 3.0], np.float32)
    model.get_layer("embedding_query").set_weights([query[:, np.newaxis]])
    weights = np.exp(STEPS @ query)
    weights /= weights.sum(axis=1, keepdims=True)
    expected = (weights[..., np.newaxis] * STEPS).sum(axis=1)
    assert np.allclose(model(STEPS), expected, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_attention_computes_in_float32_at_least(policy):
    keras.config.set_dtype_policy(policy)
    # the sum of 4,000 exponentials of equal scores is more than half precision counts
    steps = np.zeros((1, 4000, 2))
    steps[:, :2000] = 1
    x = keras.Input(steps.shape[1:], dtype=keras.config.dtype_policy().compute_dtype)
    model = keras.Model(x, summarise_time(x, "attention", "pooled"))
    dtypes = {model.get_layer(f"embedding_{name}").output.dtype for name in ("query", "softmax")}
    assert dtypes == {"float64" if policy == "float64" else "float32"}
    assert np.allclose(np.asarray(model(steps), np.float32), 0.5, atol=1e-3)
