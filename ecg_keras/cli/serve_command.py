"""`ecg-keras serve`: a network for clients of TensorFlow Serving's two forms."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ecg_keras.cli.options import PATH
from ecg_keras.cli.saying import say, warn
from ecg_keras.errors import ConfigError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
Port = click.IntRange(0, 65535)
Count = click.IntRange(min=1)
Seconds = click.FloatRange(min=0, min_open=True)


@click.command()
@click.argument("model", type=PATH)
@click.option("--name", default="ecg", show_default=True, help="By which clients ask for it.")
@click.option(
    "--host", default="127.0.0.1", show_default=True,
    help="Address to listen on; the default is this machine alone.",
)  # fmt: skip
@click.option(
    "--port", default=8501, show_default=True, type=Port, help="Of REST; 0 takes a free one."
)
@click.option(
    "--grpc-port", default=8500, show_default=True, type=Port, help="Of gRPC; 0 takes a free one."
)
@click.option(
    "--max-request-mib", default=64.0, show_default=True,
    type=click.FloatRange(0, 1024, min_open=True), help="Largest request; more gets 413.",
)  # fmt: skip
@click.option(
    "--timeout", default=30.0, show_default=True, type=Seconds,
    help="Seconds for a request to arrive and be answered; more gets 408 or 504.",
)  # fmt: skip
@click.option(
    "--max-requests", default=64, show_default=True, type=Count,
    help="Requests at once; more get 429.",
)  # fmt: skip
@click.option(
    "--max-batch", default=64, show_default=True, type=Count,
    help="ECGs in one batch; requests of several clients are merged up to it.",
)  # fmt: skip
@click.option(
    "--batch-delay-ms", default=0.0, show_default=True, type=click.FloatRange(0, 10_000),
    help="How long a request waits for others. While a batch is computed they are merged anyway.",
)  # fmt: skip
@click.option(
    "--grace", default=10.0, show_default=True, type=Seconds,
    help="Seconds that requests have to finish after SIGTERM or Ctrl-C.",
)  # fmt: skip
def serve(
    model: Path,
    name: str,
    host: str,
    max_request_mib: float,
    timeout: float,
    max_requests: int,
    max_batch: int,
    batch_delay_ms: float,
    grace: float,
    **ports: int,
) -> None:
    """Serve MODEL (a run, a SavedModel or the folder of its versions) in REST and gRPC.

    Of versions the highest is served. A run is exported first where its SavedModel is not that of
    its present scores. For trying and for small sites; docs/serving.md has TensorFlow Serving.
    """
    missing = [
        one
        for one in ("prometheus_client", "starlette", "uvicorn")
        if importlib.util.find_spec(one) is None
    ]
    if missing:
        raise ConfigError(
            f"serve needs {', '.join(missing)}, which its extra installs: pip install "
            "'ecg_keras[serve]'."
        )
    from ecg_keras import serving

    limits = serving.Limits(
        round(max_request_mib * (1 << 20)), timeout, max_requests, max_batch,
        batch_delay_ms / 1000, grace,
    )  # fmt: skip
    if host not in _LOOPBACK:
        warn(
            f"{host} is not this machine alone: whoever reaches it may ask, and nothing is "
            "encrypted. Put a proxy with TLS and a login before it."
        )

    def show(running: serving.Addresses) -> None:
        say(f"REST     {running.rest}")
        say(f"gRPC     {running.grpc}")
        say(f"metrics  {running.metrics}")
        say(
            f"version {running.version} of {name}, signatures {', '.join(running.signatures)}. "
            "Ctrl-C ends it."
        )

    with _saved_model(model) as (place, mark):
        serving.serve(place, name=name, host=host, limits=limits, mark=mark, on_start=show, **ports)
    say("ended")


@contextmanager
def _saved_model(model: Path) -> Iterator[tuple[Path, str | None]]:
    """Where the SavedModel of MODEL is, and the mark of a run, which no export changes."""
    from ecg_keras.config import fingerprint
    from ecg_keras.files import sha256_of
    from ecg_keras.training import Run

    run = Run(model)
    if not run.model.is_file():
        yield model, None
        return
    files = [one for one in (run.model, run.dataset, run.scores) if one.is_file()]
    mark = fingerprint({"run": [sha256_of(one) for one in files]})
    status = run.read_status()
    if run.saved_model.is_dir() and status.get("exported") == status.get("evaluated") is not None:
        yield run.saved_model, mark
        return
    from ecg_keras import workflow

    say(f"exporting {model}")
    with tempfile.TemporaryDirectory(prefix="ecg-keras-serve-") as folder:
        yield workflow.export_run(model, Path(folder) / "1"), mark
