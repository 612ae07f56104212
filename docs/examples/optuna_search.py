"""Optuna searches for settings of a recipe on the validation split; `pip install optuna`."""

import keras
import optuna

import ecg_keras as ecg


class Prune(keras.callbacks.Callback):
    """Ends a trial whose score is behind those of the others."""

    def __init__(self, trial):
        super().__init__()
        self.trial = trial

    def on_epoch_end(self, epoch, logs=None):
        self.trial.report(logs["val_macro_auroc"], epoch)
        if self.trial.should_prune():
            raise optuna.TrialPruned


def objective(trial):
    tried = ecg.train(
        "small.yaml",
        callbacks=[Prune(trial)],
        model={"dropout": trial.suggest_float("dropout", 0, 0.5)},
        **{"training.phases.0.learning_rate": trial.suggest_float("rate", 1e-4, 1e-2, log=True)},
    )
    trial.set_user_attr("run", str(tried.run))
    return tried.scores["macro_auroc"]


sampler = optuna.samplers.TPESampler(seed=0)
pruner = optuna.pruners.MedianPruner(n_startup_trials=2)
study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
study.optimize(objective, n_trials=3)
print(f"{study.best_trial.user_attrs['run']}: {study.best_value:.3f} with {study.best_params}")
