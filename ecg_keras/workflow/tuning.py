"""Training, and what precedes it where a recipe is tuned: candidates, their scores, a choice."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from contextlib import nullcontext

from ecg_keras import evaluation, models
from ecg_keras.config import Tune, beyond, trial_rates, tune_of
from ecg_keras.errors import ConfigError, DataError, DivergedError, listed
from ecg_keras.evaluation import CALIBRATED_LOSS
from ecg_keras.files import replacing
from ecg_keras.json_files import parse_as, read_json, write_json
from ecg_keras.metrics import METRICS
from ecg_keras.training import (
    Run,
    Tried,
    Tuned,
    alone,
    guard_alike,
    read_log,
    read_tuned,
    records_left_out,
    seen_from,
)
from ecg_keras.workflow.job import Job
from ecg_keras.workflow.step import Watcher

# of a candidate's run what its tuned run takes over: each is written whole
ADOPTED = ("dataset.json", "environment.json", "log.csv", "model.keras")
# of its status, as far as it is there
KEPT = ("num_parameters", "seconds", "epochs", "best_epoch", "best_score", "decays_by_stage")
AGAIN = "Remove it: the choice is made again."


def train_job(job: Job, watcher: Watcher) -> None:
    """Trains a job's network; of a tuned one's candidates it takes over the one that was chosen.

    That a candidate diverged is kept in its ``tried.json``, and the others are tried.
    """
    # nobody begins a tuned run again while its candidates, in folders of their own, are trained
    tuned = job.candidate_of if job.recipe.tune is None else job
    with nullcontext() if tuned is None else alone(tuned.run, tuned.fingerprint()):
        if job.recipe.tune is None:
            _train_candidate(job, watcher)
        else:
            _adopt(job, watcher)


def _train_candidate(job: Job, watcher: Watcher) -> None:
    try:
        _train(job, watcher)
    except DivergedError as error:
        if not job.tried:
            raise
        watcher.warned(f"{error} Others are tried, and this one can't be chosen.")
        _keep_diverged(job)


def _adopt(job: Job, watcher: Watcher) -> None:
    """Takes over the network of the candidate that was chosen."""
    chosen = _chosen_job(job)
    if not chosen.is_trained():  # candidates were tried for some of their epochs
        _train(chosen, watcher)
    source = chosen.run
    for name in ADOPTED:
        with replacing(job.run.folder / name) as temporary:
            shutil.copyfile(source.folder / name, temporary)
    shutil.copytree(source.tensorboard, job.run.tensorboard, dirs_exist_ok=True)
    status = source.read_status()
    job.run.write_status(
        state="trained",
        shards=seen_from(job.run.folder, job.shards),
        trained_settings=status["settings"],
        **{name: status[name] for name in KEPT if name in status},
    )


def is_tried(job: Job) -> bool:
    """Whether a candidate's scores on validation are there, or it diverged."""
    tried = (
        job.run.tried.is_file()
        and read_json(job.run.tried, "scores", lambda kept: kept["run"]) == job.fingerprint()
    )
    return tried and (job.is_trained() or has_diverged(job.run))


def is_through(job: Job) -> bool:
    """Whether nothing is left to train: a run is complete, or is a candidate that diverged."""
    return job.is_trained() or (job.tried and is_tried(job))


def has_diverged(run: Run) -> bool:
    """Whether the loss of a candidate was no longer finite, or what its network says is not."""
    return run.tried.is_file() and math.isnan(read_scores(run)[CALIBRATED_LOSS])


def predict_validation(job: Job, watcher: Watcher | None = None) -> evaluation.Predictions:
    """What the network of a trained job says of the validation split."""
    return evaluation.predict(
        models.load_model(job.run.model),
        job.shards,
        "valid",
        left_out=records_left_out(job.run, "valid"),
        on_progress=(watcher or Watcher()).progressed,
    )


def try_on_validation(job: Job, watcher: Watcher) -> None:
    """Scores a candidate on the validation split."""
    if job.tried and not answers(job.run):
        _keep_diverged(job)
        return
    scores = evaluation.score_validation(predict_validation(job, watcher))
    kept = {name: None if math.isnan(value) else value for name, value in scores.items()}
    _keep_scores(job, kept)


def answers(run: Run) -> bool:
    """Whether the epoch that was kept answers in numbers: after its last step it may not."""
    best = str(run.read_status().get("best_epoch"))
    losses = [row.get("val_loss") for row in read_log(run.log) if row["epoch"] == best]
    return all(math.isfinite(float(loss)) for loss in losses if loss)


def _keep_diverged(job: Job) -> None:
    _keep_scores(job, dict.fromkeys((*METRICS, CALIBRATED_LOSS)))


