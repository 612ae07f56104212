"""What a file of weights shows of its network is compared with its card before it is imported."""

import numpy as np
import pytest
from published_weights import CARD, LABELS, LEADS
from torch_writer import write_state
from weight_files import write_keras_2

from ecg_keras import models, weights
from ecg_keras.errors import DataError
from ecg_keras.weights.families import FAMILIES
from ecg_keras.workflow.published import open_published

SAMPLES = 512
FLATTENED = ("lstm", "bilstm", "gru", "ribeiro_resnet")
# what their heads take, and labels as their tensors have them
HEADS = {
    "xception_time": lambda labels: {".weight": (labels, 128, 1)},
    "ribeiro_resnet": lambda labels: {"/kernel": (640, labels)},
    "lstm": lambda labels: {".weight": (labels, 51_200)},
    "bilstm": lambda labels: {".weight": (labels, 102_400)},
    "gru": lambda labels: {".weight": (labels, 51_200)},
}
WITH_LEADS = [row.name for row in FAMILIES if row.library == "torch" or row.name in HEADS]
WITH_HEAD = [name for name in WITH_LEADS if "xresnet" not in name]


def write(folder, name, *, head=True, **said):
    """Only the tensors that are looked at: of 12 leads, and a head of five labels for 512 samples;
    and a card that may say something else.
    """
    family = weights.find_family(name)
    shapes = {
        one: tuple(12 if size is None else size for size in shape)
        for one, shape in family.recognised_by.items()
        if shape is not None
    }
    if head and name in WITH_HEAD:
        make = HEADS.get(name, lambda labels: {".weight": (labels, 64)})
        shapes |= {f"{family.tensors('head')}{part}": size for part, size in make(5).items()}
    tensors = {one: np.zeros(shape, "<f4") for one, shape in shapes.items()}
    path = folder / ("theirs.h5" if family.library == "keras" else "theirs.pt")
    if family.library == "keras":
        # the layers between are counted
        between = {f"conv1d_{number}/kernel": np.zeros(1, "<f4") for number in range(2, 13)}
        write_keras_2(path, dict(sorted({**between, **tensors}.items())))
    else:
        write_state(path, tensors)
    card = {"rate": 50, "samples": SAMPLES, "leads": LEADS, "labels": LABELS} | said
    card |= {key: ", ".join(card[key]) for key in ("leads", "labels")}
    path.with_suffix(".yaml").write_text(CARD.format(family=name, **card))
    return open_published(path)


@pytest.mark.parametrize("name", WITH_LEADS)
def test_what_is_as_the_card_says_passes_with_or_without_its_head(name, tmp_path):
    for head in (True, False):
        assert write(tmp_path, name, head=head).check()


@pytest.mark.parametrize("name", WITH_LEADS)
def test_other_leads_are_refused(name, tmp_path):
    with pytest.raises(DataError, match=r"its network has 12 leads, and .* names 1: I. Correct"):
        write(tmp_path, name, leads=["I"]).check()


@pytest.mark.parametrize("name", WITH_HEAD)
def test_other_labels_are_refused(name, tmp_path):
    with pytest.raises(DataError, match=r"its network has 5 labels, and .* names 1: AF. Correct"):
        write(tmp_path, name, labels=["AF"]).check()


@pytest.mark.parametrize("name", FLATTENED)
def test_another_length_is_refused_where_the_head_has_weights_for_each_step(name, tmp_path):
    with pytest.raises(DataError, match=r"its head takes .* 1000 samples that .* Correct samples"):
        write(tmp_path, name, samples=1000).check()


@pytest.mark.parametrize("name", FLATTENED)
def test_a_head_takes_what_the_network_gives_it(name):
    family = weights.find_family(name)
    for samples in (100, 257):
        network = models.find_backbone(family.backbone)(samples, 2)
        assert network.output_shape == (None, family.head_takes(samples))
    assert all((row.head_takes is None) is (row.name not in FLATTENED) for row in FAMILIES)
