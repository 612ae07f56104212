"""The checks of names that only the tables know, and the recipes a recipe names."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from advice_parts import dataset

from ecg_keras import models, workflow
from ecg_keras.errors import ConfigError, unknown_name
from ecg_keras.signals import LEADS
from ecg_keras.training import LOSSES

DATA = "data: {source: ptbxl, raw: x}\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data: {source: ptbx, raw: x}\n", "no source named 'ptbx'.*Did you mean 'ptbxl'"),
        (
            "data: {source: ptbxl, raw: x, label_set: superdiagnostics}\n",
            "Did you mean 'superdiagnostic'",
        ),
        ("data: {source: ptbxl, raw: x, leads: [I, VX]}\n", "VX"),
        (
            "data:\n  source: folder\n  raw: x\n  folder:\n    lead_names: {Ch 1: V11}\n",
            "data.folder.lead_names: Ch 1: no lead named 'V11'.*Did you mean 'V1'",
        ),
        (
            "data: {source: folder, raw: x, folder: {lead_names: {di: I, ' DI': II}}}\n",
            "data.folder.lead_names: ' DI' is to be lead II and lead I: case and blanks do not",
        ),
        (
            "data: {source: folder, raw: x, folder: {lead_names: {' ': I}}}\n",
            "data.folder.lead_names: a spelling of a lead is empty",
        ),
        (
            "data: {source: simulated, raw: x, simulate: {hospital: lakeshore}}\n",
            "data.simulate.hospital: no hospital named 'lakeshore'.*Did you mean 'lakeside'",
        ),
        (DATA + "model: {backbone: resnet18}\n", "Did you mean 'resnet1d18'"),
        (
            DATA
            + "training:\n  phases:\n    - {epochs: 1}\n    - {epochs: 1, train_from: stage5}\n",
            "phases.1.train_from: no stage named 'stage5'. Allowed: embedding, head, stage1",
        ),
        (
            DATA
            + "model: {backbone: gru}\ntraining: {phases: [{epochs: 1, train_from: stage4}]}\n",
            "no stage named 'stage4'. Allowed: head, stem",
        ),
        (
            DATA + "model:\n  scaling: none\n  preprocessing:\n    filters:\n"
            "      - {kind: bandpass, hz: [0.5, 50], order: 3}\n",
            "model.preprocessing: a filter's hz is below half the sampling rate, 50. Received: 50",
        ),
        (
            DATA + "model: {scaling: none, preprocessing: {filters: [{kind: median, "
            "seconds: [0.2, 0.005]}]}}\n",
            "seconds is at least two samples and at most .*Received: 0.005 at 100 Hz",
        ),
        (
            DATA + "model: {scaling: none, preprocessing: {leads: [I, II], scaling: "
            "{kind: standardise, mean: [0, 0, 0], std: [1]}}}\n",
            "scaling.mean has one number, or one for each of 2 leads",
        ),
        (
            DATA + "training: {select: last, patience: 5}\n",
            "training.patience: select: last keeps the last epoch whatever its score",
        ),
        (DATA + "training: {weight_decay: 0.01}\n", "weight_decay needs optimizer adamw"),
        (
            DATA + "training: {optimizer: {adam: {beta1: 0.9}}}\n",
            "training.optimizer: no setting of adam named 'beta1'.*Did you mean 'beta_1'",
        ),
        (DATA + "run: .\n", "run: a run has a folder of its own, which is named.*Received: '.'"),
        (DATA + "training: {optimizer: sgd, epsilon: 1}\n", "epsilon needs optimizer adam, adamw"),
        (
            DATA + "training:\n  optimizer: adan\n",
            "training.optimizer: no optimizer named 'adan'.*Did you mean 'adam'",
        ),
        (
            DATA + "training:\n  loss: focl\n",
            "training.loss: "
            + re.escape(unknown_name("loss", "focl", [row.name for row in LOSSES.rows])),
        ),
        (
            DATA + "training:\n  loss: {focal: {gama: 3}}\n",
            "training.loss: loss focal can't be made with .*'gama'",
        ),
        (
            DATA + "training:\n  optimizer: {sgd: {learning_rate: 3}}\n",
            "training.optimizer: optimizer sgd gets its learning_rate from the run or",
        ),
        (
            DATA + "training:\n  callbacks: [run_log, run_logs]\n",
            "training.callbacks.1: no callback named 'run_logs'.*Did you mean 'run_log'",
        ),
        (
            DATA + "training:\n  loss: no_such_module:loss\n",
            "training.loss: loss 'no_such_module:loss' can't be imported.*module:function",
        ),
        (
            DATA + "training: {augment: {mains_hum: 0.1}}\n",
            "training.augment: mains_hum: 50 Hz can't be sampled at 100 Hz",
        ),
        (DATA + "training: {augment: {crop: 12}}\n", "training.augment: crop must be at most 10 s"),
        (
            DATA + "model: {backbone: gru}\ntraining: {augment: {crop: 2.5}}\n",
            "training.augment.crop: the head of gru is flattened.*whole ECGs only",
        ),
        (
            DATA + "model: {backbone: s4, head: flattened}\ntraining: {augment: {crop: 5}}\n",
            "training.augment.crop: the head of s4 is flattened.*or model.head to pooled",
        ),
        (
            "data: {source: ptbxl, raw: x, leads: [V1, V2]}\n"
            "training: {augment: {lead_group_dropout: 0.1}}\n",
            "training.augment: lead_group_dropout .* one of the groups only: V1, V2",
        ),
        ("data: {source: ptbxl, raw: x, leads: [I, i]}\n", "data.leads must name each lead once"),
        (
            "data: {source: ptbxl, raw: x, seconds: 0.001}\ntraining: {augment: {crop: 12}}\n",
            "data.seconds times data.sampling_rate",
        ),
        (
            DATA + "tune: {candidates: [{}, {recipe: {training: {optimiser: adam}}}]}\n",
            "tune.candidates: rate 1, training.optimiser adam: .*Did you mean 'optimizer'",
        ),
        (
            DATA + "tune: {candidates: [{}, {recipe: {model: {backbone: resnet19}}}]}\n",
            "tune.candidates: rate 1, model.backbone resnet19: model.backbone: no backbone",
        ),
    ],
)
def test_unknown_names_are_told_with_line_and_nearest_match(tmp_path, text, expected):
    path = write(tmp_path, "mine.yaml", "mode: scratch\n" + text)
    with pytest.raises(ConfigError, match=rf"mine\.yaml:\d+: .*{expected}"):
        workflow.load(path)


@pytest.mark.parametrize("model", ["{backbone: gru, head: pooled}", "{backbone: s4}"])
def test_networks_that_pool_take_crops_and_others_the_whole_ecg_as_one(tmp_path, model):
    for crop, network in ((2.5, model), (10, "{backbone: gru}")):
        text = f"mode: scratch\n{DATA}model: {network}\ntraining: {{augment: {{crop: {crop}}}}}\n"
        assert (
            workflow.load(write(tmp_path, "mine.yaml", text)).recipe.training.augment.crop == crop
        )


def test_the_upstream_lies_beside_the_recipe_and_takes_overrides(tmp_path):
    write(tmp_path, "up.yaml", "mode: pretrain\n" + DATA)
    path = write(
        tmp_path,
        "down.yaml",
        f"mode: finetune\n{DATA}initialise: {{from: up.yaml, set: {{training.seed: 7}}}}\n",
    )
    upstream = workflow.upstream_recipe(workflow.load(path))
    assert upstream.path == tmp_path / "up.yaml"
    assert upstream.recipe.training.seed == 7


def test_the_network_is_the_upstreams_where_it_is_not_set(tmp_path):
    write(tmp_path, "first.yaml", "mode: pretrain\n" + DATA + "model: {backbone: gru}\n")
    start = f"mode: finetune\n{DATA}initialise: {{from: %s.yaml%s}}\n"
    write(tmp_path, "second.yaml", start % ("first", ""))
    third = write(tmp_path, "third.yaml", start % ("second", ""))
    own = write(tmp_path, "own.yaml", start % ("second", "") + "model: {backbone: lstm}\n")
    told = write(tmp_path, "told.yaml", start % ("first", ", set: {model.backbone: bilstm}"))
    for path, backbone in ((third, "gru"), (own, "lstm"), (told, "bilstm")):
        assert workflow.load(path).recipe.model.backbone == backbone


def test_recipes_that_start_from_one_another_are_refused(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        text = f"mode: finetune\n{DATA}initialise: {{from: {other}.yaml}}\n"
        write(tmp_path, f"{name}.yaml", text)
    with pytest.raises(ConfigError, match="start from one another"):
        workflow.upstream_recipe(workflow.load(tmp_path / "a.yaml"))


def test_a_baseline_is_trained_on_the_data_of_the_recipe_that_names_it(tmp_path):
    write(tmp_path, "base.yaml", "mode: scratch\n" + DATA + "training: {seed: 5}\n")
    path = write(
        tmp_path,
        "mine.yaml",
        "mode: scratch\ndata: {source: ptbxl, raw: elsewhere, seconds: 5}\n"
        "evaluation: {baseline: base.yaml, bootstrap: 500}\n",
    )
    baseline = workflow.baseline_recipe(workflow.load(path))
    assert baseline.recipe.data.raw == Path("elsewhere")
    assert baseline.recipe.data.seconds == 5
    assert baseline.recipe.evaluation.bootstrap == 500
    assert baseline.recipe.training.seed == 5
    job = workflow.make_job(workflow.load(path, {"run": str(tmp_path / "r" / "mine")}))
    assert job.baseline.run.folder == tmp_path / "r" / "base"


def test_a_baseline_has_no_baseline(tmp_path):
    text = "mode: scratch\n" + DATA + "evaluation: {baseline: a.yaml}\n"
    path = write(tmp_path, "a.yaml", text)
    with pytest.raises(ConfigError, match="must not name a baseline itself"):
        workflow.baseline_recipe(workflow.load(path))


def test_a_baseline_chooses_its_epoch_on_the_same_split(tmp_path):
    write(tmp_path, "base.yaml", "mode: scratch\n" + DATA)
    text = "mode: scratch\n" + DATA + "evaluation: {baseline: base.yaml}\n"
    path = write(tmp_path, "mine.yaml", text + "training: {validate_on: test}\n")
    with pytest.raises(ConfigError, match=r"validate_on is test, and valid in the baseline .*base"):
        workflow.baseline_recipe(workflow.load(path))


@pytest.mark.parametrize(
    ("backbone", "training", "warned"),
    [
        ("vit1d", "phases: [{epochs: 9, learning_rate: 3e-3}]", True),
        ("vit1d", "phases: [{epochs: 9, learning_rate: 3e-4}]", False),
        ("vit1d", "optimizer: sgd\n  phases: [{epochs: 9, learning_rate: 3e-3}]", False),
        ("vit1d", "optimizer: lion\n  phases: [{epochs: 9, learning_rate: 3e-3}]", True),
        (
            "s4",
            "optimizer: {adamw: {beta_1: 0.8}}\n  phases: [{epochs: 9, learning_rate: 2e-3}]",
            True,
        ),
        ("s4", "phases: [{epochs: 9}]", False),
        ("s4", "phases: [{epochs: 9, learning_rate: 1, train_from: head}]", False),
        ("resnet1d18", "phases: [{epochs: 9, learning_rate: 1}]", False),
    ],
)
def test_a_rate_at_which_a_network_is_not_known_to_learn_is_named(
    tmp_path, backbone, training, warned
):
    text = f"mode: scratch\n{DATA}model: {{backbone: {backbone}}}\ntraining:\n  {training}\n"
    said = workflow.rate_warning(workflow.load(write(tmp_path, "mine.yaml", text)).recipe)
    assert (said is not None) == warned
    if said:
        assert said.startswith(f"{backbone} is not known to learn at ")
        assert "--set training.phases.0.learning_rate=" in said


@pytest.mark.parametrize(
    ("rate", "rates", "warned"),
    [
        (3e-3, (0.1, 1), False),
        (3e-4, (1, 3), False),
        (3e-4, (10, 5), True),
        (1e-2, (1, 2), True),
    ],
)
def test_a_tuned_network_is_warned_of_the_lowest_of_its_rates(tmp_path, rate, rates, warned):
    limit = models.highest_rate_of("vit1d")
    tune = f"tune: {{candidates: [{{rate: {rates[0]}}}, {{rate: {rates[1]}}}]}}"
    phases = f"phases: [{{epochs: 9, learning_rate: {rate}}}]"
    text = f"mode: scratch\n{DATA}model: {{backbone: vit1d}}\ntraining:\n  {phases}\n{tune}\n"
    said = workflow.rate_warning(workflow.load(write(tmp_path, "mine.yaml", text)).recipe)
    assert (said is not None) == warned
    if said:
        assert said.startswith(f"vit1d is not known to learn at {min(rates) * rate:g}: ")
        assert f"--set training.phases.0.learning_rate={limit / min(rates):g} for" in said


def test_functions_of_your_own_are_named_as_code(tmp_path, monkeypatch):
    names = ("loss", "make", "Log")
    (tmp_path / "my_training.py").write_text("\n".join(f"def {one}(**_): pass" for one in names))
    monkeypatch.syspath_prepend(tmp_path)
    text = """training:
  loss: my_training:loss
  optimizer: {my_training:make: {momentum: 0.5}}
  callbacks: [run_log, my_training:Log]
