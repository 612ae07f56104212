"""The leakage guard, on small databases and on real copies. Nothing is trained here."""

import json
import shutil

import keras
import numpy as np
import pytest
from my_lab import hospital

from ecg_keras import data, evaluation, models
from ecg_keras.config import Data, Recipe, Split
from ecg_keras.data import leaks
from ecg_keras.data.identities import Identities
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.sources import find_source
from ecg_keras.training import Run, alone, describe_known, guard, records_left_out, train
from ecg_keras.training.seen import read_guarded

SPLIT = {"method": "patients", "valid": 0.25, "test": 0.25}


def make(source="my_lab.hospital", raw=None, upstream=None, validate_on="valid", **settings):
    return Recipe.model_validate(
        {
            "mode": "finetune" if upstream else "scratch",
            "data": {"source": source, "raw": raw, "seconds": 2, "split": SPLIT, **settings},
            "training": {"validate_on": validate_on},
            **({"initialise": {"from": str(upstream)}} if upstream else {}),
        }
    )


def write_lab(root, seed, patients):
    """Another database for the same source, of other people."""
    rows = hospital.write(root, seed=seed)
    hospital.rewrite(root, [(row[0], patients + row[1][1:], *row[2:]) for row in rows])
    return root


def find_split(raw, **wanted):
    """A split of the laboratory's patients in which given records lie where they should."""
    infos = hospital.list_records(raw, label_set="rhythm", sampling_rate=500)
    for seed in range(500):
        split = {**SPLIT, "seed": seed}
        where = data.assign_splits(
            infos, hospital.LABEL_SETS["rhythm"], Split.model_validate(split), official=False
        )
        if all(where[name] == part for part, names in wanted.items() for name in names):
            return split
    raise AssertionError("no such seed")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """A database in which r0000 is published again as r0039, of another patient."""
    root = tmp_path_factory.mktemp("lab") / "raw"
    hospital.write(root)
    # the same recording with another gain, a little noise and rounding
    values = np.load(root / "r0000.npy") * 0.7
    values += np.random.default_rng(1).normal(0, 3, values.shape)
    np.save(root / "r0039.npy", np.rint(values).astype(np.int16))
    return root


@pytest.fixture(scope="module")
def shards(raw, tmp_path_factory):
    """Shards of it in which the copies are in different splits."""
    split = find_split(raw, train={"r0000"}, test={"r0039"})
    settings = Data(source="my_lab.hospital", raw=raw, seconds=2, split=split)
    folder = tmp_path_factory.mktemp("shards") / "lab"
    data.prepare(settings, folder, on_warning=lambda message: None)
    return folder


@pytest.fixture
def own(raw, shards):
    seed = data.describe(shards).settings["split"]["seed"]

    def recipe(**settings):
        return make(raw=raw, **{"split": {**SPLIT, "seed": seed}, **settings})

    return recipe


def ids(shards, split):
    return set(data.read_identities(shards, split).record_ids.tolist())


def test_a_copy_of_a_training_record_in_the_test_split_stops_and_is_named(own, shards, tmp_path):
    run = Run(tmp_path / "mine")
    with pytest.raises(DataError) as caught:
        guard(own(), shards=shards, run=run)
    tested = data.describe(shards).splits["test"].records
    assert (
        f"{shards}: its training would know 1 of {tested} test records (1 by signal, 0 by "
        "patient): r0039 (the same signal as r0000, trained on in mine). Leave these out of "
        "training with --set data.leaks=leave_out, or continue with --set data.leaks=allow"
    ) in str(caught.value)
    assert not run.folder.exists(), "nothing is begun"


def test_within_a_dataset_only_its_duplicates_are_compared(own, shards, tmp_path, monkeypatch):
    compared, find_matches = [], leaks.find_matches

    def counted(one, other):
        compared.append((len(one), len(other)))
        return find_matches(one, other)

    monkeypatch.setattr(leaks, "find_matches", counted)
    found = guard(own(leaks="leave_out"), shards=shards, run=Run(tmp_path / "mine"))
    assert found.left_out["train"] == ("r0000",)
    assert data.describe(shards).duplicates[0].record_ids == ("r0000", "r0039")
    assert max(min(pair) for pair in compared) == 1


