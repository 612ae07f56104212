"""Weights that others published: their files, the families that are known, and our layers.

Reading a file and looking up a family import no TensorFlow.
"""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.weights.cards import (
        card_template as card_template,
        describe_decisions as describe_decisions,
        describe_head as describe_head,
        find_card as find_card,
        identify as identify,
        read_card as read_card,
    )
    from ecg_keras.weights.families import (
        FAMILIES as FAMILIES,
        Family as Family,
        find_family as find_family,
    )
    from ecg_keras.weights.recognising import (
        has_head as has_head,
        looks_like as looks_like,
        of_network as of_network,
        recognise as recognise,
    )
    from ecg_keras.weights.taking import Taken as Taken, take_weights as take_weights
    from ecg_keras.weights.weights_files import read_tensors as read_tensors
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
