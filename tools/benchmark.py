"""Prints how fast reading, preparing, loading, training and serving ECGs are beside plain ways.

    python tools/benchmark.py DATA                   # everything: some minutes on two idle cores
    python tools/benchmark.py DATA --only reading

DATA is a folder with `ptbxl/` (`ptbxl_database.csv`, `scp_statements.csv`, `records500/`,
`records100/`) and `challenge/` (any folders with `.hea` files); none takes the environment variable
ECG_KERAS_TEST_DATA. Nothing is written there.

Each pair of ways does the same work in the same process, in turns (A B A B), after one round that
does not count: files are in the page cache and graphs are traced. A rate is the median of five
rounds, a ratio the median of the rounds' own ratios with the smallest and largest behind it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import math
import os
import platform
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROUNDS = 5
BATCH = 64
# of calls for each network and batch size
SECONDS = 20
NETWORKS = ("resnet1d18", "lstm")
PACKAGES = ("ecg_keras", "tensorflow", "keras", "numpy", "scipy", "wfdb")
# what decides how fast a CPU multiplies matrices
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
IMPORT_TENSORFLOW = [sys.executable, "-c", "import tensorflow"]
BARE_PYTHON = [sys.executable, "-c", ""]

Row = tuple[str, ...]


def take_turns(*ways: Callable[[], Any], rounds: int = ROUNDS) -> list[list[float]]:
    """Seconds of each way in each round: A B A B, after one round that does not count."""
    seconds: list[list[float]] = [[] for _ in ways]
    for number in range(rounds + 1):
        for own, way in zip(seconds, ways, strict=True):
            begun = time.perf_counter()
            way()
            if number:
                own.append(time.perf_counter() - begun)
    return seconds


def rate(records: int, seconds: Sequence[float]) -> str:
    """Records a second in the median round."""
    return f"{records / statistics.median(seconds):,.0f}"


def times_as_fast(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """How many times as fast we are: the median of the rounds, and the range behind it."""
    ratios = sorted(their / our for our, their in zip(ours, theirs, strict=True))
    return f"**{statistics.median(ratios):.3g}** ({ratios[0]:.3g} to {ratios[-1]:.3g})"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least ``share`` of them do not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def table(header: Row, rows: Sequence[Row]) -> str:
    """Markdown; the first column is text, the others are figures."""
    lines = [header, ("---", *("---:" for _ in header[1:])), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def reading(data: Path, scratch: Path) -> str:
    """Whole recordings into float32 millivolts, against wfdb.rdsamp."""
    import wfdb

    from ecg_keras.data.wfdb_files import read_wfdb

    folders = {
        "PTB-XL, 500 Hz": data / "ptbxl" / "records500",
        "PTB-XL, 100 Hz": data / "ptbxl" / "records100",
        "Challenge 2021": data / "challenge",
    }
    rows = []
    for name, folder in folders.items():
        paths = find_recordings(folder)
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


def find_recordings(folder: Path) -> list[str]:
    """The paths of all recordings below a folder, without extension."""
    paths = sorted(str(path.with_suffix("")) for path in folder.rglob("*.hea"))
    if not paths:
        sys.exit(f"{folder}: holds no .hea file. Name the folder that holds ptbxl/ and challenge/.")
    return paths


def preparing(data: Path, scratch: Path) -> str:
    """PTB-XL's 500 Hz files to 100 Hz shards in one process, against the straightforward loop."""
    paths = find_recordings(data / "ptbxl" / "records500")
    settings = settings_of(data, scratch)
    count = len(paths)
    ours, theirs = take_turns(
        lambda: make_shards(settings, Path(tempfile.mkdtemp(dir=scratch)) / "shards"),
        lambda: write_plainly(paths, scratch / "plain.tfrecord"),
    )
    row = (str(count), rate(count, ours), rate(count, theirs), times_as_fast(ours, theirs))
    return table(("recordings", "`prepare`, per s", "plain loop, per s", "ratio"), [row])


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


def settings_of(data: Path, scratch: Path) -> Any:
    """Settings that read the 500 Hz files for 100 Hz shards, because no others are there."""
    from ecg_keras.config import Data

    raw = scratch / "ptbxl"
    if not raw.is_dir():
        raw.mkdir()
        for name in ("ptbxl_database.csv", "scp_statements.csv", "records500"):
            (raw / name).symlink_to((data / "ptbxl" / name).resolve())
    return Data(source="ptbxl", raw=raw, quarantine=0.05)


