"""What a network's answer rests on: attributions over time and leads, and how far to trust them."""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.attribution.attribution_files import write_attributions as write_attributions
    from ecg_keras.attribution.explained_recordings import (
        explain_recordings as explain_recordings,
        explain_shown as explain_shown,
    )
    from ecg_keras.attribution.explaining import (
        METHODS as METHODS,
        Attributions as Attributions,
        explain as explain,
        explainer as explainer,
    )
    from ecg_keras.attribution.explanation import (
        CAUTION as CAUTION,
        Explained as Explained,
        Explanation as Explanation,
        choose_label as choose_label,
        explanations as explanations,
    )
    from ecg_keras.attribution.sanity import (
        deletion as deletion,
        likeness as likeness,
        randomised as randomised,
        share_inside as share_inside,
    )
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
