"""What holds for every entry of ESTIMATORS."""

import doctest
import importlib
import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.transferability import (
    BASELINES,
    ESTIMATORS,
    ORIENTATION,
    TITLES,
    Features,
    oriented,
    score_all,
)
from ecg_keras.transferability.estimators import NEED_SOURCE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "transferability.md"
MODULES = (
    "source_estimators",
    "embedding_estimators",
    "probes",
    "checkpoints",
    "estimators",
    "agreement",
)
every = pytest.mark.parametrize("name", ESTIMATORS)


def change(features: Features, **changes: object) -> Features:
    return replace(features, **changes)


@pytest.fixture(scope="module")
def features(planted) -> Features:
    return planted(0)["other hospital"]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings(module):
    result = doctest.testmod(importlib.import_module(f"ecg_keras.transferability.{module}"))
    assert result.attempted > 0
    assert result.failed == 0


def test_the_tables_name_the_same_metrics():
    assert list(ESTIMATORS) == list(ORIENTATION) == list(TITLES)
    assert set(NEED_SOURCE) | set(BASELINES) < set(ESTIMATORS)
    documented = re.findall(r"^\| `(\w+)` \|.*\| (higher|lower) \|", PAGE.read_text(), re.MULTILINE)
    assert dict(documented) == ORIENTATION


@every
def test_planted_upstreams_are_put_in_their_order(planted, name):
    taus = []
    for seed in range(3):
        found = [oriented(name, ESTIMATORS[name](one)) for one in planted(seed).values()]
        pairs = [first > second for first, second in itertools.combinations(found, 2)]
        taus.append(np.mean(pairs))
    assert taus == [1.0, 1.0, 1.0]


@every
def test_the_order_of_records_does_not_matter(features, name):
    order = np.random.default_rng(1).permutation(len(features.targets))
    moved = change(
        features,
        **{
            field: getattr(features, field)[order]
            for field in (
                "embeddings",
                "source_probabilities",
                "targets",
                "record_ids",
                "patient_ids",
            )
        },
    )
    assert ESTIMATORS[name](moved) == pytest.approx(ESTIMATORS[name](features), rel=1e-6)


@every
def test_the_order_of_labels_and_of_source_labels_does_not_matter(features, name):
    moved = change(
        features,
        targets=features.targets[:, ::-1],
        source_probabilities=features.source_probabilities[:, ::-1],
    )
    # the linear probe deals its folds in the order of labels
    tolerance = 1e-2 if name == "linear_probe" else 1e-9
    assert ESTIMATORS[name](moved) == pytest.approx(ESTIMATORS[name](features), rel=tolerance)


@every
def test_a_label_with_one_class_or_a_single_record_is_left_out(features, name):
    more = np.zeros((len(features.targets), 4), np.uint8)
    more[:, 1] = 1
    more[3, 2] = 1
    more[:, 3] = 1
    more[3, 3] = 0
    labels = (*features.labels, "none", "all", "one", "all but one")
    wider = change(features, targets=np.hstack([features.targets, more]), labels=labels)
    assert ESTIMATORS[name](wider) == pytest.approx(ESTIMATORS[name](features), rel=1e-9)
    assert wider.left_out == ("none", "all", "one", "all but one")
    alone = change(features, targets=more, labels=labels[4:])
    with pytest.raises(DataError, match=r"none of 4 labels can be used: each needs at least 2"):
        ESTIMATORS[name](alone)


@every
def test_targets_must_be_0_or_1(features, name):
    targets = features.targets.astype(int)
    targets[5, 1] = 2
    with pytest.raises(DataError, match=r"targets must be 0 or 1. Received: 2 in row 5, column 1"):
        ESTIMATORS[name](change(features, targets=targets))
    with pytest.raises(DataError, match=r"\(records, labels\) with at least one of each"):
        ESTIMATORS[name](change(features, targets=np.zeros((400, 0)), labels=()))


@every
def test_values_must_be_finite(features, name):
    field = "source_probabilities" if name in NEED_SOURCE else "embeddings"
    values = getattr(features, field).copy()
    values[7, 2] = np.nan
    with pytest.raises(DataError, match=rf"{field} must be finite. Received: nan in row 7, column"):
        ESTIMATORS[name](change(features, **{field: values}))


@every
def test_all_at_once_gives_the_same(features, name):
    assert score_all(features)[name] == ESTIMATORS[name](features)


@every
def test_a_few_records_of_a_wide_embedding_give_a_number(planted, name):
    few = planted(0)["same domain"]
    rng = np.random.default_rng(0)
    few = change(
        few,
        **{f: getattr(few, f)[:40] for f in ("source_probabilities", "targets")},
        **{f: getattr(few, f)[:40] for f in ("record_ids", "patient_ids")},
        embeddings=(few.embeddings[:40] @ rng.normal(size=(32, 300))).astype(np.float32),
    )
    assert np.isfinite(ESTIMATORS[name](few))


def test_without_a_sigmoid_head_the_others_are_computed(features):
    headless = change(features, source_probabilities=None)
    assert list(score_all(headless)) == [name for name in ESTIMATORS if name not in NEED_SOURCE]
    for name in NEED_SOURCE:
        with pytest.raises(DataError, match="need the probabilities of a sigmoid head"):
            ESTIMATORS[name](headless)


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name not in NEED_SOURCE])
def test_embeddings_that_are_all_equal_are_refused(features, name):
    dead = change(features, embeddings=np.ones_like(features.embeddings))
    with pytest.raises(DataError, match="embeddings are the same for all 400 records"):
        ESTIMATORS[name](dead)


@pytest.mark.parametrize("name", BASELINES)
def test_one_patient_says_nothing_of_the_next(features, name):
    patients = np.where(features.targets[:, 0] == 1, "one", features.patient_ids)
    only = change(features, targets=features.targets[:, :1], labels=("L0",), patient_ids=patients)
    with pytest.raises(DataError, match=r"at least 2 patients that have it and 2 that do not"):
        ESTIMATORS[name](only)


def test_an_unknown_metric_has_no_orientation():
    with pytest.raises(ConfigError, match=r"no metric named 'logmee'.*Did you mean 'logme'"):
        oriented("logmee", 1.0)


def test_features_need_a_row_for_each_record(features):
    with pytest.raises(DataError, match=r"a row for each record.*rows \[399, 400\]"):
        change(features, embeddings=features.embeddings[1:])
    with pytest.raises(DataError, match=r"targets \(400, 4\), 1 labels"):
        change(features, labels=("L0",))
