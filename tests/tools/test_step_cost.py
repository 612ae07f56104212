"""The script that measures training steps: in a process for each network, which may fail alone."""

from types import SimpleNamespace

SMALL = SimpleNamespace(samples=64, batch=2, rounds=3)


def test_a_row_has_parameters_seconds_their_ratio_and_memory(script):
    name, parameters, seconds, ratio, memory = script.describe("fcn_wang", SMALL)
    assert (name, parameters) == ("fcn_wang", "276,741")
    assert float(seconds) > 0 and ratio.startswith("**") and " to " in ratio
    assert float(memory) >= 0


def test_a_network_that_fails_leaves_the_others_their_rows(script):
    assert script.describe("fcn_wang", SimpleNamespace(**{**vars(SMALL), "samples": -1})) == (
        "fcn_wang", "-", "ended with 1", "-", "-"
    )  # fmt: skip
