import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from ecg_keras.config import Augment
from ecg_keras.data import batch_sources, memory, pipeline, writing
from ecg_keras.data.dataset import describe
from ecg_keras.data.memory import keep_freed_memory
from ecg_keras.data.pipeline import load, load_with_ids, set_epoch
from ecg_keras.data.preparation import prepare
from ecg_keras.data.reading import read_shards, training_subset
from ecg_keras.data.tfrecords import frame
from ecg_keras.errors import ConfigError, DataError

CHANGES = Augment(shift=0.05, gain=0.1, noise=0.01, lead_dropout=0.1)


def passes(dataset, count=1):
    """The signals of each pass, batch after batch."""
    return [np.concatenate([signal for signal, _ in dataset]) for _ in range(count)]


def as_set(signals):
    return sorted(signal.tobytes() for signal in signals)


def test_batches_in_the_order_of_the_files(hospital_shards):
    stored = list(read_shards(hospital_shards, "train"))
    for cache in (True, False):
        dataset = load(hospital_shards, "train", batch_size=8, cache=cache)
        assert dataset.cardinality() == len(dataset) == 4
        signal_spec, target_spec = dataset.element_spec
        assert (signal_spec.dtype, signal_spec.shape.as_list()) == (tf.float32, [None, 200, 12])
        assert (target_spec.dtype, target_spec.shape.as_list()) == (tf.float32, [None, 3])
        batches = list(dataset.as_numpy_iterator())
        assert [len(signal) for signal, _ in batches] == [8, 8, 8, 2]
        np.testing.assert_array_equal(
            np.concatenate([signal for signal, _ in batches]), [one.signal for one in stored]
        )
        np.testing.assert_array_equal(
            np.concatenate([target for _, target in batches]), [one.target for one in stored]
        )


@pytest.mark.parametrize("cache", [True, False])
def test_each_epoch_has_all_records_in_an_order_of_its_own(hospital_shards, cache):
    plain = passes(load(hospital_shards, "train", batch_size=8, cache=cache))[0]
    shuffled = load(hospital_shards, "train", batch_size=8, shuffle=True, seed=3, cache=cache)
    first, second = passes(shuffled, 2)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, plain)
    assert as_set(first) == as_set(second) == as_set(plain)
    other = load(hospital_shards, "train", batch_size=8, shuffle=True, seed=4, cache=cache)
    assert not np.array_equal(passes(other)[0], first)


@pytest.mark.parametrize("cache", [True, False])
def test_an_epoch_depends_on_seed_and_number_alone(hospital_shards, cache):
    settings = {"batch_size": 8, "shuffle": True, "seed": 3, "augment": CHANGES, "cache": cache}
    tf.random.set_seed(1)
    one_by_one = passes(load(hospital_shards, "train", **settings), 3)
    tf.random.set_seed(2)
    resumed = load(hospital_shards, "train", epochs=range(1, 3), **settings)
    assert resumed.cardinality() == 8
    batches = [signal for signal, _ in resumed.as_numpy_iterator()]
    assert [len(batch) for batch in batches] == [8, 8, 8, 2] * 2
    np.testing.assert_array_equal(np.concatenate(batches), np.concatenate(one_by_one[1:]))


def test_the_number_of_cores_changes_nothing(hospital_data, tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "SHARD_BYTES", 20_000)
    prepare(hospital_data, tmp_path / "shards")
    monkeypatch.setattr(batch_sources, "TURN", 2)
    signals = []
    for readers, made_at_once in ((None, 1), (3, 4)):
        monkeypatch.setattr(batch_sources, "READERS", readers)
        monkeypatch.setattr(pipeline, "MADE_AT_ONCE", made_at_once)
        settings = {"batch_size": 4, "shuffle": True, "augment": CHANGES, "cache": False}
        signals.append(passes(load(tmp_path / "shards", "train", **settings))[0])
    np.testing.assert_array_equal(*signals)


def test_changes_are_drawn_again_for_each_batch_and_epoch(hospital_shards):
    noise = Augment(noise=0.1)
    changed = passes(load(hospital_shards, "train", batch_size=13, augment=noise), 2)
    plain = passes(load(hospital_shards, "train", batch_size=13))[0]
    one, two = (signals - plain for signals in changed)
    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(one[:13].ravel(), one[13:].ravel())[0, 1]) < 0.02


@pytest.mark.parametrize("cache", [True, False])
def test_mixup_mixes_targets_as_it_mixes_signals(hospital_shards, cache):
    settings = {"batch_size": 13, "shuffle": True, "seed": 3, "cache": cache}
    (signal, target), _ = load(hospital_shards, "train", **settings)
    (mixed, soft), _ = load(hospital_shards, "train", augment=Augment(mixup=0.5), **settings)
    assert (soft.shape, soft.dtype) == (target.shape, target.dtype)
    assert not np.isin(soft, [0, 1]).all()
    before, after = (np.reshape(one, (13, -1)).T for one in (signal, mixed))
    parts = np.linalg.lstsq(before, after, rcond=None)[0]
    np.testing.assert_allclose(parts.T @ target, soft, atol=1e-3)


