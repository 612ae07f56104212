"""Advice before a study: which checkpoint, which way of training, and how sure that is.

Names load when they are first used.
"""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.advise.advice import Advice as Advice
    from ecg_keras.advise.recommend import advise as advise, write_recipe as write_recipe
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
