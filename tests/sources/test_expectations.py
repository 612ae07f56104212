import dataclasses

import numpy as np
import pytest

from ecg_keras.config import Data, Folder, data_settings
from ecg_keras.signals import measure_quality
from ecg_keras.sources import (
    AMPLITUDES,
    SOURCES,
    Expectations,
    corpus_of,
    find_expectations,
    find_source,
    read_records,
)

EXPECTATIONS = {name: corpus_of(name).expectations for name in SOURCES}


@dataclasses.dataclass
class Described:
    source: str
    settings: dict


def described(**data):
    data = {"raw": "raw", **data}
    return Described(data["source"], data_settings(Data.model_validate(data)))


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_they_are_possible(name):
    expected = EXPECTATIONS[name]
    assert all(rate > 0 for rate in expected.rates)
    for low, high in (expected.seconds, expected.age):
        assert 0 <= low < high
    shares = (expected.ages_known, expected.sexes_known, *expected.labelled.values())
    assert all(0 <= share <= 1 for share in shares)


@pytest.mark.parametrize("name", [name for name in EXPECTATIONS if name != "folder"])
def test_they_name_label_sets_and_folds_that_the_source_has(name):
    source, expected = find_source(name), EXPECTATIONS[name]
    for label_set in (*expected.labelled, *expected.most_labels):
        assert label_set in source.LABEL_SETS
    for label_set, most in expected.most_labels.items():
        assert 1 <= most <= len(source.LABEL_SETS[label_set])
    assert bool(expected.folds) == source.OFFICIAL_FOLDS


def test_a_source_of_ones_own_is_held_to_what_any_ecg_is():
    assert find_expectations(described(source="my_lab.hospital")) == Expectations()


def test_a_simulated_hospital_has_its_own_rate_and_length():
    place = described(source="simulated", simulate={"hospital": "hillside", "records": 10})
    expected = find_expectations(place)
    assert expected.rates == (250.0,)
    assert expected.seconds == pytest.approx((12, 12), abs=0.02)
    copied = described(source="simulated", simulate={"hospital": "lakeside", "records": 10})
    assert find_expectations(copied).rates == (100.0, 500.0)


def test_a_column_that_a_recipe_names_must_hold_something():
    named = find_expectations(described(source="folder", folder=Folder(age="Age").model_dump()))
    assert (named.ages_known > 0, named.sexes_known) == (True, 0)
    assert find_expectations(described(source="folder")) == Expectations()


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "place", "rate"),
    [
        ("ptbxl", "ptbxl", 100),
        ("ludb", "ludb", 500),
        ("cpsc2018", "challenge/training/cpsc_2018", 500),
        ("cpsc2018_extra", "challenge/training/cpsc_2018_extra", 500),
        ("georgia", "challenge/training/georgia", 500),
        ("ptb", "challenge/training/ptb", 1000),
        ("ptbxl_challenge", "challenge/training/ptb-xl", 500),
        ("chapman", "challenge/training/chapman_shaoxing", 500),
        ("ningbo", "challenge/training/ningbo", 500),
        ("challenge", "challenge/training", 500),
    ],
)
def test_real_recordings_are_within_them(real_data, name, place, rate):
    expected = EXPECTATIONS[name]
    sexes = labelled = count = 0
    for record in read_records(name, real_data / place, sampling_rate=rate):
        info, signal = record.info, record.signal
        count += 1
        sexes += info.sex is not None
        labelled += bool(info.labels)
        assert signal.sampling_rate in expected.rates
        seconds = len(signal.values) / signal.sampling_rate
        assert expected.seconds[0] <= seconds <= expected.seconds[1]
        if info.age is not None:
            assert expected.age[0] <= info.age <= expected.age[1]
        assert (info.fold in range(1, 11)) if expected.folds else info.fold is None
        if np.isfinite(signal.values).all():
            quality = measure_quality(signal.values, signal.leads)
            if not quality.flat_leads:
                for figure, (low, high) in AMPLITUDES.items():
                    assert low <= getattr(quality, figure) <= high
    assert sexes / count >= expected.sexes_known
    assert labelled / count >= expected.labelled.get(next(iter(find_source(name).LABEL_SETS)), 0)