def test_changes_that_these_ecgs_cannot_have_are_refused(hospital_shards):
    for augment, message in (
        (Augment(mains_hum=0.1), "mains_hum: 50 Hz can't be sampled at 100 Hz"),
        (Augment(crop=5.0), "crop must be at most 2 s"),
    ):
        with pytest.raises(ConfigError, match=message):
            load(hospital_shards, "train", batch_size=8, augment=augment)


@pytest.mark.parametrize("cache", [True, False])
def test_a_subset_is_nested_and_the_same_in_memory_and_from_files(hospital_shards, cache):
    few, more = (
        passes(load(hospital_shards, "train", batch_size=4, train_records=n, cache=cache))[0]
        for n in (7, 15)
    )
    assert (len(few), len(more)) == (7, 15)
    assert set(as_set(few)) < set(as_set(more))
    dataset = describe(hospital_shards)
    subset = training_subset(hospital_shards, dataset, 7, 0)
    wanted = [one.signal for one in read_shards(hospital_shards, "train", subset)]
    np.testing.assert_array_equal(few, wanted)
    first = load(
        hospital_shards, "train", batch_size=4, train_records=7, subset="first", cache=cache
    )
    ids = sorted(one.record_id for one in read_shards(hospital_shards, "train"))[:7]
    wanted = [one.signal for one in read_shards(hospital_shards, "train", ids)]
    np.testing.assert_array_equal(passes(first)[0], wanted)
    everything = load(hospital_shards, "train", batch_size=4, train_records=999, cache=cache)
    assert len(passes(everything)[0]) == dataset.splits["train"].records


def test_a_split_too_large_for_memory_is_streamed(hospital_shards, monkeypatch):
    expected = passes(load(hospital_shards, "train", batch_size=8))
    taken = describe(hospital_shards).splits["train"].records * 200 * 12 * 2
    monkeypatch.setattr(memory, "free_memory", lambda: 4 * taken - 1)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "from_memory", None)
        streamed = passes(load(hospital_shards, "train", batch_size=8))
    np.testing.assert_array_equal(streamed, expected)
    # unless it has to be there, as at the start of a training that resumes
    monkeypatch.setattr(pipeline, "from_files", None)
    kept = passes(load(hospital_shards, "train", batch_size=8, cache="always"))
    np.testing.assert_array_equal(kept, expected)
    monkeypatch.setattr(memory, "free_memory", lambda: 2 * taken - 1)
    message = (
        r"the train split is to be in memory and takes .* kB while it is read, of which .* kB are "
        r"free\. End .*, or read it from"
    )
    with pytest.raises(DataError, match=message):
        load(hospital_shards, "train", batch_size=8, cache="always")
    kept = passes(load(hospital_shards, "train", batch_size=8, cache="unchecked"))
    np.testing.assert_array_equal(kept, expected)


def test_a_misspelt_choice_is_refused(hospital_shards):
    with pytest.raises(ConfigError, match="no cache named 'never'"):
        load(hospital_shards, "train", batch_size=8, cache="never")
    with pytest.raises(ConfigError, match=r"no subset named 'frist'.*first"):
        load(hospital_shards, "train", batch_size=8, train_records=9, subset="frist")


def test_the_memory_of_a_batch_is_kept(hospital_shards):
    keep_freed_memory.cache_clear()
    load(hospital_shards, "test", batch_size=8)
    assert keep_freed_memory.cache_info().currsize == 1


def test_ids_come_in_the_order_of_the_files(hospital_shards):
    stored = list(read_shards(hospital_shards, "test"))
    dataset = load_with_ids(hospital_shards, "test", 3)
    assert dataset.cardinality() == 3
    signal, target, record_id, patient_id = (
        np.concatenate(parts) for parts in zip(*dataset.as_numpy_iterator(), strict=True)
    )
    np.testing.assert_array_equal(signal, [one.signal for one in stored])
    np.testing.assert_array_equal(target, [one.target for one in stored])
    assert [one.decode() for one in record_id] == [one.record_id for one in stored]
    assert [one.decode() for one in patient_id] == [one.patient_id for one in stored]


def test_arguments_that_make_no_sense(hospital_shards):
    with pytest.raises(DataError, match=r"no split named 'val'. Allowed.*Did you mean 'valid'"):
        load(hospital_shards, "val", batch_size=8)
    with pytest.raises(DataError, match=r"no split named 'all'"):
        load_with_ids(hospital_shards, "all", 8)
    for call in (
        lambda: load(hospital_shards, "train", batch_size=0),
        lambda: load_with_ids(hospital_shards, "train", 0),
    ):
        with pytest.raises(ConfigError, match=r"batch_size must be at least 1. Received: 0"):
            call()
    with pytest.raises(
        ConfigError, match=r"train_records is for the split train. Received: .*test"
    ):
        load(hospital_shards, "test", batch_size=8, train_records=3)


