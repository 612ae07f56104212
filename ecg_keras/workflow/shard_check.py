"""The step of a plan that validates shards: what was found, kept beside them or in the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ecg_keras import data, evaluation
from ecg_keras.data import find_undecidable
from ecg_keras.errors import DataError
from ecg_keras.files import NOT_OURS, lock_file, refresh
from ecg_keras.json_files import as_texts, read_json
from ecg_keras.workflow.job import Job
from ecg_keras.workflow.runs import validate_shards
from ecg_keras.workflow.step import Watcher

MADE = "Remove it; the shards are validated again."
# what a check goes by, and what it leaves
FILES = ("dataset.json", "schema.pbtxt", "checks.pbtxt", "validation.json")

# anomalies and remarks
Found = tuple[list[str], list[str]]
# a folder, and the sizes and times of its `FILES`; none of one that is not there
State = tuple[Path, tuple[tuple[int, int] | None, ...]]

# of this process: where nothing may be kept beside the shards, nothing else remembers it
_checked: dict[State, Found] = {}


def validation_file(job: Job) -> Path:
    """Keeps what was found, where the folder is ours to write to."""
    return job.shards / "validation.json"


def is_validated(job: Job) -> bool:
    """Whether a check is kept, and nothing that it found stops this recipe."""
    if not validation_file(job).is_file():
        return False
    if job.data.anomalies == "warn":
        return True
    return not (_read_kept(job)[0] or _list_undecidable(job, chosen=_is_chosen(job)))


def validate(job: Job, watcher: Watcher) -> None:
    """Checks the shards, and warns of what was found or stops there, as the recipe says."""
    anomalies, remarks = check_shards(job)
    for remark in remarks:
        watcher.warned(f"{job.shards}: {remark}.")
    if anomalies and job.data.anomalies == "stop":
        raise DataError(
            f"{job.shards}: validation found anomalies ({len(anomalies)}):\n"
            + "\n".join(f"  {line}" for line in anomalies)
            + "\nCorrect the recordings or their table, or train all the same with "
            "--set data.anomalies=warn (of a study: --set base.data.anomalies=warn)."
        )
    for line in anomalies:
        watcher.warned(line)


def check_shards(job: Job) -> Found:
    """What is wrong with the dataset, also for what this recipe wants of it; and remarks.

    It is checked now, unless it was found sound or this process found it like this already.
    """
    found = _recall(job)
    if found is None:
        with _alone_with(job.shards):
            # another process may have found them sound while this one waited
            found = _recall(job) or _check(job.shards)
    return [*found[0], *_list_undecidable(job)], [*found[1]]


def last_check(job: Job) -> Found:
    """What the check of these shards found last, whatever that is; checked now where none was."""
    found = _checked.get(_state_of(job.shards))
    kept = validation_file(job)
    # one that can't be replaced may be older than what trained this
    if found is None and kept.is_file() and os.access(kept, os.W_OK):
        found = _read_kept(job)
    if found is None:
        return check_shards(job)
    return [*found[0], *_list_undecidable(job)], [*found[1]]


def _recall(job: Job) -> Found | None:
    """A kept check that found nothing, or one of this process."""
    if validation_file(job).is_file() and not (kept := _read_kept(job))[0]:
        return kept
    return _checked.get(_state_of(job.shards))


def _check(shards: Path) -> Found:
    checked = validate_shards(shards)
    found = [one.line() for one in checked.anomalies], [*checked.remarks]
    _checked[_state_of(shards)] = found
    return found


def _read_kept(job: Job) -> Found:
    """Earlier versions kept no remarks, which say what the check did not look at."""
    return read_json(
        validation_file(job),
        "anomalies",
        lambda kept: ([*as_texts(kept["anomalies"])], [*as_texts(kept.get("remarks", []))]),
        MADE,
    )


def _list_undecidable(job: Job, *, chosen: bool = False) -> tuple[str, ...]:
    """Splits that can't decide what this recipe wants of them.

    Where a run is ``chosen``, no score has to choose any more.
    """
    training, settings = job.recipe.training, (job.candidate_of or job).recipe.tune
    by_score = settings is not None and settings.by != evaluation.CALIBRATED_LOSS
    chooses = training.select not in ("last", "best_loss") or (by_score and not chosen)
    splits = {"train", "test", *([training.validate_on] if chooses else [])}
    return find_undecidable(data.read_dataset(job.shards / "dataset.json"), splits)


def _is_chosen(job: Job) -> bool:
    """Whether candidates were chosen from already, by whatever there was."""
    main = job.candidate_of or job
    return any(one.run.read_status().get("state") == "trained" for one in (job, main))


def _state_of(shards: Path) -> State:
    """By which a check is known again: other files are another dataset, schema or check."""
    return shards.resolve(), tuple(
        (state.st_size, state.st_mtime_ns) if path.is_file() and (state := path.stat()) else None
        for path in (shards / name for name in FILES)
    )


@contextmanager
def _alone_with(shards: Path) -> Iterator[None]:
    """Keeps other processes out, where the folder is ours to write to."""
    with ExitStack() as held:
        try:
            held.enter_context(lock_file(shards / ".lock"))
        except OSError as error:
            if error.errno not in NOT_OURS:
                raise
        refresh(shards)
        yield
