"""Cards say what published weights want; every family has a template of one."""

import hashlib
import re

import pytest

from ecg_keras import models, weights
from ecg_keras.config import WeightsCard
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.weights.cards import TEMPLATES

GOOD = """\
family: resnet1d18
sampling_rate: 500
seconds: 10
leads: [I, II]
unit: uV
filters:
  - {kind: notch, hz: 50, quality: 30}
  - {kind: bandpass, hz: [0.67, 40], order: 4, zero_phase: false}
  - {kind: median, seconds: [0.2, 0.6]}
scaling: {kind: standardise, mean: [0.1, 0.2], std: [1, 2.5]}
output: logits
labels: [MI, CD]
seen: [{database: ptbxl, splits: [train], folds: [1, 2]}, {database: a hospital, unlisted: true}]
licence: MIT
citation: Somebody 2026
url: https://example.org
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "theirs.yaml"


def test_a_card(path):
    path.write_text(GOOD)
    card = weights.read_card(path)
    assert card.num_samples == 5000
    assert card.per_millivolt == 1000
    assert [one.edges for one in card.filters] == [(50,), (0.67, 40), ()]
    assert card.seen[1].splits == ("train", "valid", "test")


@pytest.mark.parametrize("row", weights.FAMILIES, ids=lambda row: row.name)
def test_every_family_has_a_template_in_which_only_what_it_cant_know_is_missing(row, path):
    text = weights.card_template(row.name)
    assert text.startswith(f"family: {row.name}\n") and "FAMILY" not in text
    blank = re.findall(r"^(\w+):(?= *(?:#.*)?$)(?!\n  )", text, re.M)
    assert set(blank) <= {"labels", "seen", "licence"}
    text = text.replace("mean: [], std: []", "mean: [0], std: [1]")
    path.write_text(text)
    if blank:
        with pytest.raises(ConfigError) as caught:
            weights.read_card(path)
        assert {line.split(": ")[1] for line in str(caught.value).splitlines()} == set(blank)
    for name in blank:
        value = {"licence": "MIT", "labels": "[AF]", "seen": "[]"}[name]
        text = re.sub(rf"^{name}:", f"{name}: {value}", text, flags=re.M)
    path.write_text(text)
    card = weights.read_card(path)
    assert (card.family, row.backbone in models.BACKBONES) == (row.name, True)


def test_ribeiros_network_gets_millivolts(path):
    # as their predict.py gives it CODE-test, which tests/sources/test_code_test.py reads unscaled
    path.write_text(weights.card_template("ribeiro_resnet"))
    assert weights.read_card(path).per_millivolt == 1


def test_every_template_is_a_familys():
    assert {path.name for path in TEMPLATES.iterdir()} == {row.card for row in weights.FAMILIES}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("family: resnet1d18", "family: resnet1d81", "1: family: no family of weights named"),
        ("[I, II]", "[I, DII]", "4: leads.1: no lead named 'DII'. Allowed: I, II, III, V1"),
        ("[I, II]", "[I, I]", "4: leads: must be different names, in the order of the network's"),
        ("[MI, CD]", '["MI\\nCD"]', "12: labels: has at least one name, each on one line."),
        ("[MI, CD]", '[" "]', "12: labels: has at least one name, each on one line."),
        ("[MI, CD]", "[]", "12: labels: has at least one name, each on one line."),
        ("unit: uV", "unit: mv", "5: unit: "),
        ("seconds: 10", "seconds: 10\nsamples: 5000", "1: card: a card has either samples or"),
        ("seconds: 10\n", "", "1: card: a card has either samples or seconds, not both"),
        ("seconds: 10", "seconds: 1e300", "1: card: a signal has 1 to 1000000 samples. Received"),
        ("seconds: 10", "seconds: 0.001", "1: card: a signal has 1 to 1000000 samples. Received"),
        ("[0.2, 0.6]", "[200, 600]", "1: card: each of a median filter's seconds is at least two"),
        ("[0.2, 0.6]", "[0.001]", "1: card: each of a median filter's seconds is at least two"),
        ("mean: [0.1, 0.2], ", "", "10: scaling: standardise has mean and std, one per"),
        ("std: [1, 2.5]", "std: [1, .nan]", "10: scaling.std.1: must be a finite number."),
        ("mean: [0.1, 0.2]", "mean: [.inf, 0.2]", "10: scaling.mean.0: must be a finite number."),
        ("kind: notch, hz: 50,", "kind: notch, hz: 250,", "1: card: a filter's hz is below half"),
        ("hz: 50, quality: 30", "hz: 50", "7: filters.0: a notch filter has hz and quality. Rec"),
        ("[0.67, 40]", "[40, 0.67]", "8: filters.1: hz of a bandpass rises, such as [0.5, 40]."),
        ("[0.67, 40]", "40", "8: filters.1: hz is one number, and for a bandpass the lower and"),
        ("[0.2, 0.6]", "[]", "9: filters.2: a median filter has seconds. Received: none of these"),
        ("std: [1, 2.5]", "std: [1, 0]", "10: scaling: standardise has mean and std, one per"),
        ("std: [1, 2.5]", "std: [1, 2, 3]", "1: card: scaling.std has one number, or one for"),
        ("kind: standardise", "kind: zscore", "10: scaling: mean and std belong to standardise."),
        ("output: logits", "output: softmax", "11: output: "),
        ("database: ptbxl", "database: ptbxll", "13: seen.0.database: no database named 'ptbxll'."),
        (", unlisted: true", "", "13: seen.1.database: no database named 'a hospital'. Allowed:"),
        ("splits: [train]", "splits: [training]", "13: seen.0.splits.0: "),
        ("licence: MIT", "license: MIT", "14: license: no key named 'license'."),
        ("https://example.org", "x\nsha256: ab", "17: sha256: must be 64 of the digits 0-9 and"),
    ],
)
def test_a_wrong_card_is_refused_with_its_line(path, before, after, message):
    assert before in GOOD
    path.write_text(GOOD.replace(before, after))
    with pytest.raises(ConfigError) as caught:
        weights.read_card(path)
    assert f"{path}:{message}" in str(caught.value)


@pytest.mark.parametrize("name", ["resnet1d-18", "ResNet1D18", "RESNET_1D_18"])
def test_a_family_is_found_by_its_letters(path, name):
    path.write_text(GOOD.replace("resnet1d18", name))
    assert weights.read_card(path).family == "resnet1d18"
    assert weights.card_template(name).startswith("family: resnet1d18\n")


def test_a_misspelt_database_is_not_let_through(path):
    path.write_text(GOOD.replace("database: ptbxl", "database: ptbx"))
    with pytest.raises(ConfigError, match=r"Did you mean 'ptbxl'\? Of a database that has none"):
        weights.read_card(path)
    path.write_text(GOOD.replace("database: ptbxl", "database: PTB-XL"))
    assert weights.read_card(path).seen[0].is_of("ptbxl")


def test_a_head_that_none_published_is_said_to_be_chance(path, tmp_path):
    path.write_text(GOOD)
    assert weights.describe_head("runs/theirs", path) == ""
    assert weights.describe_head("runs/mine", tmp_path / "gone.yaml") == ""
    path.write_text(GOOD.replace("resnet1d18", "xresnet1d50"))
    assert weights.describe_head("runs/theirs", path).startswith(
        "runs/theirs: its head was never trained, because none is published of xresnet1d50: its "
        "probabilities are chance."
    )


def test_a_network_whose_labels_are_all_present_at_one_half_is_named(path, tmp_path):
    path.write_text(GOOD)
    assert weights.describe_decisions("runs/theirs", path) == ""
    assert weights.describe_decisions("runs/mine", tmp_path / "gone.yaml") == ""
    path.write_text(GOOD.replace("resnet1d18", "xception_time"))
    assert weights.describe_decisions("runs/theirs", path).startswith(
        "runs/theirs: no probability of xception_time is below 0.5, so at the threshold of 0.5 "
        "every label is present in every ECG: "
    )
    # with another head they go lower
    path.with_name("status.json").write_text('{"head": "new"}')
    assert weights.describe_decisions("runs/theirs", path) == ""
    assert "there is none in the file of its weights" in weights.describe_head("theirs", path)


def test_a_missing_card_is_called_a_card(path):
    with pytest.raises(ConfigError, match="there is no such card"):
        weights.read_card(path)


def test_a_file_of_weights_in_place_of_a_card(path):
    path.write_bytes(bytes(300_000))
    with pytest.raises(ConfigError, match=r"a card has at most 250000 bytes, .* Name a card"):
        weights.read_card(path)


def test_the_card_beside_a_file(path):
    with pytest.raises(DataError, match=r"there is no card theirs\.yaml beside it"):
        weights.find_card(path.with_suffix(".pt"))
    path.write_text(GOOD)
    assert weights.find_card(path.with_suffix(".pt")) == path


def test_the_sha256_of_a_file_and_of_its_card(tmp_path):
    path = tmp_path / "theirs.pt"
    path.write_bytes(b"weights")
    card = WeightsCard(
        family="gru", sampling_rate=100, samples=10, leads=["I"], unit="mV", output="logits",
        labels=["a"], seen=[], licence="MIT", citation="x", url="y",
    )  # fmt: skip
    digest = hashlib.sha256(b"weights").hexdigest()
    assert weights.identify(path, card) == digest
    assert weights.identify(path, card.model_copy(update={"sha256": digest})) == digest
    with pytest.raises(
        DataError, match=f"not the file that the card is of: its sha256 is {digest}"
    ):
        weights.identify(path, card.model_copy(update={"sha256": 64 * "0"}))
    with pytest.raises(DataError, match="there is no such file of weights"):
        weights.identify(tmp_path / "none.pt", card)
