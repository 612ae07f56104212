"""Learning rates per stage scale the step itself, and schedules end where they say."""

import keras
import numpy as np
import pytest

from ecg_keras.config import Phase, Training
from ecg_keras.training.optimizers import make_optimizer, make_schedule, stage_scales


def network() -> keras.Model:
    signal = keras.Input((4,), name="signal")
    x = keras.layers.Dense(3, name="stem_dense", kernel_initializer="ones")(signal)
    return keras.Model(
        signal,
        keras.layers.Dense(1, name="head", kernel_initializer="ones", bias_initializer="ones")(x),
    )


def step_of(phase: Phase, training: Training) -> dict[str, float]:
    model = network()
    model.compile(make_optimizer(training, phase, ("stem", "head"), steps=10), "mse")
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


def test_without_decay_all_stages_step_alike():
    steps = step_of(Phase(epochs=1, learning_rate=1e-2), Training())
    assert steps["stem_dense/kernel"] == pytest.approx(steps["head/kernel"], rel=1e-3)


def test_adamw_decays_weights():
    training = Training(optimizer="adamw", weight_decay=0.5)
    plain = step_of(Phase(epochs=1, learning_rate=1e-2), Training(optimizer="adamw"))
    decayed = step_of(Phase(epochs=1, learning_rate=1e-2), training)
    assert decayed["head/kernel"] == pytest.approx(plain["head/kernel"] + 0.005, rel=1e-2)
    assert decayed["head/bias"] == pytest.approx(plain["head/bias"], rel=1e-6)


def test_epsilon_is_the_recipes():
    for optimizer in ("adam", "adamw"):
        training = Training(optimizer=optimizer, epsilon=1e-8)
        for decay in (1.0, 0.5):
            phase = Phase(epochs=1, stage_decay=decay)
            assert make_optimizer(training, phase, ("stem", "head"), 10).epsilon == 1e-8
    assert make_optimizer(Training(), Phase(epochs=1), ("stem",), 1).epsilon == 1e-7


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
