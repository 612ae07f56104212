"""Simulates a small hospital and prepares its ECGs: what the other examples train on."""

from ecg_keras import data, simulate
from ecg_keras.config import load_recipe

settings = load_recipe("small.yaml").recipe.data
simulate.simulate(settings.raw, **settings.simulate.model_dump())
data.prepare(settings, "shards/small")
print(data.describe("shards/small").table())
