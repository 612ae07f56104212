"""Shards made by Apache Beam: the same work, shard by shard, on any of its runners.

Beam is given names alone, so that a pipeline stays small: what a shard is to hold is beside it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecg_keras.data.writing import UNFINISHED, Run, Shard, Work, make_shard, writing_to
from ecg_keras.errors import ConfigError, DataError, nearest
from ecg_keras.files import write_text
from ecg_keras.json_files import read_json
from ecg_keras.records import RecordInfo

# how often it is looked which shards are finished
SECONDS = 1.0


def parse_beam_options(arguments: Sequence[str]) -> Any:
    """Beam's `PipelineOptions` of arguments such as ``--runner=FlinkRunner``.

    None runs Beam's DirectRunner in this process.
    """
    _load_beam()
    from apache_beam.options.pipeline_options import PipelineOptions

    parsers: list[argparse.ArgumentParser] = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=parsers.append)
    try:
        known, unknown = parsers[0].parse_known_args(list(arguments))
    except SystemExit as error:  # it prints what is wrong and leaves
        raise ConfigError(
            f"the Beam options are wrong: {' '.join(arguments)}. See docs/beam.md for examples."
        ) from error
    # other runners have options that only their servers know
    here = "direct" in (known.runner or "direct").lower()
    wrong = [one for one in unknown if here or not one.startswith("--")]
    if wrong:
        named = wrong[0].partition("=")[0]
        options = [name for one in parsers[0]._actions for name in one.option_strings]
        raise ConfigError(
            f"{wrong[0]!r} is no Beam option: they begin with --, such as --runner=FlinkRunner, "
            f"and have a name that Beam knows.{nearest(named, options)}"
        )
    return PipelineOptions(list(arguments))


def run_on_beam(arguments: Sequence[str] = ()) -> Run:
    """The way to make shards on Beam, for `prepare`.

    Args:
        arguments: Beam's pipeline options, as its own programs take them, such as
            ``["--runner=FlinkRunner", "--parallelism=64"]``; none runs Beam's DirectRunner in this
            process.

    Returns:
        What `prepare` takes as ``run``. It raises a `DataError` where the pipeline fails; finished
        shards are kept.

    Raises:
        ConfigError: Beam isn't installed, an argument is no option, or one of them has a value that
            it can't have.

    Example:
        >>> from ecg_keras.data import prepare, run_on_beam
        >>> options = ["--direct_running_mode=multi_processing", "--direct_num_workers=4"]
        >>> prepare(data, "shards/ptbxl", run=run_on_beam(options))
    """
    options = parse_beam_options(arguments)

    def run(shards: Sequence[Shard], work: Work, on_records: Callable[[int], None]) -> None:
        if not shards:
            return
        # another machine has another working directory
        places = {"raw": work.data.raw.absolute(), "shards": work.data.shards.absolute()}
        settings = work.data.model_copy(update=places)
        work = dataclasses.replace(work, folder=work.folder.absolute(), data=settings)
        with writing_to(work.folder):
            for shard in shards:
                _write_plan(shard, work)
        with _counting(shards, work, on_records):
            _run_pipeline([shard.name for shard in shards], work, options)

    return run


def _load_beam() -> Any:
    """Beam; what its own imports warn of is no concern of its users."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import apache_beam
        except ModuleNotFoundError as error:
            if error.name != "apache_beam":
                raise
            raise ConfigError(
                "--beam needs apache-beam, which is not installed: pip install apache-beam"
            ) from None
    return apache_beam


def _run_pipeline(names: Sequence[str], work: Work, options: Any) -> None:
    beam = _load_beam()
    try:
        pipeline = beam.Pipeline(options=options)
        (
            pipeline
            | "shards" >> beam.Create(names)
            | "to all workers" >> beam.Reshuffle()
            | "make" >> beam.Map(_make, work)
        )
        pipeline.run().wait_until_finish()
    except Exception as error:  # each runner raises its own
        raise DataError(
            f"{work.folder}: the Beam pipeline failed: {describe_beam_failure(error)}. Finished "
            "shards are kept: fix this, and run the same command again."
        ) from error


def describe_beam_failure(error: Exception) -> str:
    """The message of our own error within a remote traceback, or else the last line of that."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for line in reversed(lines):
        for kind in (DataError, ConfigError):
            _, found, message = line.partition(f"{kind.__name__}: ")
            if found:
                return message
    return lines[-1] if lines else "it says nothing"


def _make(name: str, work: Work) -> str:
    """What a worker does for one shard."""
    make_shard(work, _read_plan(name, work))
    return name


def _plan_file(name: str, work: Work) -> Path:
    return work.folder / UNFINISHED / f"{name}.records"


def _write_plan(shard: Shard, work: Work) -> None:
    records = [{**vars(info), "path": str(info.path.absolute())} for info in shard.infos]
    content = {"name": shard.name, "split": shard.split, "infos": records}
    write_text(_plan_file(shard.name, work), json.dumps(content), work.folder / UNFINISHED)


def _read_plan(name: str, work: Work) -> Shard:
    path = _plan_file(name, work)
    if not path.is_file():
        raise DataError(
            f"{path}: there is no such file. Mount the folder of the shards on this worker, under "
            "the same path."
        )
    return read_json(path, "records", _parse_plan, "Delete it, and run the same command again.")


def _parse_plan(content: dict[str, Any]) -> Shard:
    infos = [
        RecordInfo(**{**one, "path": Path(one["path"]), "labels": tuple(one["labels"])})
        for one in content["infos"]
    ]
    return Shard(content["name"], content["split"], tuple(infos))


@contextmanager
def _counting(
    shards: Sequence[Shard], work: Work, on_records: Callable[[int], None]
) -> Iterator[None]:
    """Calls ``on_records`` for each shard that workers have finished, with how many it holds."""
    over = threading.Event()
    waiting = {shard.name: len(shard.infos) for shard in shards}

    def look() -> None:
        begun = work.folder / UNFINISHED
        for name in [one for one in waiting if (begun / f"{one}.json").is_file()]:
            on_records(waiting.pop(name))

    def count() -> None:
        while waiting and not over.wait(SECONDS):
            look()

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        look()
