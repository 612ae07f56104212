"""Every recipe of recipes/ is right, described, and runs."""

import html
import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from published_weights import publish
from small_databases import DX, write_challenge_set, write_ludb_record
from small_folder import write_folder
from studies import run_here

from ecg_keras import data, report, workflow
from ecg_keras.cli import cli
from ecg_keras.config import Recipe, load_recipe, load_study, parse_overrides
from ecg_keras.simulate import simulate
from ecg_keras.sources import SOURCES, check_label_set, source_of
from ecg_keras.study import StudyPlan, gather, list_cells
from ecg_keras.study.dataset_sizes import count_records

pytestmark = pytest.mark.usefixtures("without_tfdv")
ROOT = Path(__file__).resolve().parents[1]
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
NAMES = [path.stem for path in RECIPES]
STUDIES = sorted((ROOT / "recipes" / "studies").glob("*.yaml"))
# what is trained here, with everything these need; all other recipes differ from one of them only
# in their data
TRAINED = {"quickstart", "ptbxl_finetune"}
NEEDED = {"quickstart_pretrain", "quickstart_scratch", "simulated_pretrain", "ptbxl_scratch"}
# starts from weights of others
PUBLISHED = "ludb_from_xceptiontime"
NUMBER = 12
LUDB_TEXTS = (
    ["Rhythm: Sinus rhythm", "Electric axis of the heart: normal"],
    ["Rhythm: Atrial fibrillation", "Left ventricular hypertrophy"],
    ["Rhythm: Sinus bradycardia", "STEMI: septal"],
)


