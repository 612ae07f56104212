"""What is done to one ECG in NumPy: leads, sampling rate, length, quality and traits."""

from ecg_keras.signals.content import signature
from ecg_keras.signals.derived_leads import derive_leads
from ecg_keras.signals.leads import LEADS, canonical_lead, find_lead, find_leads, select_leads
from ecg_keras.signals.lost_signal import check_recorded
from ecg_keras.signals.quality import Quality, measure_quality
from ecg_keras.signals.resampling import resample, resampled_length
from ecg_keras.signals.traits import Traits, measure_traits
from ecg_keras.signals.windows import fit_length, kept_part

__all__ = [
    "LEADS",
    "Quality",
    "Traits",
    "canonical_lead",
    "check_recorded",
    "derive_leads",
    "find_lead",
    "find_leads",
    "fit_length",
    "kept_part",
    "measure_quality",
    "measure_traits",
    "resample",
    "resampled_length",
    "select_leads",
    "signature",
]
