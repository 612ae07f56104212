"""The tune section: its candidates, what is refused, and what of it decides a run's weights."""

import pytest
from hypothesis import given, strategies as st

from ecg_keras.config import (
    Recipe,
    Tune,
    beyond,
    check_different,
    compose,
    list_trials,
    run_changes,
    run_mark,
    run_settings as settings_of,
    trial as make_trial,
    trial_rates,
)
from ecg_keras.errors import ConfigError

DATA = {"source": "ptb", "raw": "ptb"}
PHASES = [{"epochs": 16, "learning_rate": 3e-3, "train_from": "head"}, {"epochs": 64}]


def recipe(mode="finetune", phases=PHASES, **sections):
    start = {"initialise": {"from": "up.yaml"}} if mode == "finetune" else {}
    tree = {"mode": mode, "data": DATA, "training": {"phases": phases}, **start, **sections}
    return compose([tree], "mine.yaml")


def phases_of(mode="finetune", phases=PHASES, share=1.0, **candidate):
    tune = {"candidates": [candidate, {"rate": 77}], "epochs": share}
    trials = list_trials(recipe(mode, phases, tune=tune), "mine.yaml")
    return next(iter(trials.values())).training.phases


def test_by_default_an_arm_is_tried_with_four_rates():
    trials = list_trials(recipe("scratch", [{"epochs": 8, "learning_rate": 3e-3}], tune={}), "x")
    rates = {name: trial.training.phases[0].learning_rate for name, trial in trials.items()}
    assert rates == {"rate 0.1": 3e-4, "rate 0.3": 9e-4, "rate 1": 3e-3, "rate 3": 9e-3}


def test_a_candidate_is_an_ordinary_recipe_of_the_same_data():
    tuned = recipe(tune={}, export=True, evaluation={"baseline": "base.yaml"})
    for trial in list_trials(tuned, "mine.yaml").values():
        assert (trial.tune, trial.export, trial.evaluation.baseline) == (None, False, None)
        assert (trial.data, trial.initialise, trial.mode) == (
            tuned.data, tuned.initialise, "finetune",
        )  # fmt: skip
    assert list_trials(recipe(), "mine.yaml") == {}


def test_the_plain_candidate_is_the_recipe_without_tuning():
    plain = recipe(evaluation={"metric": "macro_auprc"})
    tuned = recipe(evaluation={"metric": "macro_auprc"}, tune={})
    assert run_mark(list_trials(tuned, "x")["rate 1"]) == run_mark(plain)


def test_a_decay_is_for_first_weights_and_for_phases_that_train_more_than_the_head():
    assert [one.stage_decay for one in phases_of(decay=0.5)] == [1.0, 0.5]
    plain = recipe("scratch", [{"epochs": 4}], tune={"candidates": [{"decay": 0.5}, {"rate": 2}]})
    trials = list_trials(plain, "mine.yaml")
    assert list(trials) == ["rate 1", "rate 2"]
    assert trials["rate 1"].training.phases[0].stage_decay == 1.0


def test_an_arm_that_would_be_tried_with_fewer_settings_is_refused():
    tune = {"candidates": [{"decay": 0.5}, {"head_epochs": 3}, {"rate": 2}]}
    assert len(list_trials(recipe(tune=tune), "mine.yaml")) == 3
    with pytest.raises(ConfigError, match="only 2 of 3 candidates differ here"):
        list_trials(recipe("scratch", tune=tune), "mine.yaml")


def test_candidates_of_other_names_for_the_same_training_are_refused():
    same = {"candidates": [{}, {"decay": 1.0}, {"rate": 2}]}
    with pytest.raises(ConfigError, match=r"only 2 of 3 candidates .* are the same training"):
        check_different(list_trials(recipe(tune=same), "mine.yaml"), "mine.yaml")
    set_to_what_it_is = {"candidates": [{}, {"recipe": {"training": {"batch_size": 64}}}]}
    with pytest.raises(ConfigError, match="only 1 of 2 candidates differ here"):
        check_different(list_trials(recipe(tune=set_to_what_it_is), "mine.yaml"), "mine.yaml")


