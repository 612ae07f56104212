import time

import numpy as np
import pytest
from hypothesis import given, strategies as st

from ecg_keras.data import duplicate_groups, identities
from ecg_keras.data.dataset import Duplicates
from ecg_keras.data.duplicate_groups import find_duplicates
from ecg_keras.data.identities import describe_duplicates, find_matches, stack
from ecg_keras.signals import SAME_SIGNATURE, resample, signature
from ecg_keras.sources import find_source

CHALLENGE = {
    "cpsc2018": "cpsc_2018",
    "cpsc2018_extra": "cpsc_2018_extra",
    "georgia": "georgia",
    "ptb": "ptb",
    "chapman": "chapman_shaoxing",
    "ningbo": "ningbo",
}


def draw(rows, seed=0):
    return np.random.default_rng(seed).integers(-127, 128, (rows, 64)).astype(np.int8)


def test_matches_are_found_whatever_their_sign_and_scale():
    a = draw(50)
    b = np.concatenate([draw(30, seed=1), -a[[7]], np.rint(a[[9]] * 0.4).astype(np.int8)])
    assert sorted(find_matches(a, b)) == [(7, 30), (9, 31)]
    assert list(find_matches(np.concatenate([a, a[[3]]]))) == [(3, 50)]


def test_blocks_hide_no_pair(monkeypatch):
    a, b = draw(40), draw(25, seed=1)
    a[33], a[12], b[20] = a[2], -a[39], a[5]
    whole = set(find_matches(a)), set(find_matches(a, b))
    monkeypatch.setattr(identities, "ROWS", 7)
    monkeypatch.setattr(identities, "COLUMNS", 5)
    assert (set(find_matches(a)), set(find_matches(a, b))) == whole
    assert whole == ({(2, 33), (12, 39)}, {(5, 20)})


def test_what_has_no_signature_matches_nothing():
    none = np.zeros((3, 64), np.int8)
    assert list(find_matches(none)) == list(find_matches(none, none)) == []
    assert list(find_matches(none[:0], draw(2))) == list(find_matches(none[:0])) == []
    assert find_duplicates({"a": bytes(64), "b": bytes(64)}, {"a": "test", "b": "test"}) == ()


@given(st.lists(st.integers(0, 5), max_size=30))
def test_groups_are_the_records_of_one_recording(recordings):
    known = draw(6)
    names = {f"r{n:02d}": known[one].tobytes() for n, one in enumerate(recordings)}
    splits = {name: ("train", "test")[n % 2] for n, name in enumerate(names)}
    expected = [[f"r{n:02d}" for n, r in enumerate(recordings) if r == one] for one in range(6)]
    found = find_duplicates(names, splits)
    assert [list(one.record_ids) for one in found] == sorted(g for g in expected if len(g) > 1)
    assert all(one.splits == tuple(splits[name] for name in one.record_ids) for one in found)


def test_a_copy_of_a_copy_is_in_the_group():
    one, step = np.full(64, 60.0), np.zeros(64)
    step[:8] = 30  # a small turn: the first and the last are too far apart to match directly
    chain = np.stack([one, one + step, one + 2 * step]).astype(np.int8)
    cosine = chain[0] @ chain[2].astype(float) / np.linalg.norm(chain[0].astype(float))
    assert cosine / np.linalg.norm(chain[2].astype(float)) < SAME_SIGNATURE
    found = find_duplicates({n: row.tobytes() for n, row in zip("abc", chain, strict=True)},
                            dict.fromkeys("abc", "train"))  # fmt: skip
    assert [group.record_ids for group in found] == [("a", "b", "c")]


def test_a_search_that_was_stopped_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(duplicate_groups, "SECONDS_BETWEEN", 0)
    monkeypatch.setattr(duplicate_groups, "ROWS", 7)
    monkeypatch.setattr(identities, "ROWS", 7)
    rows = draw(60)
    rows[40], rows[59] = -rows[3], rows[3] // 2  # in three blocks
    names = {f"r{n:02d}": row.tobytes() for n, row in enumerate(rows)}
    splits = dict.fromkeys(names, "test")
    expected = find_duplicates(names, splits)
    assert [one.record_ids for one in expected] == [("r03", "r40", "r59")]
    compared, match_rows = [], identities.match_rows

    def compare(first, second, top, **settings):
        compared.append(top)
        if len(compared) == 4:
            raise KeyboardInterrupt
        return match_rows(first, second, top, **settings)

    monkeypatch.setattr(duplicate_groups, "match_rows", compare)
    kept, notes = tmp_path / "kept.npz", []
    with pytest.raises(KeyboardInterrupt):
        find_duplicates(names, splits, kept, notes.append)
    assert find_duplicates(names, splits, kept, notes.append) == expected
    assert compared == [0, 7, 14, 21, *range(21, 60, 7)]
    assert len(notes) == 2 and notes[0].startswith("The signals of 60 recordings are compared")
    others = {**names, "r00": draw(1, seed=9)[0].tobytes()}
    for content in (kept.read_bytes(), b"damaged"):
        kept.write_bytes(content)
        compared[:] = [None] * 4
        assert find_duplicates(others, splits, kept) == expected
        assert compared[4:] == list(range(0, 60, 7))


