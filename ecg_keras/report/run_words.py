"""The report's sentences: what was found, how far it can be trusted, what the data are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ecg_keras.data import Dataset, LeftOut
from ecg_keras.metrics import METRICS, score_name
from ecg_keras.report.run_files import RunFiles
from ecg_keras.report.score_sections import FOR_RESEARCH, describe_interval
from ecg_keras.text import plural
from ecg_keras.training import Guarded

MODES = {
    "finetune": "fine-tuned",
    "scratch": "trained from scratch",
    "pretrain": "pre-trained from scratch",
}
SPLITS = {"valid": "validation", "test": "test"}  # that may score every epoch, in words
FEW_POSITIVES = 20
LIMITS = ("The labels are the database's; nobody read the ECGs again.", FOR_RESEARCH)
LISTED = 20
LISTED_NOTED = 100


def run_sentence(files: RunFiles) -> str:
    """What was trained, on what, and how well it does: the first sentence of the page."""
    recipe, dataset, scores = files.recipe, files.dataset, files.scores
    metric = recipe.evaluation.metric
    score = scores.summary[metric]
    subject = (
        f"{files.trained.model.backbone}, {MODES[recipe.mode]} on {dataset.source} "
        f"({dataset.label_set}, {len(dataset.labels)} labels),"
    )
    tested = f"{scores.records:,} test ECGs of {scores.patients:,} patients"
    if score is None:
        return f"{subject} has no {score_name(metric)} on {tested}: no label is defined there."
    interval = describe_interval(score, scores.level)
    return (
        f"{subject} reaches a {score_name(metric)} of {score.value:.3f} ({interval}) on {tested}."
    )


def training_sentence(files: RunFiles) -> str:
    """How long it trained, and which epoch was kept."""
    if files.history is None:
        return ""
    epochs, phases = len(files.history.columns["epoch"]), len(files.trained.training.phases)
    parts = [plural(epochs, "epoch") + (f" in {phases} phases" if phases > 1 else "")]
    if "num_parameters" in files.status:
        parts.append(f"{files.status['num_parameters']:,} parameters")
    if "seconds" in files.status:
        parts.append(f"{files.status['seconds'] / 60:,.1f} minutes")
    split = chooser(files)
    kept = {
        **{
            f"best_{name}": f"with the best {split} {row.title}"
            + " at threshold 0.5" * row.needs_thresholds
            for name, row in METRICS.items()
        },
        "best_loss": f"with the lowest {split} loss",
        "last": "that was the last",
    }[files.trained.training.select]
    best = files.history.best_epoch
    chosen = f" The weights of epoch {best} were kept, the one {kept}." if best else ""
    return f"{', '.join(parts)}.{chosen}"


def chooser(files: RunFiles) -> str:
    """The split that scored every epoch, in words."""
    return SPLITS[files.trained.training.validate_on]


def limits(files: RunFiles) -> tuple[str, ...]:
    """What the numbers of this page do not say."""
    scores, dataset = files.scores, files.dataset
    found = []
    if dataset.source == "simulated":
        found.append("The ECGs are simulated: the scores say nothing about patients.")
    if chosen := _chosen_on_test(files):
        found.append(chosen)
    few = [
        f"{name} ({row.positives})"
        for name, row in scores.labels.items()
        if row.positives < FEW_POSITIVES
    ]
    if few:
        found.append(
            f"Few positives in the test split: {', '.join(few)}. Their scores are uncertain."
        )
    found.append(
        f"One network, one training seed ({files.trained.training.seed}). The intervals cover "
        f"which of the {scores.patients:,} test patients were drawn; they do not cover what "
        "another seed would have given."
    )
    if files.recipe.data.split.method == "records":
        found.append(
            "The splits were drawn by record, without regard to patients, as some published "
            f"studies did. {patients_apart(dataset)} A network can recognise a patient that it was "
            "trained on: where that happens, the scores flatter."
        )
    if all(split.patients == split.records for split in dataset.splits.values()):
        found.append(
            "Every ECG here counts as a patient of its own. Where the database does not say "
            "which ECGs are of one person, some may be in several splits."
        )
    found += [
        f"The database is not what it says it is, and every ECG was repaired: {one.line()}. ECGs "
        "that the network is asked about must need no repair."
        for one in dataset.repairs
    ]
    if files.anomalies:
        found.append(
            f"The check of the data found {plural(len(files.anomalies), 'fault')}, and the "
            "network was trained all the same (data.anomalies: warn): see Data."
        )
    found += [f"The check of the data: {remark}." for remark in files.remarks]
    found += _leaks(files)
    found.append(
        f"Training, validation and test ECGs all come from {dataset.source}: how the network does "
        "in another hospital or on another device was not tested."
    )
    if scores.subgroups is None or not scores.subgroups.groups:
        found.append("Subgroups, such as by age or sex, were not scored apart.")
    return (*found, *LIMITS)


def _leaks(files: RunFiles) -> Sequence[str]:
    """Which test records the network knows, as far as that was looked for."""
    if files.guarded is not None:
        return files.guarded.warnings
    shared = [group for group in files.dataset.duplicates if len(set(group.splits)) > 1]
    groups = plural(len(shared), "group")
    copies = f"Copies of a recording are in different splits ({groups}): the scores may flatter "
    unknown = "Whether its training, or an upstream, knows test records was not looked for."
    return (unknown, *([f"{copies}a little."] if shared else []))


def _chosen_on_test(files: RunFiles) -> str:
    """That the test split chose what it scores, where it did."""
    training = files.trained.training
    if training.validate_on != "test":
        return ""
    chosen = ["the epoch"] * (training.select != "last")
    chosen += ["the thresholds"] * (files.scores.thresholds_from == "test")
    sentence = (
        f"The test split itself chose {' and '.join(chosen)}, as in the published protocol: the "
        "scores are the best that these ECGs allow. They flatter, and no interval here covers that."
    )
    return sentence if chosen else ""


def patients_apart(dataset: Dataset) -> str:
    """Whether the splits keep patients apart, as far as the database names them."""
    if not dataset.shared_patients:
        return "No patient is in two splits, as far as the database distinguishes patients."
    patients = plural(dataset.shared_patients, "patient")
    return f"{patients} {'has' if dataset.shared_patients == 1 else 'have'} ECGs in several splits."


def data_facts(dataset: Dataset, guarded: Guarded | None) -> Mapping[str, str]:
    """The first table of the data card."""
    seconds = dataset.num_samples / dataset.sampling_rate
    return {
        "Source": dataset.source,
        "Label set": f"{dataset.label_set} ({len(dataset.labels)} labels)",
        "Signals": f"{seconds:g} s at {dataset.sampling_rate:g} Hz, millivolts",
        "Leads": ", ".join(dataset.leads),
        "Dropped, as the recipe asks": plural(len(dataset.dropped), "record"),
        "Quarantined, unreadable or without a usable ECG": plural(
            len(dataset.quarantined), "record"
        ),
        "Kept, with a figure outside of what is expected": plural(
            len({one.record_id for one in dataset.noted}), "record"
        ),
        "Copies of a recording": plural(len(dataset.duplicates), "group"),
        "Left out of training or validation, for leaks": "not looked for"
        if guarded is None
        else plural(sum(map(len, guarded.left_out.values())), "record"),
        "Fingerprint": dataset.fingerprint[:16],
    }


def left_out(dataset: Dataset, guarded: Guarded | None) -> dict[str, Sequence[str]]:
    """By a heading, a line for each record that is in no shard, unusual, copied, or left out."""
    noted = [one.line() for one in dataset.noted]
    unusual = plural(len({one.record_id for one in dataset.noted}), "record")
    copies = [
        f"{', '.join(group.record_ids)} (in {', '.join(sorted(set(group.splits)))})"
        for group in dataset.duplicates
    ]
    lines: dict[str, Sequence[str]] = {}
    for title, records in (("Dropped", dataset.dropped), ("Quarantined", dataset.quarantined)):
        reasons = [f"{one.record_id}: {one.reason}" for one in records]
        lines |= {f"{title}: {_reasons(records)}": _first(reasons)} if records else {}
    if noted:
        heading = f"Kept, with a figure outside of what is expected: {unusual}"
        lines[heading] = _first(noted, LISTED_NOTED)
    if copies:
        lines[f"Copies of a recording: {plural(len(copies), 'group')}"] = _first(copies)
    if guarded is not None and guarded.notes:
        pairs = [(one, split) for split, records in guarded.left_out.items() for one in records]
        known = [f"{record_id} (in {split})" for record_id, split in pairs]
        lines[f"Left out for leaks: {' '.join(guarded.notes)}"] = _first(known, file="leaks.json")
    return lines


def _reasons(records: Sequence[LeftOut]) -> str:
    count = Counter(one.reason for one in records).most_common(3)
    named = "; ".join(f"{reason} ({number:,})" for reason, number in count)
    return f"{plural(len(records), 'record')}. Most often: {named}"


def _first(rows: Sequence[str], listed: int = LISTED, file: str = "dataset.json") -> Sequence[str]:
    """As many as a reader takes in, and how many more there are."""
    more = len(rows) - listed
    return rows if more <= 0 else (*rows[:listed], f"and {more:,} more, listed in {file}")
