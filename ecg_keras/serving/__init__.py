"""A server that speaks TensorFlow Serving's two forms, for trying and for small sites."""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.serving.desk import Limits as Limits
    from ecg_keras.serving.server_life import (
        Addresses as Addresses,
        running_server as running_server,
        serve as serve,
    )
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
