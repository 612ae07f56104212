from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.model_selection import train_test_split
from small_databases import write_database

from ecg_keras.config import Data, Split
from ecg_keras.data.splits import assign_splits
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.records import RecordInfo
from ecg_keras.sources import SOURCES, find_source, source_of

LABELS = ("AF", "PAC", "SR")


def info(number, patient=None, labels=(), fold=None):
    return RecordInfo(
        f"r{number:04d}", patient or f"p{number}", Path("x.hea"), tuple(labels), fold=fold
    )


@st.composite
def hospitals(draw):
    patients = draw(st.lists(st.integers(0, 20), min_size=3, max_size=60))
    if len(set(patients)) < 3:
        patients = [*patients, 21, 22, 23]
    return [
        info(number, f"p{patient}", draw(st.sets(st.sampled_from(LABELS))))
        for number, patient in enumerate(patients)
    ]


@settings(max_examples=60, deadline=None)
@given(hospitals(), st.integers(0, 5), st.randoms(use_true_random=False))
def test_no_patient_is_torn_apart_and_the_order_of_the_records_does_not_matter(
    infos, seed, shuffler
):
    split = Split(seed=seed)
    assigned = assign_splits(infos, LABELS, split, official=False)
    assert set(assigned) == {one.record_id for one in infos}
    assert set(assigned.values()) == {"train", "valid", "test"}
    where = {}
    for one in infos:
        assert where.setdefault(one.patient_id, assigned[one.record_id]) == assigned[one.record_id]
    shuffled = list(infos)
    shuffler.shuffle(shuffled)
    assert assign_splits(shuffled, LABELS, split, official=False) == assigned


def test_labels_are_spread_like_the_shares():
    random = np.random.default_rng(0)
    infos = [
        info(
            n,
            labels=[
                label
                for label, p in zip(LABELS, (0.05, 0.3, 0.6), strict=True)
                if random.random() < p
            ],
        )
        for n in range(1000)
    ]
    assigned = assign_splits(infos, LABELS, Split(valid=0.15, test=0.2), official=False)
    for label in LABELS:
        counts = Counter(assigned[one.record_id] for one in infos if label in one.labels)
        total = sum(counts.values())
        assert abs(counts["test"] - 0.2 * total) <= 2
        assert abs(counts["valid"] - 0.15 * total) <= 2
    sizes = Counter(assigned.values())
    assert abs(sizes["test"] - 200) < 15


def test_another_seed_gives_another_split():
    infos = [info(n, labels=LABELS[: n % 4]) for n in range(200)]
    one, two = (assign_splits(infos, LABELS, Split(seed=s), official=False) for s in (0, 1))
    assert one != two


def test_a_label_of_one_patient_goes_somewhere():
    infos = [info(n, labels=["SR"]) for n in range(20)] + [info(99, labels=["AF"])]
    assert assign_splits(infos, LABELS, Split(), official=False)["r0099"] in {
        "train",
        "valid",
        "test",
    }


@pytest.mark.parametrize("count", [3, 4, 5])
def test_a_handful_of_patients_fills_three_splits(count):
    infos = [info(n, labels=["SR"]) for n in range(count)]
    assigned = assign_splits(infos, LABELS, Split(valid=0.01, test=0.01), official=False)
    assert Counter(assigned.values()) == {"train": count - 2, "valid": 1, "test": 1}


def test_two_patients_are_too_few():
    with pytest.raises(DataError, match=r"there are 2 patients .* at least 3 patients"):
        assign_splits([info(0), info(1)], LABELS, Split(), official=False)


def test_the_validation_split_alone_may_be_left_out():
    infos = [info(n, fold=n % 10 + 1) for n in range(20)]
    for split, official in (
        (Split(valid=0.0), False),
        (Split(method="records", valid=0.0), True),
        (Split(valid_folds=()), True),
    ):
        assigned = assign_splits(infos, LABELS, split, official=official)
        assert set(assigned.values()) == {"train", "test"}
    with pytest.raises(DataError, match=r"the test split has no record.*shares above 0"):
        assign_splits(infos, LABELS, Split(test=0.0), official=False)
    with pytest.raises(DataError, match=r"the test split \(folds \(\)\) has no record"):
        assign_splits(infos, LABELS, Split(test_folds=()), official=True)