def test_leave_out_does_without_the_training_record_and_says_so(own, shards, tmp_path):
    run, said = Run(tmp_path / "mine"), []
    found = guard(own(leaks="leave_out"), shards=shards, run=run, on_warning=said.append)
    assert found.left_out == {"train": ("r0000",), "valid": ()}
    (note,) = said
    assert note.startswith("1 of ")
    assert "training records are left out, whose patient or signal the test split has" in note
    assert records_left_out(run, "train") == ("r0000",)
    assert records_left_out(run, "test") == ()
    seen = Identities.load(run.seen)
    assert set(seen.record_ids[seen.splits == "train"].tolist()) == ids(shards, "train") - {"r0000"}
    assert set(seen.record_ids[seen.splits == "valid"].tolist()) == ids(shards, "valid")
    assert set(seen.runs.tolist()) == {"mine"}
    assert run.read_status()["state"] == "begun"
    assert run.read_status()["left_out"] == {"train": 1, "valid": 0}


def test_what_is_left_out_is_neither_loaded_nor_counted_in_means(own, shards, tmp_path):
    batches = data.load(shards, "train", batch_size=64, left_out=["r0000"], cache=False)
    assert sum(len(signal) for signal, _ in batches) == len(ids(shards, "train")) - 1
    with_it, without = (data.signal_statistics(shards, left_out=out)[0] for out in ((), ("r0000",)))
    assert not np.allclose(with_it, without)
    some = sorted(ids(shards, "valid"))[1:]
    (valid,) = data.load(shards, "valid", batch_size=64, left_out=some)
    assert len(valid[0]) == 1
    with pytest.raises(DataError, match="every record of the valid split is left out"):
        data.load(shards, "valid", batch_size=64, left_out=ids(shards, "valid"))
    with pytest.raises(DataError, match="every record of the train split is left out"):
        data.signal_statistics(shards, left_out=ids(shards, "train"))


class Counted(keras.callbacks.Callback):
    """Counts the batches of an epoch."""

    batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches = batch + 1


def test_training_and_validation_do_without_what_is_left_out(own, shards, tmp_path):
    settings = own(leaks="leave_out").model_dump(mode="json", by_alias=True)
    settings["model"].update(backbone="gru", head="pooled")
    settings["training"].update(batch_size=1, phases=[{"epochs": 1}])
    counted, run = Counted(), Run(tmp_path / "mine")
    train(Recipe.model_validate(settings), shards=shards, run=run, callbacks=[counted])
    assert run.read_status()["state"] == "trained"
    assert counted.batches == len(ids(shards, "train")) - 1
    some = sorted(ids(shards, "valid"))[:2]
    said = evaluation.predict(models.load_model(run.model), shards, "valid", left_out=some)
    assert set(said.record_ids.tolist()) == ids(shards, "valid") - {*some}


def test_allow_goes_on_and_warns(own, shards, tmp_path):
    said = []
    found = guard(
        own(leaks="allow"), shards=shards, run=Run(tmp_path / "r"), on_warning=said.append
    )
    assert found.left_out == {"train": (), "valid": ()}
    assert said == list(found.warnings)
    assert said[0].startswith("Leaks are allowed (data.leaks): its training would know 1 of")
    assert "so the scores flatter. r0039 (the same signal as r0000" in said[0]


def test_a_subset_without_the_copy_may_be_trained_on(own, shards, tmp_path):
    seeds = [
        seed
        for seed in range(20)
        if "r0000" not in _chosen(shards, {"train_records": 3, "seed": seed})
    ]
    recipe = own(train_records=3)
    recipe = recipe.model_copy(
        update={"training": recipe.training.model_copy(update={"seed": seeds[0]})}
    )
    guard(recipe, shards=shards, run=Run(tmp_path / "r"))
    seen = Identities.load(Run(tmp_path / "r").seen)
    assert (seen.splits == "train").sum() == 3


def _chosen(shards, settings):
    from ecg_keras.data.reading import training_subset

    return training_subset(shards, data.describe(shards), **settings)


def test_a_subset_is_taken_of_what_is_left(own, shards, tmp_path):
    records = len(ids(shards, "train")) - 1
    recipe = own(leaks="leave_out", train_records=records)
    guard(recipe, shards=shards, run=Run(tmp_path / "r"))
    seen = Identities.load(Run(tmp_path / "r").seen)
    assert (seen.splits == "train").sum() == records


