"""How the command runs in its process: what TensorFlow prints, what stops it, its exit code."""

from __future__ import annotations

import faulthandler
import logging
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

import click

from ecg_keras.cli.saying import say
from ecg_keras.errors import EcgKerasError
from ecg_keras.stopping import Terminated, stopping

# as a shell reports a process that SIGINT, SIGPIPE or SIGTERM ended
INTERRUPTED, CLOSED, TERMINATED = 130, 141, 143
# warnings and errors of TensorFlow's import that are neither: its package registers the libraries
# of a GPU twice, and looks for what no machine without one has
_NO_NEWS = re.compile(
    rb"Unable to register cu\w+ factory|TF-TRT Warning|computation placer already registered|"
    rb"before absl::InitializeLog"
)
RESUMES = "stopped. The same command resumes where it was."
RESTARTS = "stopped. Nothing of it is kept: the same command begins again."


class ClosedPipeError(Exception):
    """Nobody reads what the command prints."""


@contextmanager
def noting_closed_pipes() -> Iterator[None]:
    """Of a closed pipe click and rich would make exit code 1."""
    try:
        yield
    except BrokenPipeError as error:
        raise ClosedPipeError from error
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):
            raise ClosedPipeError from stop
        raise


def run(command: Callable[[], Any], *, resumes: bool = True) -> int:
    """Runs a command, which may be one that resumes what was stopped; returns the exit code.

    Errors that a user can fix become lines.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    _Quietly.install()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="google")
    try:
        with stopping():
            code = _run(command, resumes)
        if sys.stdout is not None:  # as it is where the command began without one
            sys.stdout.flush()
        return code
    except (ClosedPipeError, BrokenPipeError):  # its reader has enough of it, as `head` has
        _discard_output()
        return CLOSED


def _run(command: Callable[[], Any], resumes: bool) -> int:
    try:
        command()
    except EcgKerasError as error:
        _say(str(error))
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt) as stop:
        _say(RESUMES if resumes else RESTARTS)
        return TERMINATED if isinstance(stop.__cause__ or stop, Terminated) else INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:  # the disk is full, or a file may not be read or written
        what = os.strerror(error.errno) if error.errno else str(error).partition("\n")[0]
        place = error.filename2 or error.filename
        then = "Fix this: the same command begins again."
        if resumes:
            then = (
                "What was finished is whole: fix this, and the same command resumes where it was."
            )
        _say(f"{f'{place}: ' if place else ''}{what}. {then}")
        return 1
    return 0


def _say(message: str) -> None:
    for line in message.split("\n"):
        say(f"ecg-keras: {line}" if not line.startswith(" ") else line, err=True)


def _discard_output() -> None:
    """Sends what is still buffered nowhere: the interpreter would complain when it ends."""
    with Path(os.devnull).open("wb") as nowhere:
        for stream in (1, 2):
            with suppress(OSError):
                os.dup2(nowhere.fileno(), stream)


class _Quietly(MetaPathFinder):
    """Imports TensorFlow without the lines that are no news; everything else is left alone."""

    @classmethod
    def install(cls) -> None:
        if "tensorflow" not in sys.modules and not any(type(one) is cls for one in sys.meta_path):
            sys.meta_path.insert(0, cls())

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: Any = None
    ) -> ModuleSpec | None:
        if name != "tensorflow":
            return None
        spec = PathFinder.find_spec(name, path)
        loader: Any = spec and spec.loader
        if loader is not None:
            load = loader.exec_module

            def load_quietly(module: Any) -> None:
                with _without_lines(_NO_NEWS) if sys.stderr is not None else nullcontext():
                    load(module)

            loader.exec_module = load_quietly
        return spec


@contextmanager
def _without_lines(unwanted: re.Pattern[bytes]) -> Iterator[None]:
    """Leaves lines out of what the process writes to standard error, libraries in C++ too."""
    sys.stderr.flush()
    before = faulthandler.is_enabled()
    with tempfile.TemporaryFile() as written:
        kept = os.dup(2)
        os.dup2(written.fileno(), 2)
        faulthandler.enable(kept)  # where it crashes, as on a processor that it is not made for
        try:
            yield
        finally:
            sys.stderr.flush()
            if not before:
                faulthandler.disable()
            os.dup2(kept, 2)
            os.close(kept)
            written.seek(0)
            lines = [line for line in written if not unwanted.search(line)]
            with suppress(OSError):
                os.write(2, b"".join(lines))
