"""`predict` and `embed`: a trained network asked about recordings, one way for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

from ecg_keras.prediction.answering import Answer, Answers
from ecg_keras.prediction.journal import Journal
from ecg_keras.prediction.loose_files import LooseFiles
from ecg_keras.prediction.opening import open_trained
from ecg_keras.prediction.output import (
    KINDS,
    LISTS,
    check_out,
    write_answers,
    write_embeddings,
)
from ecg_keras.prediction.request import Files, OnProgress, OnWarning, Request
from ecg_keras.prediction.trained import TrainedNetwork


def predict(
    model: str | Path | TrainedNetwork,
    files: Files,
    *,
    out: str | Path | None = None,
    reading: LooseFiles | None = None,
    split: str | None = None,
    aggregate: str = "mean",
    batch_size: int = 128,
    workers: int = 1,
    shown: int = 0,
    on_progress: OnProgress | None = None,
    on_warning: OnWarning | None = None,
) -> Answers:
    """Asks a network about recordings, which need no labels.

    Leads, rate, unit and length are brought to what the network was trained on by the code that
    makes shards. A recording whose unit or leads are not what they are said to be is not answered,
    and neither is one that is damaged, too short or has no usable part: each answer says why.

    Args:
        model: a run folder, a ``.keras`` file beside its ``dataset.json``, the folder of an
            exported SavedModel, the URL of one on a server, or what `open_trained` returns.
        files: names of recordings (WFDB, CSV, EDF, DICOM, XML, HDF5), folders, patterns such as
            ``"in/*.edf"``, folders of shards or shards; or an array ``(records, num_samples,
            num_leads)`` of any framework, a list of arrays, or an array of one record, whose rate
            and unit ``reading`` says.
        out: where to write the answers; its ending is one of ``.csv``, ``.jsonl`` and
            ``.parquet``. While they are made they are in a file beside it that ends in ``.part``:
            a command that was stopped resumes there.
        reading: what files do not say themselves, and how they are read.
        split: of shards; all of them if not given.
        aggregate: how the windows of a longer recording become one answer: ``"mean"`` or
            ``"maximum"`` of their probabilities, or ``"trained"``, the one window that the shards
            of the training keep.
        batch_size: windows at once; changes speed and memory, not the answers.
        workers: processes that read files. With more than 1 a script needs
            ``if __name__ == "__main__":`` around the call.
        shown: keep the signals of this many recordings, the first that are answered.
        on_progress: called with the recordings done and their total after each.
        on_warning: called with messages, such as which tables are left out; none logs them.

    Returns:
        The answers, in the order of the recordings.

    Raises:
        ConfigError: an option is wrong.
        DataError: the network can't be opened; shards are damaged or of other leads, another rate
            or length; there is no file; ``out`` can't be written or is of another command; or the
            network gives what is no probability, such as logits.

    Example:
        >>> predict("runs/ptbxl_scratch", "incoming/*.edf", out="answers.csv")  # doctest: +SKIP
    """
    trained = model if isinstance(model, TrainedNetwork) else open_trained(model)
    request = Request.check(
        trained, files, reading, split, aggregate, batch_size, workers, on_warning
    )
    answers = Answers.of(trained, aggregate)
    if out is None:
        answers = replace(answers, rows=tuple(request.ask(on_progress)))
    else:
        with _answered(request, Path(out), KINDS, on_progress) as rows:
            answers = replace(answers, rows=tuple(rows))
            write_answers(Path(out), answers, answers.rows)
    answered = {one.key: answers.name(one) for one in answers.rows if one.values is not None}
    names = dict(islice(answered.items(), shown))
    signals = request.read_signals(names.keys())
    return replace(answers, shown={names[key]: signal for key, signal in signals.items()})


def embed(
    model: str | Path | TrainedNetwork,
    files: Files,
    out: str | Path | None = None,
    *,
    reading: LooseFiles | None = None,
    split: str | None = None,
    aggregate: str = "mean",
    batch_size: int = 128,
    workers: int = 1,
    on_progress: OnProgress | None = None,
    on_warning: OnWarning | None = None,
) -> tuple[Answer, ...]:
    """What goes into a network's last layer, for each recording.

    Args:
        model: a run folder or ``.keras`` file, or `open_trained` of it with ``embedding``.
        files, reading, split, aggregate, batch_size, workers, on_progress, on_warning: as of
            `predict`.
        out: a ``.parquet`` or ``.jsonl`` file, with a row for each recording. A stopped command
            resumes, as with `predict`.

    Returns:
        An `Answer` for each recording, whose ``values`` are the embedding; ``None`` with ``out``,
        as they are in the file.

    Raises:
        ConfigError, DataError: as of `predict`; or the network has no layer ``head``.

    Example:
        >>> embed("runs/ptbxl_scratch", "shards/ludb", "ludb.parquet")  # doctest: +SKIP
    """
    trained = model if isinstance(model, TrainedNetwork) else open_trained(model, embedding=True)
    request = Request.check(
        trained, files, reading, split, aggregate, batch_size, workers, on_warning
    )
    if out is None:
        return tuple(request.ask(on_progress))
    rows: list[Answer] = []

    def without_values(answers: Iterable[Answer]) -> Iterator[Answer]:
        for one in answers:
            rows.append(replace(one, values=None))
            yield one

    with _answered(request, Path(out), LISTS, on_progress) as answers:
        write_embeddings(Path(out), without_values(answers), trained.network_id)
    return tuple(rows)


@contextmanager
def _answered(
    request: Request, out: Path, endings: Iterable[str], on_progress: OnProgress | None
) -> Iterator[Iterator[Answer]]:
    """All answers, once they are in the journal of a file, which goes when the file is written."""
    check_out(out, endings)
    with Journal(out, request.mark) as journal:
        for answer in request.ask(on_progress, journal):
            journal.add(answer)
        yield (answer for answer, _ in request.recall(journal))
