"""A backbone of your own: a functional model whose layers' names begin with their stages."""

import keras

import ecg_keras as ecg


def separable(num_samples=200, num_leads=12, *, head="pooled", seed=0):
    """In a recipe: `model: {backbone: "own_backbone:separable"}`."""
    signal = keras.Input((num_samples, num_leads), name="signal")
    x = keras.layers.Conv1D(16, 7, 2, "same", use_bias=False, name="stem_conv")(signal)
    x = keras.layers.BatchNormalization(name="stem_norm")(x)
    for stage, filters in enumerate((24, 32), start=1):
        x = keras.layers.SeparableConv1D(
            filters, 5, 2, "same", activation="relu", name=f"stage{stage}_conv"
        )(x)
    return keras.Model(signal, keras.layers.GlobalAveragePooling1D(name="embedding_pool")(x))


if __name__ == "__main__":
    train = ecg.data.load("shards/small", "train", batch_size=16, shuffle=True)
    valid = ecg.data.load("shards/small", "valid", batch_size=16)
    labels = ecg.data.describe("shards/small").labels
    model = ecg.models.classifier(separable(), labels, scaling="minmax")
    ecg.models.set_trainable(model, from_stage="stage1")  # it has stages, as any of ours
    model.compile("adam", "binary_crossentropy")
    scores = ecg.callbacks.ValidationScores(valid, labels)
    model.fit(train, epochs=2, shuffle=False, verbose=2, callbacks=[scores])

    features = keras.Model(model.input, model.get_layer("stage2_conv").output)
    print(f"{ecg.models.stages(model)}: features {features.output_shape}")
