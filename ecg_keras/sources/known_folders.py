"""Databases that are known by the files in their folder, for those who name another source."""

from __future__ import annotations

from pathlib import Path

# source, what its database is called, and what all of must be in the folder
KNOWN = (
    ("ptbxl", "PTB-XL", ("ptbxl_database.csv",)),
    ("ludb", "LUDB", ("ludb.csv", "data")),
    ("code15", "CODE-15 %", ("exams.csv", "exams_part*.hdf5")),
    ("code_test", "CODE-test", ("ecg_tracings.hdf5", "attributes.csv")),
    ("sph", "the database of Shandong Provincial Hospital", ("metadata.csv", "code.csv")),
    ("ptb_diagnostic", "PTB Diagnostic", ("RECORDS", "patient001")),
    ("chapman_csv", "Chapman-Shaoxing", ("Diagnostics.*", "ECGData*")),
    ("challenge", "the Challenge of 2021", ("cpsc_2018", "georgia")),
)
# layouts that these sources have in common with others
ALSO_READ_BY = {"ptbxl": ("simulated",), "challenge": ("simulated",)}


def say_known(root: Path, source: str) -> str:
    """One sentence where a folder holds a database that another source reads, otherwise nothing.

    Args:
        root: ``data.raw``.
        source: that the recipe names.

    Returns:
        The sentence, with a space before it.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "ptbxl_database.csv").touch()
        >>> say_known(folder, "folder")
        ' This looks like PTB-XL, which source ptbxl reads: --set data.source=ptbxl.'
    """
    for name, title, marks in KNOWN:
        if all(any(root.glob(mark)) for mark in marks):
            if source in (name, *ALSO_READ_BY.get(name, ())):
                return ""
            return f" This looks like {title}, which source {name} reads: --set data.source={name}."
    return ""
