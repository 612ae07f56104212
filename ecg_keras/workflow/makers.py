"""For each action of a plan: where its product is, whether it is fresh, and how it is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ecg_keras import data, evaluation, models, simulate
from ecg_keras.config import Evaluation, fingerprint
from ecg_keras.errors import ConfigError, DivergedError
from ecg_keras.files import sha256_of
from ecg_keras.training import guard, read_guarded, records_left_out, seen_from, write_recipe
from ecg_keras.workflow.completing import save_reference
from ecg_keras.workflow.grouped import read_groupings
from ecg_keras.workflow.importing import import_weights
from ecg_keras.workflow.job import Job
from ecg_keras.workflow.plan_problems import check_groups_of, check_start
from ecg_keras.workflow.run_exports import export_run
from ecg_keras.workflow.run_pairs import compare_runs
from ecg_keras.workflow.shard_check import is_validated, last_check, validate, validation_file
from ecg_keras.workflow.step import Maker, Watcher
from ecg_keras.workflow.tuning import (
    has_diverged,
    is_through,
    is_tried,
    is_tuned,
    train_job,
    try_on_validation,
    tune,
)

# all keys of evaluation that once decided a mark, at their defaults or not
MARKED_BEFORE = {"calibration", "thresholds", "bootstrap", "level", "seed"}


def _simulated(job: Job) -> bool:
    return simulate.is_complete(job.data.raw, **_simulation(job))


def _simulate(job: Job, watcher: Watcher) -> None:
    simulate.simulate(job.data.raw, **_simulation(job), on_progress=watcher.progressed)


def _simulation(job: Job) -> dict[str, Any]:
    return {} if job.data.simulate is None else job.data.simulate.model_dump()


def _import(job: Job, watcher: Watcher) -> None:
    del watcher
    published, run = job.published, job.imported
    if published is not None and run is not None:
        import_weights(published.path, run.folder, card=published.card_path)
        check_start(job)  # what only the network itself shows, before data are prepared


def _prepared(job: Job) -> bool:
    return (job.shards / "dataset.json").is_file()


def _prepare(job: Job, watcher: Watcher) -> None:
    data.prepare(
        job.data,
        job.shards,
        on_progress=watcher.progressed,
        on_warning=watcher.warned,
        run=watcher.shard_run(),
    )


def _guarded(job: Job) -> bool:
    guarded = read_guarded(job.run)
    return guarded is not None and guarded.mark == job.fingerprint() and job.run.seen.is_file()


def _guard(job: Job, watcher: Watcher) -> None:
    check_groups_of(job)  # before hours of training, not when its scores are to be grouped
    guard(
        job.recipe,
        shards=job.shards,
        run=job.run,
        upstream=job.upstream_weights,
        upstream_mark=job.upstream_mark,
        on_warning=watcher.warned,
    )


def evaluation_mark(run: str, settings: Evaluation, kept: str | None = None) -> str:
    """What scores depend on: the fingerprint of the run, and how it was scored.

    Args:
        run: the fingerprint.
        settings: how it is scored. A key that is at its default does not count.
        kept: the mark of scores that are there. If an earlier version wrote it for the same, it is
            as good as ours.
    """
    changed = settings.model_dump(
        exclude={"baseline", "baseline_set", "metric", "seeds", "explain"}, exclude_defaults=True
    )
    table = settings.subgroup_table
    if table is not None:  # what it says, wherever it is
        changed["subgroup_table"] = sha256_of(table) if table.is_file() else None
    earlier = {"run": run, "evaluation": settings.model_dump(include=MARKED_BEFORE)}
    if changed.keys() <= MARKED_BEFORE and kept == fingerprint(earlier):
        return kept
    return fingerprint({"run": run, "evaluation": changed})


def _evaluation_mark(job: Job) -> str:
    kept = job.run.read_status().get("evaluated")
    return evaluation_mark(job.fingerprint(), job.recipe.evaluation, kept)


def _evaluate(job: Job, watcher: Watcher, begin: Callable[[], None]) -> None:
    check_groups_of(job)  # they may be others than before the training
    if has_diverged(job.run) and not job.is_trained():  # it is a candidate of others, too
        raise DivergedError(
            f"{job.run.folder}: training diverged: the loss was no longer finite. Lower "
            "learning_rate, or use `precision: float32`; remove the folder to train it again."
        )
    model = models.load_model(job.run.model)
    dataset = data.describe(job.shards)
    left_out = {
        split: records_left_out(job.run, split)
        for split in ("valid", "test")
        if dataset.splits[split].records  # a recipe may have no validation split
    }
    predictions = evaluation.predict_splits(
        model, job.shards, left_out, on_progress=watcher.progressed
    )
    settings = job.recipe.evaluation
    on_test = job.recipe.training.validate_on == "test" and settings.thresholds == "validation"
    scores = evaluation.evaluate(
        predictions["test"],
        predictions.get("valid"),
        calibration=settings.calibration,
        thresholds="test" if on_test else settings.thresholds,
        codes=evaluation.snomed_codes(job.recipe.data.source, dataset.label_set),
        groupings=read_groupings(
            settings.subgroups,
            predictions["test"],
            shards=[job.shards],
            table=settings.subgroup_table,
        ),
        bootstrap=settings.bootstrap,
        level=settings.level,
        seed=settings.seed,
        conformal=settings.conformal,
        conformal_by=settings.conformal_by,
    )
    # the page shows them, wherever the shards are by then
    anomalies, remarks = last_check(job)
    begin()
    for split, predicted in predictions.items():
        scores.calibration.apply(predicted).save(job.run.predictions(split))
    scores.save_json(job.run.scores)
    save_reference(job.run, job.recipe, job.shards)
    write_recipe(job.run, job.recipe)  # what is scored later is scored alike
    job.run.write_status(evaluated=_evaluation_mark(job), anomalies=anomalies, remarks=remarks)


def _comparison_mark(job: Job) -> str:
    marks = [_evaluation_mark(job), _evaluation_mark(_baseline(job)), job.recipe.evaluation.metric]
    return fingerprint({"compared": marks})


def _baseline(job: Job) -> Job:
    if job.baseline is None:
        raise ConfigError(f"{job.loaded.path}: names no evaluation.baseline to compare with.")
    return job.baseline


def _compare(job: Job, watcher: Watcher, begin: Callable[[], None]) -> None:
    del watcher
    settings, baseline = job.recipe.evaluation, _baseline(job).run
    comparison = compare_runs(
        job.run.folder,
        baseline.folder,
        metric=settings.metric,
        names=(job.run.name, baseline.name),
        bootstrap=settings.bootstrap,
        level=settings.level,
        seed=settings.seed,
        by=settings.subgroups,
        table=settings.subgroup_table,
    )
    begin()
    job.run.seeds.unlink(missing_ok=True)  # they were compared with what the baseline was before
    comparison.save_json(job.run.comparison)
    job.run.write_status(
        compared=_comparison_mark(job),
        baseline_run=seen_from(job.run.folder, baseline.folder),
    )


def _export(job: Job, watcher: Watcher, begin: Callable[[], None]) -> None:
    del watcher
    begin()  # only the export knows when it replaces the one before
    export_run(job.run.folder, job.run.saved_model, replace=True)
    job.run.write_status(exported=_evaluation_mark(job))


def _report_mark(job: Job) -> str:
    compared = job.run.read_status().get("compared") if job.baseline is not None else None
    # pages of earlier versions mark nothing, and stay
    settings = job.recipe.evaluation
    shown = settings.model_dump(include={"explain", "metric"}, exclude_defaults=True)
    return fingerprint({"evaluated": _evaluation_mark(job), "compared": compared, **shown})


def _report(job: Job, watcher: Watcher, begin: Callable[[], None]) -> None:
    from ecg_keras import report

    del watcher
    begin()
    write_recipe(job.run, job.recipe)  # which says what the page is to show
    report.write_report(job.run.folder, shards=job.shards)
    job.run.write_status(reported=_report_mark(job))


def _marked(
    product: Callable[[Job], Path],
    key: str,
    mark: Callable[[Job], str],
    make: Callable[[Job, Watcher, Callable[[], None]], None],
) -> Maker:
    """A product that is fresh where the run's status has the mark of what it depends on.

    ``make`` calls a function before it first writes: a failure before that changes nothing.
    """

    def is_done(job: Job) -> bool:
        return product(job).exists() and job.run.read_status().get(key) == mark(job)

    def make_again(job: Job, watcher: Watcher) -> None:
        def begin() -> None:  # after a kill some of its files may be of other marks
            if job.run.read_status().get(key):
                job.run.write_status(**{key: None})

        make(job, watcher, begin)

    return Maker(product, is_done, make_again)


MAKERS = {
    "keep": Maker(lambda job: job.run.folder, Job.outlives_its_data, lambda job, watcher: None),
    "simulate": Maker(lambda job: job.data.raw, _simulated, _simulate),
    "import": Maker(lambda job: (job.imported or job.run).folder, Job.is_imported, _import),
    "prepare": Maker(lambda job: job.shards, _prepared, _prepare),
    "validate": Maker(validation_file, is_validated, validate),
    "guard": Maker(lambda job: job.run.leaks, _guarded, _guard),
    "try": Maker(lambda job: job.run.tried, is_tried, try_on_validation),
    "tune": Maker(lambda job: job.run.tuning, is_tuned, tune),
    "train": Maker(lambda job: job.run.folder, is_through, train_job),
    "evaluate": _marked(lambda job: job.run.scores, "evaluated", _evaluation_mark, _evaluate),
    "compare": _marked(lambda job: job.run.comparison, "compared", _comparison_mark, _compare),
    # it carries thresholds and calibration, so it is as old as the scores that they come from
    "export": _marked(lambda job: job.run.saved_model, "exported", _evaluation_mark, _export),
    "report": _marked(lambda job: job.run.report, "reported", _report_mark, _report),
}