def test_a_damaged_shard_is_named(hospital_shards, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(hospital_shards, folder)
    shard = folder / "train-00000-of-00001.tfrecord"
    content = bytearray(shard.read_bytes())
    content[20_000] ^= 255
    shard.write_bytes(content)
    with pytest.raises(DataError, match=r"a shard of the train split is damaged.*prepare it again"):
        load(folder, "train", batch_size=8)


# every way in which records may be chosen, ordered and changed
OPTIONS = (
    {},
    {"shuffle": True, "augment": CHANGES},
    {"epochs": range(2)},
    {"train_records": 7},
    {"train_records": 7, "subset": "first"},
    {"left_out": ("h000",)},
)


def promise(folder, **changes):
    """Changes what dataset.json says of the training split."""
    path = folder / "dataset.json"
    tree = json.loads(path.read_text())
    tree["splits"]["train"] |= changes
    path.write_text(json.dumps(tree))


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("promised", [25, 27, 260])
def test_another_number_of_records_than_promised_is_refused(
    hospital_shards, tmp_path, promised, cache
):
    folder = tmp_path / "copy"
    shutil.copytree(hospital_shards, folder)
    promise(folder, records=promised)
    message = (
        rf"dataset\.json: promises {promised} records of the train split, and its shards hold 26 "
        r"\(train-00000-of-00001\.tfrecord 26\)\. Delete"
    )
    for options in OPTIONS:
        with pytest.raises(DataError, match=message):
            load(folder, "train", batch_size=8, cache=cache, **options)
    with pytest.raises(DataError, match=message):
        load_with_ids(folder, "train", 8)
    assert load(folder, "valid", batch_size=8, cache=cache).cardinality() > 0


@pytest.mark.parametrize("cache", [True, False])
def test_a_shard_that_was_cut_off_is_named(hospital_shards, tmp_path, cache):
    folder = tmp_path / "copy"
    shutil.copytree(hospital_shards, folder)
    shard = folder / "train-00000-of-00001.tfrecord"
    content = shard.read_bytes()
    shard.write_bytes(content[:-1000])
    with pytest.raises(DataError, match=rf"{shard.name}: this shard has \d+ bytes instead of"):
        load(folder, "train", batch_size=8, cache=cache)
    # also where the size was corrected by hand: within a record, and between two
    promise(folder, shards={shard.name: len(content) - 1000})
    for options in OPTIONS:
        with pytest.raises(DataError, match=rf"{shard.name}: .* it ends within its record 26"):
            load(folder, "train", batch_size=8, cache=cache, **options)
    last = len(frame(list(tf.data.TFRecordDataset(str(hospital_shards / shard.name)))[-1].numpy()))
    shard.write_bytes(content[:-last])
    promise(folder, shards={shard.name: len(content) - last})
    with pytest.raises(DataError, match=r"promises 26 records .* its shards hold 25"):
        load(folder, "train", batch_size=8, cache=cache)


def test_signals_of_another_length_than_promised_are_no_other_number_of_records(
    hospital_shards, tmp_path
):
    folder = tmp_path / "copy"
    shutil.copytree(hospital_shards, folder)
    path = folder / "dataset.json"
    path.write_text(path.read_text().replace('"num_samples": 200', '"num_samples": 100'))
    with pytest.raises(DataError, match=r"a shard of the train split is damaged"):
        load(folder, "train", batch_size=8)


def test_the_next_pass_can_be_any_epoch(hospital_shards):
    settings = {"batch_size": 8, "shuffle": True, "augment": CHANGES}
    expected = passes(load(hospital_shards, "train", **settings), 4)
    dataset = load(hospital_shards, "train", **settings)
    noted = dataset.map(lambda signal, target: (signal, target))
    next(iter(dataset))
    set_epoch(dataset, 2)
    np.testing.assert_array_equal(passes(noted, 2), expected[2:])
    for other in (noted, load(hospital_shards, "train", epochs=range(3), **settings)):
        with pytest.raises(ConfigError, match=r"of what ecg_keras\.data\.load returned without ep"):
            set_epoch(other, 2)


def test_keras_fits_on_it_and_a_strategy_distributes_it(hospital_shards):
    model = keras.Sequential(
        [keras.Input((200, 12)), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(3)]
    )
    model.compile("sgd", "mse")
    train = load(hospital_shards, "train", batch_size=8, shuffle=True)
    valid = load(hospital_shards, "valid", batch_size=8)
    history = model.fit(train, validation_data=valid, epochs=2, shuffle=False, verbose=0)
    assert len(history.history["val_loss"]) == 2
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        train = load(hospital_shards, "train", batch_size=8, shuffle=True)
    batches = list(strategy.experimental_distribute_dataset(train))
    assert len(batches) == 4
