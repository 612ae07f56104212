"""Training: from a recipe and shards to a run folder.

Names load when they are first used, so that reading a run folder imports no TensorFlow.
"""

from typing import TYPE_CHECKING, Any

from ecg_keras.faces import lazy_face
from ecg_keras.moved import NAMES, load_former

if TYPE_CHECKING:
    from ecg_keras.training.begin import (
        alone as alone,
        check_same_run as check_same_run,
        describe_environment as describe_environment,
        is_held as is_held,
        mark_of as mark_of,
        write_recipe as write_recipe,
    )
    from ecg_keras.training.checkpoint import SECONDS_BETWEEN as SECONDS_BETWEEN
    from ecg_keras.training.choices import (
        CALLBACKS as CALLBACKS,
        LOSSES as LOSSES,
        OPTIMIZERS as OPTIMIZERS,
        check_optimizer as check_optimizer,
    )
    from ecg_keras.training.device import (
        choose_precision as choose_precision,
        exact_float32 as exact_float32,
        make_repeatable as make_repeatable,
        use_precision as use_precision,
    )
    from ecg_keras.training.epoch_callbacks import FollowEpochs as FollowEpochs, RunLog as RunLog
    from ecg_keras.training.fitting import compile_phase as compile_phase, fit as fit
    from ecg_keras.training.leak_search import check_databases as check_databases
    from ecg_keras.training.leakage import guard as guard, guard_alike as guard_alike
    from ecg_keras.training.loop import build_model as build_model, train as train
    from ecg_keras.training.losses import AsymmetricLoss as AsymmetricLoss
    from ecg_keras.training.mirrored import Mirrored as Mirrored, padded as padded
    from ecg_keras.training.prerequisites import (
        SHARED_BY as SHARED_BY,
        check_labels as check_labels,
        check_one_worker as check_one_worker,
        check_upstream as check_upstream,
        check_weights as check_weights,
        refuse_head as refuse_head,
    )
    from ecg_keras.training.resolved_stopping import StopWhenUnresolved as StopWhenUnresolved
    from ecg_keras.training.run import (
        Run as Run,
        read_log as read_log,
        run_of as run_of,
        seen_from as seen_from,
    )
    from ecg_keras.training.script_callbacks import (
        TimeToQuality as TimeToQuality,
        UnfreezeStages as UnfreezeStages,
    )
    from ecg_keras.training.seen import (
        Guarded as Guarded,
        Known as Known,
        LeakError as LeakError,
        describe_known as describe_known,
        of_same_database as of_same_database,
        read_guarded as read_guarded,
        records_left_out as records_left_out,
        seen_databases as seen_databases,
    )
    from ecg_keras.training.trackers import (
        MlflowRun as MlflowRun,
        TensorBoardEcgs as TensorBoardEcgs,
        TensorBoardSettings as TensorBoardSettings,
        WandbRun as WandbRun,
    )
    from ecg_keras.training.tuned import (
        Tried as Tried,
        Tuned as Tuned,
        read_network as read_network,
        read_trained_settings as read_trained_settings,
        read_tuned as read_tuned,
    )
    from ecg_keras.training.validation_scores import ValidationScores as ValidationScores
else:
    _load_name, __dir__, __all__ = lazy_face(__name__)

    def __getattr__(name: str) -> Any:
        former = f"{__name__}.{name}"
        return load_former(former) if former in NAMES else _load_name(name)
