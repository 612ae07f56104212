"""What is wrong with a plan is told at once: before anything is made, and before any training."""

import re
from functools import partial
from pathlib import Path

import pytest
from tiny_recipe import job_of

from ecg_keras import workflow
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.training import LeakError
from ecg_keras.training.begin import begin_run
from ecg_keras.workflow.step import Maker

pytestmark = pytest.mark.usefixtures("without_tfdv")
MINE = """\
mode: finetune
data: {source: folder, raw: mine}
initialise: {from: up.yaml}
evaluation: {baseline: base.yaml}
"""
UP = "mode: pretrain\ndata: {source: folder, raw: up}\n"
BASE = "mode: scratch\ndata: {source: folder, raw: mine}\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with recipes whose tables are in order; no recording can be read."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("mine", MINE), ("up", UP), ("base", BASE)):
        Path(f"{name}.yaml").write_text(text)
    for folder in ("mine", "up"):
        Path(folder).mkdir()
        rows = [f"{number}.edf,p{number},{number % 2}" for number in range(20)]
        Path(folder, "labels.csv").write_text("\n".join(["file,patient_id,AF", *rows]))
        Path(folder, "0.edf").touch()
    return tmp_path


def spoil(folder, old, new):
    table = Path(folder, "labels.csv")
    table.write_text(table.read_text().replace(old, new))


def problems(job, **options):
    return [str(one) for one in workflow.find_problems(workflow.make_plan(job), **options)]


def test_tables_of_all_datasets_are_looked_at_before_anything_is_made(place):
    spoil("mine", "p3,1", "p3,maybe")
    spoil("up", "p5,1", ",1")
    with pytest.raises(DataError) as caught:
        workflow.run_plan(workflow.make_plan(job_of()))
    message = str(caught.value)
    assert "up/labels.csv" in message and "mine/labels.csv" in message
    assert "maybe" in message and "'patient_id' is empty" in message
    assert not Path("shards").exists() and not Path("runs").exists()


def test_a_missing_folder_and_a_wrong_table_are_told_together(place):
    spoil("mine", "p3,1", "p3,maybe")
    upstream, own = problems(job_of(initialise__set={"data.raw": "nowhere"}))
    assert "there is no folder nowhere" in upstream and "maybe" in own


def test_a_run_of_other_settings_and_a_wrong_table_are_told_together(place):
    job = job_of("base")
    begin_run(job.run, job.recipe, dataset=job.dataset_fingerprint, upstream=None)
    job.run.model.touch()
    spoil("mine", "p3,1", "p3,maybe")
    other = job_of("base", training__seed=3)
    run, table = problems(other, tables=True)
    assert "runs/base: this run was made with other settings: training.seed: 0 -> 3" in run
    assert "maybe" in table


def test_one_dataset_is_listed_when_it_is_prepared(place):
    spoil("mine", "p3,1", "p3,maybe")
    job = job_of("base")
    assert problems(job) == []
    (found,) = problems(job, tables=True)
    assert "maybe" in found


def write_weights(name, content):
    Path(name).write_bytes(content)
    return name


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "weights.keras: no run folder and no .keras file"),
        (b"no model", "weights.keras: not a Keras model that opens safely"),
    ],
)
def test_weights_that_can_not_be_opened_are_told_with_the_rest(place, content, expected):
    if content is not None:
        write_weights("weights.keras", content)
    spoil("mine", "p3,1", "p3,maybe")
    found = "\n".join(problems(job_of(initialise__from="weights.keras"), tables=True))
    assert expected in found and "maybe" in found


def test_preparing_one_dataset_asks_for_nothing_else(place):
    job = job_of(initialise__set={"data.raw": "nowhere"}, initialise__from="up.yaml")
    plan = [step for step in workflow.make_plan(job) if step.job is job]
    assert workflow.find_problems(step for step in plan if step.action == "prepare") == ()


class Heard(workflow.Watcher):
    """Notes what it hears."""

    def __init__(self):
        self.said = []

    def failed(self, step):
        self.said.append(("failed", step.action))

    def ended(self, step, seconds):
        self.said.append(("ended", step.action))


@pytest.fixture
def step(place):
    """Makes a step that ends well, or with an error; of a recipe without a problem."""
    job = job_of("base")
    return partial(make_step, job)


def make_step(job, action, *needs, error=None):
    def make(job, watcher):
        if error is not None:
            raise error

    maker = Maker(lambda job: Path(), lambda job: False, make)
    return workflow.Step(action, job, maker, needs)


LEAK = LeakError("knows 2", "Take another.", shards=Path("shards/a"), upstream=True)


def test_what_is_found_in_all_data_is_told_together_before_anything_is_trained(step):
    validated = step("validate", error=DataError("anomalies in a\n  one"))
    looked = step("guard", error=LEAK)
    after = step("guard", looked)
    other = step("validate", error=DataError("anomalies in b"))
    sound = step("guard")
    trained = step("train", validated, looked)
    heard = Heard()
    with pytest.raises(DataError) as caught:
        workflow.run_plan((validated, looked, after, other, sound, trained), heard)
    assert str(caught.value) == f"anomalies in a\n  one\n{LEAK}\nanomalies in b"
    assert heard.said == [
        ("failed", "validate"),
        ("failed", "guard"),
        ("failed", "validate"),
        ("ended", "guard"),
    ]


