"""Learning rates per stage scale the step itself, and schedules end where they say."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ecg_keras import models
from ecg_keras.config import Phase, Training
from ecg_keras.errors import ConfigError
from ecg_keras.training import OPTIMIZERS, compile_phase, fit
from ecg_keras.training.device import use_precision
from ecg_keras.training.fitting import make_optimizer, make_schedule, stage_scales


def network() -> keras.Model:
    signal = keras.Input((4,), name="signal")
    x = keras.layers.Dense(3, name="stem_dense", kernel_initializer="ones")(signal)
    return keras.Model(
        signal,
        keras.layers.Dense(1, name="head", kernel_initializer="ones", bias_initializer="ones")(x),
    )


def step_of(phase: Phase, training: Training) -> dict[str, float]:
    model = network()
    model.compile(make_optimizer(training, phase, model, steps=10), "mse")
    before = [np.array(v) for v in model.trainable_variables]
    model.train_on_batch(np.ones((8, 4), np.float32), np.zeros((8, 1), np.float32))
    return {
        variable.path: float(np.abs(variable.numpy() - old).max())
        for variable, old in zip(model.trainable_variables, before, strict=True)
    }


def test_scales_fall_from_the_head_to_the_stem():
    assert stage_scales(("stem", "stage1", "head"), 0.5) == {
        "stem": 0.25,
        "stage1": 0.5,
        "head": 1.0,
    }


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_the_first_adam_step_is_the_learning_rate_times_the_scale(optimizer):
    steps = step_of(
        Phase(epochs=1, learning_rate=1e-2, stage_decay=0.1), Training(optimizer=optimizer)
    )
    assert steps["head/kernel"] == pytest.approx(1e-2, rel=1e-3)
    assert steps["stem_dense/kernel"] == pytest.approx(1e-3, rel=1e-3)


def test_adamw_decays_weights():
    training = Training(optimizer="adamw", weight_decay=0.5)
    plain = step_of(Phase(epochs=1, learning_rate=1e-2), Training(optimizer="adamw"))
    decayed = step_of(Phase(epochs=1, learning_rate=1e-2), training)
    assert decayed["head/kernel"] == pytest.approx(plain["head/kernel"] + 0.005, rel=1e-2)
    assert decayed["head/bias"] == pytest.approx(plain["head/bias"], rel=1e-6)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_weights_decay_by_stage_as_they_learn(optimizer):
    phase = Phase(epochs=1, learning_rate=1e-2, stage_decay=0.1)
    plain, decayed = (
        step_of(phase, Training(optimizer=optimizer, weight_decay=decay)) for decay in (0.0, 0.5)
    )
    further = {name: decayed[name] - plain[name] for name in plain}
    assert further["head/kernel"] == pytest.approx(0.005, rel=0.1)
    assert further["stem_dense/kernel"] == pytest.approx(0.0005, rel=0.1)
    assert further["stem_dense/bias"] == pytest.approx(0, abs=1e-6)


def test_every_optimizer_can_be_named_and_steps_by_stage():
    for row in OPTIMIZERS.rows:
        training = Training(optimizer=row.name)
        plain = step_of(Phase(epochs=1, learning_rate=1e-2), training)
        staged = step_of(Phase(epochs=1, learning_rate=1e-2, stage_decay=0.1), training)
        assert staged["head/kernel"] == pytest.approx(plain["head/kernel"], rel=1e-5)
        assert staged["stem_dense/kernel"] == pytest.approx(
            plain["stem_dense/kernel"] * 0.1, rel=1e-3
        )


def test_settings_go_to_the_optimizer():
    phase = Phase(epochs=1)
    optimizer = make_optimizer(Training(optimizer={"sgd": {"momentum": 0.5}}), phase, None, 1)
    assert optimizer.momentum == 0.5
    decayed = make_optimizer(Training(optimizer="lion", weight_decay=0.1), phase, None, 1)
    assert decayed.weight_decay == 0.1


def test_an_optimizer_of_your_own_gets_the_rate_and_its_settings(tmp_path, monkeypatch):
    (tmp_path / "own_optimizers.py").write_text(
        "import keras\n"
        "def nadam(learning_rate, beta): return keras.optimizers.Nadam(learning_rate, beta)\n"
        "def nothing(learning_rate): return learning_rate\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    training = Training(optimizer={"own_optimizers:nadam": {"beta": 0.7}})
    optimizer = make_optimizer(training, Phase(epochs=1, learning_rate=0.5), None, 1)
    assert (optimizer.beta_1, float(optimizer.learning_rate)) == (0.7, 0.5)
    with pytest.raises(ConfigError, match=r"must make a Keras optimizer\. Received: 0.001"):
        training = Training(optimizer="own_optimizers:nothing")
        make_optimizer(training, Phase(epochs=1), None, 1)
    with pytest.raises(ConfigError, match="weight_decay needs optimizer adamw, sgd, lion"):
        training = Training(optimizer={"own_optimizers:nadam": {"beta": 0.5}}, weight_decay=0.1)
        make_optimizer(training, Phase(epochs=1), None, 1)


def test_epsilon_is_the_recipes():
    for optimizer in ("adam", "adamw"):
        training = Training(optimizer=optimizer, epsilon=1e-8)
        for decay in (1.0, 0.5):
            phase = Phase(epochs=1, stage_decay=decay)
            assert make_optimizer(training, phase, None, 10).epsilon == 1e-8
    assert make_optimizer(Training(), Phase(epochs=1), None, 1).epsilon == 1e-7


def test_schedules_start_peak_and_end_where_they_say():
    cycle = [float(make_schedule("one_cycle", 1e-2, 100)(step)) for step in range(101)]
    assert cycle[0] == pytest.approx(1e-2 / 25)
    assert max(cycle) == pytest.approx(1e-2)
    assert cycle.index(max(cycle)) == 30
    assert cycle[100] == pytest.approx(0, abs=1e-9)
    cosine = make_schedule("cosine", 1e-2, 100)
    assert float(cosine(0)) == pytest.approx(1e-2)
    assert float(cosine(50)) == pytest.approx(5e-3)
    assert make_schedule("constant", 1e-2, 100) == 1e-2


def test_a_phase_is_compiled_with_its_stages_length_and_loss():
    model = models.classifier(models.find_backbone("gru")(40, 2, head="pooled"), ["AF", "MI"])
    phase = Phase(epochs=2, learning_rate=1e-2, train_from="head")
    training = Training(loss="focal", optimizer="sgd", schedule="cosine")
    fitted = compile_phase(model, training, phase, steps_per_epoch=3, num_samples=20)
    assert fitted.input_shape == (None, 20, 2)
    assert not fitted.get_layer("stem_gru").trainable
    assert fitted.optimizer.built and isinstance(fitted.optimizer, keras.optimizers.SGD)
    assert isinstance(fitted.loss, keras.losses.BinaryFocalCrossentropy)
    rates = [float(fitted.optimizer._learning_rate(step)) for step in (0, 6)]
    assert rates == pytest.approx([1e-2, 0.0], abs=1e-8)  # 2 epochs of 3 steps


def test_fitting_trains_the_shared_weights_for_the_epochs_that_are_named():
    model = models.classifier(models.find_backbone("gru")(40, 2, head="pooled"), ["AF", "MI"])
    fitted = compile_phase(model, Training(), Phase(epochs=3), steps_per_epoch=1, num_samples=20)
    before = model.get_weights()
    signals = np.random.default_rng(0).normal(size=(4, 20, 2)).astype(np.float32)
    batches = tf.data.Dataset.from_tensor_slices((signals, np.ones((4, 2), np.float32))).batch(4)
    epochs, rounds = [], tf.config.experimental.tensor_float_32_execution_enabled
    noted = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: epochs.append((epoch, rounds()))
    )
    fit(fitted, batches, epochs=range(1, 3), callbacks=[noted])
    assert epochs == [(1, False), (2, False)]  # a GPU computes in float32, too
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert all(changed)


def test_a_stage_that_is_not_there_is_refused():
    model = models.classifier(models.find_backbone("gru")(40, 2), ["AF"])
    with pytest.raises(ConfigError, match="no stage named 'stage7'"):
        compile_phase(model, Training(), Phase(epochs=1, train_from="stage7"), steps_per_epoch=1)


def pooling_network(precision: str) -> keras.Model:
    """Any length, and a head so small that float16 has no number for the gradients before it."""
    with use_precision(precision):
        signal = keras.Input((40, 2), name="signal")
        x = keras.layers.Conv1D(3, 1, name="stem_conv", kernel_initializer="ones")(signal)
        x = keras.layers.GlobalAveragePooling1D(name="head_pool")(x)
        small = keras.initializers.Constant(1e-6)
        head = keras.layers.Dense(
            1, "sigmoid", name="head", dtype="float32", kernel_initializer=small
        )
        return keras.Model(signal, head(x))


@pytest.mark.parametrize("num_samples", [None, 20])
def test_float16_learns_what_float32_does_also_on_crops(num_samples):
    signals = np.random.default_rng(0).normal(size=(4, num_samples or 40, 2)).astype(np.float32)
    batches = tf.data.Dataset.from_tensors((signals, np.ones((4, 1), np.float32)))
    phase, found = Phase(epochs=1, learning_rate=1e6), []
    for precision in ("float32", "mixed_float16"):
        model = pooling_network(precision)
        fitted = compile_phase(
            model, Training(optimizer="sgd"), phase, steps_per_epoch=1, num_samples=num_samples
        )
        scaled = isinstance(fitted.optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled == (precision == "mixed_float16")
        fit(fitted, batches, epochs=range(1))
        found.append(model.get_layer("stem_conv").kernel.numpy())
    assert np.abs(found[0] - 1).min() > 1e-3
    np.testing.assert_allclose(found[1] - 1, found[0] - 1, rtol=0.02)


def test_a_phase_in_float16_resumes_with_the_scale_of_its_loss(tmp_path):
    signals = np.random.default_rng(0).normal(size=(4, 20, 2)).astype(np.float32)
    batches = tf.data.Dataset.from_tensors((signals, np.ones((4, 1), np.float32)))

    def compiled() -> keras.Model:
        model = pooling_network("mixed_float16")
        phase = Phase(epochs=2, stage_decay=0.5)
        return compile_phase(model, Training(), phase, steps_per_epoch=1, num_samples=20)

    whole, stopped, resumed = compiled(), compiled(), compiled()
    fit(whole, batches, epochs=range(2))
    fit(stopped, batches, epochs=range(1))
    stopped.optimizer.dynamic_scale.assign(512)
    stopped.save_weights(tmp_path / "epoch.weights.h5")
    resumed.load_weights(tmp_path / "epoch.weights.h5")
    assert float(resumed.optimizer.dynamic_scale) == 512
    fit(resumed, batches, epochs=range(1, 2))
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
