"""The page of a network in service: its alarms, checks, distributions and periods."""

import re

import numpy as np

from ecg_keras.monitoring import Monitoring, Outputs, Period, check_outputs
from ecg_keras.monitoring.watching import _distributions
from ecg_keras.report import monitoring_page


def outputs(seed, high):
    rng = np.random.default_rng(seed)
    said = rng.beta(2, 2, (300, 2)) ** (0.3 if high else 1)
    return Outputs(said, np.arange(300), (rng.random(said.shape) < said).astype(float))


def test_a_page_has_alarms_checks_and_a_line_for_each_label(tmp_path):
    labels = ("M<I>", "NORM")
    usual = outputs(0, False)
    received = {f"2026-0{n}": outputs(n, n == 3) for n in (1, 2, 3)}
    checks = check_outputs(labels, received, usual=usual, scored=usual, thresholds=None)
    months = [
        Period(name, 300, 300, 300, checks[name], None, _distributions(labels, one.probabilities))
        for name, one in received.items()
    ]
    whole = Period("all", 900, 900, 900, checks["2026-01"], None, months[0].probabilities)
    found = Monitoring(
        "runs/mine", ("a.csv",), ("signals: the training split",), (whole, *months),
        _distributions(labels, usual.probabilities), ("signals are not compared: gone",),
    )  # fmt: skip
    assert found.alarms and all(line.startswith("2026-03: ") for line in found.alarms)
    page = re.sub(r"\s+", " ", monitoring_page(found, tmp_path / "a.html").read_text())
    assert f"{len(found.alarms)} alarms." in page
    assert "M&lt;I&gt;" in page and "M<I>" not in page
    assert "Signals are not compared: gone." in page
    # two distributions; rate, prevalence, calibration and AUROC over time
    assert page.count("<svg") == 6
    assert "2026\N{NON-BREAKING HYPHEN}03" in page
    assert page.count("2026-03: ") == 1 and "<script" not in page
