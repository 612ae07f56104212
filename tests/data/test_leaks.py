from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.data.dataset import read_dataset
from ecg_keras.data.duplicate_groups import find_duplicates
from ecg_keras.data.identities import Identities, nobody, population
from ecg_keras.data.leaks import (
    SAME_PATIENT,
    SAME_SIGNAL,
    count_leaks,
    find_leaks,
    name_leaks,
    tell_rules,
)
from ecg_keras.errors import DataError

SIGNALS = np.random.default_rng(0).integers(-127, 128, (400, 64)).astype(np.int8)


def records(*rows, population="ptb", split="train", run="up", rule=2):
    """Each row: record id, patient id, number of the signal."""
    names, patients, signals = zip(*rows, strict=True) if rows else ((), (), ())
    count = len(rows)
    return Identities(
        runs=np.full(count, run),
        splits=np.full(count, split),
        populations=np.full(count, population),
        record_ids=np.array(names, dtype=np.str_),
        patient_ids=np.array(patients, dtype=np.str_),
        content=SIGNALS[list(signals)].reshape(count, 64),
        rules=np.full(count, rule),
    )


def test_a_patient_is_known_within_a_population_and_a_signal_everywhere():
    seen = records(("a", "p1", 1), ("b", "p2", 2)) + records(("c", "p3", 3), population="georgia")
    tested = records(("x", "p1", 11), ("y", "p3", 12), ("z", "p9", 3), ("w", "p8", 13))
    one, other = find_leaks(tested, seen)
    assert (one.record_id, one.because, one.known_as) == ("x", SAME_PATIENT, "a")
    assert (other.record_id, other.because, other.known_as) == ("z", SAME_SIGNAL, "c")
    assert str(other) == "z (the same signal as c, trained on in up)"


def test_the_signal_is_told_before_the_patient():
    seen = records(("a", "p1", 1), ("b", "p1", 2), ("c", "p4", 2), split="valid", run="r")
    (leak,) = find_leaks(records(("x", "p1", 2)), seen)
    assert (leak.known_as, leak.because) == ("b", SAME_SIGNAL)
    assert str(leak).endswith("as b, validated on in r)")


def test_ten_leaks_are_named_and_all_are_counted():
    seen = records(*[(f"s{n}", f"p{n}", n) for n in range(14)])
    leaks = find_leaks(
        records(*[(f"t{n}", f"p{n}", n if n < 3 else n + 50) for n in range(14)]), seen
    )
    assert count_leaks(leaks) == "3 by signal, 11 by patient"
    said = name_leaks(leaks)
    assert "t9 (the same patient as s9, trained on in up), and 4 more" in said
    assert "t10" not in said


# patients and signals of records
ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=12)


def numbered(letter, rows):
    return records(*[(f"{letter}{n}", f"p{p}", s) for n, (p, s) in enumerate(rows)])


@given(ROWS, ROWS)
def test_leaks_are_those_that_share_something(seen_rows, tested_rows):
    seen, tested = numbered("s", seen_rows), numbered("t", tested_rows)
    found = {leak.record_id for leak in find_leaks(tested, seen)}
    assert found == {
        f"t{n}"
        for n, (p, s) in enumerate(tested_rows)
        if any(p == q or s == r for q, r in seen_rows)
    }
    clean = tested.leave_out(found)
    assert not find_leaks(clean, seen)
    assert len(clean) + len(tested.keep(found)) == len(tested)


@given(ROWS, ROWS)
def test_within_a_dataset_its_duplicates_are_enough(seen_rows, tested_rows):
    seen, tested = numbered("s", seen_rows), numbered("t", tested_rows)
    both = seen + tested
    contents = map(np.ndarray.tobytes, both.content)
    signatures = dict(zip(both.record_ids.tolist(), contents, strict=True))
    groups = find_duplicates(signatures, dict.fromkeys(signatures, "train"))
    alike = {name for group in groups for name in group.record_ids}
    assert find_leaks(tested, seen, alike) == find_leaks(tested, seen)


def test_what_was_seen_is_kept_in_a_file_without_pickles(tmp_path):
    seen = records(("ä", "p1", 1), ("b", "", 2)) + nobody() + records(("c", "p3", 3), run="other")
    seen.save(tmp_path / "seen.npz")
    back = Identities.load(tmp_path / "seen.npz")
    assert back.record_ids.tolist() == ["ä", "b", "c"]
    assert back.runs.tolist() == ["up", "up", "other"]
    np.testing.assert_array_equal(back.content, SIGNALS[1:4])
    nobody().save(tmp_path / "nobody.npz")
    assert len(Identities.load(tmp_path / "nobody.npz")) == 0


def test_signatures_of_an_earlier_rule_are_kept_as_such(tmp_path):
    earlier, new = records(("a", "p1", 1), rule=1), records(("b", "p2", 2), run="now")
    (earlier + new).save(tmp_path / "seen.npz")
    assert Identities.load(tmp_path / "seen.npz").rules.tolist() == [1, 2]
    fields = {name: values for name, values in vars(earlier).items() if name != "rules"}
    np.savez(tmp_path / "seen.npz", **fields)  # as of an earlier version
    back = Identities.load(tmp_path / "seen.npz")
    assert back.rules.tolist() == [1]
    assert tell_rules(back, new).startswith("The signatures of up were made by an earlier rule:")
    assert tell_rules(new, back) == tell_rules(back, new)
    assert tell_rules(new, new) == tell_rules(earlier, back) == tell_rules(nobody(), new) == ""


@pytest.mark.parametrize("damage", ["missing", "text", "half", "pickle", "shape", "rules", "array"])
def test_a_damaged_file_is_told(tmp_path, damage):
    path = tmp_path / "seen.npz"
    seen = records(("a", "p1", 1), ("b", "p2", 2))
    if damage == "text":
        path.write_text("seen nothing")
    elif damage == "half":
        seen.save(path)
        path.write_bytes(path.read_bytes()[:300])
    elif damage == "pickle":
        np.savez(path, **{**vars(seen), "runs": np.array([{}, []], dtype=object)})
    elif damage == "shape":
        np.savez(path, **{**vars(seen), "runs": seen.runs[:1]})
    elif damage == "rules":
        np.savez(path, **{**vars(seen), "rules": np.array(2)})
    elif damage == "array":
        with path.open("wb") as file:
            np.save(file, SIGNALS)
    with pytest.raises(DataError, match=r"seen\.npz: .*Train the\s+run again"):
        Identities.load(path)


def test_patients_of_two_hospitals_are_different_people(hospital_shards):
    dataset = read_dataset(hospital_shards / "dataset.json")
    assert population(dataset) == "my_lab.hospital"
    assert population(replace(dataset, raw_digest="other")) == "my_lab.hospital"
    folder = replace(dataset, source="folder")
    assert population(folder) != population(replace(folder, raw_digest="other"))
    # an object is made for each of several databases of one layout
    made = replace(dataset, source="our_lab.holter:make_source")
    assert population(made) == population(replace(made, fingerprint="other"))
    assert population(made) != population(replace(made, raw_digest="other"))
    one, other = (
        replace(
            dataset, source="simulated", settings={"simulate": {"hospital": "lakeside", "seed": s}}
        )
        for s in (0, 1)
    )
    assert population(one) != population(other)
    assert population(one) == population(replace(one, raw_digest="other"))
