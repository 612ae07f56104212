"""What runs a study needs: their number, names, settings, and which of them are one."""

from collections import Counter
from pathlib import Path

import pytest
from finished_study import finish_cell
from studies import GEORGIA, LUDB, MODES, PTBXL, load, study_plan

from ecg_keras.config import load_study, run_settings
from ecg_keras.errors import ConfigError
from ecg_keras.study import list_cells
from ecg_keras.study.running import check_unfinished
from ecg_keras.training import Run

SIX = ["resnet1d18", "resnet1d50", "resnet1d101", "lstm", "bilstm", "gru"]
SEED = {"seeds": [0]}


def names(plan):
    return [cell.name for cell in plan.cells]


def count(plan):
    return Counter(cell.recipe.mode for cell in plan.cells)


def test_the_grid_of_the_paper_has_18_pretrainings_72_finetunings_and_30_from_scratch(tmp_path):
    upstreams = {name: {"data": {"source": name}} for name in ("ptbxl", "cpsc2018", "georgia")}
    downstreams = {"later": {"data": {"source": "later"}}, **upstreams}
    downstreams["ptb"] = {"data": {"source": "ptb"}}
    plan = study_plan(
        tmp_path,
        upstreams=upstreams,
        downstreams=downstreams,
        grid=SEED | {"backbones": SIX},
        sweeps=[
            SEED
            | {"upstreams": ["georgia"], "downstreams": ["ptbxl"]}
            | {"sizes": [2000, 4000, 6000, 8000, 10000, 12000, "all"]}
        ],
    )
    sizes = [cell for cell in plan.cells if cell.recipe.data.train_records is not None]
    whole = [cell for cell in plan.cells if cell.recipe.data.train_records is None]
    assert Counter(cell.recipe.mode for cell in whole) == {
        "pretrain": 18,
        "finetune": 72,
        "scratch": 30,
    }
    assert Counter(cell.recipe.mode for cell in sizes) == {"finetune": 6, "scratch": 6}
    assert len(set(names(plan))) == len(plan.cells)
    blocked = [cell for cell in plan.cells if cell.problem]
    assert len(blocked) == 6 * 3 + 6
    assert all(cell.name.startswith("later-") for cell in blocked)
    assert "no source named 'later'" in blocked[0].problem
    assert "\n" not in blocked[0].problem


def test_names_say_what_is_not_as_usual_and_pretrainings_come_first(tmp_path):
    plan = study_plan(
        tmp_path,
        protocols={"sound": {}, "hot": {"recipe": {"training": {"batch_size": 8}}}},
        grid=SEED | {"sizes": [50, "all"], "folds": 3, "heads": ["pooled"], "backbones": ["gru"]},
    )
    assert names(plan)[:4] == [
        "pretrain-ptbxl-gru-pooled-s0",
        "ludb-gru-pooled-scratch-n50-s0-f0",
        "ludb-gru-pooled-finetune-from-ptbxl-n50-s0-f0",
        "ludb-gru-pooled-scratch-hot-n50-s0-f0",
    ]
    assert names(plan)[-1] == "ludb-gru-pooled-finetune-from-ptbxl-hot-s0-f2"
    assert count(plan) == {"pretrain": 1, "scratch": 12, "finetune": 12}


