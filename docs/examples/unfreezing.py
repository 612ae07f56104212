"""Fine-tuning that thaws stage by stage, with a callback of your own beside ours; timed."""

import keras

import ecg_keras as ecg

train = ecg.data.load("shards/small", "train", batch_size=16, shuffle=True)
valid = ecg.data.load("shards/small", "valid", batch_size=16)
labels = ecg.data.describe("shards/small").labels


class CountWeights(keras.callbacks.Callback):
    """How many weights train in each epoch."""

    def on_epoch_end(self, epoch, logs=None):
        logs["trained"] = sum(weight.value.shape.num_elements() for weight in trained(self.model))


def trained(model):
    return [one for group in ecg.models.variables_by_stage(model).values() for one in group]


find = ecg.models.find_backbone("fcn_wang")
model = ecg.models.classifier(find(num_samples=200, num_leads=12, head="pooled"), labels)
ecg.models.load_backbone(model, ecg.train("small.yaml").run, scaling="own")
model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
timed = ecg.callbacks.TimeToQuality("val_macro_auroc", 0.5)
scores = ecg.callbacks.ValidationScores(valid, labels)
model.fit(
    train,
    epochs=3,
    shuffle=False,
    verbose=0,
    callbacks=[
        ecg.callbacks.UnfreezeStages({0: "head", 1: "stage2", 2: "stem"}),
        ecg.callbacks.FollowEpochs(train),
        scores,
        # patients here have one record each
        ecg.callbacks.StopWhenUnresolved(scores, patience=5, restore_best_weights=True),
        timed,
        CountWeights(),
        ecg.callbacks.RunLog("thawed.csv"),
    ],
)
print(f"0.5 after {timed.epoch} epochs and {timed.seconds or 0:.1f} s")
