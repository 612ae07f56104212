"""Our networks have the logits that PyTorch's have, as tools/torch_parity.py --record wrote them.

Weights and signals are drawn, the same here and there, so that neither PyTorch nor a file of
weights is needed. What changes a network on purpose, such as its padding, is to be compared again.
"""

import importlib
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from ecg_keras import models

ROOT = Path(__file__).resolve().parents[2]
LOGITS = json.loads((ROOT / "tests" / "tools" / "torch_logits.json").read_text())
# more of the same blocks as in a smaller one
DEEPEST = ("resnet1d101", "xresnet1d101")
# of the largest logit: some ten times what float32 loses in the deepest of them
TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def drawn():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")
        return importlib.import_module("parity.drawn")


def test_every_network_that_is_stated_in_pytorch_has_its_logits():
    # stated by Keras itself
    assert set(LOGITS) == set(models.BACKBONES) - {"cwt_efficientnetv2b0"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.long if name in DEEPEST else ())
        for name in sorted(LOGITS)
    ],
)
def test_a_network_has_the_logits_of_the_same_in_pytorch(name, drawn):
    known = LOGITS[name]
    logits, shape = np.array(known["logits"]), (known["num_samples"], known["num_leads"])
    model = models.classifier(models.find_backbone(name)(*shape), ["a", "b", "c", "d", "e"])
    for layer, values in drawn.draw_weights(model).items():
        model.get_layer(layer).set_weights(values)
    head = model.get_layer("head")
    embedding = keras.Model(model.input, head.input)(drawn.draw_signals(*shape), training=False)
    found = embedding @ head.kernel + head.bias
    size = np.abs(logits).max()
    np.testing.assert_allclose(found, logits, rtol=0, atol=TOLERANCE * size)
    # a network that hardly looks at its input would show nothing
    assert np.abs(logits[0] - logits[1]).max() > 100 * TOLERANCE * size