def test_a_cell_is_a_recipe_of_the_parts_in_their_order(tmp_path):
    plan = study_plan(
        tmp_path,
        base={
            "data": {"seconds": 5, "workers": 2},
            "training": {"batch_size": 1, "weight_decay": 0.1, "optimizer": "adamw"},
        },
        upstreams={"ptbxl": PTBXL | {"training": {"batch_size": 2}}},
        downstreams={"ludb": LUDB | {"training": {"batch_size": 3, "patience": 7}}},
        modes={
            "scratch": {"start": "random"},
            "finetune": {"recipe": {"training": {"batch_size": 4, "phases": [{"epochs": 9}]}}},
        },
        protocols={
            "first": {
                "recipe": {"training": {"batch_size": 5}, "model": {"scaling": "minmax"}},
                "pretrain": {"model": {"scaling": "none"}},
                "modes": ["finetune"],
            }
        },
        grid=SEED | {"seeds": [11, 12], "upstream_seeds": [3], "sizes": [40], "folds": 4},
        question={"metric": "macro_auprc", "bootstrap": 123, "level": 0.9, "seed": 5},
        raw={"ludb": "/somewhere/ludb"},
        folder="elsewhere",
    )
    assert plan.folder == Path("elsewhere")
    upstream = plan.by_name["pretrain-ptbxl-resnet1d18-s3"]
    tuned = plan.by_name["ludb-resnet1d18-finetune-from-ptbxl-n40-s12-f1"]
    plain = plan.by_name["ludb-resnet1d18-scratch-n40-s12-f1"]
    assert (upstream.kind, upstream.arm, upstream.fold) == ("pretrain", None, None)
    assert (tuned.kind, tuned.seed, tuned.fold) == ("downstream", 12, 1)
    assert (upstream.needs, tuned.needs) == ((), (upstream.name,))
    assert plain.needs == ()

    assert [one.recipe.training.batch_size for one in (upstream, tuned, plain)] == [2, 5, 3]
    assert [one.recipe.training.seed for one in (upstream, tuned, plain)] == [3, 12, 12]
    assert [one.recipe.model.scaling for one in (upstream, tuned, plain)] == [
        "none",
        "minmax",
        "standardise",
    ]
    assert tuned.recipe.training.patience == 7
    assert tuned.recipe.training.weight_decay == 0.1
    assert tuned.recipe.training.phases[0].epochs == 9
    assert tuned.recipe.data.seconds == 5
    assert (tuned.recipe.data.split.folds, tuned.recipe.data.split.fold) == (4, 1)
    assert (upstream.recipe.data.split.folds, upstream.recipe.data.train_records) == (None, None)
    assert tuned.recipe.data.train_records == 40
    assert tuned.recipe.data.raw == Path("/somewhere/ludb")
    assert upstream.recipe.data.raw == Path("data/raw/ptbxl")
    assert tuned.recipe.initialise.from_ == str(upstream.run.folder)
    assert upstream.run.folder == Path("elsewhere/runs") / upstream.name
    evaluation = tuned.recipe.evaluation
    assert (evaluation.metric, evaluation.bootstrap) == ("macro_auprc", 123)
    assert (evaluation.level, evaluation.seed) == (0.9, 5)


def test_each_seed_starts_from_its_own_pretraining_and_then_from_the_first_again(tmp_path):
    plan = study_plan(tmp_path, grid={"seeds": [5, 6, 7], "upstream_seeds": [1, 2]})
    needs = {cell.seed: cell.needs[0] for cell in plan.cells if cell.needs}
    assert needs == {
        5: "pretrain-ptbxl-resnet1d18-s1",
        6: "pretrain-ptbxl-resnet1d18-s2",
        7: "pretrain-ptbxl-resnet1d18-s1",
    }


def test_a_mode_that_a_protocol_leaves_alone_is_as_the_protocol_that_it_changes(tmp_path):
    protocols = {
        "sound": {},
        "small": {"recipe": {"training": {"batch_size": 4}}},
        "hot": {
            "against": "small",
            "recipe": {"training": {"batch_size": 8}},
            "modes": ["finetune"],
        },
    }
    points = study_plan(tmp_path, protocols=protocols, grid=SEED).points
    of = {(arm.protocol, arm.mode): name for (arm, *_), name in points.items()}
    assert of["hot", "scratch"] == of["small", "scratch"] != of["sound", "scratch"]
    assert len({of[name, "finetune"] for name in protocols}) == 3


def test_a_protocol_that_changes_the_evaluation_alone_needs_no_run(tmp_path):
    protocols = {
        "sound": {},
        "half": {"recipe": {"evaluation": {"thresholds": "fixed"}}},
        "hot": {"recipe": {"training": {"batch_size": 8}}, "modes": ["finetune"]},
    }
    plan = study_plan(tmp_path, protocols=protocols, grid=SEED)
    assert names(plan) == [
        "pretrain-ptbxl-resnet1d18-s0",
        "ludb-resnet1d18-scratch-s0",
        "ludb-resnet1d18-finetune-from-ptbxl-s0",
        "ludb-resnet1d18-finetune-from-ptbxl-hot-s0",
    ]
    shared = {(arm.protocol, arm.mode): name for (arm, *_), name in plan.points.items()}
    assert shared == {
        ("sound", "scratch"): names(plan)[1],
        ("half", "scratch"): names(plan)[1],
        ("hot", "scratch"): names(plan)[1],
        ("sound", "finetune"): names(plan)[2],
        ("half", "finetune"): names(plan)[2],
        ("hot", "finetune"): names(plan)[3],
    }