def test_what_decides_nothing_for_a_ridge_head_is_no_other_candidate():
    ridge = [{"epochs": 1, "train_from": "head", "fit": "ridge"}]
    settings = {"batch_size": 8, "weight_decay": 0.1, "augment": {"crop": 2.5}}
    others = {"candidates": [{}, {"recipe": {"training": settings, "model": {"dropout": 0.3}}}]}
    for tune, number in (({}, 4), (others, 2)):
        with pytest.raises(ConfigError, match=rf"only 1 of {number} .* ridge head .*tune: null"):
            check_different(list_trials(recipe("finetune", ridge, tune=tune), "x"), "x")
    heads = [{"recipe": {"model": {"head": name}}} for name in ("pooled", "mean_max")]
    tuned = recipe("finetune", ridge, tune={"candidates": heads})
    check_different(list_trials(tuned, "x"), "x")


def test_phases_of_a_candidate_have_its_rate_and_decay_and_the_share_of_epochs():
    own = {"training": {"phases": [{"epochs": 10, "learning_rate": 1e-2}]}}
    (phase,) = phases_of(recipe=own, rate=0.5, decay=0.7, share=0.5)
    assert (phase.epochs, phase.learning_rate, phase.stage_decay) == (5, 5e-3, 0.7)
    head, rest = phases_of(recipe=own, head_epochs=4)
    assert (head.epochs, head.train_from, rest.epochs) == (4, "head", 6)


@given(head=st.integers(1, 100), first=st.integers(1, 50), second=st.integers(1, 50))
def test_epochs_of_the_head_are_taken_from_those_there_are(head, first, second):
    phases = phases_of(phases=[{"epochs": first}, {"epochs": second}], head_epochs=head)
    assert sum(one.epochs for one in phases) == first + second
    assert phases[0].train_from == "head"
    assert phases[0].epochs == min(head, first + second)
    assert all(one.train_from == "stem" for one in phases[1:])


def test_short_pilots_have_a_share_of_the_epochs():
    assert [one.epochs for one in phases_of(share=0.1)] == [2, 7]


def test_other_keys_of_training_and_model_can_be_tried():
    tune = {"candidates": [{"recipe": {"model": {"dropout": 0.5}}}, {}]}
    trials = list_trials(recipe(tune=tune), "mine.yaml")
    assert [trial.model.dropout for trial in trials.values()] == [0.5, 0.0]
    assert list(trials) == ["rate 1, model.dropout 0.5", "rate 1"]


@pytest.mark.parametrize(
    ("tune", "expected"),
    [
        ({"by": "loss"}, "the loss on validation does not choose"),
        ({"by": "accuracy"}, "tune.by: must be 'macro_auroc'"),
        ({"candidates": [{}]}, "at least two different ones"),
        ({"candidates": [{"rate": 2}, {"rate": 2.0}]}, "at least two different ones"),
        ({"candidates": [{"recipe": {"data": {"seconds": 5}}}, {}]}, "Received: data"),
        ({"epochs": 0}, "tune.epochs: "),
        ({"candidates": [{"rate": 0}, {}]}, "tune.candidates.0.rate: "),
    ],
)
def test_what_can_not_choose_soundly_is_refused(tune, expected):
    with pytest.raises(ConfigError) as refused:
        recipe(tune=tune)
    assert expected in str(refused.value)


def test_a_candidate_that_makes_no_recipe_is_named():
    tuned = recipe(tune={"candidates": [{"recipe": {"training": {"bach_size": 3}}}, {}]})
    with pytest.raises(
        ConfigError, match=r"mine.yaml: tune: rate 1, training.bach_size 3: .*batch"
    ):
        list_trials(tuned, "mine.yaml")


