"""What a network in service receives and says, against what it was trained and validated on."""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.monitoring.alarms import (
        ALARM_RATE as ALARM_RATE,
        FEWEST as FEWEST,
        TITLES as TITLES,
        Measure as Measure,
        OutputCheck as OutputCheck,
        check_outputs as check_outputs,
    )
    from ecg_keras.monitoring.found import Monitoring as Monitoring, Period as Period
    from ecg_keras.monitoring.outputs import Outputs as Outputs
    from ecg_keras.monitoring.periods import PERIODS as PERIODS
    from ecg_keras.monitoring.watching import monitor as monitor
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