def test_a_run_is_calibrated_once_so_arms_that_share_it_ask_for_the_same(tmp_path):
    protocols = {"sound": {}, "platt": {"recipe": {"evaluation": {"calibration": "platt"}}}}
    plan = study_plan(tmp_path, protocols=protocols, grid=SEED, folder=str(tmp_path / "study"))
    with pytest.raises(ConfigError) as caught:
        check_unfinished(plan)
    assert str(caught.value) == (
        f"{tmp_path / 'mine.yaml'}: ludb, resnet1d18, scratch, protocol platt: "
        "evaluation.calibration is platt, and none for another arm of the same run, "
        "ludb-resnet1d18-scratch-s0, whose predictions are stored calibrated, once. Give both the "
        "same calibration, or make them two studies."
    )
    for cell in plan.cells:
        finish_cell(cell)
    check_unfinished(plan)  # what is finished stays
    # a candidate is not tested: the arm that shares its run is calibrated as it asks
    protocols["sound"] = {"recipe": {"tune": {"candidates": [{"rate": 1}, {"rate": 0.1}]}}}
    plan = study_plan(tmp_path, protocols=protocols, grid=SEED)
    shared = {cell.recipe.evaluation.calibration for cell in plan.cells if cell.tried}
    tested = {plan.by_name[name].recipe.evaluation.calibration for name in plan.points.values()}
    assert shared == tested == {"none", "platt"}


@pytest.mark.parametrize(
    ("training", "more", "message"),
    [
        ({"seed": 0}, [{"rate": 2}], r"ludb-.*: tune: only 2 of 3 candidates differ here"),
        ({"validate_on": "test"}, [], r"ludb-.*: a candidate sets no training\.validate_on"),
    ],
    ids=["of one run", "that choose on test"],
)
def test_candidates_are_refused_until_they_are_trained(tmp_path, training, more, message):
    tune = {"candidates": [{}, {"recipe": {"training": training}}, *more]}
    plan = study_plan(tmp_path, grid=SEED, base={"tune": tune}, folder=str(tmp_path / "study"))
    with pytest.raises(ConfigError, match=message):
        check_unfinished(plan)
    for cell in plan.cells:
        finish_cell(cell)
        cell.run.tried.touch()
    check_unfinished(plan)


def test_rates_of_a_ridge_head_are_refused_as_candidates(tmp_path):
    ridge = {"training": {"phases": [{"epochs": 1, "train_from": "head", "fit": "ridge"}]}}
    modes = {"scratch": {"start": "random"}, "ridge": {"start": "random", "recipe": ridge}}
    where = {"base": {"tune": {}}, "modes": modes, "folder": str(tmp_path / "study")}
    with pytest.raises(ConfigError, match=r"-ridge-.*: tune: only 1 of 4 candidates differ here"):
        check_unfinished(list_cells(load(tmp_path, grid=SEED, **where)))
    ridge["tune"] = None
    check_unfinished(list_cells(load(tmp_path, grid=SEED, **where)))


def test_two_names_of_one_head_are_one_run(tmp_path):
    heads = {"heads": ["as_published", "pooled"], "backbones": ["resnet1d18", "lstm"]}
    plan = study_plan(tmp_path, grid=SEED | heads)
    # pooled is what is published for the first, and not for the second
    assert count(plan) == {"pretrain": 3, "scratch": 3, "finetune": 3}
    assert len(plan.points) == 8


def test_a_protocol_of_the_upstream_gets_a_pretraining_of_its_own_and_others_share_one(tmp_path):
    protocols = {
        "sound": {},
        "minmax": {
            "recipe": {"model": {"scaling": "minmax"}},
            "pretrain": {"model": {"scaling": "minmax"}},
        },
        "hot": {"recipe": {"training": {"batch_size": 8}}},
    }
    plan = study_plan(tmp_path, protocols=protocols, grid=SEED)
    needs = {cell.arm.protocol: cell.needs[0] for cell in plan.cells if cell.needs}
    assert needs == {
        "sound": "pretrain-ptbxl-resnet1d18-s0",
        "minmax": "pretrain-ptbxl-resnet1d18-minmax-s0",
        "hot": "pretrain-ptbxl-resnet1d18-s0",
    }


