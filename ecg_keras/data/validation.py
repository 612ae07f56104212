"""Are these shards what they should be? Statistics and checks by TensorFlow Data Validation."""

from __future__ import annotations

import math
import warnings
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

from ecg_keras.data.dataset import Dataset, describe
from ecg_keras.data.records import SEXES
from ecg_keras.data.writing import write_text, writing
from ecg_keras.errors import DataError

# what is profiled, by type; the samples are told by their quality figures
TEXTS = ("labels", "sex")
NUMBERS = ("age", "peak_mv", "rms_mv", "einthoven_mv", "flat_leads")
# plausible values; amplitudes are those of an electrode on the chest, spikes and drift included
RANGES = {
    "age": (0.0, 120.0),
    "peak_mv": (0.05, 20.0),
    "rms_mv": (0.01, 10.0),
    "einthoven_mv": (0.0, 0.02),
}


@dataclass(frozen=True)
class Anomaly:
    """One thing in a split that its schema does not allow, or that differs from another dataset.

    Attributes:
        split: ``"train"``, ``"valid"`` or ``"test"``.
        feature: name of the feature.
        short: what is wrong in a few words.
        long: with the figures.
    """

    split: str
    feature: str
    short: str
    long: str

    def line(self) -> str:
        """One line of text."""
        return f"{self.split}: {self.feature}: {self.long}"


def validate(folder: str | Path, *, against: str | Path | None = None) -> tuple[Anomaly, ...]:
    """Checks each split against the dataset's schema, and the training split against another's.

    The schema is made from ``dataset.json`` and written to ``schema.pbtxt`` on the first call; one
    that is there is used as it is, so it can be edited. Statistics are kept in ``statistics/``.

    Args:
        folder: of the shards.
        against: another folder of shards; where its training split is distributed otherwise, that
            is an anomaly, too.

    Returns:
        What is wrong, by split and feature; empty where all is well.

    Raises:
        DataError: a folder is no finished dataset or can't be written, or TensorFlow Data
            Validation is not installed.

    Source:
        Breck et al., Data validation for machine learning (SysML 2019).

    Example:
        >>> validate("shards/ptbxl")
        ()
    """
    folder, dataset = Path(folder), describe(folder)
    tfdv = _tfdv()
    path = folder / "schema.pbtxt"
    if not path.is_file():
        _write_proto(path, _make_schema(dataset))
    schema = tfdv.load_schema_text(str(path))
    previous = None
    if against is not None:
        previous = _statistics(Path(against), describe(against), "train", keep=False)
    found = []
    for split, summary in dataset.splits.items():
        if not summary.records:  # a recipe may do without a validation split
            continue
        anomalies = tfdv.validate_statistics(
            _statistics(folder, dataset, split, keep=True),
            schema,
            previous_statistics=previous if split == "train" else None,
        )
        for feature, info in sorted(anomalies.anomaly_info.items()):
            found += [
                Anomaly(split, feature, reason.short_description, _plain(reason.description))
                for reason in info.reason
            ]
    return tuple(found)


def _plain(description: str) -> str:
    """TensorFlow Data Validation's text, without its remark on how it rounds."""
    for remark in ("(upto six significant digits)", "(up to six significant digits)"):
        description = description.replace(remark, "")
    return " ".join(description.replace(" ,", ",").split())


