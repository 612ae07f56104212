"""`ecg-keras prepare --beam`, as a user types it."""

import pytest

RECIPE = """\
mode: scratch
data:
  source: simulated
  raw: raw
  simulate: {hospital: riverside, records: 40}
  sampling_rate: 50
  seconds: 4
  split: {method: patients}
model: {backbone: gru}
training: {phases: [{epochs: 1}]}
"""


@pytest.mark.usefixtures("apache_beam")
@pytest.mark.long
def test_beam_makes_the_shards_that_are_made_here(ecg_keras, tmp_path):
    (tmp_path / "a.yaml").write_text(RECIPE)
    answer = ecg_keras("prepare", "a.yaml")
    assert answer.code == 0
    on_beam = ecg_keras(
        *("prepare", "a.yaml", "--set", "data.shards=beam", "--beam", "--"),
        *("--runner=DirectRunner", "--direct_num_workers=1"),
    )
    assert on_beam.code == 0
    assert on_beam.out == answer.out.replace("shards/", "beam/")
    here, there = (
        {path.name: path.read_bytes() for path in tmp_path.glob(f"{place}/*/[!.]*")}
        for place in ("shards", "beam")
    )
    assert here == there
    assert len(here) == 4


@pytest.mark.usefixtures("apache_beam")
def test_options_of_beam_that_make_no_sense(ecg_keras, tmp_path):
    (tmp_path / "a.yaml").write_text(RECIPE)
    answer = ecg_keras("prepare", "a.yaml", "--", "--runner=FlinkRunner")
    assert answer.code == 2
    assert "--runner=FlinkRunner: options of Beam need --beam before --" in answer.err
    answer = ecg_keras("prepare", "a.yaml", "--beam", "--", "FlinkRunner")
    assert answer.code == 2
    assert "'FlinkRunner' is no Beam option" in answer.err