def test_many_equal_records_are_one_group_at_once():
    same = draw(1).tobytes()
    begun = time.perf_counter()
    (group,) = find_duplicates({f"r{n}": same for n in range(20_000)},
                               {f"r{n}": "train" for n in range(20_000)})  # fmt: skip
    assert len(group.record_ids) == 20_000
    assert time.perf_counter() - begun < 10


def test_ten_groups_across_splits_are_named():
    across = [Duplicates((f"a{n}", f"b{n}"), ("train", "test")) for n in range(12)]
    inside = Duplicates(("x", "y"), ("test", "test"))
    message = describe_duplicates([*across, inside])
    assert message.startswith("13 groups of records carry the same signals, 12 of them across")
    assert "a9 (train), b9 (test); and 2 more. dataset.json" in message
    assert "a10" not in message
    assert describe_duplicates([]) is None
    assert "0 of them across splits. dataset.json" in describe_duplicates([inside])


@pytest.fixture(scope="module")
def real(real_data):
    """Every real recording: ``(database, record id)`` and its signal."""
    places = [
        ("ptbxl", "ptbxl", 500, real_data / "ptbxl"),
        ("ptbxl100", "ptbxl", 100, real_data / "ptbxl"),
        ("copy", "ptbxl_challenge", 500, real_data / "challenge/training/ptb-xl"),
        ("ludb", "ludb", 500, real_data / "ludb"),
    ]
    places += [
        (name, name, 500, real_data / "challenge/training" / folder)
        for name, folder in CHALLENGE.items()
    ]
    found = {}
    for place, name, rate, root in places:
        source = find_source(name)
        label_set = next(iter(source.LABEL_SETS))
        for info in source.list_records(root, label_set=label_set, sampling_rate=rate):
            found[place, info.record_id] = source.read_signal(info)
    return found


@pytest.fixture(scope="module")
def real_signatures(real):
    return {name: signature(one.values, one.leads, one.sampling_rate) for name, one in real.items()}


@pytest.mark.real
def test_all_known_copies_among_real_recordings_are_found_and_nothing_else(real_signatures):
    names = list(real_signatures)
    assert len(names) == 1270
    assert all(any(one) for one in real_signatures.values())
    within = {"138": "137", "144": "143", "463": "145", "457": "456", "460": "459"}
    groups = {}
    for place, record_id in names:
        number = record_id.removeprefix("HR").lstrip("0")
        recording = within.get(number, number) if place in ("ptbxl", "ptbxl100", "copy") else ""
        groups.setdefault(recording or (place, record_id), set()).add((place, record_id))
    rows = stack(list(real_signatures.values()))
    pairs = {(names[one], names[other]) for one, other in find_matches(rows)}
    expected = {
        (a, b)
        for group in groups.values()
        for a in group
        for b in group
        if names.index(a) < names.index(b)
    }
    assert (
        len(expected) == 500 + 5 * 4 + 10 * 2
    )  # other rate; other record, each rate; other database
    assert pairs == expected


@pytest.mark.real
@pytest.mark.parametrize("what", ["gain", "rate", "rounding", "polarity", "longer", "end"])
def test_planted_copies_of_real_recordings_are_found(real, real_signatures, what):
    chosen = [name for name in real if name[0] in ("ludb", "cpsc2018", "ptb", "georgia")][::6]
    copies = []
    for name in chosen:
        rate = real[name].sampling_rate
        values = np.array(real[name].values[: round(10 * rate)])
        if what == "gain":
            values = 2 * values
        elif what == "rate":
            values, rate = resample(values, rate, 257 if rate == 500 else 250), rate / 2
            rate = 257 if rate == 250 else 250
        elif what == "rounding":
            values = np.rint(values / 0.02) * 0.02
        elif what == "polarity":
            values = -values
        elif what == "longer":
            values = np.vstack([values, values[::-1]])
        elif what == "end":
            values[round(9.94 * rate) :] = values[round(9.94 * rate)]
        copies.append(signature(values, real[name].leads, rate))
    rows = stack([real_signatures[name] for name in chosen])
    assert sorted(find_matches(rows, stack(copies))) == [(n, n) for n in range(len(chosen))]
