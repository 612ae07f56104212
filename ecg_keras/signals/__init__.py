"""What is done to one ECG in NumPy, and what the ECGs of a database show: leads, rate, quality."""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.signals.content import (
        SAME_SIGNATURE as SAME_SIGNATURE,
        SIGNATURE_RULE as SIGNATURE_RULE,
        SIGNATURE_SIZE as SIGNATURE_SIZE,
        signature as signature,
    )
    from ecg_keras.signals.fault_checks import (
        Verification as Verification,
        find_fault as find_fault,
        verify as verify,
    )
    from ecg_keras.signals.lead_mixing import (
        lead_weights as lead_weights,
        missing_leads as missing_leads,
    )
    from ecg_keras.signals.leads import (
        LEADS as LEADS,
        LeadNames as LeadNames,
        canonical_lead as canonical_lead,
        derive_leads as derive_leads,
        find_lead as find_lead,
        find_leads as find_leads,
        select_leads as select_leads,
    )
    from ecg_keras.signals.lost_signal import (
        LASTING as LASTING,
        MOST as MOST,
        STILL_MV as STILL_MV,
        STILL_PART as STILL_PART,
        Blocks as Blocks,
        best_block as best_block,
        block_length as block_length,
        check_recorded as check_recorded,
        measure_blocks as measure_blocks,
    )
    from ecg_keras.signals.low_pass import BETA as BETA, CROSSINGS as CROSSINGS
    from ecg_keras.signals.quality import (
        LEAD_MEASURES as LEAD_MEASURES,
        LeadQuality as LeadQuality,
        Quality as Quality,
        measure_lead_quality as measure_lead_quality,
        measure_quality as measure_quality,
        worst_limb_lead as worst_limb_lead,
    )
    from ecg_keras.signals.repair import (
        LEAST_RECORDS as LEAST_RECORDS,
        Fault as Fault,
        Repair as Repair,
    )
    from ecg_keras.signals.resampling import (
        fit_length as fit_length,
        is_decimated as is_decimated,
        kept_part as kept_part,
        needed_part as needed_part,
        resample as resample,
        resampled_length as resampled_length,
    )
    from ecg_keras.signals.traits import (
        Traits as Traits,
        describe_shape as describe_shape,
        measure_traits as measure_traits,
    )
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
