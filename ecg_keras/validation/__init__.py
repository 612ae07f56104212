"""Are these shards what they should be? Statistics and checks by TensorFlow Data Validation.

Data flows one way: `columns` are read from shards and counted (`statistics`), compared with what
the `schema` allows and with other datasets (`tfdv`, `plain`), and given as plain values
(`profiles`, `anomalies`).
"""

from typing import TYPE_CHECKING, Any

from ecg_keras.faces import lazy_face
from ecg_keras.moved import NAMES, load_former

if TYPE_CHECKING:
    from ecg_keras.validation.anomalies import (
        Anomaly as Anomaly,
        DatasetComparison as DatasetComparison,
        Distance as Distance,
        Validation as Validation,
    )
    from ecg_keras.validation.columns import feature_of as feature_of
    from ecg_keras.validation.profiles import (
        Numbers as Numbers,
        Profile as Profile,
        Texts as Texts,
    )
    from ecg_keras.validation.tfdv import why_missing as why_missing
    from ecg_keras.validation.validating import (
        find_drift as find_drift,
        find_skew as find_skew,
        validate as validate,
    )
else:
    _load_name, __dir__, __all__ = lazy_face(__name__)

    def __getattr__(name: str) -> Any:
        former = f"{__name__}.{name}"
        return load_former(former) if former in NAMES else _load_name(name)