def shrink(text: str) -> str:
    """A recipe of one epoch a phase on few, short ECGs."""
    text = re.sub(r"\bepochs: \d+", "epochs: 1", text)
    text = re.sub(r"\brecords: \d+", "records: 60", text)
    text = re.sub(r"\bcrop: [\d.]+", "crop: 1.5", text)
    text = text.replace("evaluation: {", "evaluation: {bootstrap: 100, explain: false, ")
    return text.replace("data:\n", "data:\n  seconds: 2\n")


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A folder with every recipe, shrunk, and every database it names, in its own layout."""
    root = tmp_path_factory.mktemp("recipes")
    for path in RECIPES:
        text = shrink(path.read_text())
        if path.stem in TRAINED | NEEDED:  # a network that is traced in a third of the time
            head, section, rest = text.partition("\nmodel: {")
            text = f"{head}\nmodel: {{backbone: fcn_wang, {rest if section else '}'}"
        (root / path.name).write_text(text)
    raw = root / "data" / "raw"
    simulate(raw / "ptbxl", hospital="lakeside", records=80, seed=1)
    for source, name in (("cpsc2018", "A{:04d}"), ("georgia", "E{:05d}"), ("ptb", "S{:04d}")):
        names = [name.format(number + 1) for number in range(NUMBER)]
        rate, seconds = (1000, 32) if source == "ptb" else (500, 10)
        # healthy or with an infarction is what the recipes of PTB learn
        dx = ("426783006", "164865005") if source == "ptb" else DX
        write_challenge_set(raw / source, names, rate=rate, seconds=seconds, dx=dx)
    for number in range(NUMBER):
        write_ludb_record(raw / "ludb", number + 1, LUDB_TEXTS[number % 3])
    write_folder(raw / "folder", NUMBER)
    # in the published layout, of random numbers; what kind a file is shows its content
    (root / "data" / "weights").mkdir()
    publish(
        root / "data" / "weights",
        name="xc_super_pretrained.onnx",
        family="xception_time",
        rate=100,
        samples=200,
        changes=[("[{kind: highpass, hz: 0.5, order: 1}]", "[]")],
    )
    return root


@pytest.fixture
def here(small, monkeypatch) -> Path:
    monkeypatch.chdir(small)
    return small


def header(path: Path) -> str:
    """The comment at the top of a recipe, with continued lines joined."""
    lines = []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return "\n".join(lines).replace("\\\n", " ")


def without_data(recipe: Recipe) -> dict:
    """What a recipe says, without data, names of other recipes, epochs and number of seeds."""
    settings = recipe.model_dump(by_alias=True, exclude={"data", "run", "export"})
    for phase in settings["training"]["phases"]:
        del phase["epochs"]
    del settings["evaluation"]["baseline"], settings["evaluation"]["seeds"]
    if settings["initialise"] is not None:
        del settings["initialise"]["from"]
    return settings


def test_there_are_recipes_of_every_mode_for_every_database_of_the_paper():
    expected = {
        f"{database}_{mode}"
        for database in ("ptbxl", "cpsc2018", "georgia", "ptb", "ludb", "quickstart")
        for mode in ("pretrain", "scratch", "finetune")
    }
    expected |= {"simulated_pretrain", "folder_scratch", "folder_finetune", PUBLISHED}
    assert {*NAMES, "quickstart_finetune"} - {"quickstart"} == expected
    for path in RECIPES:
        mode = path.stem.partition("_")[2] if path.stem != PUBLISHED else ""
        mode = mode or "finetune"
        assert load_recipe(path).recipe.mode == mode


def test_all_pass_recipe_check():
    answer = CliRunner().invoke(cli, ["recipe", "check", *map(str, RECIPES)])
    assert answer.exit_code == 0, answer.output
    assert answer.output.count(": good") == len(RECIPES)


@pytest.mark.parametrize("path", RECIPES, ids=NAMES)
def test_the_header_says_what_it_is_for_and_what_to_type(path):
    text = header(path)
    assert not text.startswith("ecg-keras")
    command = re.search(r"^ecg-keras train (.+)$", text, re.MULTILINE)
    assert command, "the comment at the top has the command"
    recipe, *rest = shlex.split(command[1])
    assert recipe == f"recipes/{path.name}"
    assert rest[::2] == ["--set"] * (len(rest) // 2)
    loaded = workflow.load(path, parse_overrides(rest[1::2]))
    settings = loaded.recipe
    if settings.data.simulate is None:
        assert settings.data.raw == Path("FOLDER"), "the command names the recordings"
    upstream = workflow.upstream_recipe(loaded)
    if upstream is not None and upstream.recipe.data.simulate is None:
        assert upstream.recipe.data.raw == Path("FOLDER_OF_PTBXL")
    for other in re.findall(r"initialise\.from=(?!FOLDER)(\S+)", text):
        assert (path.parent / other).is_file()
    assert all(len(line) <= 120 for line in path.read_text().splitlines())


def test_each_is_in_the_table_of_the_readme():
    cells = re.findall(r"^\| (`.+?) \|", (ROOT / "recipes/README.md").read_text(), re.MULTILINE)
    told = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    folder = ROOT / "recipes"
    assert sorted(told) == sorted(str(path.relative_to(folder)) for path in folder.rglob("*.yaml"))


@pytest.fixture(scope="module")
def weights_of_others(tmp_path_factory) -> str:
    """Published weights that filter nothing, so that crops are allowed."""
    plain = [("filters: [{kind: highpass, hz: 0.5, order: 1}]", "filters: []")]
    folder = tmp_path_factory.mktemp("published")
    path, _ = publish(folder, family="xception_time", rate=100, samples=1000, changes=plain)
    return str(path)


@pytest.mark.parametrize("path", STUDIES, ids=[path.stem for path in STUDIES])
def test_a_study_s_header_says_what_to_type(path, weights_of_others):
    command = re.search(r"^ecg-keras study (.+)$", header(path), re.MULTILINE)
    assert command, "the comment at the top has the command"
    recipe, *rest = shlex.split(command[1].removesuffix(" --dry-run"))
    assert recipe == f"recipes/studies/{path.name}"
    assert rest[::2] == ["--set"] * (len(rest) // 2)
    given = {
        key: weights_of_others if key.endswith(".from") else value
        for key, value in parse_overrides(rest[1::2]).items()
    }
    loaded = load_study(path, given)
    if path.stem != "paper_sound":  # thousands of cells, half a minute
        plan = list_cells(loaded)
        assert plan.cells and not any(cell.problem for cell in plan.cells)
    assert all(len(line) <= 120 for line in path.read_text().splitlines())


# ---------------------------------------------------------------- the study of your own folder

OWN = ROOT / "recipes" / "studies" / "folder.yaml"


def own_study(root: Path, **overrides: object) -> StudyPlan:
    """The study of a folder of recordings, which alone has to be named."""
    return list_cells(load_study(OWN, {"raw.folder": str(root), **overrides}))


def test_the_study_of_your_own_folder_is_fair(tmp_path):
    plan = own_study(tmp_path)
    arms = {}
    for arm, seed, fold in plan.points:
        arms.setdefault(arm.way, set()).add((seed, fold))
    tried = {
        name: {len(plan.by_name[plan.points[key]].candidates) for key in plan.points
               if key[0].way == name}
        for name in ("scratch", "finetune from simulated")
    }  # fmt: skip
    assert set(map(len, arms.values())) == {3 * 5}  # seeds and folds of each way of training
    assert tried == {"scratch": {4}, "finetune from simulated": {4}}
    assert set(arms) - set(tried) == {
        "upstream_probe from simulated",
        "random_probe",
        "finetune_from_random",
    }


@pytest.mark.parametrize("name", ["folder", "quick", "published"])
def test_arms_of_a_study_on_real_data_differ_in_their_first_weights_alone(
    tmp_path, weights_of_others, name
):
    given = {"raw.folder": str(tmp_path)} if name == "folder" else {}
    if name == "published":
        given["upstreams.exchangeai.from"] = weights_of_others
    plan = list_cells(load_study(ROOT / "recipes" / "studies" / f"{name}.yaml", given))
    controls = {mode for _, _, mode in plan.loaded.study.controlled}
    recipes = {
        (arm.downstream, arm.protocol, arm.way): plan.by_name[cell].recipe
        for (arm, seed, fold), cell in plan.points.items()
        if (seed, fold) == (0, 0) and not {arm.mode} & (controls | {"upstream_probe"})
    }
    compared = 0
    for (downstream, protocol, way), recipe in recipes.items():
        scratch = recipes[downstream, protocol, "scratch"]
        assert recipe.training.phases == scratch.training.phases
        assert recipe.tune == scratch.tune
        alike = without_data(scratch) | {"mode": recipe.mode}
        assert without_data(recipe) | {"initialise": None} == alike
        assert recipe.data == scratch.data
        compared += way.startswith("finetune from ")
    assert compared


@pytest.mark.parametrize("start", ["simulated", "ptbxl", "given"])
def test_the_study_of_your_own_folder_knows_its_records_and_every_start(
    tmp_path, weights_of_others, start
):
    write_folder(tmp_path / "mine", NUMBER)
    chosen: dict[str, object] = {"grid.upstreams": [start]}
    if start == "ptbxl":
        chosen["raw.ptbxl"] = str(tmp_path / "ptbxl")
    if start == "given":
        chosen["upstreams.given.from"] = weights_of_others
        chosen["grid.backbones"] = ["xception_time"]
    plan = own_study(tmp_path / "mine", folder=str(tmp_path / "study"), **chosen)
    assert {arm.upstream for arm, _, _ in plan.points} == {"", start}
    sizes = count_records(plan)
    mine = {sizes[cell.name] for cell in plan.cells if cell.kind != "pretrain"}
    assert {(size.records, size.labels, size.origin) for size in mine} == {(NUMBER, 2, "raw files")}


@pytest.mark.long
def test_the_study_of_your_own_folder_runs_from_recordings_to_its_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "mine", 2 * NUMBER)
    short = [{"epochs": 1, "learning_rate": 3e-3}]
    shrunk = {
        "base.data.seconds": 2,
        "base.data.anomalies": "warn",
        "base.training.augment.crop": 1.5,
        "base.training.phases": short,
        "base.tune": {"candidates": [{"rate": 0.3}, {"rate": 1}], "extend": False},
        "upstreams.simulated.data.simulate.records": 60,
        "upstreams.simulated.training.phases": short,
        "grid.backbones": ["fcn_wang"],
        "grid.seeds": [0, 1],
        "grid.folds": 3,
        "question.bootstrap": 100,
    }
    plan = own_study(Path("mine"), **shrunk)
    last = run_here(plan)
    assert not last.failures and last.is_over
    result = gather(plan)
    page = report.write_study(result, plan.folder)
    assert result.answers[0] in html.unescape(page.read_text())
    assert [str(one.arm.way) for one in result.comparisons] == ["finetune from simulated"]
    assert result.comparisons[0].settings == (2, 2)


def test_published_weights_are_imported_for_both_arms(here):
    job = workflow.make_job(workflow.load(f"{PUBLISHED}.yaml"))
    assert job.recipe.model == job.baseline.recipe.model
    assert job.recipe.model.backbone == "xception_time"
    assert job.recipe.model.preprocessing.unit == "uV"
    plan = workflow.make_plan(job)
    workflow.run_plan(step for step in plan if step.action == "import")
    assert job.is_imported() and job.imported.read_status()["mode"] == "imported"


@pytest.mark.parametrize("name", NAMES)
def test_its_dataset_can_be_prepared(here, name):
    job = workflow.make_job(workflow.load(f"{name}.yaml"))
    plan = [step for step in workflow.make_plan(job) if step.job is job]
    workflow.run_plan(step for step in plan if step.action in ("simulate", "prepare", "validate"))
    dataset = data.describe(job.shards)
    source = source_of(job.data)
    assert job.data.source in SOURCES
    assert dataset.labels == check_label_set(source, job.data.label_set)
    assert (dataset.sampling_rate, len(dataset.leads)) == (100, 12)
    assert all(split.records for split in dataset.splits.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["quickstart", pytest.param("ptbxl_finetune", marks=pytest.mark.long)]
)
def test_it_runs_from_recordings_to_the_comparison(here, name):
    job = workflow.make_job(workflow.load(f"{name}.yaml"))
    plan = workflow.make_plan(job)
    workflow.run_plan(step for step in plan if step.action != "report" or step.job is job)
    assert job.run.report.stat().st_size > 10_000
    for one in (job, job.upstream, job.baseline):
        assert one.run.name in TRAINED | NEEDED
        assert json.loads(one.run.status.read_text())["state"] == "trained"
        phases = one.recipe.training.phases
        assert len(one.run.log.read_text().splitlines()) == 1 + len(phases)
    comparison = json.loads(job.run.comparison.read_text())
    assert comparison["names"] == [name, job.baseline.run.name]
    assert job.run.saved_model.is_dir() == job.recipe.export


@pytest.mark.parametrize("name", sorted({*NAMES} - TRAINED - NEEDED))
def test_the_others_differ_from_one_that_runs_only_in_data(name):
    recipe = load_recipe(ROOT / "recipes" / f"{name}.yaml").recipe
    alike = {"pretrain": "simulated_pretrain", "scratch": "ptbxl_scratch"}
    runs = load_recipe(ROOT / "recipes" / f"{alike.get(recipe.mode, 'ptbxl_finetune')}.yaml").recipe
    assert without_data(recipe) == without_data(runs)


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("finetune")])
def test_fine_tuning_and_its_baseline_get_the_same_data(name):
    loaded = workflow.load(ROOT / "recipes" / f"{name}.yaml")
    baseline = workflow.baseline_recipe(loaded)
    assert load_recipe(baseline.path).recipe.data == loaded.recipe.data


def test_fine_tuning_has_the_training_of_its_baseline():
    compared = []
    for path in RECIPES:
        loaded = load_recipe(path)
        if loaded.recipe.evaluation.baseline is None:
            continue
        compared.append(path.stem)
        # as it is written: overrides of a recipe reach its baseline
        baseline = load_recipe(path.parent / loaded.recipe.evaluation.baseline).recipe
        assert loaded.recipe.training == baseline.training, path.stem
        assert loaded.recipe.tune == baseline.tune, path.stem
    assert {name for name in NAMES if name.endswith("finetune")} < {*compared}
    assert {"quickstart", PUBLISHED} < {*compared}
