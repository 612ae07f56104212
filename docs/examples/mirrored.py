"""Several GPUs of one machine with the numbers of one; without GPUs, two parts of the CPU."""

import keras
import tensorflow as tf

import ecg_keras as ecg

gpus = tf.config.list_physical_devices("GPU")
if len(gpus) < 2:
    cpu = tf.config.list_physical_devices("CPU")[0]
    half = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(cpu, [half, half])
kind = "GPU" if len(gpus) > 1 else "CPU"
names = [one.name for one in tf.config.list_logical_devices(kind)]
strategy = tf.distribute.MirroredStrategy(
    names, cross_device_ops=tf.distribute.ReductionToOneDevice()
)

train = ecg.data.load("shards/small", "train", batch_size=16, shuffle=True)
valid = ecg.data.load("shards/small", "valid", batch_size=16)
labels = ecg.data.describe("shards/small").labels
with strategy.scope():
    find = ecg.models.find_backbone("fcn_wang")
    model = ecg.models.classifier(find(num_samples=200, num_leads=12, head="pooled"), labels)
    model = ecg.training.Mirrored(model.inputs, model.outputs)  # every record counts alike
    model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
batches = ecg.training.padded(train, len(names)).map(lambda batch, own: (*batch, own))
scores = ecg.callbacks.ValidationScores(valid, labels)
model.fit(batches, epochs=1, shuffle=False, verbose=2, callbacks=[scores])
ecg.models.save_model(model, "mirrored.keras")
print(f"{len(names)} devices")
