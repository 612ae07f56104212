"""KerasTuner searches for a network; our callbacks go with it; `pip install keras-tuner`."""

import keras
import keras_tuner

import ecg_keras as ecg

train = ecg.data.load("shards/small", "train", batch_size=16, shuffle=True)
valid = ecg.data.load("shards/small", "valid", batch_size=16)
labels = ecg.data.describe("shards/small").labels


def build(settings):
    name = settings.Choice("backbone", ["fcn_wang", "lstm"])
    backbone = ecg.models.find_backbone(name)(num_samples=200, num_leads=12, head="pooled")
    dropout = settings.Float("dropout", 0, 0.5)
    model = ecg.models.classifier(backbone, labels, dropout=dropout)
    rate = settings.Float("rate", 1e-4, 1e-2, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    return model


tuner = keras_tuner.RandomSearch(
    build,
    objective=keras_tuner.Objective("val_macro_auroc", "max"),
    max_trials=2,
    seed=0,
    directory="tuner",
)
# each trial gets a copy of the callbacks, and the copies share the datasets
callbacks = [ecg.callbacks.FollowEpochs(train), ecg.callbacks.ValidationScores(valid, labels)]
tuner.search(train, epochs=1, shuffle=False, verbose=0, callbacks=callbacks)
print(tuner.get_best_hyperparameters()[0].values)
