import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_backbones import PARAMETERS

from ecg_keras import models
from ecg_keras.errors import ConfigError

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_looking_up_names_imports_no_tensorflow():
    code = (
        "import sys; from ecg_keras.models import BACKBONES, AS_PUBLISHED_HEAD, STAGES; "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_backbone_is_found_and_those_of_the_paper_are_public():
    names = {row.name for row in models.ZOO}
    assert len(names) == len(models.ZOO)
    assert names.intersection(models.__all__) >= {
        "bilstm",
        "gru",
        "lstm",
        "resnet1d18",
        "resnet1d50",
    }
    for row in models.ZOO:
        function = models.find_backbone(row.name)
        assert function.__name__ == row.name
        if row.name in models.__all__:
            assert getattr(models, row.name) is function


def test_the_columns_of_the_table_are_mappings():
    columns = (models.BACKBONES, models.AS_PUBLISHED_HEAD, models.STAGES, models.FAMILIES)
    for column in (*columns, models.HIGHEST_RATES):
        assert list(column) == [row.name for row in models.ZOO]


def test_a_backbone_of_your_own_says_its_family_or_is_of_another(tmp_path, monkeypatch):
    lines = (
        "def tiny(**_): pass",
        "def vast(**_): pass",
        'vast.family = "transformer"',
        "vast.highest_rate = 1e-4",
    )
    (tmp_path / "family_networks.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    assert models.family_of("family_networks:tiny") == models.OTHER_FAMILY
    assert models.family_of("family_networks:vast") == "transformer"
    assert models.family_of("resnet1d50") == "CNN"
    assert models.highest_rate_of("family_networks:tiny") is None
    assert models.highest_rate_of("family_networks:vast") == 1e-4
    assert models.highest_rate_of("family_networks:missing") is None
    with pytest.raises(ConfigError, match="can't be imported"):
        models.family_of("family_networks:missing")


def test_every_public_name_resolves():
    for name in models.__all__:
        assert getattr(models, name) is not None
    assert dir(models) == sorted(models.__all__)
    with pytest.raises(AttributeError, match="no attribute 'resnet'"):
        _ = models.resnet


def test_an_unknown_backbone_is_answered_with_the_table():
    with pytest.raises(
        ConfigError, match=r"no backbone named 'resnet18'.*Did you mean 'resnet1d18'"
    ):
        models.find_backbone("resnet18")


def test_a_backbone_of_ones_own_is_found_by_module_and_function(tmp_path, monkeypatch):
    (tmp_path / "our_networks.py").write_text("def tiny(num_samples, num_leads, **_):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert models.find_backbone("our_networks:tiny").__name__ == "tiny"
    for wrong in ("our_networks:tinny", "no_such_module:tiny", ":tiny", ".zoo:tiny"):
        with pytest.raises(ConfigError, match=r"can't be imported.*module:function"):
            models.find_backbone(wrong)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_docstring_says_how_many_parameters_there_are(name):
    text = " ".join(models.find_backbone(name).__doc__.split())
    size = f"{PARAMETERS[name][0]:,}"
    assert f"{size} trainable" in text or f"trainable parameters are {size}" in text


def test_the_example_of_add_a_backbone_runs(tmp_path, monkeypatch, capsys):
    text = (DOCS / "add-a-backbone.md").read_text()
    network, use = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "our_lab").mkdir()
    (tmp_path / "our_lab" / "networks.py").write_text(network)
    monkeypatch.syspath_prepend(tmp_path)
    names = {}
    exec(use, names)
    assert capsys.readouterr().out.strip() in text
    model = names["model"]
    assert model.output_shape == (None, 5)
    assert not model.get_layer("stage1_conv").trainable
    assert model.get_layer("stage2_conv").trainable
    models.save_model(model, tmp_path / "model.keras")
    models.load_backbone(names["model"], tmp_path)
    assert models.find_backbone("our_lab.networks:small_cnn") is names["small_cnn"]
