"""A training loop of your own on our batches, with an order that follows the epoch."""

import keras
import tensorflow as tf

import ecg_keras as ecg

shards = "shards/small"
train = ecg.data.load(shards, "train", batch_size=16, shuffle=True, seed=0, drop_remainder=True)
valid = ecg.data.load(shards, "valid", batch_size=16)
labels = ecg.data.describe(shards).labels
backbone = ecg.models.find_backbone("fcn_wang")(num_samples=200, num_leads=12, head="pooled")
model = ecg.models.classifier(backbone, labels)
optimizer = keras.optimizers.Adam(1e-3)
loss_of = keras.losses.BinaryCrossentropy()


@tf.function
def step(signal, target):
    with tf.GradientTape() as tape:
        loss = loss_of(target, model(signal, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return loss


for epoch in range(2):
    ecg.data.set_epoch(train, epoch)  # a loop that resumes sees what it would have seen
    losses = [float(step(signal, target)) for signal, target in train]
    error = sum(float(loss_of(target, model(signal))) for signal, target in valid) / len(valid)
    print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.3f}, on validation {error:.3f}")
