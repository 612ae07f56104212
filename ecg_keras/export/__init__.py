"""Trained networks for TensorFlow Serving."""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.export.card import (
        Card as Card,
        parse_card as parse_card,
        read_card as read_card,
    )
    from ecg_keras.export.saved_model import export_saved_model as export_saved_model
    from ecg_keras.export.version_folders import (
        digest_files as digest_files,
        find_saved_model as find_saved_model,
    )

__getattr__, __dir__, __all__ = lazy_face(__name__)
