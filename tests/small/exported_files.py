"""What files of exported networks must not hold, as no reader but Keras knows it."""

from pathlib import Path

UNKNOWN = (b"keras.src", b"ConvertToTensor")


def find_unknown(folder: Path) -> list[str]:
    """Files and which of these is in them."""
    return [
        f"{file.name}: {mark.decode()}"
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for mark in UNKNOWN
        if mark in file.read_bytes()
    ]
