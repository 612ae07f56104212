"""Two databases that number their records alike: each answer stands beside its own ECG."""

from html import unescape

import numpy as np
import pytest
from click.testing import CliRunner

import ecg_keras as ecg
from ecg_keras import report
from ecg_keras.attribution import explain_shown
from ecg_keras.cli.explain_command import explain
from ecg_keras.cli.predict_commands import SHOWN_ROWS
from ecg_keras.config import Data
from ecg_keras.data import prepare
from ecg_keras.prediction import open_trained
from ecg_keras.report import prediction_page
from ecg_keras.simulate import simulate


@pytest.fixture(scope="module")
def sites(lab, tmp_path_factory):
    """The shards of two hospitals, whose first records are of other patients."""
    folder = tmp_path_factory.mktemp("other")
    simulate(folder / "raw", hospital="lakeside", records=24, seed=1)
    data = Data(source="ptbxl", raw=folder / "raw", sampling_rate=500, seconds=4)
    prepare(data, folder / "shards")
    return lab.shards, folder / "shards"


@pytest.fixture(scope="module")
def stored(sites):
    """Each dataset's signals by record id."""
    return [
        {
            one.record_id: one.signal
            for split in ("train", "valid", "test")
            for one in ecg.data.read_shards(site, split)
        }
        for site in sites
    ]


def test_each_answer_is_drawn_with_its_own_signal(lab, sites, stored, tmp_path):
    trained = open_trained(lab.run)
    answers = ecg.predict(trained, sites, shown=48)
    assert len(answers.rows) == len(answers.shown) == 48
    explained = explain_shown(trained, answers, steps=1)
    drawn = []
    for number, one in enumerate(answers.rows):
        name, signal = answers.name(one), stored[number // 24][one.record_id]
        assert name == f"{one.record_id} ({one.mark[:8]})"
        assert np.array_equal(answers.shown[name].values, signal)
        asked = trained.forward(signal[None])[0, : len(answers.labels)]
        assert asked == pytest.approx(one.values, abs=1e-5)
        assert explained[name].answer is one
        assert np.array_equal(explained[name].signal.values, signal)
        drawn.append(name)
    assert len(set(drawn)) == 48
    page = unescape(prediction_page(answers, tmp_path / "a.html", explained=explained).read_text())
    assert all(page.count(f"ECG of record {name}, ") == 1 for name in drawn)
    # one site alone needs no more than its ids
    alone = ecg.predict(trained, sites[0], shown=2)
    assert list(alone.shown) == [one.record_id for one in alone.rows[:2]]


def test_explain_draws_each_answer_with_its_own_signal(lab, sites, stored, monkeypatch, tmp_path):
    pages = []

    def write(answers, path, explained):
        pages.append((answers, explained))
        return prediction_page(answers, path, explained=explained)

    monkeypatch.setattr(report, "prediction_page", write)
    page = tmp_path / "a.html"
    given = [*map(str, (lab.run, *sites)), "--steps", "1", "--split", "test", "--page", str(page)]
    result = CliRunner().invoke(explain, [*given, "--page-ecgs", "99"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    ((answers, explained),) = pages
    first = lab.dataset.splits["test"].records
    assert 0 < first < len(answers.rows) == len(answers.shown)
    assert all(answers.name(one) in result.output for one in answers.rows[:SHOWN_ROWS])
    for number, one in enumerate(answers.rows):
        name, wanted = answers.name(one), stored[number >= first][one.record_id]
        assert np.array_equal(answers.shown[name].values, wanted)
        assert np.array_equal(explained[name].signal.values, wanted)
