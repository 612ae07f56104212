"""What pilots say together, and the advice in words."""

from dataclasses import replace

from advice_parts import FINETUNE, PROBE, SCRATCH, UNKNOWN, advice, arm, piloted, weighed

from ecg_keras.advise.advice import weigh
from ecg_keras.advise.pilots import Piloted
from ecg_keras.config import Tune
from ecg_keras.data.leaks import SAME_SIGNAL, Leak
from ecg_keras.evaluation import Fit, RunFacts
from ecg_keras.training import Known


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
    trials, word, choice = weighed(wobble=0.01, scratch=1.0, probe=0.2, finetune=1.0)
    assert [one.verdict.word for one in trials[1:]] == ["worse", "equivalent"]
    assert (word, choice.way) == ("equivalent", SCRATCH)
    # the same predictions prove no equivalence
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
    assert "by the validation patients that score them: all scores flatter a little" in said


def test_a_way_that_was_tried_with_one_setting_more_is_named():
    scratch, probe, finetune = piloted(scratch=0.3, probe=0.5, finetune=1.0)
    plain = advice(scratch=0.3, probe=0.5, finetune=1.0)
    for more, named in (((scratch,), "scratch"), ((scratch, finetune), f"scratch, {FINETUNE}")):
        ways = [replace(one, is_extended=one in more) for one in (scratch, probe, finetune)]
        trials, _, _ = weigh(ways, margin=0.02, level=0.95, bootstrap=300, seed=0)
        said = replace(plain, trials=trials, tune=Tune()).sentences()[1]
        assert said.startswith(
            f"Each way was tuned over 4 settings, and one beyond for {named}, on "
        )


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
    assert said[1].startswith("More seeds alone would not decide it for fine-tune from runs/up: ")
    assert said[3] == "Head: new, resnet1d18 with its as_published head."


def test_what_would_decide_is_of_the_best_way_that_is_undecided():
    plain = advice(wobble=0.01, scratch=1.0, probe=0.2, finetune=1.0)
    scratch, probe, finetune = plain.trials
    assert finetune.verdict.word == "equivalent"
    open_ = replace(probe.verdict, word="inconclusive", more_seeds=4, more_records=None)
    trials = (scratch, replace(probe, verdict=open_), finetune)
    said = replace(plain, trials=trials, word="inconclusive").sentences()
    assert "fine-tune from runs/up scored best" in said[0]
    assert said[1] == (
        "If the difference stays, about 4 more seeds would decide it for linear probe from runs/up "
        "(--seeds 7, with as much more time)."
    )


def test_it_says_that_scratch_is_better_or_the_same():
    worse = advice(scratch=1.0, probe=0.2, finetune=0.4).sentences()[0]
    assert worse.startswith("Train from scratch: all 2 ways from a checkpoint did worse; fine-tune")
    same = advice(wobble=0.01, scratch=1.0, probe=1.0, finetune=1.0).sentences()[0]
    assert same.startswith("Train from scratch: all 2 ways from a checkpoint scored within ±0.02")
    best = advice(wobble=0.01, scratch=1.0, probe=0.2, finetune=1.0).sentences()[0]
    assert best.startswith(
        "Train from scratch: all 2 ways from a checkpoint scored within ±0.02 macro AUROC of it or "
        "worse; fine-tune from runs/up: "
    )
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
