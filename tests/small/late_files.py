"""What another machine wrote, which a shared file system shows once this one changes the folder."""

from pathlib import Path

import pytest


def show_late(path: Path, away: Path, patch: pytest.MonkeyPatch) -> None:
    """Hides a file ``away``, in a folder elsewhere, until something is made beside where it was."""
    hidden, touch = away / path.name, Path.touch
    path.rename(hidden)

    def change(made: Path, *given, **settings) -> None:
        touch(made, *given, **settings)
        if made.parent == path.parent and hidden.exists():
            hidden.rename(path)

    patch.setattr(Path, "touch", change)
