"""What is known of a study's databases: their contents, their drift, how well an upstream fits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecg_keras import data, transferability
from ecg_keras.config import fingerprint
from ecg_keras.data import Dataset
from ecg_keras.errors import DataError
from ecg_keras.json_files import parse_as, read_json, write_json
from ecg_keras.statistics import ArmName, Compared, Transferability
from ecg_keras.study.finished import FinishedArms, FinishedCell
from ecg_keras.training import Run
from ecg_keras.transferability import MOST_RECORDS
from ecg_keras.validation import find_drift

OF_LABELS = "train: labels: "  # how a line about the labels' distribution begins
# noted records of a dataset that the page lists, at most
LISTED = 100


def describe_datasets(arms: FinishedArms) -> dict[str, dict[str, Any]]:
    """The dataset cards, by name of the downstream, then of the upstream.

    Counts are of all splits together: with folds each record is in every split once. A record that
    several runs or folds left out for leaks is counted once.
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
        title, run = f"{name.upstream} (upstream)", arm.runs[0].upstream
        if run is not None and title not in cards:
            cards[title] = {
                **_card(data.read_dataset(run.dataset)),
                "shards": [str(run.read_place("shards"))] if "shards" in run.read_status() else [],
                "role": "upstream",
            }
    return cards


def _left_out_anywhere(arms: FinishedArms, downstream: str) -> set[str]:
    """Records that any run of a downstream excludes, each once in whatever folds it was."""
    return {
        record
        for name, arm in arms.items()
        if name.downstream == downstream
        for cell in arm.runs
        if cell.guarded is not None
        for records in cell.guarded.left_out.values()
        for record in records
    }


def list_anomalies(arms: FinishedArms) -> tuple[str, ...]:
    """What the checks of the data found, where runs were trained all the same."""
    return tuple(
        f"The check of {downstream} found a fault, and its runs were trained all the same "
        f"(data.anomalies: warn): {line}"
        for downstream, line in _from_statuses(arms, "anomalies")
    )


def list_remarks(arms: FinishedArms) -> tuple[str, ...]:
    """What the checks of the data did not look at."""
    remarks = _from_statuses(arms, "remarks")
    return tuple(f"The check of {downstream}: {remark}." for downstream, remark in remarks)


def _from_statuses(arms: FinishedArms, key: str) -> Sequence[tuple[str, str]]:
    """Downstream and line of a list in the runs' statuses, each pair once."""
    return tuple(
        dict.fromkeys(
            (name.downstream, line)
            for name, arm in arms.items()
            for cell in arm.runs
            for line in cell.run.read_status().get(key, ())
        )
    )


def list_leaks(arms: FinishedArms) -> tuple[str, ...]:
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
            f"Upstreams of {unchecked} of {len(runs)} runs do not say what they were trained on, "
            "or not all of it can be compared: they may know test ECGs."
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


def find_skew(arms: FinishedArms, path: Path) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """How each downstream's training split differs from each upstream's; ``path`` keeps it.

    By ``downstream from upstream``, TensorFlow Data Validation's lines; and a sentence for each
    pair that it could not compare, or but for its labels, which are not the same.
    """
    kept: dict[str, list[str]] = _read(path, dict[str, list[str]])
    found, missed = {}, []
    pairs: dict[tuple[str, str], FinishedCell] = {}
    for name, arm in arms.items():
        if name.upstream:
            pairs.setdefault((name.downstream, name.upstream), arm.runs[0])
    for (downstream, upstream), cell in pairs.items():
        run = _upstream_of(cell)
        if "shards" not in run.read_status():
            missed.append(
                f"How {downstream} differs from {upstream} was not measured: its weights are "
                "published, and the ECGs that they were trained on are not here."
            )
            continue
        theirs = data.read_dataset(run.dataset)
        key = f"{cell.dataset.fingerprint} {theirs.fingerprint}"
        if key not in kept:
            try:
                drift = find_drift(cell.shards, run.read_place("shards"))
            except DataError as error:  # not kept: it may be possible when the next page is made
                missed.append(f"How {downstream} differs from {upstream} was not measured: {error}")
                continue
            kept[key] = [one.line() for one in drift]
        lines = kept[key]
        if set(cell.dataset.labels) != set(theirs.labels):
            lines = [line for line in lines if not line.startswith(OF_LABELS)]
            missed.append(
                f"How often labels occur in {downstream} and in {upstream} was not compared: their "
                "labels are not the same."
            )
        found[f"{downstream} from {upstream}"] = tuple(lines)
    write_json(path, kept)
    return found, tuple(missed)


def _upstream_of(cell: FinishedCell) -> Run:
    if cell.upstream is None:
        raise DataError(f"{cell.run.folder}: its recipe names no upstream. Train the run again.")
    return cell.upstream