def test_a_split_by_record_shares_patients_and_must_be_allowed(raw, tmp_path):
    split = {"method": "records", "valid": 0.25, "test": 0.25}
    recipe = make(raw=raw, split=split)
    folder = tmp_path / "shards"
    data.prepare(recipe.data, folder, on_warning=lambda message: None)
    with pytest.raises(DataError, match=r"split by record .* tears patients apart: split by"):
        guard(recipe, shards=folder, run=Run(tmp_path / "r"))
    said = []
    allowed = make(raw=raw, split=split, leaks="allow")
    guard(allowed, shards=folder, run=Run(tmp_path / "r"), on_warning=said.append)
    assert any("by patient), so the scores flatter" in message for message in said)
    careful = make(raw=raw, split=split, leaks="leave_out")
    found = guard(careful, shards=folder, run=Run(tmp_path / "s"), on_warning=said.append)
    assert found.left_out["train"] and not found.warnings


@pytest.fixture
def upstream(raw, tmp_path):
    """A run on a database that has three of the hospital's recordings, under other names."""
    copies = write_lab(tmp_path / "copies", seed=5, patients="q")
    for number in (10, 11, 12):
        shutil.copyfile(raw / f"r{number:04d}.npy", copies / f"r{number + 20:04d}.npy")
    split = {"method": "patients", "valid": 0.1, "test": 0.1}
    recipe = make(raw=copies, split=split)
    folder, run = tmp_path / "up-shards", Run(tmp_path / "up")
    data.prepare(recipe.data, folder)
    return recipe, folder, run


def downstream(raw, folder, test, **settings):
    """Shards of the hospital with given test records, and their recipe."""
    split = find_split(raw, test=test)
    recipe = make(raw=raw, split=split, leaks="leave_out", **settings)
    data.prepare(recipe.data, folder, on_warning=lambda message: None)
    return recipe, folder


def test_an_upstream_that_knows_test_records_stops_even_leave_out(raw, upstream, tmp_path):
    up, up_shards, up_run = upstream
    guard(up, shards=up_shards, run=up_run)
    trained = {"r0030": "r0010", "r0031": "r0011", "r0032": "r0012"}
    trained = {ours for theirs, ours in trained.items() if theirs not in ids(up_shards, "test")}
    _, folder = downstream(raw, tmp_path / "down", trained)
    seed = data.describe(folder).settings["split"]["seed"]
    recipe = make(raw=raw, split={**SPLIT, "seed": seed}, leaks="leave_out", upstream=up_run.folder)
    arguments = {"shards": folder, "upstream": up_run.folder, "upstream_mark": "u"}
    with pytest.raises(DataError) as caught:
        guard(recipe, run=Run(tmp_path / "down-run"), **arguments)
    message = str(caught.value)
    assert f"the upstream {up_run.folder} knows {len(trained)} of" in message
    assert f"({len(trained)} by signal, 0 by patient)" in message
    assert "r0010 (the same signal as r0030, " in message and "in up)" in message
    assert f"its recipe with --set 'data.without=[{folder}]' --set run=FOLDER" in message

    clean, said = Run(tmp_path / "up-without"), []
    without = make(raw=up.data.raw, split=up.data.split.model_dump(), without=[str(folder)])
    guard(without, shards=up_shards, run=clean, on_warning=said.append)
    assert {"r0030", "r0031", "r0032"} & ids(up_shards, "train") <= {
        *records_left_out(clean, "train")
    }
    assert f"is to stay unknown for {folder}" in said[0]
    arguments["upstream"] = clean.folder
    guard(recipe, run=Run(tmp_path / "down-run"), **arguments)
    seen = Identities.load(Run(tmp_path / "down-run").seen)
    assert set(seen.runs.tolist()) == {"down-run", "up-without"}
    assert describe_known(clean.folder, folder, "test") is None
    known = describe_known(up_run.folder, folder, "test")
    assert {leak.record_id for leak in known.leaks} == trained
    assert known.sentence.startswith(f"{up_run.folder} knows {len(trained)} of ")

    allowed = make(raw=raw, split={**SPLIT, "seed": seed}, leaks="allow", upstream=up_run.folder)
    arguments["upstream"] = up_run.folder
    found = guard(allowed, run=Run(tmp_path / "allowed"), **arguments)
    assert any(f"the upstream {up_run.folder} knows" in warning for warning in found.warnings)


