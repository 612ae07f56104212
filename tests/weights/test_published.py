"""Networks whose weights others published have the published outputs."""

import keras
import numpy as np
import pytest
from published_weights import PUBLISHED
from weight_files import write_keras_2

from ecg_keras import models, weights
from ecg_keras.errors import DataError
from ecg_keras.formats import read_wfdb
from ecg_keras.weights.published_names import count_from_one

RNG = np.random.default_rng(0)


def make(name, num_samples, num_leads, labels, **options):
    backbone = models.find_backbone(name)(num_samples, num_leads, **options)
    return models.classifier(backbone, labels)


def logits(probabilities):
    return np.log(probabilities) - np.log1p(-probabilities)


@pytest.mark.parametrize(
    ("name", "input_shape"),
    [
        ("xception_time", (1000, 12)),
        ("inception_ahus", (800, 8)),
        ("ribeiro_resnet", (4096, 12)),
    ],
)
def test_their_cards_are_complete(name, input_shape, tmp_path):
    (tmp_path / "card.yaml").write_text(weights.card_template(name), encoding="utf-8")
    card = weights.read_card(tmp_path / "card.yaml")
    assert (card.num_samples, len(card.leads)) == input_shape


@pytest.mark.real
def test_inception_of_ahus_has_its_embeddings_and_logits(published):
    tensors = weights.read_tensors(published / "ahus_fold0.pt")
    family = weights.recognise(tensors)
    assert family.name == "inception_ahus"
    model = make("inception_ahus", 800, 8, ["CHAGAS"])
    taken = weights.take_weights(model, tensors, family)
    assert taken.kept == () and all("num_batches" in name for name in taken.ignored)
    reference = np.load(published / "ahus_fold0_reference.npz")
    embedding, probability = models.cut_head(model)(reference["x"].transpose(0, 2, 1))
    np.testing.assert_allclose(embedding, reference["embedding"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(logits(probability.numpy()), reference["logit"], rtol=0, atol=1e-5)


@pytest.mark.real
def test_xception_time_of_exchangeai_has_its_outputs(published, real_data):
    pytest.importorskip("onnx", reason="needs the package onnx: pip install 'ecg_keras[weights]'")
    tensors = weights.read_tensors(published / "xc_super_pretrained.onnx")
    family = weights.recognise(tensors)
    assert family.name == "xception_time"
    model = family.end(make("xception_time", 1000, 12, ["CD", "HYP", "MI", "STTC"]))
    taken = weights.take_weights(model, tensors, family)
    assert taken.kept == () and all("Constant" in name for name in taken.ignored)
    reference = np.load(published / "xc_super_reference.npz")
    folder = real_data / "ptbxl" / "records100" / "00000"
    ecgs = [read_wfdb(folder / f"{number:05d}_lr").values for number in reference["ecg_id"]]
    # of microvolts; the input of the last sigmoid, which float32 keeps to fewer digits
    maps = keras.Model(model.input, model.get_layer("head").input)
    outputs = maps.predict_on_batch(1000 * np.stack(ecgs))
    np.testing.assert_allclose(outputs, reference["output"], rtol=0, atol=1e-5)


def state_of_net1d(labels, leads):
    """Random tensors as in a file of ECGFounder, with the BatchNorm that it never uses."""
    sizes = {"dense.weight": (labels, 1024), "dense.bias": (labels,)}
    sizes |= {"first_conv.conv.weight": (64, leads, 16), "first_conv.conv.bias": (64,)}
    sizes |= {"first_bn.weight": (64,), "first_bn.running_var": (64,)}
    channels = 64
    blocks = zip((64, 160, 160, 400, 400, 1024, 1024), (2, 2, 2, 3, 3, 4, 4), strict=True)
    for stage, (filters, count) in enumerate(blocks):
        for block in range(count):
            begin = f"stage_list.{stage}.block_list.{block}"
            parts = {"conv1.conv": (filters, channels, 1), "conv2.conv": (filters, 16, 16)}
            parts |= {"conv3.conv": (filters, filters, 1), "se_fc1": (filters // 2, filters)}
            parts |= {"se_fc2": (filters, filters // 2)}
            for part, size in parts.items():
                sizes |= {f"{begin}.{part}.weight": size, f"{begin}.{part}.bias": size[:1]}
            sizes |= {f"{begin}.bn{number}.weight": (1,) for number in (1, 2, 3)}
            channels = filters
    return {name: RNG.random(size, np.float32) for name, size in sizes.items()}


def test_net1d_takes_ecgfounders_tensors_with_or_without_their_head():
    tensors = state_of_net1d(labels=2, leads=3)
    family = weights.recognise(tensors)
    assert family.name == "net1d"
    model = make("net1d", 64, 3, ["a", "b"])
    taken = weights.take_weights(model, tensors, family)
    assert set(taken.copied) == {layer.name for layer in model.layers if layer.weights}
    assert len(taken.ignored) == 2 + 3 * 20 and all("bn" in name for name in taken.ignored)
    kernel, bias = model.get_layer("stage7_block4_conv2").get_weights()
    block = "stage_list.6.block_list.3"
    np.testing.assert_array_equal(kernel, tensors[f"{block}.conv2.conv.weight"].T)
    np.testing.assert_array_equal(bias, tensors[f"{block}.conv2.conv.bias"])
    kernel, _ = model.get_layer("stage7_block4_se_dense1").get_weights()
    np.testing.assert_array_equal(kernel, tensors[f"{block}.se_fc1.weight"].T)
    np.testing.assert_array_equal(
        model.get_layer("head").get_weights()[0], tensors["dense.weight"].T
    )
    unused = {f"{block}.bn2.num_batches_tracked": np.zeros((), np.int64)}
    assert weights.take_weights(model, tensors | unused, family).ignored[-1] in unused
    used = dict.fromkeys(unused, np.int64(1000))
    with pytest.raises(DataError, match=r"bn2\.num_batches_tracked: is above 0, .* trained with"):
        weights.take_weights(model, tensors | used, family)
    del tensors["dense.weight"], tensors["dense.bias"]
    assert weights.take_weights(model, tensors, family, head="new").kept == ("head",)
    with pytest.raises(DataError, match=r"head: dense\.weight is missing"):
        weights.take_weights(model, tensors, family)


# layers in the order in which model.py of Ribeiro et al. makes them
ORDER = ["stem_conv", "stem_norm"]
for _stage in ("stage1", "stage2", "stage3", "stage4"):
    ORDER += [f"{_stage}_{part}" for part in ("shortcut_conv", "conv1", "norm1", "conv2", "norm2")]
ORDER += ["head"]
KINDS = {"conv": "conv1d", "norm": "batch_normalization", "head": "dense"}


def keras_2_names(first):
    """What Keras 2 calls the layers, if ``first`` of each kind were made before."""
    counts = dict.fromkeys(KINDS.values(), first)
    names = {}
    for layer in ORDER:
        kind = KINDS[layer.split("_")[-1].rstrip("12")]
        names[layer] = f"{kind}_{counts[kind]}" if counts[kind] else kind
        counts[kind] += 1
    return names


@pytest.mark.parametrize("first", [0, 1, 9])
def test_ribeiros_layers_are_found_by_the_order_in_which_keras_made_them(first, tmp_path):
    model = make("ribeiro_resnet", 300, 2, ["a"])
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    assert layers.keys() == set(ORDER)
    tensors = {
        f"{theirs}/{weight.name}": RNG.random(tuple(weight.shape), np.float32)
        for ours, theirs in keras_2_names(first).items()
        for weight in layers[ours].weights
    }
    # in another order than the layers ran
    ordered = dict(sorted(tensors.items()))
    write_keras_2(tmp_path / "model.hdf5", ordered, inside="model_weights")
    tensors = weights.read_tensors(tmp_path / "model.hdf5")
    family = weights.recognise(tensors)
    assert family.name == "ribeiro_resnet"
    assert weights.take_weights(model, tensors, family).ignored == ()
    for ours, theirs in keras_2_names(first).items():
        for weight in layers[ours].weights:
            np.testing.assert_array_equal(weight, tensors[f"{theirs}/{weight.name}"])


def test_layers_are_counted_from_one_and_other_names_stay():
    names = ("conv1d/kernel", "conv1d_7/kernel", "conv1d_10/kernel", "dense_3/bias", "odd")
    renamed = count_from_one(dict.fromkeys(names))
    assert list(renamed) == [
        "conv1d_1/kernel",
        "conv1d_2/kernel",
        "conv1d_3/kernel",
        "dense_1/bias",
        "odd",
    ]


def test_the_dense_head_of_xception_time_is_not_the_published_one():
    """Which is a convolution, BatchNorm, ReLU and a mean."""
    family = weights.find_family("xception_time")
    model = make("xception_time", 60, 2, ["a", "b", "c"])
    whole = family.end(model)
    tensors = {
        f"{family.tensors(layer.name)}.{PUBLISHED[weight.name]}": weight.numpy().T.squeeze(
            axis=0 if "depthwise" in layer.name else ()
        )
        for layer in whole.layers[:-1]
        for weight in layer.weights
    }
    tensors["head/head/4/flatten/Constant.value"] = np.zeros((), np.int64)
    taken = weights.take_weights(whole, tensors, family)
    assert taken.ignored == ("head/head/4/flatten/Constant.value",)
    np.testing.assert_array_equal(whole.get_layer("head").kernel, np.eye(3))
    with pytest.raises(DataError) as caught:
        weights.take_weights(model, tensors, family)
    assert str(caught.value).endswith(
        "head: head/head/3/head/3/0/Conv gives (3, 3) (3,), and here are (128, 3) (3,). Use the "
        "leads, labels and family that they were trained with."
    )
    assert weights.take_weights(model, tensors, family, head="new").kept == ("head",)
