"""Controls of a study: which runs they are, which are shared, and what they answer."""

import html
from dataclasses import replace

import pytest
from finished_study import finish, finish_cell, list_study
from studies import GEORGIA, PTBXL, study_plan

from ecg_keras.config import Phase, Tune, run_settings
from ecg_keras.errors import ConfigError
from ecg_keras.report import write_study
from ecg_keras.report.study_learning import tuning
from ecg_keras.report.study_view import StudyView
from ecg_keras.statistics import explain_controls
from ecg_keras.statistics.controls import say_controls
from ecg_keras.study.gathering import gather
from ecg_keras.study.running import check_unchanged, check_unfinished
from ecg_keras.study.state import is_done
from ecg_keras.training import Tried, Tuned

RIDGE = [{"epochs": 1, "train_from": "head", "fit": "ridge"}]
SEVERAL = "controls: true\ngrid: {seeds: [0, 1, 2]}"
WITH_A_HEAD = {
    "scratch": {"start": "random", "recipe": {"training": {"phases": [{"epochs": 9}]}}},
    "finetune": {
        "recipe": {"training": {"phases": [{"epochs": 2, "train_from": "head"}, {"epochs": 7}]}}
    },
    "sgd_probe": {"recipe": {"training": {"phases": [{"epochs": 2, "train_from": "head"}]}}},
}


def listed(tmp_path, **sections):
    upstreams = {"ptbxl": PTBXL, "georgia": GEORGIA}
    given = {"upstreams": upstreams, "modes": WITH_A_HEAD, "controls": True, **sections}
    return study_plan(tmp_path, **given)


def trained(plan):
    """The ways of training that have runs, with the phases of the first."""
    return {
        cell.arm.way: [one.model_dump(exclude_defaults=True) for one in cell.recipe.training.phases]
        for cell in reversed(plan.cells)
        if cell.arm is not None
    }


def test_each_fine_tuning_has_its_schedule_from_random_weights_and_each_upstream_a_probe(tmp_path):
    phases = trained(listed(tmp_path, grid={"seeds": [0]}))
    assert phases == {
        "scratch": [{"epochs": 9}],
        **{
            f"{mode} from {upstream}": WITH_A_HEAD[mode]["recipe"]["training"]["phases"]
            for mode in ("finetune", "sgd_probe")
            for upstream in ("ptbxl", "georgia")
        },
        "upstream_probe from ptbxl": RIDGE,
        "upstream_probe from georgia": RIDGE,
        "random_probe": RIDGE,
        "finetune_from_random": WITH_A_HEAD["finetune"]["recipe"]["training"]["phases"],
    }
    assert not any("probe_from" in way for way in phases), "a head trained alone is no fine-tuning"


def test_a_control_with_the_settings_of_scratch_is_its_run(tmp_path):
    same = {"scratch": {"start": "random"}, "finetune": {}}
    plan = listed(tmp_path, modes=same, grid={"seeds": [0]})
    runs = {arm.mode: name for (arm, _, _), name in plan.points.items()}
    assert runs["finetune_from_random"] == runs["scratch"]


def test_they_are_run_in_the_grid_for_the_first_protocol_and_no_sweep_unless_it_names_them(
    tmp_path,
):
    plan = listed(
        tmp_path,
        protocols={"sound": {}, "hot": {"recipe": {"training": {"batch_size": 8}}}},
        grid={"seeds": [0], "modes": ["scratch", "sgd_probe"]},
        sweeps=[
            {"seeds": [0], "sizes": [50]},
            {"seeds": [0], "sizes": [60], "modes": ["random_probe"]},
        ],
    )
    arms = {arm for arm, _, _ in plan.points}
    found = {(arm.mode, arm.protocol, arm.size) for arm in arms if arm.mode not in WITH_A_HEAD}
    assert found == {
        ("upstream_probe", "sound", 0),
        ("random_probe", "sound", 0),
        ("random_probe", "sound", 60),
    }


def test_a_protocol_that_tunes_tunes_no_probe(tmp_path):
    tuned = {"recipe": {"tune": {}, "training": {"phases": [{"epochs": 3}]}}}
    cells = listed(tmp_path, protocols={"tuned": tuned}, grid={"seeds": [0]}).cells
    tried = {cell.arm.mode: len(cell.candidates) for cell in cells if cell.kind == "downstream"}
    assert tried["upstream_probe"] == tried["random_probe"] == 0
    assert tried["scratch"] == tried["finetune"] == 4
    (one,) = (cell for cell in cells if cell.arm and cell.arm.mode == "random_probe")
    assert one.recipe.training.in_closed_form