def test_official_folds():
    infos = [info(n, fold=n % 10 + 1) for n in range(20)]
    assigned = assign_splits(infos, LABELS, Split(), official=True)
    assert {name for name, split in assigned.items() if split == "valid"} == {"r0008", "r0018"}
    assert {name for name, split in assigned.items() if split == "test"} == {"r0009", "r0019"}
    by_patient = assign_splits(infos, LABELS, Split(method="patients"), official=True)
    assert by_patient != assigned


def test_official_folds_of_a_source_without():
    with pytest.raises(ConfigError, match=r"no official folds. Use patients, or auto"):
        assign_splits([info(0)], LABELS, Split(method="official"), official=False)


def test_an_empty_fold_names_the_folds_there_are():
    infos = [info(n, fold=n % 3 + 1) for n in range(9)]
    with pytest.raises(DataError, match=r"the valid split \(folds \(9,\)\).*there are: 1, 2, 3"):
        assign_splits(infos, LABELS, Split(), official=True)


def test_a_record_without_a_fold():
    with pytest.raises(DataError, match=r"record r0000 has no official fold.*patients"):
        assign_splits([info(0)], LABELS, Split(), official=True)


def test_official_folds_that_tear_a_patient_apart():
    infos = [info(0, "anna", fold=1), info(1, "anna", fold=10), info(2, fold=9)]
    with pytest.raises(DataError, match=r"patient anna is in the official folds 1 and 10, which"):
        assign_splits(infos, LABELS, Split(), official=True)
    more = [info(n, f"p{n % 20}", fold=[1, 9][n // 50]) for n in range(3, 90)]
    with pytest.raises(DataError) as caught:
        assign_splits([*infos, *more], LABELS, Split(), official=True)
    lines = str(caught.value).splitlines()
    assert len(lines) == 5 and "different splits (train and test)." in lines[0]
    assert lines[4].endswith(
        "21 patients are torn apart. Set data.split.method to patients, or correct the folds."
    )
    assert len(assign_splits([*infos, *more], LABELS, Split(method="records"), official=True)) == 90


# ---------------------------------------------------------------- cross-validation


def cross_validate(infos, labels, folds, *, official=False, **settings):
    """What each fold tests, after the check that the others are told the same folds."""
    assigned = [
        assign_splits(infos, labels, Split(folds=folds, fold=fold, **settings), official=official)
        for fold in range(folds)
    ]
    tested = [{name for name, split in one.items() if split == "test"} for one in assigned]
    for fold, one in enumerate(assigned):
        assert {name for name, split in one.items() if split == "valid"} == tested[
            (fold + 1) % folds
        ]
        assert set(one.values()) == {"train", "valid", "test"}
    return tested


def assert_partition(tested, infos):
    """Every record is tested once, and all records of a patient together."""
    assert sorted(name for one in tested for name in one) == sorted(i.record_id for i in infos)
    fold_of = {name: fold for fold, one in enumerate(tested) for name in one}
    assert len({(one.patient_id, fold_of[one.record_id]) for one in infos}) == len(
        {one.patient_id for one in infos}
    )


@settings(max_examples=60, deadline=None)
@given(hospitals(), st.integers(3, 6), st.integers(0, 5))
def test_over_all_folds_each_record_is_tested_once_and_no_patient_torn_apart(infos, folds, seed):
    patients = len({one.patient_id for one in infos})
    if patients < folds:
        with pytest.raises(DataError, match=rf"there are {patients} patients for {folds} folds"):
            assign_splits(infos, LABELS, Split(folds=folds, fold=0), official=False)
        return
    assert_partition(cross_validate(infos, LABELS, folds, seed=seed), infos)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.sets(st.sampled_from(LABELS)), min_size=60, max_size=200),
    st.integers(3, 6),
    st.integers(0, 5),
)
def test_each_fold_has_its_share_of_each_label(labels, folds, seed):
    infos = [info(number, labels=one) for number, one in enumerate(labels)]
    tested = cross_validate(infos, LABELS, folds, seed=seed)
    for label in LABELS:
        having = {one.record_id for one in infos if label in one.labels}
        for one in tested:
            assert abs(len(one & having) - len(having) / folds) <= 3


def test_official_folds_are_grouped_in_their_order():
    infos = [info(n, fold=n % 10 + 1) for n in range(40)]
    tested = cross_validate(infos, LABELS, 4, official=True)
    assert_partition(tested, infos)
    fold_of = {one.record_id: one.fold for one in infos}
    groups = [{fold_of[name] for name in one} for one in tested]
    assert groups == [{1, 2, 3}, {4, 5, 6}, {7, 8}, {9, 10}]
    tens = cross_validate(infos, LABELS, 10, official=True, method="official")
    assert [{fold_of[name] for name in one} for one in tens] == [{n} for n in range(1, 11)]


def test_fewer_official_folds_than_asked_for():
    infos = [info(n, fold=n % 5 + 1) for n in range(20)]
    with pytest.raises(
        DataError, match=r"data.split.folds is 10, and .* has 5 official folds: 1, 2, 3, 4, 5. Set"
    ):
        assign_splits(infos, LABELS, Split(folds=10, fold=0), official=True)
    assert_partition(cross_validate(infos, LABELS, 10, official=True, method="patients"), infos)


def test_a_patient_in_two_official_folds_is_told_whichever_fold_is_tested():
    infos = [info(n, fold=n % 10 + 1) for n in range(20)] + [info(20, "p0", fold=3)]
    for fold in range(5):
        with pytest.raises(DataError, match=r"patient p0 is in the official folds 1 and 3"):
            assign_splits(infos, LABELS, Split(folds=5, fold=fold), official=True)


@pytest.mark.parametrize("name", SOURCES)
def test_records_of_every_source_can_be_cross_validated(name, tmp_path):
    root = write_database(name, tmp_path / "raw")
    source = source_of(Data(source=name, raw=root))
    for label_set, labels in source.LABEL_SETS.items():
        infos = source.list_records(root, label_set=label_set, sampling_rate=100)
        assert_partition(cross_validate(infos, labels, 3, method="patients"), infos)


def test_the_folds_of_ptbxl(real_data):
    source = find_source("ptbxl")
    infos = source.list_records(real_data / "ptbxl", label_set="superdiagnostic", sampling_rate=100)
    labels = source.LABEL_SETS["superdiagnostic"]
    for folds in (5, 10):
        tested = cross_validate(infos, labels, folds, official=True)
        assert_partition(tested, infos)
        assert {one.record_id for one in infos if one.fold == 10} <= tested[-1]
    tested = cross_validate(infos, labels, 5, official=True, method="patients")
    assert_partition(tested, infos)
    for label in labels:
        counts = [sum(label in one.labels for one in infos if one.record_id in t) for t in tested]
        assert max(counts) - min(counts) <= 5  # of 297 with NORM to 40 with HYP


# ---------------------------------------------------------------- by record


def test_by_record_is_what_train_test_split_draws_with_the_same_seed():
    infos = [info(n, f"p{n // 4}") for n in range(522)]
    assigned = assign_splits(
        infos, LABELS, Split(method="records", test=0.33, seed=1), official=False
    )
    train, test = train_test_split([one.record_id for one in infos], test_size=0.33, random_state=1)
    assert {name for name, split in assigned.items() if split == "test"} == set(test)
    assert Counter(assigned.values()) == {"train": 270, "valid": 79, "test": 173}
    assert {name for name, split in assigned.items() if split != "test"} == set(train)


def test_by_record_takes_no_notice_of_patients_folds_and_order():
    infos = [info(n, f"p{n // 10}", fold=n // 10 % 10 + 1) for n in range(100)]
    split = Split(method="records")
    assigned = assign_splits(infos, LABELS, split, official=True)
    torn = {one.patient_id for one in infos if assigned[one.record_id] == "train"} & {
        one.patient_id for one in infos if assigned[one.record_id] == "test"
    }
    assert len(torn) >= 5
    assert assign_splits(infos[::-1], LABELS, split, official=True) == assigned


def test_cross_validation_by_record():
    infos = [info(n, f"p{n // 10}") for n in range(52)]
    tested = cross_validate(infos, LABELS, 5, method="records")
    assert sorted(map(len, tested)) == [10, 10, 10, 11, 11]
    assert sorted(name for one in tested for name in one) == [one.record_id for one in infos]
    with pytest.raises(DataError, match=r"there are 4 records for 5 folds"):
        assign_splits(infos[:4], LABELS, Split(method="records", folds=5, fold=0), official=False)
    with pytest.raises(DataError, match=r"the train split has no record: there are 2 records"):
        assign_splits(infos[:2], LABELS, Split(method="records"), official=False)