def rank_upstreams(
    arms: FinishedArms,
    comparisons: Sequence[Compared],
    path: Path,
    *,
    level: float,
    bootstrap: int,
    seed: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[tuple[Transferability, ...], tuple[str, ...]]:
    """Each transferability metric of each arm's upstream, beside the gain that the arm realised.

    The metrics see the training split of the first fold alone; ``path`` keeps them. Upstreams are
    ranked within a downstream, network and mode. Those whose metrics could not be computed, as
    where shards are gone, or are of a part of the records, are said in sentences.
    """
    kept: dict[str, dict[str, float]] = _read(path, dict[str, dict[str, float]])
    gains = _gains_on_most_records(arms, comparisons)
    values: dict[str, list[tuple[ArmName, float, float]]] = defaultdict(list)
    missed: dict[str, None] = {}
    # what earlier versions measured on all records is taken where there is no other to rank
    in_part = {
        name.downstream
        for name in gains
        if _exceeds(cell := arms[name].runs[0]) and _key(cell) not in kept
    }
    for done, (name, gain) in enumerate(gains.items(), start=1):
        cell = arms[name].runs[0]
        is_part = _exceeds(cell) and name.downstream in in_part
        key = _key(cell, is_part=is_part)
        if key not in kept:
            try:
                kept[key] = _score(cell, is_part=is_part)
                write_json(path, kept)
            except DataError as error:  # not kept: the shards may be back for the next page
                what = f"How well {name.upstream} fits {name.downstream} is not said"
                missed[f"{what}: {error}"] = None
        if is_part and kept.get(key):
            missed[
                f"How well upstreams fit {name.downstream} is measured on {MOST_RECORDS:,} of the "
                "training ECGs, a part of those that its runs are trained on."
            ] = None
        for metric, value in kept.get(key, {}).items():
            values[metric].append((name, transferability.oriented(metric, value), gain))
        on_progress(done, len(gains))
    ranked = []
    for metric, rows in values.items():
        groups: dict[ArmName, dict[str, tuple[float, float]]] = defaultdict(dict)
        for name, value, gain in rows:
            groups[replace(name, upstream="", size=0)][name.upstream] = value, gain
        tau = transferability.mean_kendall(
            list(groups.values()), level=level, bootstrap=bootstrap, seed=seed
        )
        ranked.append(Transferability(metric, tuple(rows), tau))
    return tuple(ranked), tuple(missed)


def _gains_on_most_records(
    arms: FinishedArms, comparisons: Sequence[Compared]
) -> dict[ArmName, float]:
    """The gain of each arm with an upstream; of those that differ in records, the one with most.

    A metric's values on few records and on many can't be compared.
    """
    largest: dict[ArmName, Compared] = {}
    for one in comparisons:
        if one.arm.upstream:
            general = replace(one.arm, size=0)
            best = largest.setdefault(general, one)
            if (arms[one.arm].train_records or 0) > (arms[best.arm].train_records or 0):
                largest[general] = one
    chosen = {one.arm for one in largest.values()}
    return {one.arm: one.contrast.value for one in comparisons if one.arm in chosen}


def _exceeds(cell: FinishedCell) -> bool:
    """Whether a run has more training records than upstreams are measured on."""
    return cell.train_records > MOST_RECORDS


def _key(cell: FinishedCell, *, is_part: bool = False) -> str:
    """What decides the metrics of a cell's upstream, on its training records or a part of them."""
    key = (
        f"{_upstream_of(cell).read_status()['fingerprint']} {cell.dataset.fingerprint} "
        f"{cell.recipe.data.train_records} {cell.recipe.data.subset} {cell.recipe.training.seed}"
    )
    if is_part:
        key += f" at most {MOST_RECORDS}"
    if cell.left_out:
        key += f" without {fingerprint({'records': list(cell.left_out)})[:16]}"
    return key


def _score(cell: FinishedCell, *, is_part: bool) -> dict[str, float]:
    """Every metric of a cell's upstream on these records; none where none is defined."""
    settings = cell.recipe.data
    features = transferability.extract(
        _upstream_of(cell).folder,
        cell.shards,
        split="train",
        train_records=MOST_RECORDS if is_part else settings.train_records,
        seed=cell.recipe.training.seed,
        subset=settings.subset,
        left_out=cell.left_out,
    )
    try:
        return transferability.score_all(features)
    except DataError:  # so few training records that no label has two patients with it
        return {}


def _card(dataset: Dataset) -> dict[str, Any]:
    known = {"source": dataset.source, "label_set": dataset.label_set}
    signals = {
        "leads": list(dataset.leads),
        "sampling_rate": dataset.sampling_rate,
        "seconds": dataset.num_samples / dataset.sampling_rate,
    }
    splits = dataset.splits.values()
    records = sum(split.records for split in splits)
    if not records:  # of published weights: what they were trained on is not here to be counted
        return {**known, **signals}
    noted = {
        f"{one.record_id}, {one.measure}{f' of {one.lead}' if one.lead else ''}": one.what
        for one in dataset.noted
    }
    return {
        **known,
        "records": records,
        "patients": _count_patients(dataset),
        "labels": {label: sum(split.labels[label] for split in splits) for label in dataset.labels},
        **signals,
        "dropped": len(dataset.dropped),
        "quarantined": len(dataset.quarantined),
        "noted": len({one.record_id for one in dataset.noted}),
        **({"noted_records": dict(list(noted.items())[:LISTED])} if noted else {}),
        "duplicates": len(dataset.duplicates),
        "duplicates_across_splits": sum(len(set(one.splits)) > 1 for one in dataset.duplicates),
    }


def _count_patients(dataset: Dataset) -> int | str:
    """Each once, as far as is known: in how many splits one is, beyond one, is not."""
    counts = [split.patients for split in dataset.splits.values() if split.patients]
    once = sum(counts) - dataset.shared_patients
    return f"at most {once:,}" if dataset.shared_patients and len(counts) > 2 else once


def _read(path: Path, kind: Any) -> Any:
    if not path.exists():
        return {}
    advice = "Remove it; it is made again."
    return read_json(path, "findings", lambda kept: parse_as(kind, kept), advice)