def test_probes_that_an_earlier_version_tuned_are_kept_and_those_with_other_phases_named(tmp_path):
    tuned = {"recipe": {"tune": {}, "training": {"phases": [{"epochs": 3}]}}}
    where = {"grid": {"seeds": [0]}, "folder": str(tmp_path / "study")}
    plan = listed(tmp_path, protocols={"tuned": tuned}, **where)
    for cell in plan.cells:
        finish_cell(cell)
    (probe,) = (one for one in plan.cells if one.arm and one.arm.mode == "random_probe")
    then = probe.recipe.model_copy(update={"tune": Tune()})
    finish_cell(probe, settings=run_settings(then))
    check_unchanged(plan, plan.cells)
    assert is_done(probe)

    training = then.training.model_copy(update={"phases": (Phase(epochs=3),)})
    then = then.model_copy(update={"training": training})
    finish_cell(probe, settings=run_settings(then))
    with pytest.raises(ConfigError, match=rf"1 of .* train them again: {probe.name}\.$"):
        check_unchanged(plan, plan.cells)


def test_a_ridge_head_that_was_tuned_is_kept_where_its_tuning_is_taken_back(tmp_path):
    probe = {"recipe": {"tune": {}, "training": {"phases": RIDGE}}}
    where = {"grid": {"seeds": [0, 1]}, "folder": str(tmp_path / "study"), "controls": False}
    modes = {"scratch": {"start": "random", "recipe": {"tune": {}}}, "probe": probe}
    plan = listed(tmp_path, modes=modes, **where)
    done = next(one for one in plan.cells if one.arm and one.arm.mode == "probe" and one.candidates)
    finish_cell(done)
    with pytest.raises(ConfigError, match=r"ridge head .*\(tune: null\)"):
        check_unfinished(plan)
    probe["recipe"]["tune"] = None
    plan = listed(tmp_path, modes=modes, **where)
    check_unfinished(plan)
    check_unchanged(plan, plan.cells)
    assert is_done(plan.by_name[done.name])


@pytest.mark.parametrize(
    "only",
    ["grid: {seeds: [0, 1], protocols: [half]}", "exclude: [{protocol: sound}]"],
)
def test_verdicts_and_controls_are_of_the_first_protocol_that_the_grid_has(
    tmp_path, without_shards, only
):
    half = "half: {recipe: {evaluation: {thresholds: fixed}}}"
    grid = "" if only.startswith("grid") else "grid: {seeds: [0, 1]}\n"
    plan = list_study(tmp_path, f"controls: true\nprotocols: {{sound: {{}}, {half}}}\n{grid}{only}")
    finish(plan, lambda cell: 1.0)
    result = gather(plan)
    assert {one.arm.protocol for one in (*result.comparisons, *result.controls)} == {"half"}
    assert len(result.controls) == 2
    assert (
        "Verdicts and controls are of protocol half: no run of the grid is of sound, the first of "
        "the study."
    ) in result.not_done


def test_a_sweep_of_the_first_protocol_leaves_the_verdict_to_the_grids(tmp_path):
    plan = listed(
        tmp_path,
        protocols={"sound": {}, "hot": {"recipe": {"training": {"batch_size": 8}}}},
        grid={"seeds": [0], "protocols": ["hot"]},
        sweeps=[{"seeds": [0], "protocols": ["sound"]}],
    )
    assert plan.loaded.study.judged_protocol == "hot"
    modes = {(arm.mode, arm.protocol) for arm, _, _ in plan.points}
    assert ("random_probe", "hot") in modes and ("random_probe", "sound") not in modes
    assert ("scratch", "sound") in modes


def test_a_head_in_closed_form_on_one_upstream_is_one_run_whatever_its_seed(tmp_path):
    plan = listed(
        tmp_path, grid={"seeds": [0, 1, 2], "upstream_seeds": [0, 1], "sizes": [9, "all"]}
    )
    runs = {
        mode: {name for (arm, _, _), name in plan.points.items() if (arm.mode, arm.size) == key}
        for mode, key in (
            ("all", ("upstream_probe", 0)),
            ("some", ("upstream_probe", 9)),
            ("random", ("random_probe", 0)),
        )
    }
    # two upstreams, and of the first seeds one pre-training each
    assert sorted(runs["all"]) == [
        f"ludb-resnet1d18-upstream_probe-from-{name}-s{seed}"
        for name in ("georgia", "ptbxl")
        for seed in (0, 1)
    ]
    # the seed chooses the records, and draws the random network
    assert (len(runs["some"]), len(runs["random"])) == (6, 3)


def test_a_mode_of_such_a_name_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"controls makes a mode random_probe of its own"):
        listed(tmp_path, modes={"scratch": {"start": "random"}, "random_probe": {}})