def test_nobody_is_pretrained_on_what_is_tested(tmp_path):
    challenge = {"data": {"source": "ptbxl_challenge"}}
    upstreams = {"ptbxl": PTBXL, "copy": challenge, "georgia": GEORGIA}
    plan = study_plan(tmp_path, upstreams=upstreams, downstreams={"ptbxl": PTBXL}, grid=SEED)
    assert {arm.upstream for arm, *_ in plan.points} == {"", "georgia"}
    assert count(plan) == {"pretrain": 1, "finetune": 1, "scratch": 1}


def test_simulated_hospitals_are_one_database_if_their_patients_are(tmp_path):
    def hospital(name, **more):
        return {"data": {"source": "simulated", "simulate": {"hospital": name, **more}}}

    upstreams = {
        "same": hospital("lakeside", records=500),
        "other_patients": hospital("lakeside", seed=1),
        "other_hospital": hospital("riverside"),
    }
    downstreams = {"down": hospital("lakeside", records=100)}
    plan = study_plan(tmp_path, upstreams=upstreams, downstreams=downstreams, grid=SEED)
    assert {arm.upstream for arm, *_ in plan.points} == {"", "other_patients", "other_hospital"}
    raw = {cell.recipe.data.raw.name for cell in plan.cells}
    assert raw == {"lakeside-100", "lakeside-1000-seed1", "riverside-1000"}


def test_what_is_excluded_agrees_with_every_key(tmp_path):
    plan = study_plan(
        tmp_path,
        upstreams={"ptbxl": PTBXL, "georgia": GEORGIA},
        grid=SEED | {"sizes": [50, "all"], "backbones": ["gru", "lstm"]},
        exclude=[
            {"upstream": "georgia", "size": 50},
            {"backbone": "lstm", "mode": "scratch"},
            {"size": "all", "mode": "finetune", "upstream": "ptbxl", "backbone": "gru"},
        ],
    )
    assert {(arm.backbone, arm.way, arm.size) for arm, *_ in plan.points} == {
        ("gru", "scratch", 0),
        ("gru", "scratch", 50),
        ("gru", "finetune from ptbxl", 50),
        ("gru", "finetune from georgia", 0),
        ("lstm", "finetune from ptbxl", 0),
        ("lstm", "finetune from ptbxl", 50),
        ("lstm", "finetune from georgia", 0),
    }
    assert count(plan)["pretrain"] == 4


def test_no_pretraining_is_made_that_nobody_starts_from(tmp_path):
    plan = study_plan(tmp_path, modes={"scratch": MODES["scratch"]}, grid=SEED)
    assert count(plan) == {"scratch": 1}


def test_what_a_database_sets_for_fine_tuning_is_no_matter_from_scratch(tmp_path):
    parts = {"ptbxl": PTBXL | {"initialise": {"head": "keep"}}, "ludb": LUDB}
    parts["ludb"] = LUDB | {"initialise": {"head": "keep"}}
    plan = study_plan(
        tmp_path,
        upstreams={"ptbxl": parts["ptbxl"]},
        downstreams={"ludb": parts["ludb"]},
        grid=SEED,
    )
    heads = {c.recipe.mode: c.recipe.initialise and c.recipe.initialise.head for c in plan.cells}
    assert heads == {"pretrain": None, "scratch": None, "finetune": "keep"}


def test_a_run_that_needs_a_pretraining_that_is_not_there_can_not_run_either(tmp_path):
    plan = study_plan(
        tmp_path,
        upstreams={"tomorrow": {"data": {"source": "tomorrow"}}},
        grid=SEED | {"backbones": ["resnet1d18", "transformer"]},
    )
    problems = {cell.name: cell.problem for cell in plan.cells}
    assert problems["ludb-resnet1d18-scratch-s0"] is None
    assert "no source named 'tomorrow'" in problems["pretrain-tomorrow-resnet1d18-s0"]
    assert "no backbone named 'transformer'" in problems["ludb-transformer-scratch-s0"]
    assert problems["ludb-resnet1d18-finetune-from-tomorrow-s0"].startswith(
        "pretrain-tomorrow-resnet1d18-s0 can't run: no source named 'tomorrow'"
    )


def test_names_are_fit_for_folders_and_no_two_are_the_same(tmp_path):
    odd = {
        "a b/c": LUDB,
        "a_b_c": LUDB | {"data": LUDB["data"] | {"seconds": 5}},
        "x" * 300: GEORGIA,
    }
    plan = study_plan(tmp_path, downstreams=odd, modes={"scratch": MODES["scratch"]}, grid=SEED)
    found = names(plan)
    assert found[0] == "a_b_c-resnet1d18-scratch-s0"
    assert found[1].startswith("a_b_c-resnet1d18-scratch-s0-")
    assert len(set(found)) == 3
    assert max(map(len, found)) < 140
    assert found == names(
        study_plan(tmp_path, downstreams=odd, modes={"scratch": MODES["scratch"]}, grid=SEED)
    )


