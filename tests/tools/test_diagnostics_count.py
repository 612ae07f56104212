"""The script that counts how often the diagnostic of the training loss fires."""

from dataclasses import replace

from ecg_keras.evaluation import Fit, Pair, RunFacts

DONE = Fit(0.2, 0.6, "mark", False)


def test_fires_and_silences_stand_beside_the_runs_that_scored_low(script):
    behind, done = RunFacts(replace(DONE, loss=0.5)), RunFacts(DONE)
    pairs = [
        Pair((behind, done), (0.6, 0.9)),  # low, and fires
        Pair((behind, done), (0.88, 0.9)),  # fires
        Pair((done, done), (0.8, 0.9)),  # low, and silent
        Pair((done, behind), (0.9, 0.8)),  # fires on the reference
    ]
    rows = script.count({("ludb", "shipped"): pairs}).splitlines()
    assert rows[1].split() == ["ludb", "shipped", "4", "+0.125", "-0.080", *"22111", "arm"]
    assert rows[2].split()[:2] == ["all", "4"]
    assert script.count({}) == "no run is finished"
