"""The script that counts false alarms of groups: its groups, its counts, one that is real."""

import numpy as np

from ecg_keras.evaluation import Grouping, score_subgroups


def test_groups_are_of_patients_and_a_real_difference_is_counted(script):
    rng = np.random.default_rng(0)
    test = script.binormal(300, 3)(rng)
    grouping = script.at_random(test, 3, rng)
    groups = {}
    for record, patient in zip(test.record_ids, test.patient_ids, strict=True):
        groups.setdefault(str(patient), set()).add(grouping.group_of[str(record)])
    assert {len(own) for own in groups.values()} == {1}
    assert set.union(*groups.values()) == set(grouping.names)
    # of those whose first label is called wrongly, the AUROC is another
    wrong = test.probabilities[:, 0] > 0.5
    wrong = wrong != test.targets[:, 0]
    of = {
        str(one): "wrong" if bad else "right"
        for one, bad in zip(test.record_ids, wrong, strict=True)
    }
    found = score_subgroups(
        test, np.full(5, 0.3), [Grouping("w", ("right", "wrong"), of)], bootstrap=100
    )
    deciding, single, *any_wrong = script.count(found)
    assert any_wrong == [True, True]
    assert deciding[0] < 0.05
    assert min(single) < 1e-6


def test_shares_have_their_error(script):
    assert script.share(8, 200) == "4.0 ± 1.4"
    assert script.share(0, 200) == "0.0 ± 0.5"
