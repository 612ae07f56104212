"""Published weights as a run: made whole, once, and taken by all that takes a run."""

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import filelock
import keras
import numpy as np
import pytest
from published_weights import CARD, LABELS, LEADS, publish
from ruamel.yaml import YAML
from scipy.signal import butter, sosfiltfilt
from torch_writer import write_state

from ecg_keras import data, models, transferability, weights, workflow
from ecg_keras.advise.candidates import describe_candidate
from ecg_keras.advise.ways import Way
from ecg_keras.config import SeenData
from ecg_keras.errors import ConfigError, DataError, EcgKerasError
from ecg_keras.training import Run, read_guarded, read_network
from ecg_keras.training.seen import of_same_database, tell_databases
from ecg_keras.workflow.plan_problems import check_start

pytestmark = pytest.mark.usefixtures("without_tfdv")
DATA = {
    "source": "simulated",
    "raw": "raw",
    "simulate": {"hospital": "riverside", "records": 80},
    "label_set": "superdiagnostic",
    "anomalies": "warn",
}
TRAINING = {"batch_size": 16, "select": "last", "phases": [{"epochs": 1}]}
EVALUATION = {"bootstrap": 100}


def write(name, **sections):
    with Path(f"{name}.yaml").open("w") as file:
        YAML(typ="safe").dump(sections, file)
    return f"{name}.yaml"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with weights, their run, and the shards of a hospital at the rate they want."""
    folder = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        publish(folder, family="gru")
        workflow.import_weights("theirs.pt")
        recipe = write(
            "tune",
            mode="finetune",
            data=DATA,
            initialise={"from": "theirs.pt"},
            training=TRAINING,
            evaluation={**EVALUATION, "baseline": "scratch.yaml"},
        )
        write("scratch", mode="scratch", data=DATA, training=TRAINING, evaluation=EVALUATION)
        workflow.run_plan(
            workflow.make_plan(workflow.make_job(workflow.load(recipe)), report=False)
        )
    return folder


@pytest.fixture
def here(made, monkeypatch):
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def shards(here):
    return workflow.make_job(workflow.load("tune.yaml")).shards


def test_the_run_has_the_network_the_preprocessing_and_the_head(here):
    run = Run(Path("runs/theirs"))
    model, dataset = models.load_model(run.model), data.read_dataset(run.dataset)
    assert dataset.labels == LABELS and dataset.leads == LEADS
    assert (dataset.sampling_rate, dataset.num_samples) == (25, 100)
    assert run.card.read_text() == Path("theirs.yaml").read_text()
    network = read_network(run)
    assert (network.backbone, network.scaling) == ("gru", "none")
    assert weights.describe_head("runs/theirs", run.card) == ""
    rng = np.random.default_rng(2)
    signals = rng.normal(0, 0.5, (3, 100, 12)).astype(np.float32)
    _, tensors = publish(here, name="again.pt", family="gru")
    plain = models.classifier(models.find_backbone("gru")(100, 12), LABELS)
    weights.take_weights(plain, tensors, weights.find_family("gru"))
    x = sosfiltfilt(butter(1, 0.5, "highpass", fs=25, output="sos"), signals * 1000.0, axis=1)
    x = (x - x.mean(1, keepdims=True)) / np.maximum(x.std(1, ddof=1, keepdims=True), 0.001)
    assert np.allclose(model(signals), plain(x.astype(np.float32)), atol=1e-5)


def test_a_network_that_others_saved_with_keras_3_is_imported_with_its_card(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    family, labels = weights.find_family("ribeiro_resnet"), LABELS[:2]
    ours = models.classifier(models.find_backbone("ribeiro_resnet")(256, 12), labels)

    def as_published(layer):
        settings = layer.get_config()
        if getattr(layer, "weights", None):
            settings["name"] = family.tensors(layer.name)
        return type(layer).from_config(settings)

    theirs = keras.models.clone_model(ours, clone_function=as_published)
    theirs.save("theirs.keras")
    with pytest.raises(ConfigError, match=r"theirs\.keras: .* needs no import.* needs a card"):
        workflow.import_weights("theirs.keras")
    whole = {"rate": 25, "samples": 256, "leads": ", ".join(LEADS), "labels": ", ".join(labels)}
    Path("card.yaml").write_text(CARD.format(family=family.name, **whole))
    run = workflow.import_weights("theirs.keras", card="card.yaml").run
    found = models.load_model(run.model).get_layer("stage4_conv2").get_weights()[0]
    np.testing.assert_array_equal(found, theirs.get_layer("conv1d_13").get_weights()[0])


@pytest.mark.parametrize("family", ["resnet1d18", "gru", "xception_time", "inception_ahus"])
def test_a_file_without_its_head_is_imported_with_one_that_is_chance(family, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, tensors = publish(tmp_path, family=family)
    prefix = weights.find_family(family).tensors("head")
    write_state(path, {k: v for k, v in tensors.items() if not k.startswith(prefix)})
    made = workflow.import_weights("theirs.pt")
    assert "head" in made.taken.kept and made.run.read_status()["head"] == "new"
    why = "its head was never trained, because there is none in the file of its weights"
    assert why in weights.describe_head("runs/theirs", made.run.card)
    model = models.load_model(made.run.model)
    assert model.get_layer("head").units == 5 and models.cut_head(model) is not None
    again = workflow.import_weights("theirs.pt")
    for one in (made, again):
        assert "CD; the head begins with chance, because none is published" in one.table()


def test_a_head_that_is_not_in_the_file_can_not_be_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, tensors = publish(tmp_path, family="gru")
    write_state(path, {k: v for k, v in tensors.items() if not k.startswith("fc")})
    for start in ("theirs.pt", "runs/theirs", "runs/theirs/model.keras"):
        write("mine", mode="finetune", data=DATA, initialise={"from": start, "head": "keep"})
        job = workflow.make_job(workflow.load("mine.yaml"))
        (problem,) = workflow.check_weights_of(job)
        assert str(problem).startswith(f"{start}: none of its weights is of a head, so there is no")
        workflow.import_weights("theirs.pt")


def test_a_checkpoint_with_more_than_the_network_is_imported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, tensors = publish(tmp_path, family="gru")
    inside = {f"model.{name}": tensor for name, tensor in tensors.items()}
    write_state(path, {**inside, "criterion.pos_weight": np.ones(5, "<f4")})
    made = workflow.import_weights("theirs.pt")
    assert "ignored: criterion.pos_weight" in made.table()
    assert made.run.read_status()["head"] == "keep"


def test_it_has_no_scores_of_its_own_and_that_is_said(here):
    with pytest.raises(DataError, match=r"runs/theirs: imported weights.*evaluate .* --shards"):
        workflow.open_scored("runs/theirs")


def test_a_recipe_that_names_the_file_has_its_network_rate_and_length(here):
    job = workflow.make_job(workflow.load("tune.yaml"))
    recipe = job.recipe
    assert (recipe.data.sampling_rate, recipe.data.seconds) == (25, 4)
    assert recipe.model == read_network(Run(Path("runs/theirs")))
    assert job.upstream_weights == job.imported.folder
    assert job.imported.folder.parent == Path("runs/imported")
    names = [layer.name for layer in models.load_model(job.run.model).layers]
    wanted = ["preprocess_unit", "preprocess_filter1_highpass", "preprocess_zscore"]
    assert names[1:4] == wanted
    baseline = [layer.name for layer in models.load_model(job.baseline.run.model).layers]
    assert baseline == names
    assert job.baseline.recipe.model == recipe.model
    guarded = read_guarded(job.run)
    assert guarded.unchecked and "was trained on Elsewhere, as its card says" in guarded.warnings[0]
    assert job.run.read_status()["seen_databases"][0]["database"] == "Elsewhere"


def test_all_of_it_is_found_again(here):
    plan = workflow.make_plan(workflow.make_job(workflow.load("tune.yaml")), report=False)
    assert [step.action for step in plan][:2] == ["import", "simulate"]
    assert all(step.is_done() for step in plan)
    before = Path("runs/theirs/model.keras").stat().st_mtime_ns
    assert workflow.import_weights("theirs.pt").taken is None
    assert Path("runs/theirs/model.keras").stat().st_mtime_ns == before
    assert not list(Path("runs").glob(".import*"))


def test_the_imported_run_is_taken_as_any_other(here, shards, tmp_path):
    run = "runs/theirs"
    scores = workflow.evaluate_elsewhere(run, shards, bootstrap=100)
    assert set(scores.thresholds.values()) == {0.5} and scores.calibration.method == "none"
    ranking = transferability.rank_checkpoints([run], shards)
    assert ranking.values["linear_probe"][0] > 0
    facts = describe_candidate(run, shards)
    assert facts.network == read_network(Run(Path(run)))
    assert facts.lines(data.describe(shards))[0] == f"{run}: gru trained on Elsewhere"
    settings = data.describe(shards).settings
    way = Way("fine-tune", facts.network, run).recipe(settings, raw=Path("raw"), epochs=1)
    assert way.model.preprocessing == facts.network.preprocessing
    assert way.training.augment.crop is None
    exported = workflow.export_run(run, tmp_path / "1")
    assert (exported / "saved_model.pb").is_file()


def test_a_network_that_decides_every_label_present_is_named_with_its_scores(
    here, shards, tmp_path
):
    run = Run(Path(shutil.copytree("runs/theirs", tmp_path / "maps")))
    run.card.write_text(run.card.read_text().replace("family: gru", "family: xception_time"))
    warnings = []
    workflow.evaluate_elsewhere(run.folder, shards, bootstrap=100, on_warning=warnings.append)
    assert any("at the threshold of 0.5 every label is present" in one for one in warnings)


def test_no_module_is_imported_because_shards_name_it(here, shards, tmp_path, monkeypatch):
    (tmp_path / "source_of_shards.py").write_text("raise SystemExit('it was imported')")
    monkeypatch.syspath_prepend(tmp_path)
    received = Path(shutil.copytree(shards, tmp_path / "received"))
    card = json.loads((received / "dataset.json").read_text())
    (received / "dataset.json").write_text(json.dumps({**card, "source": "source_of_shards"}))
    scores = workflow.evaluate_elsewhere("runs/theirs", received, bootstrap=100)
    assert scores.thresholds and "source_of_shards" not in sys.modules


@pytest.mark.parametrize("weights", ["runs/tune", "runs/tune/model.keras"])
def test_a_run_that_began_with_published_weights_is_an_upstream_too(here, weights):
    # whose head takes no other length
    changed = {"initialise.from": weights, "run": "runs/third", "data.seconds": 4}
    settings = workflow.load("tune.yaml", changed)
    assert settings.recipe.model == workflow.load("tune.yaml").recipe.model
    assert settings.recipe.data.sampling_rate == 25
    job = workflow.make_job(settings)
    check_start(job)


def test_the_model_of_an_imported_run_wants_what_its_card_says(here):
    changed = {"initialise.from": "runs/theirs/model.keras", "data.sampling_rate": 100.0}
    with pytest.raises(ConfigError, match=r"is 100\.0, and the weights of .*keras want 25\.0"):
        workflow.load("tune.yaml", changed)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"data.sampling_rate": 100.0}, "=100.0: is 100.0, and the weights of theirs.* want 25.0, "
         "as their card says"),
        ({"data.seconds": 10.0}, "want 4.0"),
        ({"model.backbone": "lstm"}, "model.backbone=lstm: is lstm, .* want gru"),
        ({"model.scaling": "minmax"}, "preprocessing it is none. Received: scaling minmax"),
        ({"model.preprocessing.unit": "mV"}, "unit=mV: is mV, .* want uV"),
        ({"data.leads": ["I", "II", "V1"]}, r"V2, .* are not among .*initialise.leads: fewer"),
        ({"training.augment.crop": 2.0}, "filters whole ECGs first"),
    ],
)  # fmt: skip
def test_a_contradiction_is_refused_when_the_recipe_is_read(here, override, message):
    with pytest.raises(ConfigError, match=message):
        workflow.load("tune.yaml", override)


def test_what_these_weights_refuse_can_be_set_otherwise_for_both_arms(here):
    training = {**TRAINING, "augment": {"crop": 2.0}}
    write("cropped_scratch", mode="scratch", data=DATA, training=training)
    recipe = write(
        "cropped",
        mode="finetune",
        data=DATA,
        initialise={"from": "theirs.pt"},
        training=training,
        evaluation={"baseline": "cropped_scratch.yaml"},
    )
    job = workflow.make_job(workflow.load(recipe, {"training.augment.crop": None}))
    assert job.baseline.recipe.training.augment.crop is None


def test_fewer_leads_are_zero_where_the_recipe_says_so(here):
    changed = {"data.leads": ["II", "I", "V3"], "initialise.leads": "fewer"}
    recipe = workflow.load("tune.yaml", changed).recipe
    assert recipe.model.preprocessing.missing == "zero"
    assert recipe.model.preprocessing.leads == LEADS


def broken(folder, how):
    path, tensors = publish(folder)
    card = path.with_suffix(".yaml")
    if how == "bytes":
        path.write_bytes(b"no weights")
    elif how == "family":
        write_state(path, {"a.weight": np.zeros((3, 3))})
    elif how == "shape":
        tensors["layer4.0.conv1.weight"] = tensors["layer4.0.conv1.weight"][:, :5]
        write_state(path, tensors)
    elif how == "no card":
        card.unlink()
    elif how == "a card with an error":
        card.write_text(card.read_text().replace("uV", "kV"))
    elif how == "labels":
        card.write_text(card.read_text().replace("NORM, MI", "NORM"))
    elif how == "leads":
        card.write_text(card.read_text().replace("V5, V6", "V5"))
    elif how == "checksum":
        card.write_text(f"{card.read_text()}sha256: {'a' * 64}\n")
    return path


WRONG = {
    "bytes": "theirs.pt: ",
    "family": "not the weights of resnet1d18, .*of no family that is known",
    "no card": "there is no card theirs.yaml beside it",
    "a card with an error": "theirs.yaml:5: unit: must be 'mV', 'uV'",
    "labels": "its network has 5 labels, and theirs.yaml names 4",
    "leads": "its network has 12 leads, and theirs.yaml names 11",
    "checksum": "not the file that the card is of",
}


@pytest.mark.parametrize("how", WRONG)
def test_a_wrong_file_is_refused_before_anything_is_made(how, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    broken(Path(), how)
    recipe = write("mine", mode="finetune", data=DATA, initialise={"from": "theirs.pt"})
    with pytest.raises(EcgKerasError, match=WRONG[how]):
        workflow.import_weights("theirs.pt")
    with pytest.raises(EcgKerasError, match=WRONG[how]) as caught:
        job = workflow.make_job(workflow.load(recipe))
        problems = workflow.check_weights_of(job)
        planned = workflow.find_problems(workflow.make_plan(job))
        assert [str(one) for one in problems] == [str(one) for one in planned]
        raise problems[0]
    assert len(str(caught.value).splitlines()) == 1
    assert not Path("runs").exists() and not Path("raw").exists()


@pytest.mark.parametrize(
    ("changes", "head", "message"),
    [
        ([("NORM, MI", "MI, NORM")], "keep",
         "theirs.pt: its head is for MI, NORM, .* this recipe's labels are NORM, MI"),
        ([("Elsewhere", "Simulated")], "new",
         "mine.yaml: theirs.pt: was trained on Simulated, .* this is simulated, of which"),
    ],
    ids=["another head", "a known database"],
)  # fmt: skip
def test_a_file_of_no_use_here_is_refused_before_data_are_prepared(
    changes, head, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    publish(Path(), changes=changes)
    initialise = {"from": "theirs.pt", "head": head}
    recipe = write("mine", mode="finetune", data=DATA, initialise=initialise)
    (found,) = workflow.find_problems(workflow.make_plan(workflow.make_job(workflow.load(recipe))))
    assert re.search(message, str(found)) and not Path("runs").exists()


def test_a_run_that_has_seen_this_database_is_refused_before_data_are_prepared(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    publish(Path(), family="gru", changes=[("Elsewhere", "Simulated")])
    workflow.import_weights("theirs.pt")
    recipe = write("mine", mode="finetune", data=DATA, initialise={"from": "runs/theirs"})
    (found,) = workflow.find_problems(workflow.make_plan(workflow.make_job(workflow.load(recipe))))
    said = "mine.yaml: runs/theirs: was trained on Simulated, as its card says: this is simulated"
    assert str(found).startswith(said) and not Path("raw").exists()


def test_an_input_that_the_network_refuses_is_the_cards(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    publish(Path(), changes=[("hz: 0.5", "hz: 1.0e-6")])
    with pytest.raises(ConfigError, match=r"^theirs\.yaml: a filter remembers"):
        workflow.import_weights("theirs.pt")
    assert not Path("runs/theirs").exists()


def test_what_only_the_network_shows_stops_the_plan_before_data_are_prepared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    publish(Path(), family="xception_time")
    initialise = {"from": "theirs.pt", "head": "keep"}
    recipe = write("mine", mode="finetune", data=DATA, initialise=initialise)
    plan = workflow.make_plan(workflow.make_job(workflow.load(recipe)))
    assert workflow.find_problems(plan) == ()
    with pytest.raises(DataError, match="its head has further layers"):
        workflow.run_plan(plan)
    assert not Path("raw").exists()


def test_tensors_that_do_not_fit_stop_the_plan_before_data_are_prepared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    broken(Path(), "shape")
    recipe = write("mine", mode="finetune", data=DATA, initialise={"from": "theirs.pt"})
    with pytest.raises(DataError, match=r"theirs.pt: these tensors do not fit resnet1d18") as found:
        workflow.run_plan(workflow.make_plan(workflow.make_job(workflow.load(recipe))))
    assert len(str(found.value).splitlines()) == 1
    assert not Path("raw").exists() and not list(Path("runs/imported").glob("*"))


def test_what_a_killed_import_left_behind_goes_with_the_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    publish(tmp_path)
    hour = time.time() - 3600
    left, busy, new = (tmp_path / "runs" / f".import.{name}" for name in ("left", "busy", "new"))
    for folder in (left, busy, new):
        folder.mkdir(parents=True)
        (folder / "model.keras").write_text("half")
    with filelock.FileLock(busy / ".lock"):
        for folder in (left, busy):
            os.utime(folder, (hour, hour))
        workflow.import_weights("theirs.pt")
    assert {one.name for one in (tmp_path / "runs").iterdir()} == {
        "theirs", ".import.busy", ".import.new"
    }  # fmt: skip


def test_a_folder_with_something_else_is_kept(here, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="there is something else in it already"):
        workflow.import_weights("theirs.pt", tmp_path / "mine")
    shutil.rmtree(tmp_path / "mine")
    made = workflow.import_weights("theirs.pt", tmp_path / "mine")
    assert made.run.model.is_file() and "has seen" in made.table()
    publish(tmp_path, family="gru", changes=[("Elsewhere", "Nowhere")])
    with pytest.raises(ConfigError, match=r"mine: was imported from another file or card"):
        workflow.import_weights(tmp_path / "theirs.pt", tmp_path / "mine")


def test_a_database_that_the_card_names_is_refused_unless_it_is_allowed(here, shards):
    named = (SeenData(database="PTB-XL", folds=(1, 2)), SeenData(database="Simulated"))
    dataset = data.describe(shards)
    assert of_same_database(named, dataset.source) == named[1:]
    assert "this is simulated, of which it has seen splits train, valid, test" in tell_databases(
        Path("w"), named, dataset.source
    )
    publish(here, name="seen.pt", family="gru", changes=[("Elsewhere", "simulated")])
    changed = {"initialise.from": "seen.pt", "run": "runs/leaky"}
    changed["evaluation.baseline"] = None
    job = workflow.make_job(workflow.load("tune.yaml", changed))
    with pytest.raises(DataError, match=r"It may know the test records.*--set data.leaks=allow"):
        workflow.run_plan(workflow.make_plan(job, report=False))
    allowed = workflow.make_job(workflow.load("tune.yaml", {**changed, "data.leaks": "allow"}))
    workflow.make_alone(allowed, "import", "guard")
    assert "Leaks are allowed (data.leaks)" in read_guarded(allowed.run).warnings[0]