def gathered(tmp_path, skills, more=SEVERAL):
    plan = list_study(tmp_path, more)
    finish(plan, lambda cell: 1.0 if cell.arm is None else skills[cell.arm.mode])
    return plan, gather(plan)


def test_a_gain_that_random_weights_have_too_is_the_architectures(tmp_path, without_shards):
    """Scratch is poor for its schedule: at fine-tuning's own, random weights do as well."""
    plan = list_study(tmp_path, SEVERAL, finetune="{training: {patience: 3}}")
    skills = {"scratch": 0.6, "finetune": 1.8, "finetune_from_random": 1.8,
              "upstream_probe": 1.2, "random_probe": 0.4}  # fmt: skip
    finish(plan, lambda cell: 1.0 if cell.arm is None else skills[cell.arm.mode])
    result = gather(plan)
    (verdict,) = result.comparisons
    assert verdict.verdict.word == "better"
    assert verdict.verdict.comparisons == 1, "controls are no comparisons with scratch"
    answers = {one.question: one for one in result.controls}
    assert answers["representation"].answer == "pre-training"
    assert answers["representation"].verdict.comparisons == 2
    assert answers["weights"].answer in ("merely the architecture", "not shown")
    assert answers["weights"].contrast.value == pytest.approx(0, abs=0.04)


def test_the_answer_is_on_the_page_in_the_tables_and_in_the_terminal(tmp_path, without_shards):
    skills = {"scratch": 0.5, "finetune": 1.8, "upstream_probe": 1.5, "random_probe": 0.5}
    plan, result = gathered(tmp_path, skills)
    said = (
        "Pre-training, or merely the architecture? Frozen, under a ridge head, against a random "
        "network: pre-training. At the same schedule, against random first weights: pre-training. "
        "The arms were not tuned: a difference may be one of learning rates that suit one of them "
        "better."
    )
    assert said in result.table()
    assert [one.control.mode for one in result.controls] == ["random_probe", "finetune_from_random"]
    page = write_study(result, plan.folder)
    text = page.read_text(encoding="utf-8")
    assert text.count("corrected for 2 controls; 3 seeds") == 2
    assert "Verdicts are corrected for 2 controls (Holm), and those against the" in text
    assert said in text
    assert 'id="controls"' in text
    rows = (page.parent / "tables" / "controls.csv").read_text().splitlines()
    assert [row.split(",")[7:9] for row in rows[1:]] == [
        ["random_probe", "pre-training"],
        ["finetune_from_random", "pre-training"],
    ]
    assert {name.mode for name in result.arms} == {*skills, "finetune_from_random"}


HEAD_FIRST = """{training: {phases: [{epochs: 6, learning_rate: 3e-3, train_from: head},
    {epochs: 18, learning_rate: 3e-4, stage_decay: 0.7}]}}"""


def test_what_speaks_against_a_control_is_said_with_it(tmp_path, without_shards):
    """A schedule that is made for first weights leaves random ones where they were."""
    plan = list_study(tmp_path, SEVERAL, finetune=HEAD_FIRST)
    skills = {"scratch": 1.8, "finetune": 1.8, "finetune_from_random": 0.4,
              "upstream_probe": 1.2, "random_probe": 0.4}  # fmt: skip
    finish(plan, lambda cell: 1.0 if cell.arm is None else skills[cell.arm.mode])
    for cell in plan.cells:
        behind = cell.arm is not None and cell.arm.mode == "finetune_from_random"
        rows = [f"{epoch},1,{0.55 if behind else 0.2},5.0" for epoch in range(1, 25)]
        cell.run.log.write_text("\n".join(["epoch,phase,loss,seconds", *rows]))
    result = gather(plan)
    answers = {one.question: one for one in result.controls}
    (said,) = answers["weights"].diagnostics
    assert answers["weights"].answer == "pre-training"
    assert said.startswith("finetune_from_random had not finished learning in 3 of 3 runs: ")
    assert answers["representation"].diagnostics == ()
    assert f"! {said}" in result.table()
    page = write_study(result, plan.folder)
    text = html.unescape(page.read_text(encoding="utf-8"))
    assert text.count(said) == 1
    assert "Diagnostics speak against 1 of 2 controls: what to do is said below them." in text
    assert said in (page.parent / "tables" / "diagnostics.csv").read_text()