def make_shards(settings: Any, folder: Path) -> Path:
    """The folder of the prepared shards; finished ones are kept."""
    from ecg_keras.data import prepare

    prepare(settings, folder, on_warning=lambda message: None)
    return folder


def loading(data: Path, scratch: Path) -> str:
    """Shuffled float32 batches from shards, against readers of the same bytes that parse nothing.

    Each epoch of so few records begins the reading anew, which costs the pipelines that shuffle.
    """
    import tensorflow as tf

    from ecg_keras.data import describe, load

    shards = make_shards(settings_of(data, scratch), scratch / "shards")
    train = describe(shards).splits["train"]
    paths = [str(shards / name) for name in train.shards]
    epochs = range(20)
    count = train.records * len(epochs)

    def read_all(dataset: tf.data.Dataset) -> Callable[[], int]:
        return lambda: sum(1 for _ in dataset)

    def pipeline(cache: bool) -> Callable[[], int]:
        options = {"batch_size": BATCH, "shuffle": True, "epochs": epochs}
        return read_all(load(shards, "train", cache=cache, **options))

    bare = tf.data.TFRecordDataset(paths).repeat(len(epochs)).batch(BATCH)
    ways = {
        "`load`, from files": pipeline(cache=False),
        "`load`, from memory": pipeline(cache=True),
        "TFRecordDataset, nothing parsed": read_all(bare),
        "bytes of the files": lambda: [Path(path).read_bytes() for _ in epochs for path in paths],
    }
    seconds = take_turns(*ways.values())
    rows = [
        (name, rate(count, own), times_as_fast(own, seconds[2]), times_as_fast(own, seconds[3]))
        for name, own in zip(ways, seconds, strict=True)
    ]
    header = ("reader", "records per s", "share of TFRecordDataset's rate", "of the bytes' rate")
    return table(header, rows)


def training(data: Path, scratch: Path) -> str:
    """float32 training on whole 10 s ECGs, against the same steps on one batch in memory."""
    from ecg_keras.data import describe, load

    shards = make_shards(settings_of(data, scratch), scratch / "shards")
    dataset = describe(shards)
    steps = dataset.splits["train"].records // BATCH

    def batches(epochs: int) -> Any:
        options = {"shuffle": True, "epochs": range(epochs)}
        return load(shards, "train", batch_size=BATCH, **options)

    one_batch = next(iter(batches(1)))
    rows = []
    for name in NETWORKS:
        model = classifier(name, dataset.labels)
        model.compile("adam", "binary_crossentropy")
        fit_alone = fit(model, lambda: same_batch(one_batch, steps), steps)
        fit_fed = fit(model, lambda: batches(1), steps)
        fed, alone, load_alone = take_turns(
            fit_fed, fit_alone, lambda: sum(1 for _ in batches(20).take(20 * steps))
        )
        # as many records as a round of training
        load_alone = [seconds / 20 for seconds in load_alone]
        count = steps * BATCH
        rates = rate(count, fed), rate(count, alone), times_as_fast(fed, alone)
        rows.append((name, *rates, times_as_fast(load_alone, alone)))
    header = ("network", "from shards, per s", "one batch, per s", "ratio", "input / training")
    return table(header, rows)


