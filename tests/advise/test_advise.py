"""What advice rests on and what it says; whole calls are in tests/cli/test_advise_command.py."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecg_keras import models
from ecg_keras.advise import Advice, advise, pilots, write_recipe
from ecg_keras.advise.advice import weigh
from ecg_keras.advise.candidates import CheckpointFacts, describe_candidate
from ecg_keras.advise.pilots import Piloted, Size
from ecg_keras.advise.recommend import list_ways, recipe_text
from ecg_keras.advise.ways import Way, epochs_for
from ecg_keras.config import Model, Recipe, Tune, load_recipe
from ecg_keras.data import Dataset, SplitSummary
from ecg_keras.data.leaks import SAME_SIGNAL, Leak
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Fit, Predictions, RunFacts
from ecg_keras.statistics import Arm
from ecg_keras.training import Known
from ecg_keras.transferability import Ranking

NETWORK = Model(backbone="resnet1d18")
SCRATCH = Way("scratch", NETWORK)
PROBE = Way("linear probe", NETWORK, "runs/up")
FINETUNE = Way("fine-tune", NETWORK, "runs/up")
UNKNOWN = (RunFacts(),) * 3
SETTINGS = {"source": "ptb", "label_set": "superdiagnostic", "seconds": 10.0}


# ---------------------------------------------------------------- ways


def phases(way: Way, epochs: int = 40) -> list[tuple[int, float, str, float]]:
    recipe = way.recipe(SETTINGS, raw=Path("raw"), epochs=epochs)
    return [
        (one.epochs, one.learning_rate, one.train_from, one.stage_decay)
        for one in recipe.training.phases
    ]


def test_fine_tuning_and_scratch_differ_in_their_first_weights_alone():
    assert phases(SCRATCH) == phases(FINETUNE) == [(40, 3e-3, "stem", 1.0)]
    assert phases(PROBE) == [(40, 3e-3, "head", 1.0)]


def test_each_way_is_tried_with_as_many_settings():
    tune = Tune()
    assert {len(way.settings(tune)) for way in (SCRATCH, PROBE, FINETUNE)} == {4}
    first, *others = FINETUNE.settings(tune)
    assert phases(first) == [(40, 3e-4, "stem", 0.7)]
    assert [phases(one)[0][1] for one in others] == [9e-4, 3e-3, 9e-3]
    assert phases(SCRATCH.settings(tune)[0]) == [(40, 3e-4, "stem", 1.0)]
    names = {pilots._slug(one) for way in (SCRATCH, PROBE) for one in (way, *way.settings(tune))}
    assert len(names) == 10


def test_the_setting_that_validation_prefers_goes_on():
    rng = np.random.default_rng(0)
    targets = rng.random((60, 1)) < 0.5
    ids = [f"r{number}" for number in range(60)]
    tried = [
        (way, Predictions(["MI"], ids, ids, targets, 1 / (1 + np.exp(-skill * (targets - 0.5)))))
        for way, skill in zip(SCRATCH.settings(Tune()), (0.0, -1.0, 2.0, 0.0), strict=True)
    ]
    assert pilots._prefer(tried).setting.name == "rate 1"


def test_few_records_have_more_epochs():
    assert (epochs_for(200), epochs_for(20_000)) == (80, 40)


def test_they_share_everything_else():
    recipes = [
        way.recipe(SETTINGS, raw=Path("raw"), epochs=10, train_records=50, seed=3)
        for way in (SCRATCH, PROBE, FINETUNE)
    ]
    assert [one.mode for one in recipes] == ["scratch", "finetune", "finetune"]
    assert recipes[0].initialise is None
    assert recipes[1].initialise.from_ == recipes[2].initialise.from_ == "runs/up"
    assert recipes[1].initialise.head == "new"
    kept = replace(PROBE, keeps_head=True).recipe(SETTINGS, raw=Path("raw"), epochs=10)
    assert kept.initialise.head == "keep"
    for one in recipes:
        assert one.data == recipes[0].data
        assert one.data.train_records == 50
        assert one.model == recipes[0].model
        assert one.training.seed == 3
        # validation scores the pilots, so no epoch may be chosen on it
        assert one.training.select == "last"
        assert one.training.validate_on == "valid"


@pytest.mark.parametrize(
    ("backbone", "head", "crop"),
    [
        ("resnet1d18", "as_published", 2.5),
        ("resnet1d18", "flattened", None),
        ("gru", "as_published", None),
        ("gru", "pooled", 2.5),
        ("my.module:network", "as_published", None),
    ],
)
def test_only_networks_that_pool_are_trained_on_crops(backbone, head, crop):
    way = Way("scratch", Model(backbone=backbone, head=head))
    assert way.recipe(SETTINGS, raw=Path("raw"), epochs=5).training.augment.crop == crop


def test_the_most_promising_checkpoint_lends_scratch_its_network():
    first = CheckpointFacts("a", Model(backbone="gru"), "ptb", 9, (), True, ())
    second = CheckpointFacts("b", NETWORK, "ptb", 9, (), False, ())
    ways = list_ways([first, second])
    assert [str(way) for way in ways] == [
        "scratch",
        "linear probe from a",
        "fine-tune from a",
        "linear probe from b",
        "fine-tune from b",
    ]
    assert [way.network.backbone for way in ways] == ["gru"] * 3 + ["resnet1d18"] * 2
    assert [way.keeps_head for way in ways] == [False, True, True, False, False]


def test_a_recipe_is_written_as_it_is_read(tmp_path):
    for way in (SCRATCH, replace(FINETUNE, keeps_head=True)):
        recipe = way.recipe(
            {**SETTINGS, "split": {"valid": 0.3}, "leads": ["I", "II"]},
            raw=tmp_path / "räw",
            epochs=8,
        )
        text = recipe_text(recipe, ["What it is.", ""], {"data": "of the target"})
        assert text.startswith("# What it is.\n#\nmode: ")
        assert "\n# of the target\ndata:\n" in text
        (tmp_path / "a.yaml").write_text(text)
        assert load_recipe(tmp_path / "a.yaml").recipe == recipe


def test_of_a_recipe_only_what_differs_from_the_defaults_is_written():
    recipe = Recipe(mode="scratch", data={"source": "ptb", "raw": "data/raw/ptb"})
    assert recipe_text(recipe, ["Learn."], {}) == (
        '# Learn.\nmode: scratch\ndata:\n  source: "ptb"\n  raw: "data/raw/ptb"\n'
    )


# ---------------------------------------------------------------- size of the pilots


class Costs(pilots._Costs):
    """A second for each record and epoch."""

    def seconds(self, way, size):
        return size.records * size.epochs


def dataset(train: int = 1000, valid: int = 100) -> Dataset:
    splits = {
        name: SplitSummary(records, records, {"MI": records // 4, "HYP": 12}, {}, {})
        for name, records in (("train", train), ("valid", valid), ("test", 50))
    }
    return Dataset(
        "ptb", "x", ("MI", "HYP"), ("I",), 100.0, 1000, splits, (), (), (), SETTINGS, "f", "r"
    )


def costs(train: int) -> Costs:
    return Costs(dataset(train), Path("shards"), Path("runs"), seeds=2)


def test_pilots_are_as_large_as_there_is_time_for():
    two, one = [SCRATCH] * 5, [SCRATCH] * 3
    whole = 2 * 5 * 1000 * 40
    assert costs(1000).choose([two, one], whole, 1) == (0, Size(1000, 40))
    # two checkpoints with less rather than one with more
    assert costs(1000).choose([two, one], whole - 1, 1) == (0, Size(1000, 24))
    assert costs(1000).choose([two, one], 10 * 200 * 48, 1) == (0, Size(200, 48))
    assert costs(1000).choose([two, one], 10 * 200 * 48 - 1, 1) == (1, Size(250, 48))
    # and one with less rather than two with next to nothing
    assert costs(1000).choose([two, one], 6 * 200 * 48, 1) == (1, Size(200, 48))
    assert costs(1000).choose([two, one], 10 * 200 * 16, 1) == (0, Size(200, 16))
    # half the records are few, and few records have more epochs
    assert costs(1000).choose([one], 6 * 250 * 48, 1) == (0, Size(250, 48))
    assert costs(1000).choose([one], 6 * 200 * 16, 1) == (0, Size(200, 16))
    assert costs(60).choose([one], 6 * 60 * 80, 1) == (0, Size(60, 80))
    with pytest.raises(ConfigError, match=r"--pilot-minutes: the smallest pilot runs need about 3"):
        costs(1000).choose([two, one], 6 * 200 * 16 - 120, 1)


# ---------------------------------------------------------------- what the pilots say


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


def test_the_way_that_is_better_is_chosen():
    trials, word, choice = weighed(scratch=0.3, probe=0.5, finetune=1.0)
    assert word == "better"
    assert choice.way == FINETUNE
    assert trials[0].gain is None
    assert 0 < trials[1].gain.value < trials[2].gain.value
    assert trials[2].gain.low > 0
    assert [one.verdict and one.verdict.word for one in trials] == [None, "better", "better"]
    assert trials[1].verdict.comparisons == 2


def test_of_ways_within_the_margin_the_cheapest_is_chosen():
    _, word, choice = weighed(scratch=0.3, probe=0.98, finetune=1.0)
    assert (word, choice.way) == ("better", PROBE)
    _, _, choice = weighed(margin=0.001, scratch=0.3, probe=0.98, finetune=1.0)
    assert choice.way == FINETUNE


def test_scratch_is_chosen_where_no_way_is_better():
    assert weighed(scratch=1.0, probe=0.2, finetune=0.4)[1:][0] == "worse"
    assert weighed(wobble=0.01, scratch=1.0, probe=1.0, finetune=1.0)[1] == "equivalent"
    # one is worse and the other the same: not equivalent, and not all worse
    _, word, choice = weighed(scratch=1.0, probe=0.2, finetune=1.0)
    assert (word, choice.way) == ("inconclusive", SCRATCH)


def test_seeds_that_disagree_decide_nothing():
    noisy = [
        Piloted(SCRATCH, arm("scratch", 0.5, wobble=0.4), UNKNOWN, 1.0, 1.0),
        Piloted(FINETUNE, arm("finetune", 0.7, wobble=0.4), UNKNOWN, 1.0, 1.0),
    ]
    _, word, choice = weigh(noisy, margin=0.02, level=0.95, bootstrap=300, seed=0)
    assert (word, choice.way) == ("inconclusive", SCRATCH)


def test_the_intervals_hold_for_all_ways_at_once():
    alone = weighed(scratch=0.3, finetune=0.5)[0][1].gain
    of_two = weighed(scratch=0.3, probe=0.5, finetune=0.5)[0][2].gain
    assert alone.value == of_two.value
    assert of_two.low < alone.low
    assert (alone.level, of_two.level) == (0.95, 0.975)


def test_a_way_that_had_not_finished_learning_is_said_with_the_advice():
    done, behind = (RunFacts(Fit(loss, 0.6, "mark", False)) for loss in (0.1, 0.4))
    scratch, probe, finetune = piloted(scratch=1.0, probe=0.2, finetune=0.4)
    facts = [
        replace(scratch, facts=(done,) * 3),
        replace(probe, facts=(RunFacts(replace(behind.fit, probe=True)),) * 3),
        replace(finetune, facts=(behind, behind, done)),
    ]
    trials, word, _ = weigh(facts, margin=0.02, level=0.95, bootstrap=300, seed=0)
    assert [len(one.diagnostics) for one in trials] == [0, 0, 1]
    made = replace(advice(scratch=1.0, finetune=0.4), trials=trials, word=word)
    assert made.sentences()[1].startswith(
        "fine-tune from runs/up had not finished learning in 2 of 3 runs: "
    )


# ---------------------------------------------------------------- what it says


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


def test_it_says_which_way_and_what_to_expect():
    said = advice(scratch=0.3, probe=0.5, finetune=1.0).sentences()
    assert said[0].startswith("Fine-tune from runs/up: expect a gain over scratch of about +0.")
    assert said[1].startswith("The ways were not tuned: all had the same learning rate")
    assert said[2] == (
        "Head: new, for the target's labels, on the checkpoint's as_published embedding."
    )
    assert said[3] == (
        "The recipe takes about 2 min on this machine: 40 epochs of 1000 records, by what the "
        "pilots took."
    )
    assert said[4].startswith("The pilots learnt from 200 of 1000 records.")
    assert said[5].startswith(
        "They had 16 epochs, where a whole training on as many records has 80"
    )
    assert said[6].startswith("Nothing was looked at but training and validation records")
    whole = advice(1000, 40, scratch=0.3, probe=0.5, finetune=1.0).sentences()
    assert whole == (*said[:4], said[6])


def test_it_says_how_each_way_was_tuned():
    plain = advice(scratch=0.3, probe=0.5, finetune=1.0)
    trials = tuple(replace(trial, way=trial.way.settings(Tune())[2]) for trial in plain.trials)
    said = replace(plain, trials=trials, tune=Tune()).sentences()[1]
    assert said.startswith("Each way was tuned over 4 settings on a seed of its own (scratch: rate")


def test_it_warns_of_a_checkpoint_that_knows_test_records():
    clean = advice(scratch=0.3, probe=0.5, finetune=1.0)
    leak = Leak("7", SAME_SIGNAL, "HR00007", "up", "train")
    known = Known((leak,), "runs/up knows 1 of 9 test records")
    untold = Known((), "a.keras does not tell")
    first, second = clean.candidates
    candidates = (replace(first, known=(known,)), replace(second, known=(untold,)))
    said = replace(clean, candidates=candidates)
    assert "\n  leaks: runs/up knows 1 of 9 test records\n" in said.facts()
    assert "\n  leaks: a.keras does not tell\n" in said.facts()
    (warning,) = set(said.sentences()) - set(clean.sentences())
    assert warning.startswith("runs/up: the checkpoint has seen test or validation records")


def test_it_says_when_it_can_not_tell_and_what_would():
    said = advice(scratch=0.6, probe=0.2, finetune=0.6).sentences()
    assert said[0].startswith(
        "The pilots do not show whether a checkpoint helps: fine-tune from runs/up"
    )
    assert "Scratch is the default then" in said[0]
    assert "would decide it" in said[1] or "would not decide it" in said[1]
    assert said[3] == "Head: new, resnet1d18 with its as_published head."


def test_it_says_that_scratch_is_better_or_the_same():
    worse = advice(scratch=1.0, probe=0.2, finetune=0.4).sentences()[0]
    assert worse.startswith("Train from scratch: all 2 ways from a checkpoint did worse; fine-tune")
    same = advice(wobble=0.01, scratch=1.0, probe=1.0, finetune=1.0).sentences()[0]
    assert same.startswith("Train from scratch: all 2 ways from a checkpoint scored within ±0.02")
    single = advice(scratch=1.0, finetune=0.4).sentences()[0]
    assert single.startswith("Train from scratch: the way from a checkpoint did worse")


def test_it_says_that_a_gain_over_chance_is_none_over_a_trained_network():
    said = advice(scratch=0.0, probe=0.5, finetune=1.0).sentences()
    assert any(one.startswith("Scratch learnt nothing that shows (0.") for one in said)


def test_facts_and_pilots_are_told():
    told = advice(scratch=0.3, probe=0.5, finetune=1.0)
    assert told.facts().splitlines() == [
        "shards/x: 1000 training records of 1000 patients, 100 for validation of 100; 2 labels",
        "  fewer than 20 training records: HYP 12",
        "runs/up: resnet1d18 trained on 900 records of ptbxl",
        "  labels of the target that it knows: 1 of 2 (MI)",
        "  drift: train: age: off",
        "a.keras: resnet1d18",
        "  drift: unknown: no shards here",
    ]
    header, *rows = told.table().splitlines()
    assert "less scratch [95 %, corrected for 2]" in header
    assert [row.split()[0] for row in rows] == ["scratch", "linear", "fine-tune"]
    assert rows[1].endswith("20 s")


def test_a_recipe_needs_a_name_that_ends_in_yaml(tmp_path):
    with pytest.raises(ConfigError, match=r"a recipe's name ends in \.yaml. Received: .*a\.txt"):
        write_recipe(advice(scratch=0.3, finetune=1.0), tmp_path / "a.txt", tmp_path)


@pytest.mark.parametrize("wrong", [{"minutes": 0}, {"seeds": 1}, {"margin": 1.0}])
def test_settings_out_of_range_are_refused(wrong, tmp_path):
    with pytest.raises(ConfigError, match="minutes above 0, at least 2 seeds, and a margin"):
        advise(["a"], tmp_path, **wrong)


# ---------------------------------------------------------------- checkpoints


@pytest.fixture
def shards(tmp_path, monkeypatch) -> Path:
    """A dataset without a record in its shards, which is all that is read here."""
    folder = tmp_path / "shards"
    folder.mkdir()
    card = replace(dataset(), leads=tuple(f"L{number}" for number in range(12)))
    (folder / "dataset.json").write_text(card.dump())
    return folder


@pytest.mark.parametrize(
    ("backbone", "head", "scaling"),
    [("gru", "pooled", "standardise"), ("lstm", "flattened", "minmax"), ("gru", "pooled", "none")],
)
def test_the_network_of_a_lone_file_is_read_from_its_names(
    shards, tmp_path, backbone, head, scaling
):
    built = models.find_backbone(backbone)(num_samples=20, num_leads=12, head=head)
    numbers = {"mean": [0.0] * 12, "std": [1.0] * 12} if scaling == "standardise" else {}
    model = models.classifier(built, ("MI",), scaling=scaling, **numbers)
    models.save_model(model, tmp_path / "a.keras")
    found = describe_candidate(tmp_path / "a.keras", shards)
    assert found.network == Model(backbone=backbone, head=head, scaling=scaling)
    assert (found.source, found.records, found.shared, found.keeps_head) == (None, None, (), False)
    assert found.drift is None
    assert found.why_unknown == "the shards that it was trained on are not here"


def test_a_network_without_a_known_name_is_refused(shards, tmp_path):
    import keras

    signal = keras.Input((20, 12))
    output = keras.layers.Dense(1, name="head")(keras.layers.GlobalMaxPooling1D()(signal))
    models.save_model(keras.Model(signal, output, name="mine"), tmp_path / "a.keras")
    with pytest.raises(DataError, match=r"unknown backbone 'mine'.*Name the run folder"):
        describe_candidate(tmp_path / "a.keras", shards)


def test_a_run_tells_its_labels_and_how_much_it_learnt_from(shards, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    card = json.loads((shards / "dataset.json").read_text())
    (run / "dataset.json").write_text(json.dumps(card))
    (run / "status.json").write_text(
        json.dumps({"settings": {"data": {"train_records": 77}}, "shards": "gone"})
    )
    (run / "recipe.yaml").write_text(
        "mode: pretrain\ndata: {source: ptb, raw: raw}\nmodel: {backbone: lstm}\n"
    )
    found = describe_candidate(run, shards)
    assert (found.source, found.records) == ("ptb", 77)
    assert found.keeps_head
    assert found.shared == ("MI", "HYP")
    assert found.network.backbone == "lstm"
    other = {**card, "labels": ["HYP", "NORM"]}
    for split in other["splits"].values():
        split["labels"] = {"HYP": 1, "NORM": 1}
    (run / "dataset.json").write_text(json.dumps(other))
    found = describe_candidate(run, shards)
    assert (found.shared, found.keeps_head) == (("HYP",), False)
    no_valid = replace(dataset(valid=0), leads=tuple(card["leads"]))
    (shards / "dataset.json").write_text(no_valid.dump())
    with pytest.raises(DataError, match="has no validation record"):
        advise([run], shards)
