"""Recipes: text to typed, frozen values, and their fingerprints."""

from typing import TYPE_CHECKING

from ecg_keras.faces import lazy_face

if TYPE_CHECKING:
    from ecg_keras.config.data_sections import (
        Data as Data,
        Folder as Folder,
        Simulate as Simulate,
        Split as Split,
    )
    from ecg_keras.config.identity import (
        DEFAULTS as DEFAULTS,
        data_changes as data_changes,
        data_mark as data_mark,
        data_of as data_of,
        data_settings as data_settings,
        differences as differences,
        fingerprint as fingerprint,
        list_changes as list_changes,
        model_of as model_of,
        run_changes as run_changes,
        run_mark as run_mark,
        run_settings as run_settings,
    )
    from ecg_keras.config.loading import (
        LoadedRecipe as LoadedRecipe,
        LoadedStudy as LoadedStudy,
        compose as compose,
        dump_recipe as dump_recipe,
        load_card as load_card,
        load_file_study as load_file_study,
        load_recipe as load_recipe,
        load_study as load_study,
    )
    from ecg_keras.config.overrides import (
        flatten_overrides as flatten_overrides,
        parse_overrides as parse_overrides,
    )
    from ecg_keras.config.problems import Problem as Problem
    from ecg_keras.config.recipe_sections import (
        Augment as Augment,
        Evaluation as Evaluation,
        Initialise as Initialise,
        Model as Model,
        Phase as Phase,
        Preprocessing as Preprocessing,
        Recipe as Recipe,
        Training as Training,
    )
    from ecg_keras.config.study import (
        RIDGE_HEAD as RIDGE_HEAD,
        FileStudy as FileStudy,
        Grid as Grid,
        Left as Left,
        Mode as Mode,
        Part as Part,
        Protocol as Protocol,
        Question as Question,
        Study as Study,
    )
    from ecg_keras.config.trials import (
        applicable as applicable,
        check_candidates as check_candidates,
        check_different as check_different,
        list_trials as list_trials,
        trial as trial,
        trial_rates as trial_rates,
        tune_of as tune_of,
    )
    from ecg_keras.config.tune import (
        TUNABLE as TUNABLE,
        Candidate as Candidate,
        Edge as Edge,
        Tune as Tune,
        beyond as beyond,
    )
    from ecg_keras.config.values import (
        NameOrSettings as NameOrSettings,
        is_voltage as is_voltage,
        leaves as leaves,
        name_and_settings as name_and_settings,
    )
    from ecg_keras.config.weights_card import (
        CardFilter as CardFilter,
        CardScaling as CardScaling,
        SeenData as SeenData,
        WeightsCard as WeightsCard,
        check_signals as check_signals,
    )
else:
    __getattr__, __dir__, __all__ = lazy_face(__name__)
