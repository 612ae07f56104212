"""The page of a run marks what drove the answers, the same every time, or says why not."""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from page_elements import Page, check_accessible

from ecg_keras.attribution import CAUTION
from ecg_keras.config import dump_recipe, load_recipe
from ecg_keras.data import read_dataset
from ecg_keras.report import explained_ecgs, write_report
from ecg_keras.report.explained_ecgs import explain_choices
from ecg_keras.report.run_files import read_ecgs, read_run
from ecg_keras.report.shown_ecgs import choose_records
from ecg_keras.training import Run


def save_network(run, last, seed=0):
    """A network of the run's signals and labels, with a layer before the mean over time."""
    dataset = read_dataset(run.dataset)
    keras.utils.set_random_seed(seed)
    signal = keras.Input((dataset.num_samples, len(dataset.leads)), name="signal")
    x = layers.GlobalAveragePooling1D()(last(layers.Conv1D(4, 5)(signal)))
    head = layers.Dense(len(dataset.labels), activation="sigmoid", name="head")
    keras.Model(signal, head(x)).save(run.model)
    return run


@pytest.fixture
def run(made_run, tmp_path):
    run = Run(Path(shutil.copytree(made_run.folder, tmp_path / made_run.name)))
    return save_network(run, layers.ReLU())


def write(run):
    return write_report(run.folder).read_text(encoding="utf-8")


def explain(run):
    """As the page does, without the page."""
    files = read_run(run.folder)
    thresholds = np.array([files.scores.thresholds[label] for label in files.test.labels])
    choices = choose_records(files.test, thresholds)
    ids = [str(files.test.record_ids[choice.row]) for choice in choices]
    return choices, explain_choices(files, choices, read_ecgs(files, ids, None)[0])


def test_what_drove_the_answers_is_marked_once_and_for_all(run, monkeypatch):
    text = write(run)
    page = Page(text)
    drawn = [svg for svg in page.all("svg") if svg["aria-labelledby"].startswith("ecg")]
    assert page.words.count("Marked: what speaks for and against") == len(drawn) >= 4
    assert CAUTION in page.words
    assert text.count("share of the largest: integrated gradients for") == len(drawn)
    check_accessible(page)
    with np.load(run.explanations) as file:
        assert len(file["values"]) == len(file["labels"]) == len(drawn)
    # a page written again asks no network
    monkeypatch.setattr(explained_ecgs, "open_trained", None)
    assert write(run) == text


def test_the_recipe_switches_it_off(run):
    recipe = load_recipe(run.recipe, {"evaluation.explain": False}).recipe
    run.recipe.write_text(dump_recipe(recipe), encoding="utf-8")
    assert "Marked" not in Page(write(run)).words
    assert not run.explanations.exists()


def test_the_label_that_the_rule_is_about_is_explained(run):
    choices, marks = explain(run)
    assert [one.label for one in choices] == [one.label for one in marks.of_records.values()]
    files = read_run(run.folder)
    (missed,) = (one for one in choices if one.rule.startswith("Worst miss"))
    column = files.test.labels.index(missed.label)
    assert files.test.targets[missed.row, column]
    assert files.test.probabilities[missed.row, column] < files.scores.thresholds[missed.label]


def test_another_network_or_a_damaged_file_is_made_again(run):
    explain(run)
    before = run.explanations.read_bytes()
    run.explanations.write_bytes(before[:100])
    explain(run)
    assert run.explanations.read_bytes() == before
    save_network(run, layers.ReLU(), seed=1)
    explain(run)
    assert run.explanations.read_bytes() != before


def test_a_network_that_can_not_be_explained_is_drawn_plain(run):
    save_network(run, keras.layers.Rescaling(np.nan))
    words = Page(write(run)).words
    assert "What drove the answers is not marked: the gradient of the network is not" in words
    assert CAUTION not in words and "Marked" not in words
    run.model.unlink()
    assert explain(run)[1].why_not == "the run has no model.keras."
