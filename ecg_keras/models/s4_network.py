"""S4: state spaces over time, which lead the benchmarks of PTB-XL (arXiv 2308.15291, 2509.25095).

Four blocks of a bidirectional state space, GELU and a gated mixing of channels beside a shortcut,
each followed by LayerNorm, at full length: nothing is strided. First weights are drawn as in
PyTorch. The state space is the diagonal one; docs/backbones.md says what differs.
"""

from __future__ import annotations

from ecg_keras.keras_library import KerasTensor as Tensor, keras, layers, ops
from ecg_keras.models.building import as_backbone, dense, seed_of, signal_input
from ecg_keras.models.state_space import state_space

WIDTH = 512
BLOCKS = 4
STATES = 4  # complex numbers, of eight with their conjugates
DROPOUT = 0.2


def s4(
    num_samples: int = 1000, num_leads: int = 12, *, head: str = "as_published", seed: int = 0
) -> keras.Model:
    """S4 of Mehari and Strodthoff (arXiv 2308.15291) with diagonal state spaces (arXiv 2206.11893).

    Four blocks of 512 channels with a state of 8, both ways in time, and dropout of whole channels
    of 0.2. It was published for crops of 2.5 s at 100 Hz, whose predictions are averaged.

    Arguments and errors: see `find_backbone`.

    Returns:
        Functional model from ``signal`` ``(batch, num_samples, num_leads)`` to an embedding
        ``(batch, 512)``, 2,165,248 trainable parameters with 12 leads. Stages: ``stem``,
        ``stage1`` to ``stage4``.

    Example:
        >>> s4(num_samples=250, num_leads=2).output_shape
        (None, 512)
    """
    signal = signal_input(num_samples, num_leads)
    x = dense(signal, WIDTH, "stem_dense", seed)
    for stage in range(1, BLOCKS + 1):
        x = _block(x, f"stage{stage}", seed)
    return as_backbone("s4", signal, x, head)


def _block(x: Tensor, name: str, seed: int) -> Tensor:
    y = layers.Activation("gelu", name=f"{name}_gelu")(state_space(x, STATES, name, seed))
    y = _dropout(y, f"{name}_dropout1", seed)
    y = dense(y, 2 * WIDTH, f"{name}_dense", seed)
    y = ops.glu(y)
    y = _dropout(y, f"{name}_dropout2", seed)
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm")(x)


def _dropout(x: Tensor, name: str, seed: int) -> Tensor:
    return layers.SpatialDropout1D(DROPOUT, seed=seed_of(seed, name), name=name)(x)