"""
    path = write(tmp_path, "mine.yaml", "mode: scratch\n" + DATA + text)
    assert workflow.own_code(workflow.load(path).recipe) == (
        "training.loss my_training:loss",
        "training.optimizer my_training:make",
        "training.callbacks my_training:Log",
    )


def test_code_that_a_run_names_is_imported_where_the_recipe_names_it_too(tmp_path, monkeypatch):
    code = tmp_path / "code_of_a_run.py"
    code.write_text("raise SystemExit('it was imported')")
    monkeypatch.syspath_prepend(tmp_path)
    run = tmp_path / "received"
    run.mkdir()
    model = {"backbone": "code_of_a_run:net", "scaling": "minmax"}
    (run / "status.json").write_text(json.dumps({"settings": {"model": model}}))
    (run / "dataset.json").write_text(replace(dataset(), leads=LEADS).dump())
    text = f"mode: finetune\n{DATA}initialise: {{from: {run}}}\n"
    message = (
        r"mine\.yaml.*model\.backbone: the network of .*received is code of your own, "
        r"code_of_a_run:net, .* Set model\.backbone=code_of_a_run:net yourself"
    )
    with pytest.raises(ConfigError, match=message):
        workflow.load(write(tmp_path, "mine.yaml", text))
    assert "code_of_a_run" not in sys.modules
    code.write_text("def net(): pass")
    named = write(tmp_path, "named.yaml", text + "model: {backbone: code_of_a_run:net}\n")
    recipe = workflow.load(named).recipe
    assert (recipe.model.backbone, recipe.model.scaling) == ("code_of_a_run:net", "minmax")
