"""What is known of a study's databases: their contents, their drift, how well an upstream fits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecg_keras import data, transferability
from ecg_keras.config import fingerprint
from ecg_keras.data import Dataset
from ecg_keras.errors import DataError
from ecg_keras.files import as_number, as_object, as_texts, read_json, write_json
from ecg_keras.statistics import ArmName, Compared, Transferability
from ecg_keras.study.arms import Tested
from ecg_keras.study.comparing import Arms
from ecg_keras.training import Run
from ecg_keras.validation import find_drift

# noted records of a dataset that the page lists, at most
LISTED = 100


def describe_datasets(arms: Arms) -> dict[str, dict[str, Any]]:
    """The dataset cards, by name of the downstream, then of the upstream.

    Counts are those of all splits together: with folds each record is in every split once. A record
    that several runs or folds left out for leaks is counted once.
    """
    cards = {}
    for name, arm in arms.items():
        if name.downstream not in cards:
            first = next(iter(arm.cells.values()))
            cards[name.downstream] = {
                **_card(first[0].dataset),
                "left_out_for_leaks": len(_left_out_anywhere(arms, name.downstream)),
                "shards": [str(cell.shards) for cell in first],
                "role": "downstream",
            }
    for name, arm in arms.items():
        title = f"{name.upstream} (upstream)"
        if name.upstream and title not in cards:
            run = Run(Path(arm.runs[0].upstream))
            cards[title] = {
                **_card(data.read_dataset(run.dataset)),
                "shards": [str(run.read_place("shards"))],
                "role": "upstream",
            }
    return cards


def _left_out_anywhere(arms: Arms, downstream: str) -> set[str]:
    """Records that any run of a downstream did without, each once in whatever folds it was."""
    return {
        record
        for name, arm in arms.items()
        if name.downstream == downstream
        for cell in arm.runs
        if cell.guarded is not None
        for records in cell.guarded.left_out.values()
        for record in records
    }


def tell_anomalies(arms: Arms) -> tuple[str, ...]:
    """What the checks of the data found, where runs were trained all the same."""
    found = {
        (name.downstream, line): None
        for name, arm in arms.items()
        for cell in arm.runs
        for line in cell.run.read_status().get("anomalies", ())
    }
    return tuple(
        f"The check of {downstream} found a fault, and its runs were trained all the same "
        f"(data.anomalies: warn): {line}"
        for downstream, line in found
    )


def tell_remarks(arms: Arms) -> tuple[str, ...]:
    """What the checks of the data did not look at."""
    said = {
        (name.downstream, remark): None
        for name, arm in arms.items()
        for cell in arm.runs
        for remark in cell.run.read_status().get("remarks", ())
    }
    return tuple(f"The check of {downstream}: {remark}." for downstream, remark in said)


def tell_leaks(arms: Arms) -> tuple[str, ...]:
    """What the leakage guard found in all runs, and what it can't find."""
    runs = [cell for arm in arms.values() for cell in arm.runs]
    guarded = [cell.guarded for cell in runs if cell.guarded is not None]
    lines = []
    allowed = sum(one.known_tests > 0 for one in guarded)
    if allowed:
        lines.append(
            f"{allowed} of {len(runs)} runs know test ECGs, by patient or signal, from their "
            "training or their upstream, as their recipes allow: their scores flatter. leaks.json "
            "in each run names them."
        )
    unchecked = sum(one.unchecked for one in guarded)
    if unchecked:
        lines.append(
            f"Upstreams of {unchecked} of {len(runs)} runs do not say what they were trained on: "
            "they may know test ECGs."
        )
    if len(guarded) < len(runs):
        lines.append(
            f"In {len(runs) - len(guarded)} of {len(runs)} runs leaks were not looked for: their "
            "networks may know test ECGs."
        )
    if guarded:
        lines.append(
            "Whether networks know test ECGs was looked for by patient id within a database, and "
            "by signal: a patient's other ECGs under another database's id are not found, nor are "
            "copies of a recording that begin later."
        )
    return tuple(lines)


def find_skew(arms: Arms, kept: Path) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """How each downstream's training split differs from each upstream's.

    Args:
        arms: those that have finished.
        kept: a JSON file that keeps what was found.

    Returns:
        By ``downstream from upstream``: TensorFlow Data Validation's lines; and a sentence for each
        pair that it could not compare.
    """
    known = _read(kept, _parse_skew)
    found, missed = {}, []
    for (downstream, upstream), cell in _pairs(arms).items():
        run = Run(Path(cell.upstream))
        theirs = run.read_place("shards")
        mark = f"{cell.dataset.fingerprint} {data.read_dataset(run.dataset).fingerprint}"
        if mark not in known:
            try:
                known[mark] = [one.line() for one in find_drift(cell.shards, theirs)]
            except DataError as error:  # not kept: it may be possible when the next page is made
                missed.append(f"How {downstream} differs from {upstream} was not measured: {error}")
                continue
        found[f"{downstream} from {upstream}"] = tuple(known[mark])
    write_json(kept, known)
    return found, tuple(missed)