def same_batch(batch: Any, steps: int) -> Any:
    """The same batch over and over: training without an input pipeline."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensors(batch).repeat(steps)


def fit(model: Any, batches: Callable[[], Any], steps: int) -> Callable[[], Any]:
    return lambda: model.fit(batches(), steps_per_epoch=steps, shuffle=False, verbose=0)


def classifier(backbone: str, labels: Sequence[str]) -> Any:
    """A network for 10 s at 100 Hz, as the recipes build it, with random weights."""
    from ecg_keras import models

    return models.classifier(models.find_backbone(backbone)(), labels)


def serving(data: Path, scratch: Path) -> str:
    """Milliseconds of an answer: the exported SavedModel, against calling the Keras model."""
    import numpy as np
    import tensorflow as tf

    from ecg_keras.data import describe, load
    from ecg_keras.export import export_saved_model

    shards = make_shards(settings_of(data, scratch), scratch / "shards")
    dataset = describe(shards)
    signals = np.concatenate([signal for signal, _ in load(shards, "test", batch_size=BATCH)])
    options = {"labels": dataset.labels, "leads": dataset.leads, "sampling_rate": 100}
    rows = []
    for name in NETWORKS:
        model = classifier(name, dataset.labels)
        folder = export_saved_model(model, scratch / "serving" / name / "1", **options)
        loaded = tf.saved_model.load(str(folder))
        signature = loaded.signatures["serving_default"]
        for size in (1, 32):
            batch = tf.constant(signals[:size])
            ours, theirs = call_for_a_while(
                lambda signature=signature, batch=batch: signature(signal=batch)["probabilities"],
                lambda model=model, batch=batch: model(batch, training=False),
            )
            rows.append((f"{name}, {size}", *answers(ours), *answers(theirs), ratio(ours, theirs)))
    header = ("network, batch", "SavedModel, p50 (p99)", "calls", "Keras call, p50 (p99)", "calls")
    return table((*header, "ratio of p50"), rows)


def call_for_a_while(*ways: Callable[[], Any]) -> list[list[float]]:
    """Seconds of each call, in turns of about a second, until the time is over."""
    for way in ways:
        for _ in range(3):
            way().numpy()
    seconds: list[list[float]] = [[] for _ in ways]
    ends = time.perf_counter() + SECONDS
    while time.perf_counter() < ends:
        for own, way in zip(seconds, ways, strict=True):
            turn_ends = time.perf_counter() + 1
            while time.perf_counter() < turn_ends:
                begun = time.perf_counter()
                way().numpy()
                own.append(time.perf_counter() - begun)
    return seconds


def answers(seconds: Sequence[float]) -> tuple[str, str]:
    half, nearly_all = (1000 * percentile(seconds, share) for share in (0.5, 0.99))
    return f"{half:.3g} ms ({nearly_all:.3g})", str(len(seconds))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    return f"**{percentile(theirs, 0.5) / percentile(ours, 0.5):.3g}**"


def starting(data: Path, scratch: Path) -> str:
    """Seconds until `ecg-keras --help` is done, against importing TensorFlow and bare Python."""
    command = [str(Path(sysconfig.get_path("scripts")) / "ecg-keras"), "--help"]
    commands = [command, IMPORT_TENSORFLOW, BARE_PYTHON]
    ours, tensorflow, bare = take_turns(
        *(lambda one=one: subprocess.run(one, check=True, capture_output=True) for one in commands)
    )
    seconds = (f"{statistics.median(own):.2f}" for own in (ours, tensorflow, bare))
    row = (*seconds, times_as_fast(ours, tensorflow))
    header = ("help of ecg-keras, s", "import tensorflow, s", "Python alone, s", "ratio")
    return table(header, [row])


SECTIONS: dict[str, Callable[[Path, Path], str]] = {
    "reading": reading,
    "prepare": preparing,
    "pipeline": loading,
    "training": training,
    "serving": serving,
    "startup": starting,
}


def describe_machine() -> str:
    """Cores, what the CPU can do, memory, load and versions; no names of machines."""
    cpuinfo, meminfo = Path("/proc/cpuinfo"), Path("/proc/meminfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.is_file() else set()
    can = ", ".join(flag.upper() for flag in FLAGS if flag in flags) or "none of those asked for"
    memory = f"{int(meminfo.read_text().split()[1]) / 2**20:.0f} GiB" if meminfo.is_file() else "?"
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    versions = [f"Python {platform.python_version()}", *versions]
    return (
        f"{os.cpu_count()} cores ({platform.machine()}; {can}), {memory}; {', '.join(versions)}; "
        f"load average before {os.getloadavg()[0]:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", default=os.environ.get("ECG_KERAS_TEST_DATA"))
    parser.add_argument("--only", choices=SECTIONS, help="one part; none runs all")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the folder with ptbxl/ and challenge/, or set ECG_KERAS_TEST_DATA")
    print(describe_machine())
    for name in [arguments.only] if arguments.only else SECTIONS:
        with tempfile.TemporaryDirectory() as scratch:
            section = SECTIONS[name]
            print(f"\n## {name}\n\n{section.__doc__.splitlines()[0]}\n", flush=True)
            print(section(Path(arguments.data), Path(scratch)), flush=True)
    print(f"\nload average after {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