def _make_schema(dataset: Dataset) -> Any:
    """What each feature may be, as far as the dataset's own description tells."""
    from tensorflow_metadata.proto.v0 import schema_pb2

    schema = schema_pb2.Schema()
    # the shares of a small training split vary by chance: 0.05, and three standard errors
    records = dataset.splits["train"].records
    tolerance = 0.05 + 1.5 / math.sqrt(records)

    labels = schema.feature.add(name="labels", type=schema_pb2.BYTES)
    labels.string_domain.value.extend(dataset.labels)
    labels.presence.min_fraction = 1.0
    labels.value_count.min = int(dataset.settings["unlabelled"] == "drop")
    labels.value_count.max = len(dataset.labels)
    labels.drift_comparator.infinity_norm.threshold = tolerance

    sex = schema.feature.add(name="sex", type=schema_pb2.BYTES)
    sex.string_domain.value.extend(SEXES)
    sex.drift_comparator.infinity_norm.threshold = tolerance

    for name, (low, high) in RANGES.items():
        feature = schema.feature.add(name=name, type=schema_pb2.FLOAT)
        feature.float_domain.min, feature.float_domain.max = low, high
        feature.float_domain.disallow_nan = True
        if name != "einthoven_mv":
            feature.drift_comparator.jensen_shannon_divergence.threshold = tolerance
    flat = schema.feature.add(name="flat_leads", type=schema_pb2.INT)
    flat.int_domain.min = flat.int_domain.max = 0
    for feature in schema.feature:
        if feature.name in ("peak_mv", "rms_mv", "flat_leads"):
            feature.presence.min_fraction = 1.0
    return schema


def _statistics(folder: Path, dataset: Dataset, split: str, *, keep: bool) -> Any:
    """The statistics of a split: those that are kept, or computed in memory without Beam.

    Only the features that are profiled are read into memory, some 200 bytes a record.
    """
    tfdv = _tfdv()
    path = folder / "statistics" / f"{split}.pbtxt"
    if path.is_file():
        return tfdv.load_stats_text(str(path))
    from tensorflow_data_validation.statistics import stats_impl

    options = tfdv.StatsOptions(num_top_values=100, num_rank_histogram_buckets=100)
    statistics = stats_impl.generate_statistics_in_memory(
        _profiled(folder, dataset, split), options
    )
    statistics.datasets[0].name = split
    if keep:
        _write_proto(path, statistics)
    return statistics


def _profiled(folder: Path, dataset: Dataset, split: str) -> Any:
    """The profiled features of a split as an Arrow record batch; a missing feature is null."""
    import pyarrow as pa
    import tensorflow as tf

    from ecg_keras.data.reading import PARSED, serialized, whole_shards

    spec = {name: tf.io.RaggedFeature(tf.string) for name in TEXTS}
    spec |= {name: tf.io.RaggedFeature(tf.float32) for name in NUMBERS}
    spec["flat_leads"] = tf.io.RaggedFeature(tf.int64)
    columns: dict[str, list[Any]] = {name: [] for name in spec}
    stream = serialized(folder, dataset, split).batch(PARSED)
    with whole_shards(folder, split):
        for batch in stream.map(lambda one: tf.io.parse_example(one, spec)):
            for name, value in batch.items():
                columns[name] += value.to_list()
    types = {name: pa.large_binary() for name in TEXTS} | {"flat_leads": pa.int64()}
    arrays = [
        pa.array(
            [value if value or name == "labels" else None for value in values],
            pa.large_list(types.get(name, pa.float32())),
        )
        for name, values in columns.items()
    ]
    return pa.RecordBatch.from_arrays(arrays, list(columns))


def _write_proto(path: Path, message: Any) -> None:
    from google.protobuf import text_format

    with writing(path.parent):
        path.parent.mkdir(exist_ok=True)
        text = text_format.MessageToString(message)
        write_text(path, text, scratch=path.parent)


def _tfdv() -> ModuleType:
    """TensorFlow Data Validation; what its own imports warn of is no concern of its users."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # first, because they keep the stderr they find for their logs
            import apache_beam  # noqa: F401
            import tensorflow  # noqa: F401

            # it prints that it can't draw in notebooks
            with redirect_stderr(StringIO()):
                import tensorflow_data_validation as tfdv
    except ImportError as error:
        raise DataError(
            f"checking shards needs TensorFlow Data Validation, which can't be imported ({error}). "
            "Run `pip install tensorflow-data-validation`; there are packages for Python 3.10 and "
            "3.11 on Linux, and from 1.21 on for newer ones."
        ) from error
    return tfdv