def _keep_scores(job: Job, scores: Mapping[str, float | None]) -> None:
    write_json(job.run.tried, {"run": job.fingerprint(), "scores": dict(scores)})


def is_tuned(job: Job) -> bool:
    """Whether the choice among a job's candidates is made."""
    tuned = read_tuned(job.run)
    return tuned is not None and tuned.mark == job.fingerprint()


def tune(job: Job, watcher: Watcher) -> None:
    """Chooses among a job's candidates, and tries one more where the choice is at the edge."""
    with alone(job.run, job.fingerprint()):
        _tune(job, watcher)


def _tune(job: Job, watcher: Watcher) -> None:
    settings = _settings_of(job)
    by = settings.by or job.recipe.evaluation.metric
    jobs = dict(job.candidates)
    scores = {name: read_scores(one.run) for name, one in jobs.items()}
    if all(has_diverged(one.run) for one in jobs.values()):
        raise DataError(
            f"{job.loaded.path}: tune: all candidates diverged ({listed([*jobs])}): their loss is "
            "no longer finite. Lower training.phases.0.learning_rate, or use training.precision: "
            "float32."
        )
    chosen = evaluation.choose(scores, by)
    edge = beyond(settings, chosen, trial_rates(job.recipe))
    further = edge[1] if edge is not None and settings.extend else None
    if further is not None:
        one = job.further_candidate(further, settings.epochs)
        if not is_tried(one):
            if not one.is_trained():
                _train_candidate(one, watcher)
            if one.is_trained():
                try_on_validation(one, watcher)
        jobs[further.name], scores[further.name] = one, read_scores(one.run)
        chosen = evaluation.choose(scores, by)
    still = edge is not None and chosen == (further.name if further is not None else chosen)
    Tuned(
        mark=job.fingerprint(),
        by=by,
        chosen=chosen,
        candidates=tuple(_tried(job, name, one, scores[name], by) for name, one in jobs.items()),
        further=len(jobs) - len(job.candidates),
        edge=edge[0] if still and edge is not None else None,
    ).save(job.run)


def _train(job: Job, watcher: Watcher) -> None:
    from ecg_keras.training import train

    if job.candidate_of is not None:
        guard_alike(
            job.recipe,
            run=job.run,
            of=job.candidate_of.run,
            shards=job.shards,
            upstream_mark=job.upstream_mark,
        )
    train(
        job.recipe,
        shards=job.shards,
        run=job.run,
        upstream=job.upstream_weights,
        upstream_mark=job.upstream_mark,
        callbacks=watcher.callbacks(),
    )


def _settings_of(job: Job) -> Tune:
    settings = tune_of(job.recipe)
    if settings is None:
        raise ConfigError(f"{job.loaded.path}: not tuned. Give it a section tune.")
    return settings


def _chosen_job(job: Job) -> Job:
    """The job of the chosen candidate, with all its epochs."""
    settings, tuned = _settings_of(job), read_tuned(job.run)
    if tuned is None:
        raise DataError(f"{job.run.tuning}: there is no such file. Choose among candidates first.")
    chosen = tuned.chosen
    named = {one.name: one for one in settings.candidates}
    if chosen in named and settings.epochs == 1:
        return job.candidates[chosen]
    rates = trial_rates(job.recipe)
    edges = [edge for name in named if (edge := beyond(settings, name, rates)) is not None]
    named |= {one.name: one for _, one in edges}
    if chosen not in named:
        raise DataError(f"{job.run.tuning}: {chosen} is no candidate. {AGAIN}")
    return job.further_candidate(named[chosen], 1.0 if settings.epochs == 1 else None)


def read_scores(run: Run) -> Mapping[str, float]:
    """What `try_on_validation` found of a run."""
    scores: Mapping[str, float | None] = read_json(
        run.tried,
        "scores",
        lambda kept: parse_as(dict[str, float | None], kept["scores"]),
        "Remove it: the run is scored again.",
    )
    return {name: math.nan if one is None else one for name, one in scores.items()}


def _tried(job: Job, name: str, one: Job, scores: Mapping[str, float], by: str) -> Tried:
    status = one.run.read_status()
    phases = one.recipe.training.phases
    score, loss = scores[by], scores[CALIBRATED_LOSS]
    logged = sum(float(row["seconds"]) for row in read_log(one.run.log))
    return Tried(
        name=name,
        run=seen_from(job.run.folder, one.run.folder),
        score=None if math.isnan(score) else score,
        loss=None if math.isnan(loss) else loss,
        learning_rate=phases[-1].learning_rate,
        epochs=sum(phase.epochs for phase in phases),
        # of one that diverged the status has the phases that ended, and the log has all epochs
        seconds=max(float(status.get("seconds", 0.0)), logged),
    )
