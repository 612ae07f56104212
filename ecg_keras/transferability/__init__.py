"""Which checkpoint to start from, estimated before anything is trained.

One forward pass of the target's training records (`extract`), then eight estimators of how well
the checkpoint would transfer (`ESTIMATORS`), which are NumPy and SciPy alone. None of them is
reliable on its own: see docs/transferability.md.
"""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.transferability.agreement import (
        Agreement as Agreement,
        mean_kendall as mean_kendall,
        weighted_kendall as weighted_kendall,
    )
    from ecg_keras.transferability.checkpoints import (
        Ranking as Ranking,
        rank_checkpoints as rank_checkpoints,
    )
    from ecg_keras.transferability.embedding_estimators import (
        h_score as h_score,
        logme as logme,
        transrate as transrate,
    )
    from ecg_keras.transferability.estimators import (
        BASELINES as BASELINES,
        ESTIMATORS as ESTIMATORS,
        ORIENTATION as ORIENTATION,
        TITLES as TITLES,
        oriented as oriented,
        score_all as score_all,
    )
    from ecg_keras.transferability.features import (
        MOST_RECORDS as MOST_RECORDS,
        Features as Features,
        extract as extract,
    )
    from ecg_keras.transferability.probes import knn as knn, linear_probe as linear_probe
    from ecg_keras.transferability.source_estimators import leep as leep, melep as melep, nce as nce
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
