"""Shards made by Apache Beam are those that are made here."""

import dataclasses
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecg_keras.config import Data
from ecg_keras.data import beam, writing
from ecg_keras.data.beam import parse_beam_options, run_on_beam
from ecg_keras.data.preparation import prepare
from ecg_keras.errors import ConfigError, DataError

# small enough for several shards a split
SMALL = 30_000
TWO_PROCESSES = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]


def visible(folder):
    """The bytes of every file of a folder but the lock."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


@pytest.fixture
def here(apache_beam, hospital_data, tmp_path, monkeypatch):
    """The folder of shards made in this process; further ones are as small."""
    monkeypatch.setattr(writing, "SHARD_BYTES", SMALL)
    monkeypatch.setattr(beam, "SECONDS", 0.01)
    prepare(hospital_data, tmp_path / "here")
    return tmp_path / "here"


def test_the_direct_runner_writes_the_same_bytes(hospital_data, here, tmp_path):
    steps = []
    folder = tmp_path / "beam"
    prepare(hospital_data, folder, on_progress=lambda *step: steps.append(step), run=run_on_beam())
    assert len(visible(here)) > 5
    assert visible(folder) == visible(here)
    assert steps == sorted(set(steps))
    assert steps[0] == (0, 40)
    assert steps[-1] == (40, 40)
    assert not (folder / ".unfinished").exists()


@pytest.mark.long
def test_processes_of_their_own_write_the_same_bytes(hospital_raw, here, tmp_path, monkeypatch):
    # the workers start in another folder, and find the source where the user's modules are
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1] / "small"))
    monkeypatch.chdir(hospital_raw.parent)
    data = Data(source="my_lab.hospital", raw=Path(hospital_raw.name), seconds=2)
    prepare(data, tmp_path / "beam", run=run_on_beam(TWO_PROCESSES))
    assert visible(tmp_path / "beam") == visible(here)


def test_a_pipeline_that_fails_keeps_its_shards_and_goes_on(
    hospital_data, here, tmp_path, monkeypatch
):
    folder = tmp_path / "beam"
    make = beam.make_shard

    def until_the_disk_is_full(work, shard):
        if shard.name.startswith("test"):
            raise DataError(f"{work.folder}: can't be written: No space left on device.")
        return make(work, shard)

    monkeypatch.setattr(beam, "make_shard", until_the_disk_is_full)
    with pytest.raises(
        DataError, match=r"the Beam pipeline failed: .*No space left.* same command"
    ):
        prepare(hospital_data, folder, run=run_on_beam())
    made = {path.name: path.stat().st_ino for path in folder.glob("*.tfrecord")}
    monkeypatch.setattr(beam, "make_shard", make)
    prepare(hospital_data, folder, run=run_on_beam())
    assert visible(folder) == visible(here)
    assert {name: (folder / name).stat().st_ino for name in made} == made


def test_workers_that_write_elsewhere_are_noticed(hospital_data, here, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / ".unfinished").mkdir(parents=True)
    make = beam.make_shard
    monkeypatch.setattr(
        beam,
        "make_shard",
        lambda work, shard: make(dataclasses.replace(work, folder=elsewhere), shard),
    )
    with pytest.raises(
        DataError, match=r"wrote 0 of \d+ shards there, train-0\S+ is missing. Mount"
    ):
        prepare(hospital_data, tmp_path / "beam", run=run_on_beam())


def test_a_worker_that_lacks_the_folder_says_so(tmp_path):
    work = SimpleNamespace(folder=tmp_path / "none")
    with pytest.raises(DataError, match=r"\.records: there is no such file\. Mount the folder"):
        beam._make("train.tfrecord", work)


def test_our_own_error_is_found_in_a_remote_traceback():
    remote = ["Traceback (most recent call last):", "ecg_keras.errors.DataError: a.hea: gone.", "x"]
    assert beam.describe_beam_failure(Exception("\n".join(remote))) == "a.hea: gone."
    assert (
        beam.describe_beam_failure(Exception("\n".join(["RuntimeError: no slots"])))
        == "RuntimeError: no slots"
    )
    assert beam.describe_beam_failure(Exception("\n".join([]))) == "it says nothing"


@pytest.mark.usefixtures("apache_beam")
def test_options_are_beams_own():
    options = parse_beam_options(["--runner=FlinkRunner", "--parallelism=3"])
    assert options.get_all_options()["runner"] == "FlinkRunner"
    with pytest.raises(ConfigError, match=r"'FlinkRunner' is no Beam option: they begin with --"):
        parse_beam_options(["FlinkRunner"])
    with pytest.raises(ConfigError, match=r"the Beam options are wrong: --direct_num_workers=many"):
        parse_beam_options(["--direct_num_workers=many"])


@pytest.mark.usefixtures("apache_beam")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--runer=FlinkRunner"], r"'--runer=FlinkRunner' is no Beam option.*mean '--runner'\?"),
        (["--direct_num_workers=2", "--direct_runing_mode", "in_memory"], "direct_running_mode'"),
        (["--direct_num_workers", "2", "3"], "'3' is no Beam option: they begin with --"),
        (["--runner=FlinkRunner", "-p", "64"], "'-p' is no Beam option: they begin with --"),
    ],
)
def test_an_option_that_beam_would_ignore_is_refused(arguments, message):
    with pytest.raises(ConfigError, match=message):
        parse_beam_options(arguments)


def test_beam_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(ConfigError, match="which is not installed: pip install apache-beam"):
        run_on_beam()


@pytest.mark.usefixtures("apache_beam")
def test_options_of_other_runners_are_left_to_them():
    parse_beam_options(["--runner=SparkRunner", "--known_to_the_server=1"])
    parse_beam_options(["--runner=DataflowRunner", "--project=p", "--region=r", "--num_workers=2"])
    parse_beam_options(["--runner=DirectRunner", "--direct_num_workers=2", "--streaming"])


def test_the_plan_of_a_shard_is_read_as_it_was_written(tmp_path):
    (tmp_path / ".unfinished").mkdir()
    work = SimpleNamespace(folder=tmp_path)
    info = writing.RecordInfo("a", "b", tmp_path / "x", ("AF",), 61.5, "male", 3, 7)
    shard = writing.Shard("test-0.tfrecord", "test", (info,))
    beam._write_plan(shard, work)
    assert beam._read_plan(shard.name, work) == shard
    text = (tmp_path / ".unfinished" / "test-0.tfrecord.records").read_text()
    assert json.loads(text)["infos"][0]["row"] == 7
