"""XceptionTime with the end as published: its head begins before time is averaged."""

import numpy as np
import pytest

from ecg_keras import models

LABELS = ["CD", "HYP", "MI"]


@pytest.fixture(scope="module")
def plain():
    return models.classifier(models.xception_time(60, 3), LABELS)


@pytest.fixture(scope="module")
def path(plain, tmp_path_factory):
    path = tmp_path_factory.mktemp("label_maps") / "model.keras"
    models.save_model(models.with_label_maps(plain), path)
    return path


def test_the_embedding_is_that_of_the_dense_head(plain, path, signals):
    maps = models.load_model(path)
    expected, _ = models.cut_head(plain)(signals[:4, :60])
    embedding, probabilities = models.cut_head(maps)(signals[:4, :60])
    np.testing.assert_allclose(embedding, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(probabilities, maps(signals[:4, :60]), rtol=0, atol=1e-6)
    assert (probabilities.numpy() >= 0.5).all() and (probabilities.numpy() > 0.5).any()


def test_all_but_the_end_comes_into_a_network_for_other_labels(path):
    model = models.classifier(models.xception_time(60, 3, seed=1), ["AF"])
    transfer = models.load_backbone(model, path)
    assert transfer.kept == ("head",)
    name = "stage1_module2_depthwise3"
    expected = models.load_model(path).get_layer(name).get_weights()
    np.testing.assert_array_equal(model.get_layer(name).get_weights(), expected)


def test_the_whole_end_is_the_stage_head(path):
    model = models.load_model(path)
    assert models.stages(model) == ("stem", "stage1", "embedding", "head")
    models.set_trainable(model, from_stage="head")
    names = {variable.path.split("/")[0] for variable in model.trainable_variables}
    assert names == {"head_conv", "head_norm", "head"}