@pytest.mark.parametrize(
    "sections",
    [
        {"training": {"validate_on": "test"}},
        {"data": {**DATA, "split": {"valid": 0, "valid_folds": []}}},
    ],
)
def test_without_validation_records_nothing_is_tuned(sections):
    with pytest.raises(ConfigError, match="validation split"):
        recipe(tune={}, **sections)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("rate 3", ("highest", "rate 9")),
        ("rate 0.1, decay 0.7", ("lowest", "rate 0.0333333, decay 0.7")),
        ("rate 1", None),
    ],
)
def test_beyond_an_edge_lies_one_more_step(chosen, expected):
    found = beyond(Tune(), chosen)
    assert (found if found is None else (found[0], found[1].name)) == expected


def test_an_edge_is_one_of_the_rates_that_are_trained_with_whoever_sets_them():
    own = [{"training": {"phases": [{"epochs": 4, "learning_rate": rate}]}} for rate in (0.1, 1e-4)]
    tune = {"candidates": [{"rate": 0.5}, {}, *({"recipe": one} for one in own)]}
    tuned = recipe(phases=[{"epochs": 4, "learning_rate": 1e-2}], tune=tune)
    half, plain, high, low = rates = trial_rates(tuned)
    assert list(rates.values()) == [5e-3, 1e-2, 0.1, 1e-4]
    assert beyond(tuned.tune, half, rates) is None
    assert beyond(tuned.tune, plain, rates) is None
    edge, further = beyond(tuned.tune, high, rates)
    trained = make_trial(tuned, further, "mine.yaml").training.phases[-1].learning_rate
    assert (edge, trained) == ("highest", pytest.approx(1.0))
    edge, further = beyond(tuned.tune, low, rates)
    trained = make_trial(tuned, further, "mine.yaml").training.phases[-1].learning_rate
    assert (edge, trained) == ("lowest", pytest.approx(2e-6))


@given(st.floats(1e-6, 1), st.sampled_from(["rate 0.1, decay 0.7", "rate 0.3", "rate 1", "rate 3"]))
def test_one_rate_for_all_leaves_the_further_candidate_the_same(rate, chosen):
    tuned = recipe(phases=[{"epochs": 4, "learning_rate": rate}], tune={})
    assert beyond(Tune(), chosen, trial_rates(tuned)) == beyond(Tune(), chosen)


@pytest.mark.parametrize(
    ("rates", "chosen", "expected"),
    [
        ((0.009, 0.01, 0.1), 0.009, 0.009 * 0.09),
        ((0.1, 1.0, 1.1), 1.1, 12.1),
        ((1.0, 1.5), 1.5, 2.25),
        ((1.0, 1.1), 1.1, 1.65),
        ((1.0, 1.1), 1.0, 1 / 1.5),
    ],
)
def test_a_step_beyond_nearly_equal_rates_is_no_smaller_than_half_as_much_again(
    rates, chosen, expected
):
    tune = Tune.model_validate({"candidates": [{"rate": rate} for rate in rates]})
    _, further = beyond(tune, f"rate {chosen:g}")
    assert further.rate == pytest.approx(expected, rel=1e-4)


def test_equal_rates_have_no_edge():
    tune = Tune.model_validate({"candidates": [{"decay": 0.5}, {"decay": 0.9}]})
    assert beyond(tune, "rate 1, decay 0.5") is None


def test_what_chooses_is_part_of_a_tuned_run_and_of_no_other():
    metrics = [{"evaluation": {"metric": name}} for name in ("macro_auroc", "macro_auprc")]
    assert len({run_mark(recipe(**metric)) for metric in metrics}) == 1
    assert len({run_mark(recipe(tune={}, **metric)) for metric in metrics}) == 2
    assert run_mark(recipe(tune={})) == run_mark(recipe(tune={"by": "macro_auroc"}))
    assert run_mark(recipe(tune={})) != run_mark(recipe())


def test_a_tuned_run_knows_its_settings_again():
    tuned = recipe(tune={}, evaluation={"metric": "macro_auprc"})
    assert run_changes(settings_of(tuned), tuned) == []
    (change,) = run_changes(settings_of(tuned), recipe(tune={}))
    assert change == "tune.by: macro_auprc -> macro_auroc"
    assert Recipe.model_validate({**settings_of(recipe()), "data": DATA}).tune is None
