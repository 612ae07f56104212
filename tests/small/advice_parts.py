"""Parts of advice, for the tests of it."""

import numpy as np

from ecg_keras.advise import Advice
from ecg_keras.advise.advice import weigh
from ecg_keras.advise.candidates import CheckpointFacts
from ecg_keras.advise.pilot_sizes import Size
from ecg_keras.advise.pilots import Piloted
from ecg_keras.advise.ways import Way
from ecg_keras.config import Model
from ecg_keras.data import Dataset, SplitSummary
from ecg_keras.evaluation import Predictions, RunFacts
from ecg_keras.statistics import Arm
from ecg_keras.transferability import Ranking

NETWORK = Model(backbone="resnet1d18")
SCRATCH = Way("scratch", NETWORK)
PROBE = Way("linear probe", NETWORK, "runs/up")
FINETUNE = Way("fine-tune", NETWORK, "runs/up")
UNKNOWN = (RunFacts(),) * 3
SETTINGS = {"source": "ptb", "label_set": "superdiagnostic", "seconds": 10.0}


def dataset(train: int = 1000, valid: int = 100) -> Dataset:
    splits = {
        name: SplitSummary(records, records, {"MI": records // 4, "HYP": 12}, {}, {})
        for name, records in (("train", train), ("valid", valid), ("test", 50))
    }
    return Dataset(
        "ptb", "x", ("MI", "HYP"), ("I",), 100.0, 1000, splits, (), (), (), SETTINGS, "f", "r"
    )


def arm(name: str, skill: float, seeds: int = 3, records: int = 600, wobble: float = 0.0) -> Arm:
    truth = np.random.default_rng(0).integers(0, 2, (records, 2)).astype(np.uint8)
    ids = np.array([f"r{row:04d}" for row in range(records)])
    runs = []
    for seed in range(seeds):
        rng = np.random.default_rng(100 + seed)  # the same records are hard for all ways
        own = skill + wobble * np.random.default_rng([seed, len(name)]).normal()
        noise = rng.normal(size=truth.shape)
        said = 1 / (1 + np.exp(-(own * (2 * truth - 1.0) + noise)))
        runs.append((Predictions(("MI", "HYP"), ids, ids, truth, said.astype(np.float32)),))
    return Arm(tuple(runs), name=name)


def piloted(wobble: float = 0.0, **skills: float) -> list[Piloted]:
    ways = {"scratch": SCRATCH, "probe": PROBE, "finetune": FINETUNE}
    seconds = {"scratch": 50.0, "probe": 20.0, "finetune": 60.0}
    return [
        Piloted(
            ways[name],
            arm(name, skill, wobble=wobble),
            UNKNOWN,
            seconds[name],
            2 * seconds[name],
        )
        for name, skill in skills.items()
    ]


def weighed(margin: float = 0.02, **skills: float):
    return weigh(piloted(**skills), margin=margin, level=0.95, bootstrap=300, seed=0)


def advice(records: int = 200, epochs: int = 16, margin: float = 0.02, **skills) -> Advice:
    size = Size(records, epochs)
    trials, word, choice = weighed(margin=margin, **skills)
    candidates = (
        CheckpointFacts("runs/up", NETWORK, "ptbxl", 900, ("MI",), False, ("train: age: off",)),
        CheckpointFacts("a.keras", NETWORK, None, None, (), False, None, "no shards here"),
    )
    values = {"knn": (0.8, 0.7), "linear_probe": (0.8, 0.7)}
    ranking = Ranking("shards/x", 9, 9, ("MI",), (), ("runs/up", "a.keras"), values)
    return Advice(
        "shards/x", dataset(), candidates, ranking, size, trials, word, choice, margin, 0.95
    )
