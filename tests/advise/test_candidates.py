"""What is known of a checkpoint before it is tried."""

import json
import shutil

import pytest
from published_weights import CARD, LEADS

from ecg_keras import models
from ecg_keras.advise.candidates import describe_candidate
from ecg_keras.config import Model
from ecg_keras.errors import DataError


@pytest.mark.parametrize(
    ("backbone", "head", "scaling"),
    [
        ("gru", "pooled", "standardise"),
        ("lstm", "flattened", "minmax"),
        ("gru", "attention", "none"),
    ],
)
def test_the_network_of_a_lone_file_is_read_from_its_names(
    shards, tmp_path, backbone, head, scaling
):
    built = models.find_backbone(backbone)(num_samples=20, num_leads=12, head=head)
    numbers = {"mean": [0.0] * 12, "std": [1.0] * 12} if scaling == "standardise" else {}
    model = models.classifier(built, ("MI",), scaling=scaling, **numbers)
    models.save_model(model, tmp_path / "a.keras")
    found = describe_candidate(tmp_path / "a.keras", shards)
    assert found.network == Model(backbone=backbone, head=head, scaling=scaling)
    assert (found.source, found.records, found.shared, found.keeps_head) == (None, None, (), False)
    assert found.drift is None
    assert found.why_unknown == "the shards that it was trained on are not here"


def test_a_network_without_a_known_name_is_refused(shards, tmp_path):
    import keras

    signal = keras.Input((20, 12))
    output = keras.layers.Dense(1, name="head")(keras.layers.GlobalMaxPooling1D()(signal))
    models.save_model(keras.Model(signal, output, name="mine"), tmp_path / "a.keras")
    with pytest.raises(DataError, match=r"unknown backbone 'mine'.*Name the run folder"):
        describe_candidate(tmp_path / "a.keras", shards)


def test_a_run_tells_its_labels_and_how_much_it_learnt_from(shards, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    card = json.loads((shards / "dataset.json").read_text())
    (run / "dataset.json").write_text(json.dumps(card))
    (run / "status.json").write_text(
        json.dumps({"settings": {"data": {"train_records": 77}}, "shards": "gone"})
    )
    (run / "recipe.yaml").write_text(
        "mode: pretrain\ndata: {source: ptb, raw: raw}\nmodel: {backbone: lstm}\n"
    )
    found = describe_candidate(run, shards)
    assert (found.source, found.records) == ("ptb", 77)
    assert found.keeps_head
    assert found.shared == ("MI", "HYP")
    assert found.network.backbone == "lstm"
    other = {**card, "labels": ["HYP", "NORM"]}
    for split in other["splits"].values():
        split["labels"] = {"HYP": 1, "NORM": 1}
    (run / "dataset.json").write_text(json.dumps(other))
    found = describe_candidate(run, shards)
    assert (found.shared, found.keeps_head) == (("HYP",), False)


def test_a_head_that_none_published_knows_no_label_and_is_not_kept(shards, tmp_path):
    shutil.copy(shards / "dataset.json", tmp_path)
    network = models.find_backbone("xception_time")(num_samples=20, num_leads=12)
    model = models.classifier(network, ("MI", "HYP"))
    models.save_model(model, tmp_path / "model.keras")
    (tmp_path / "recipe.yaml").write_text("mode: pretrain\ndata: {source: ptb, raw: raw}\n")
    signals = {"rate": 50, "samples": 20, "leads": ", ".join(LEADS), "labels": "MI, HYP"}
    for family, published in (("xception_time", True), ("xresnet1d18", False)):
        (tmp_path / "card.yaml").write_text(CARD.format(family=family, **signals))
        found = describe_candidate(tmp_path, shards)
        assert found.keeps_head == published
        assert found.shared == (("MI", "HYP") if published else ())
    # a published end of further layers, which no network of a recipe has
    (tmp_path / "card.yaml").unlink()
    models.save_model(models.with_label_maps(model), tmp_path / "model.keras")
    found = describe_candidate(tmp_path, shards)
    assert (found.shared, found.keeps_head) == (("MI", "HYP"), False)