def test_upstreams_of_upstreams_count(own, shards, raw, upstream, tmp_path):
    up, up_shards, up_run = upstream
    guard(up, shards=up_shards, run=up_run)
    third = write_lab(tmp_path / "third", seed=9, patients="m")
    middle = make(raw=third, upstream=up_run.folder)
    data.prepare(middle.data, tmp_path / "third-shards")
    run = Run(tmp_path / "middle")
    guard(middle, shards=tmp_path / "third-shards", run=run, upstream=up_run.folder)
    known = {
        leak.known_as: leak.run
        for split in ("train", "valid", "test")
        for leak in getattr(describe_known(run.folder, shards, split), "leaks", ())
    }
    assert set(known.values()) == {"up"}
    assert set(known) <= {"r0030", "r0031", "r0032"}


def test_an_upstream_with_signatures_of_an_earlier_rule_is_a_warning(raw, upstream, tmp_path):
    up, up_shards, up_run = upstream
    path = up_shards / "dataset.json"
    path.write_text(path.read_text().replace(',\n "signatures": 2', ""))
    assert not guard(up, shards=up_shards, run=up_run).warnings
    recipe = make(raw=write_lab(tmp_path / "third", seed=9, patients="m"), upstream=up_run.folder)
    folder = tmp_path / "third-shards"
    data.prepare(recipe.data, folder)
    found = guard(recipe, shards=folder, run=Run(tmp_path / "r"), upstream=up_run.folder)
    (warning,) = found.warnings
    assert warning.startswith("The signatures of up were made by an earlier rule")
    assert found.unchecked
    known = describe_known(up_run.folder, folder, "test")
    assert (known.leaks, known.sentence) == ((), warning)

    without = make(raw=recipe.data.raw, without=[str(up_shards)])
    found = guard(without, shards=folder, run=Run(tmp_path / "s"))
    (warning,) = found.warnings
    assert warning.startswith("The signatures of up-shards were made by an earlier rule")
    assert not found.unchecked, "it has no upstream"


def test_shards_prepared_again_by_the_present_rule_are_looked_at_again(raw, upstream):
    up, up_shards, up_run = upstream
    path = up_shards / "dataset.json"
    text = path.read_text()
    path.write_text(text.replace(',\n "signatures": 2', ""))
    assert guard(up, shards=up_shards, run=up_run).signatures == 1
    path.write_text(text)
    assert guard(up, shards=up_shards, run=up_run).signatures == 2
    path.write_text(text.replace(',\n "signatures": 2', ""))
    up_run.checkpoints.mkdir()
    (up_run.checkpoints / "progress.json").write_text("{}")
    assert guard(up, shards=up_shards, run=up_run).signatures == 2, "it was trained on those"


def test_an_upstream_that_tells_nothing_is_a_warning(own, shards, tmp_path):
    weights = tmp_path / "model.keras"
    weights.write_bytes(b"weights")
    recipe = own(leaks="leave_out", upstream=weights)
    found = guard(recipe, shards=shards, run=Run(tmp_path / "r"), upstream=weights)
    assert "does not say which records it was trained on" in found.warnings[0]
    known = describe_known(weights, shards, "test")
    assert known.leaks == () and "does not say which records" in known.sentence


def test_the_model_of_a_run_is_known_by_its_run(own, shards, tmp_path):
    run = Run(tmp_path / "up")
    guard(own(leaks="leave_out"), shards=shards, run=run)
    run.model.write_bytes(b"weights")
    assert len(describe_known(run.model, shards, "train").leaks) == len(ids(shards, "train"))
    assert describe_known(run.model, shards, "valid") is None
    assert describe_known(run.model, shards, "test") is None


def test_where_the_test_split_chooses_it_was_seen(own, shards, tmp_path):
    run = Run(tmp_path / "published")
    guard(own(leaks="leave_out", validate_on="test"), shards=shards, run=run)
    known = describe_known(run.folder, shards, "test")
    assert {leak.record_id for leak in known.leaks} == ids(shards, "test")


def test_what_was_looked_at_is_not_looked_at_again(own, shards, tmp_path, monkeypatch):
    run, recipe = Run(tmp_path / "r"), own(leaks="leave_out")
    first = guard(recipe, shards=shards, run=run)
    monkeypatch.setattr(data, "read_identities", None)
    assert guard(recipe, shards=shards, run=run) == first
    with pytest.raises(TypeError):
        guard(own(leaks="allow"), shards=shards, run=run)


