"""Trained networks for TensorFlow Serving, and as files of other programs."""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.export.card import (
        Card as Card,
        parse_card as parse_card,
        read_card as read_card,
    )
    from ecg_keras.export.exporting import export_model as export_model
    from ecg_keras.export.format_table import (
        FORMATS as FORMATS,
        PRECISIONS as PRECISIONS,
        ExportFormat as ExportFormat,
    )
    from ecg_keras.export.network_id import identify_network as identify_network
    from ecg_keras.export.precision import MAX_LOSS as MAX_LOSS, PrecisionLoss as PrecisionLoss
    from ecg_keras.export.saved_model import export_saved_model as export_saved_model
    from ecg_keras.export.version_folders import (
        digest_files as digest_files,
        find_saved_model as find_saved_model,
    )
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