def test_how_a_control_was_tuned_is_said_with_it(tmp_path, without_shards):
    _, result = gathered(tmp_path, {"scratch": 0.5, "finetune": 1.8, "upstream_probe": 1.5,
                                    "random_probe": 0.5})  # fmt: skip
    tuned = tuple(replace(one, settings=(4, 4), beyond=(1, 0)) for one in result.controls)
    sentence = "tuned over 4 settings on validation, and one beyond in 1 and 0 of 3 runs."
    frozen, trained = explain_controls(tuned, "macro_auroc")
    assert trained.endswith(sentence) and "tuned" not in frozen
    assert say_controls(tuned).endswith(sentence)
    unlike = tuple(replace(one, settings=(4, 0)) for one in result.controls)
    assert "The arms were not tuned alike" in say_controls(unlike)


def test_several_controls_are_counted_and_one_seed_is_said_to_be_one(tmp_path, without_shards):
    skills = {"scratch": 0.5, "finetune": 1.8, "upstream_probe": 1.5, "random_probe": 0.5}
    _, result = gathered(tmp_path, skills, "controls: true\ngrid: {seeds: [0], sizes: [90, all]}")
    first, second = explain_controls(result.controls, "macro_auroc")
    assert first.startswith(
        "Frozen, under a ridge head, against a random network: pre-training in 2 of 2 comparisons."
    )
    assert "With one seed each this speaks of the trained networks alone" in second
    answer = next(one for one in result.answers if one.startswith("Pre-training, or merely"))
    assert answer.endswith(
        "pre-training in 2 of 2 comparisons. The arms were not tuned: a difference may be one of "
        "learning rates that suit one of them better. With one seed each this speaks of the "
        "trained networks alone; the ways of training need at least 2 more seeds of each."
    )
    several = [
        replace(one, contrast=replace(one.contrast, seeds=seeds))
        for one, seeds in zip(result.controls, (1, 3, 3, 3), strict=True)
    ]
    assert "With one seed each in 1 of 4 comparisons this speaks" in say_controls(several)


def test_without_controls_nothing_is_asked(tmp_path, without_shards):
    _, result = gathered(tmp_path, {"scratch": 0.5, "finetune": 1.0}, "grid: {seeds: [0, 1]}")
    assert result.controls == ()
    assert "architecture" not in result.table()


@pytest.mark.parametrize(("skill", "doubted"), [(0.0, True), (2.5, False)])
def test_an_upstream_no_better_than_a_random_network_is_named_beside_its_verdict(
    tmp_path, without_shards, skill, doubted
):
    plan = list_study(tmp_path, SEVERAL)
    finish(plan, lambda cell: skill if cell.arm and cell.arm.mode == "upstream_probe" else 0.0)
    (compared,) = gather(plan).comparisons
    said = [one for one in compared.diagnostics if "not shown to be better than a random" in one]
    assert bool(said) == doubted


def test_candidates_that_a_control_shares_with_scratch_are_counted_once(tmp_path, without_shards):
    tune = "tune: {candidates: [{rate: 0.3}, {rate: 1}]}"
    plan = list_study(tmp_path, f"{SEVERAL}\nprotocols: {{tuned: {{recipe: {{{tune}}}}}}}")
    finish(plan, lambda cell: 1.0)
    for cell in plan.cells:
        if cell.candidates:
            tried = [Tried(name, f"../{folder.name}", 0.7, 0.3, 1e-3, 4, 60.0)
                     for name, folder in cell.candidates.items()]  # fmt: skip
            # one beyond the edge is in the run's own folder
            tried.append(Tried("rate 3", "candidates/rate_3", 0.8, 0.3, 3e-3, 4, 60.0))
            Tuned("mark", "macro_auroc", "rate 3", tuple(tried), 1, "highest").save(cell.run)
    result = gather(plan)
    by_mode = {name.mode: arm for name, arm in result.arms.items()}
    assert by_mode["finetune_from_random"].runs == by_mode["scratch"].runs
    assert by_mode["upstream_probe"].tuning is None
    seconds = {mode: arm.tuning.seconds for mode, arm in by_mode.items() if arm.tuning}
    assert seconds == dict.fromkeys(("scratch", "finetune", "finetune_from_random"), 3 * 3 * 60.0)
    assert result.sentence.endswith(
        "Each arm was tuned over 2 settings on validation, and one beyond in 3 and 3 of 3 runs."
    )
    section = tuning(StudyView(result))
    assert (
        "Training all 18 candidates took 18.0 min; those that arms share are counted once. In 6 of "
        "6 runs the choice has the lowest or the highest of all rates"
    ) in section.blocks[0]
    assert explain_controls(result.controls, "macro_auroc")[1].endswith(
        "Each arm was tuned over 2 settings on validation, and one beyond in 3 and 3 of 3 runs."
    )
    (table,) = section.tables
    place = [column.key for column in table.columns].index("arm_seconds")
    assert {row[place] for row in table.rows} == {540.0}