@pytest.mark.parametrize("leaks", ["leave_out", "allow"])
def test_a_run_that_another_process_trains_is_not_begun_again(own, shards, tmp_path, leaks):
    run, others = Run(tmp_path / "r"), own(leaks="leave_out", train_records=5)
    guard(others, shards=shards, run=run)
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    with alone(run), pytest.raises(ConfigError, match="another process trains this run"):
        guard(own(leaks=leaks), shards=shards, run=run)
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before
    with alone(run):
        assert guard(others, shards=shards, run=run) == read_guarded(run)


def test_a_folder_of_other_files_gets_no_run_and_no_lock(own, shards, tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(ConfigError, match="not a run folder, and not empty"):
        guard(own(leaks="allow"), shards=shards, run=Run(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


@pytest.mark.parametrize("text", ["{", "[]", '{"mark": "x"}', '{"mark": 1, "left_out": 3}'])
def test_a_damaged_leaks_json_is_told(tmp_path, text):
    (tmp_path / "leaks.json").write_text(text)
    with pytest.raises(DataError, match=r"leaks\.json: damaged"):
        read_guarded(Run(tmp_path))


def test_nothing_left_to_train_on_is_an_error(own, shards, tmp_path):
    recipe = own(leaks="leave_out", without=[str(shards)])
    with pytest.raises(DataError, match=r"no validation record is left: .* is to stay unknown for"):
        guard(recipe, shards=shards, run=Run(tmp_path / "r"))
    missing = own(leaks="leave_out", without=[str(tmp_path / "nowhere")])
    with pytest.raises(DataError, match="no such folder of shards"):
        guard(missing, shards=shards, run=Run(tmp_path / "r"))


@pytest.mark.real
def test_an_upstream_on_the_challenge_copies_knows_records_of_ptbxl(real_data, tmp_path):
    """Pre-trained on 500 Hz copies, fine-tuned at 100 Hz: folds and ids have nothing in common."""
    copy = make(
        source="ptbxl_challenge",
        raw=real_data / "challenge/training/ptb-xl",
        seconds=10,
        split={"method": "patients", "valid": 0.2, "test": 0.2},
    )
    data.prepare(copy.data, tmp_path / "copy")
    up = Run(tmp_path / "pretrained")
    guard(copy, shards=tmp_path / "copy", run=up)
    official = {"method": "official", "test_folds": [3, 6, 10]}
    settings = {"source": "ptbxl", "raw": real_data / "ptbxl", "seconds": 10, "split": official}
    recipe = make(**settings, leaks="leave_out", upstream=up.folder)
    data.prepare(recipe.data, tmp_path / "ptbxl", on_warning=lambda message: None)
    with pytest.raises(DataError) as caught:
        guard(recipe, shards=tmp_path / "ptbxl", run=Run(tmp_path / "r"), upstream=up.folder)
    copies = {f"HR{int(name):05d}": name for name in ids(tmp_path / "ptbxl", "test")}
    expected = set(copies) & (ids(tmp_path / "copy", "train") | ids(tmp_path / "copy", "valid"))
    assert len(expected) >= 2
    for name in expected:
        assert f"{copies[name]} (the same signal as {name}, " in str(caught.value)
    assert f"knows {len(expected)} of" in str(caught.value)


@pytest.mark.real
def test_a_recording_under_two_patients_in_two_folds_is_found(real_data, tmp_path):
    """145 and 463 of PTB-XL are one recording under two patients."""
    listed = find_source("ptbxl").list_records(
        real_data / "ptbxl", label_set="superdiagnostic", sampling_rate=100
    )
    folds = {info.record_id: info.fold for info in listed if info.record_id in ("145", "463")}
    others = [fold for fold in range(1, 11) if fold not in folds.values()]
    split = {"method": "official", "valid_folds": others[:1], "test_folds": [folds["463"]]}
    recipe = make(source="ptbxl", raw=real_data / "ptbxl", seconds=10, split=split)
    data.prepare(recipe.data, tmp_path / "ptbxl", on_warning=lambda message: None)
    with pytest.raises(DataError, match=r"463 \(the same signal as 145, trained on in r\)"):
        guard(recipe, shards=tmp_path / "ptbxl", run=Run(tmp_path / "r"))
    assert json.loads((tmp_path / "ptbxl" / "dataset.json").read_text())["shared_patients"] == 0
