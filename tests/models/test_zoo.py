import subprocess
import sys
from pathlib import Path

import pytest

from ecg_keras import models
from ecg_keras.errors import ConfigError

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_looking_up_names_imports_no_tensorflow():
    code = (
        "import sys; from ecg_keras.models import BACKBONES, AS_PUBLISHED_HEAD; "
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_backbone_has_a_published_head_and_is_public():
    assert models.AS_PUBLISHED_HEAD.keys() == models.BACKBONES.keys()
    for name in models.BACKBONES:
        assert models.find_backbone(name) is getattr(models, name)
        assert models.find_backbone(name).__name__ == name


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
    for wrong in ("our_networks:tinny", "no_such_module:tiny", ":tiny"):
        with pytest.raises(ConfigError, match=r"can't be imported.*module:function"):
            models.find_backbone(wrong)