@pytest.mark.parametrize("error", [LEAK, ConfigError("a setting"), DataError("a file")])
def test_one_error_is_raised_as_it_is(step, error):
    with pytest.raises(type(error)) as caught:
        workflow.run_plan((step("guard", error=error), step("guard", error=error)))
    assert caught.value is error


def test_a_training_that_stops_stops_the_plan_at_once(step):
    heard = Heard()
    stopped = step("report", error=DataError("no"))
    with pytest.raises(DataError, match=r"^no$"):
        workflow.run_plan((stopped, step("report"), step("guard")), heard)
    assert heard.said == [("failed", "report")]


def test_several_workers_are_refused_before_anything_is_made(place, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1", "b:1"]}}')
    with pytest.raises(ConfigError, match="TF_CONFIG names 2 workers"):
        workflow.run_plan(workflow.make_plan(job_of()))
    assert not Path("shards").exists() and not Path("runs").exists()
    only_data = [step for step in workflow.make_plan(job_of()) if step.action == "prepare"]
    assert workflow.find_problems(only_data) == ()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"model__backbone": "xresnet1d18"}, "model.backbone is xresnet1d18, and resnet1d18 in"),
        ({"data__leads": ["II", "I"]}, "data.leads is II, I, and I, II, III, aVR, .*leads: fewer"),
        ({"data__sampling_rate": 250}, "data.sampling_rate is 250.0, and 100.0 in"),
        ({"model__scaling": "minmax"}, "model.scaling is minmax, and standardise in"),
        ({"model__head": "attention"}, "model.head is attention, and pooled in"),
        ({"model__head": "mean_max"}, "model.head is mean_max, and pooled in"),
        (
            {
                "model__head": "flattened",
                "initialise__set": {"model.head": "flattened"},
                "data__seconds": 5,
            },
            "data.seconds is 5.0, and 10.0 in",
        ),
        (
            {
                "initialise__head": "keep",
                "model__head": "flattened",
                "initialise__set": {"model.head": "flattened"},
                "data__seconds": 5,
            },
            "data.seconds is 5.0, and 10.0 in",
        ),
    ],
)
def test_an_upstream_recipe_that_does_not_fit_is_refused_before_it_is_trained(
    place, overrides, message
):
    (found,) = [one for one in problems(job_of(**overrides)) if "that it starts from" in one]
    assert re.search(message, found)
    assert "Make them equal: --set" in found and "--set initialise.set." in found


def test_an_upstream_recipe_that_chooses_its_network_is_named_by_its_run(place):
    candidates = [{"rate": 1}, {"recipe": {"model": {"backbone": "gru"}}}]
    job = job_of(initialise__set={"tune.candidates": candidates})
    (found,) = [one for one in problems(job) if "that it starts from" in one]
    assert "chooses its model.backbone among candidates" in found and "initialise.from=RUN" in found
    candidates[1] = {"recipe": {"model": {"dropout": 0.5}}}
    job = job_of(initialise__set={"tune.candidates": candidates})
    assert not [one for one in problems(job) if "that it starts from" in one]


def test_an_upstream_recipe_of_other_words_for_the_same_fits(place):
    leads = ["I", "II", "III", "avr", "aVL", "aVF", *(f"V{number}" for number in range(1, 7))]
    same = {"data__leads": leads, "data__seconds": 5, "initialise__scaling": "own"}
    found = problems(job_of(**same, model__scaling="minmax"))
    assert not [one for one in found if "that it starts from" in one]


def test_weights_of_a_network_without_a_dense_embedding_fit_any_pooling_and_length(place):
    network = {"model.backbone": "gru", "model.head": "flattened"}
    for head in ("pooled", "mean_max", "flattened"):
        job = job_of(
            model__backbone="gru", model__head=head, data__seconds=5, initialise__set=network
        )
        assert not [one for one in problems(job) if "that it starts from" in one]


def test_fewer_leads_are_zero_for_the_network_of_an_upstream_recipe_and_the_baseline(place):
    job = job_of(data__leads=["II", "I"], initialise__leads="fewer")
    assert not [one for one in problems(job) if "that it starts from" in one]
    for one in (job, job.baseline):
        wanted = one.recipe.model.preprocessing
        assert (len(wanted.leads), wanted.missing) == (12, "zero")
        assert one.recipe.data.leads == ("II", "I")


def test_a_kept_head_needs_the_labels_of_the_upstream_recipe(place):
    ptbxl = {"data.source": "ptbxl", "data.label_set": "rhythm"}
    Path("mine.yaml").write_text(MINE.replace("source: folder", "source: ptbxl"))
    for head, refused in (("keep", True), ("new", False)):
        found = problems(job_of(initialise__head=head, initialise__set=ptbxl))
        assert any("A head can be kept only for" in one for one in found) == refused
