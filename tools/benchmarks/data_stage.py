"""Reading recordings, preparing shards and loading batches, against plain ways."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.databases import (
    COPIES,
    FURTHER_FORMATS,
    find_recordings,
    make_shards,
    replicate,
    rewrite,
    settings_of,
)
from benchmarks.timing import rate, take_turns, times_as_fast
from markdown_tables import table


def reading(data: Path, scratch: Path) -> str:
    """Whole recordings into float32 millivolts, against wfdb.rdsamp."""
    import wfdb

    from ecg_keras.formats import read_wfdb

    challenge = find_recordings(data / "challenge")
    ptbxl = find_recordings(data / "ptbxl" / "records500")
    groups = {
        "PTB-XL, 500 Hz, format 16": ptbxl,
        "PTB-XL, 100 Hz, format 16": find_recordings(data / "ptbxl" / "records100"),
        "Challenge 2021, 500 Hz, format 16+24": [one for one in challenge if "/ptb/" not in one],
        "Challenge 2021, its set ptb, 1000 Hz, format 16+24": [
            one for one in challenge if "/ptb/" in one
        ],
        "Challenge 2021, all of it": challenge,
    }
    for form in FURTHER_FORMATS:
        groups[f"format {form}"] = rewrite(ptbxl[:50], scratch, form)
    rows = []
    for name, paths in groups.items():
        if not paths:
            continue
        ours, theirs = take_turns(
            lambda paths=paths: read_each(read_wfdb, paths),
            lambda paths=paths: read_each(wfdb.rdsamp, paths),
        )
        count = len(paths)
        rows.append(
            (name, str(count), rate(count, ours), rate(count, theirs), times_as_fast(ours, theirs))
        )
    return table(("files", "recordings", "ours, per s", "wfdb.rdsamp, per s", "ratio"), rows)


def read_each(read: Callable[[str], Any], paths: Sequence[str]) -> None:
    """Reads one recording after the other and keeps none."""
    for path in paths:
        read(path)


def preparing(data: Path, scratch: Path) -> str:
    """PTB-XL's 500 Hz files to 100 Hz shards in one process, against the straightforward loop."""
    paths = find_recordings(data / "ptbxl" / "records500")
    once, often = settings_of(data, scratch), replicate(data, scratch)
    # the garbage collector need not look at TensorFlow, which only the plain loop loads
    write_plainly(paths[:1], scratch / "plain.tfrecord")
    gc.freeze()
    plain, few, many = take_turns(
        lambda: write_plainly(paths, scratch / "plain.tfrecord"),
        lambda: make_shards(once, Path(tempfile.mkdtemp(dir=scratch)) / "shards"),
        lambda: make_shards(often, Path(tempfile.mkdtemp(dir=scratch)) / "shards"),
        rounds=3,
    )
    rows = []
    for copies, seconds in ((1, few), (COPIES, many)):
        count = copies * len(paths)
        as_long = [copies * one for one in plain]
        ratio = times_as_fast(seconds, as_long)
        rows.append((f"{count:,}", rate(count, seconds), rate(count, as_long), ratio))
    return table(("recordings", "`prepare`, per s", "plain loop, per s", "ratio"), rows)


def write_plainly(paths: Sequence[str], file: Path) -> None:
    """wfdb, scipy and an Example with a list of floats; no labels, splits, checks or figures."""
    import tensorflow as tf
    import wfdb
    from scipy.signal import resample_poly

    with tf.io.TFRecordWriter(str(file)) as writer:
        for path in paths:
            values, _ = wfdb.rdsamp(path)
            values = resample_poly(values, 1, 5, axis=0)
            floats = tf.train.FloatList(value=values.ravel())
            features = tf.train.Features(feature={"signal": tf.train.Feature(float_list=floats)})
            writer.write(tf.train.Example(features=features).SerializeToString())


def processes(data: Path, scratch: Path) -> str:
    """`prepare` in two processes, against one, on a database twenty times as large."""
    settings = replicate(data, scratch)
    count = COPIES * len(find_recordings(data / "ptbxl" / "records500"))

    def prepare_with(workers: int) -> Callable[[], Path]:
        own = settings.model_copy(update={"workers": workers})
        return lambda: make_shards(own, Path(tempfile.mkdtemp(dir=scratch)) / "shards")

    two, one = take_turns(prepare_with(2), prepare_with(1), rounds=3)
    row = (str(count), rate(count, two), rate(count, one), times_as_fast(two, one))
    return table(("recordings", "two processes, per s", "one, per s", "ratio"), [row])


def loading(data: Path, scratch: Path) -> str:
    """Shuffled float32 batches from shards, against readers of the same bytes."""
    import tensorflow as tf

    from ecg_keras.data import describe, load, load_with_ids

    shards = make_shards(replicate(data, scratch), scratch / "shards")
    train = describe(shards).splits["train"]
    paths = [str(shards / name) for name in train.shards]
    epochs = range(4)
    count = train.records * len(epochs)

    def read_all(dataset: tf.data.Dataset) -> Callable[[], int]:
        return lambda: sum(1 for _ in dataset)

    def pipeline(batch: int, cache: bool) -> Callable[[], int]:
        options = {"batch_size": batch, "shuffle": True, "epochs": epochs}
        return read_all(load(shards, "train", cache=cache, **options))

    rows = []
    for batch in (64, 256):
        bare = tf.data.TFRecordDataset(paths).repeat(len(epochs)).batch(batch)
        ways = {
            "`load`, from files": pipeline(batch, cache=False),
            "`load`, from memory": pipeline(batch, cache=True),
            "`load_with_ids`": read_all(load_with_ids(shards, "train", batch).repeat(len(epochs))),
            "TFRecordDataset, nothing parsed": read_all(bare),
            "bytes of the files": lambda: [
                Path(path).read_bytes() for _ in epochs for path in paths
            ],
        }
        seconds = take_turns(*ways.values())
        rows += [
            (
                f"{name}, {batch}",
                rate(count, own),
                times_as_fast(own, seconds[3]),
                times_as_fast(own, seconds[4]),
            )
            for name, own in zip(ways, seconds, strict=True)
        ]
    header = ("reader, batch", "records per s", "share of TFRecordDataset's rate")
    return table((*header, "of the bytes' rate"), rows)
