"""The script that scores each network: its study loads, whatever the zoo has."""

from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from ecg_keras.config import load_study
from ecg_keras.models import AS_PUBLISHED_HEAD, BACKBONES, HIGHEST_RATES
from ecg_keras.study import list_cells


@pytest.mark.parametrize("tune", [False, True])
def test_its_study_trains_every_network_in_each_fold(script, tmp_path, tune):
    asked_for = SimpleNamespace(
        only=list(BACKBONES), seeds=1, tune=tune, data=tmp_path, folder=tmp_path / "networks"
    )
    recipe = tmp_path / "networks.yaml"
    with recipe.open("w") as file:
        YAML().dump(script.describe_study(asked_for), file)
    cells = [cell for cell in list_cells(load_study(recipe)).cells if cell.kind == "downstream"]
    ways = [(cell.recipe.model.backbone, cell.recipe.training.batch_size) for cell in cells]
    as_published = [("resnet1d18", 256), ("lstm", 256)]
    assert set(ways) == {*((name, 32) for name in BACKBONES), *as_published}
    assert all(ways.count(way) == 5 for way in ways)
    for cell in cells:
        name, training = cell.recipe.model.backbone, cell.recipe.training
        (phase,) = training.phases
        ours = training.batch_size == 32
        assert phase.learning_rate == ((HIGHEST_RATES[name] or 3e-3) if ours else 0.01)
        flattened = cell.recipe.model.head == "flattened" or (
            cell.recipe.model.head == "as_published" and AS_PUBLISHED_HEAD[name] == "flattened"
        )
        assert flattened is (not ours and name == "lstm"), "crops need a head of any length"
