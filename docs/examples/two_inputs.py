"""ECG, age and sex into one network, records weighted, from a trained backbone."""

import keras

import ecg_keras as ecg

shards, wanted = "shards/small", ("age", "sex", "weight")
unknown = {"age": 60, "sex": 0.5}
noisy = {one.record_id: 0.5 for one in ecg.data.read_shards(shards, "train") if one.age is None}
train = ecg.data.load(
    shards,
    "train",
    batch_size=16,
    shuffle=True,
    features=wanted,
    missing=unknown,
    weights=noisy,
)
valid = ecg.data.load(shards, "valid", batch_size=16, features=wanted, missing=unknown)
labels = ecg.data.describe(shards).labels


def build(backbone):
    signal = keras.Input((200, 12), name="signal")
    age, sex = keras.Input((1,), name="age"), keras.Input((1,), name="sex")
    person = keras.layers.Concatenate(name="person_join")([age / 100, sex])
    person = keras.layers.Dense(8, "relu", name="person_dense")(person)
    joined = keras.layers.Concatenate(name="head_join")([backbone(signal), person])
    output = keras.layers.Dense(len(labels), "sigmoid", name="head")(joined)
    return keras.Model([signal, age, sex], output)


find = ecg.models.find_backbone("fcn_wang")
upstream = ecg.train("small.yaml").run
model = build(find(num_samples=200, num_leads=12, head="pooled"))
print(ecg.models.load_backbone(model, upstream, scaling="own").kept)
ecg.models.set_trainable(model, from_stage="head")  # and what age and sex go through
model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
scores = ecg.callbacks.ValidationScores(valid, labels)
model.fit(train, epochs=2, shuffle=False, verbose=2, callbacks=[scores])