def test_a_long_name_is_the_same_in_a_later_version_and_another_place(tmp_path):
    sections = {"downstreams": {"x" * 300: LUDB}, "modes": {"scratch": MODES["scratch"]}}
    sections |= {"grid": SEED, "folder": str(tmp_path / "study")}
    (cell,) = study_plan(tmp_path, **sections).cells
    spelled = {**sections, "base": {"data": {"window": "start"}}}
    assert names(study_plan(tmp_path, **spelled)) == [cell.name]
    # an earlier version chose other digits
    old = Run(cell.run.folder.with_name(f"{cell.name[:-8]}0123abcd"))
    old.write_status(settings=run_settings(cell.recipe))
    assert names(study_plan(tmp_path, **sections)) == [old.name]
    old.write_status(settings=run_settings(cell.recipe) | {"mode": "pretrain"})
    assert names(study_plan(tmp_path, **sections)) == [cell.name]


def test_the_recipe_of_a_cell_is_the_same_however_the_study_is_ordered(tmp_path):
    one = study_plan(tmp_path, upstreams={"ptbxl": PTBXL, "georgia": GEORGIA}, grid=SEED)
    two = study_plan(tmp_path, upstreams={"georgia": GEORGIA, "ptbxl": PTBXL}, grid=SEED)
    assert {c.name: c.recipe for c in one.cells} == {c.name: c.recipe for c in two.cells}


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("sections", "expected"),
    [
        (
            {"base": {"training": {"batchsize": 3}}},
            r"mine\.yaml: ludb, resnet1d18, scratch, protocol as_set, seed 0: "
            r"training\.batchsize: .*Did you mean 'batch_size'",
        ),
        (
            {"upstreams": {"ptbxl": {"data": {"source": "ptbxl", "label_set": "al"}}}},
            r"mine\.yaml: pre-training on ptbxl for ludb, .*: data\.label_set: .*Allowed: all",
        ),
        ({"downstreams": {"ludb": {}}}, r"ludb, .*: data\.source: this key is required"),
        (
            {"base": {"evaluation": {"baseline": "a.yaml"}}},
            r"evaluation\.baseline: a study compares its runs itself",
        ),
        ({"raw": {"ptbx": "x"}}, r"mine\.yaml: raw: no source named 'ptbx'.*Did you mean 'ptbxl'"),
        ({"records": {"lutb": 5}}, r"records: no database named 'lutb'.*Did you mean 'ludb'"),
        (
            {"exclude": [{"backbone": "lstm"}, {"size": 30}]},
            r"exclude\.0\.backbone: no backbone named 'lstm'(.|\n)*exclude\.1\.size: no size named",
        ),
        (
            {"sweeps": [{"seeds": [1, 0], "upstream_seeds": [0, 1]}]},
            r"finetune from ptbxl.*: the grid and a sweep start it from different pre-trainings",
        ),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(tmp_path, sections, expected):
    with pytest.raises(ConfigError, match=expected):
        study_plan(tmp_path, **{"grid": {"seeds": [0, 1]}} | sections)


def test_a_study_of_more_runs_than_can_be_listed_is_refused_at_once(tmp_path):
    grid = {"seeds": list(range(100)), "sizes": list(range(1, 101)), "folds": 10**9}
    loaded = load(tmp_path, downstreams={"ludb": LUDB}, modes=MODES, grid=grid)
    message = r"grid: a study has at most 50000 combinations of its axes, and these make \d"
    with pytest.raises(ConfigError, match=message):
        list_cells(loaded)


def test_the_paper_s_pretrainings_are_chosen_by_unweighted_f1_and_its_other_runs_by_weighted():
    paper = Path(__file__).resolve().parents[2] / "recipes" / "studies" / "paper.yaml"
    plan = list_cells(load_study(paper))
    chosen = {(cell.recipe.mode, cell.recipe.training.select) for cell in plan.cells}
    assert chosen == {
        ("pretrain", "best_macro_f1"),
        ("finetune", "best_weighted_f1"),
        ("scratch", "best_weighted_f1"),
    }
    assert count(plan) == {"pretrain": 18, "finetune": 78, "scratch": 36}