def rank_upstreams(
    arms: Arms,
    comparisons: Sequence[Compared],
    kept: Path,
    *,
    level: float,
    bootstrap: int,
    seed: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Transferability, ...]:
    """Each transferability metric of each arm's upstream, beside the gain that the arm realised.

    The metrics see the training split of the first fold alone. Of arms that differ in the number
    of training records, the one with most counts: a metric's values on few records and on many
    can't be compared.

    Args:
        arms: those that have finished.
        comparisons: of one protocol.
        kept: a JSON file that keeps the metrics: each costs one forward pass over the split.
        level, bootstrap, seed: of the intervals of the rank correlations.
        on_progress: hears how many arms of how many are done.
    """
    known = _read(kept, _parse_metrics)
    largest: dict[ArmName, ArmName] = {}
    for one in comparisons:
        if one.arm.upstream:
            general = replace(one.arm, size=0)
            best = largest.setdefault(general, one.arm)
            if arms[one.arm].train_records > arms[best].train_records:
                largest[general] = one.arm
    kept_arms = set(largest.values())
    gains = {one.arm: one.contrast.value for one in comparisons if one.arm in kept_arms}
    values: dict[str, list[tuple[ArmName, float, float]]] = defaultdict(list)
    for done, (name, gain) in enumerate(gains.items(), start=1):
        cell = arms[name].runs[0]
        mark = (
            f"{Run(Path(cell.upstream)).read_status()['fingerprint']} {cell.dataset.fingerprint} "
            f"{cell.recipe.data.train_records} {cell.recipe.data.subset} "
            f"{cell.recipe.training.seed}"
        )
        if _left_out(cell):
            mark += f" without {fingerprint({'records': list(_left_out(cell))})[:16]}"
        if mark not in known:
            known[mark] = _score(cell)
            write_json(kept, known)
        for metric, value in known[mark].items():
            values[metric].append((name, transferability.oriented(metric, value), gain))
        if on_progress is not None:
            on_progress(done, len(gains))
    return tuple(
        Transferability(metric, tuple(rows), _tau(rows, level, bootstrap, seed))
        for metric, rows in values.items()
    )


def _score(cell: Tested) -> dict[str, float]:
    """Every metric of a cell's upstream on its training records; none where none is defined."""
    features = transferability.extract(
        Path(cell.upstream),
        cell.shards,
        split="train",
        train_records=cell.recipe.data.train_records,
        seed=cell.recipe.training.seed,
        subset=cell.recipe.data.subset,
        left_out=_left_out(cell),
    )
    try:
        return transferability.score_all(features)
    except DataError:  # so few training records that no label has two patients with it
        return {}


def _left_out(cell: Tested) -> tuple[str, ...]:
    """Training records that the run did without, for leaks: the metrics do without them, too."""
    return () if cell.guarded is None else cell.guarded.left_out["train"]


def _tau(
    rows: Sequence[tuple[ArmName, float, float]], level: float, bootstrap: int, seed: int
) -> tuple[float, float, float] | None:
    return transferability.weighted_kendall(
        [value for _, value, _ in rows],
        [gain for _, _, gain in rows],
        level=level,
        bootstrap=bootstrap,
        seed=seed,
    )


def _pairs(arms: Arms) -> Mapping[tuple[str, str], Tested]:
    """A finished run of each pair of downstream and upstream."""
    pairs: dict[tuple[str, str], Tested] = {}
    for name, arm in arms.items():
        if name.upstream:
            pairs.setdefault((name.downstream, name.upstream), arm.runs[0])
    return pairs


def _card(dataset: Dataset) -> dict[str, Any]:
    splits = dataset.splits.values()
    noted = {
        f"{one.record_id}, {one.measure}{f' of {one.lead}' if one.lead else ''}": one.what
        for one in dataset.noted
    }
    return {
        "source": dataset.source,
        "label_set": dataset.label_set,
        "records": sum(split.records for split in splits),
        "patients": sum(split.patients for split in splits),
        "labels": {label: sum(split.labels[label] for split in splits) for label in dataset.labels},
        "leads": list(dataset.leads),
        "sampling_rate": dataset.sampling_rate,
        "seconds": dataset.num_samples / dataset.sampling_rate,
        "dropped": len(dataset.dropped),
        "quarantined": len(dataset.quarantined),
        "noted": len({one.record_id for one in dataset.noted}),
        **({"noted_records": dict(list(noted.items())[:LISTED])} if noted else {}),
        "duplicates": len(dataset.duplicates),
        "duplicates_across_splits": sum(len(set(one.splits)) > 1 for one in dataset.duplicates),
    }


def _read(path: Path, parse: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    if not path.exists():
        return {}
    return read_json(path, "findings", parse, "Remove it; it is made again.")


def _parse_skew(kept: dict[str, Any]) -> dict[str, Any]:
    return {mark: list(as_texts(lines)) for mark, lines in kept.items()}


def _parse_metrics(kept: dict[str, Any]) -> dict[str, Any]:
    return {
        mark: {name: as_number(value) for name, value in as_object(values).items()}
        for mark, values in kept.items()
    }
