"""25: all ECGs in one array, read by a module of the user's own."""

import sys

import pytest

from ecg_keras.config import Data
from ecg_keras.data import prepare

# what a row of the array must become: the missing samples and the dead leads of make.py
WRONG = {"000003", "000009"}


# the case is of an earlier version, whose names warn
@pytest.mark.filterwarnings("ignore:ecg_keras.* has moved to:FutureWarning")
@pytest.mark.parametrize("name", ["my_array", "lab.my_array"])
def test_a_module_beside_the_recipe_is_a_source(case, monkeypatch, name):
    folder = case("25-one-big-array")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for module in ("my_array", "lab", "lab.my_array"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    data = Data(source=name, raw=folder / "raw", sampling_rate=100, seconds=4, quarantine=0.2)
    dataset = prepare(data, folder / "shards", on_warning=lambda text: None)
    assert {one.record_id for one in dataset.quarantined} == WRONG
    assert sum(split.records for split in dataset.splits.values()) == 14
    assert sum(split.labels["AF"] for split in dataset.splits.values()) == 6
    for module in ("my_array", "lab", "lab.my_array"):
        sys.modules.pop(module, None)
