import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ecg_keras.data.dataset import Duplicates
from ecg_keras.data.duplicates import describe_leaks, find_duplicates, lead_digests


def test_a_copy_with_other_samples_in_some_leads_is_found():
    samples = np.random.default_rng(0).integers(-900, 900, (1000, 12)).astype(np.int16)
    copy = samples.copy()
    copy[500:510, :11] += 40
    found = find_duplicates(
        {"a": lead_digests(samples), "b": lead_digests(copy), "c": lead_digests(samples + 1)},
        {"a": "train", "b": "test", "c": "train"},
    )
    assert found == (Duplicates(("a", "b"), ("train", "test")),)


def test_dead_leads_make_no_duplicates():
    assert lead_digests(np.zeros((10, 3), np.int16)) == []


@given(st.dictionaries(st.text("ab", min_size=1), st.sets(st.sampled_from("12345678"))))
def test_groups_are_the_connected_components(digests):
    groups = find_duplicates(
        {name: sorted(own) for name, own in digests.items()}, dict.fromkeys(digests, "train")
    )
    members = [name for group in groups for name in group.record_ids]
    assert len(members) == len(set(members))
    of = {name: number for number, group in enumerate(groups) for name in group.record_ids}
    for one in digests:
        assert (one in of) == any(digests[one] & digests[o] for o in digests if o != one)
        for other in digests:
            if one != other and digests[one] & digests[other]:
                assert of[one] == of[other]


def test_ten_leaks_are_named():
    across = [Duplicates((f"a{n}", f"b{n}"), ("train", "test")) for n in range(12)]
    inside = Duplicates(("x", "y"), ("test", "test"))
    message = describe_leaks([*across, inside])
    assert message.startswith("13 groups of records carry the same signals, 12 of them across")
    assert "a9 (train), b9 (test); and 2 more. dataset.json" in message
    assert "a10" not in message
    assert describe_leaks([]) is None
    assert "0 of them across splits. dataset.json" in describe_leaks([inside])
