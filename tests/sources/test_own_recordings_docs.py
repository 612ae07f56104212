"""The databases that docs/your-own-recordings.md reads, and the names in docs/add-a-source.md."""

import re
from importlib import import_module
from pathlib import Path

import h5py
import numpy as np
from ruamel.yaml import YAML
from scipy.io import savemat
from small_folder import write_wfdb
from small_signals import microvolts

from ecg_keras.config import Data
from ecg_keras.sources import source_of

PAGE = Path(__file__).parents[2] / "docs" / "your-own-recordings.md"


def blocks(after, language):
    """The code blocks of a language below some words of the page, the nearest first."""
    text = PAGE.read_text(encoding="utf-8").partition(after)[2]
    return [one.partition("```")[0] for one in text.split(f"```{language}\n")[1:]]


def read_data(after, root):
    """The ``data`` section of a recipe of the page, for a folder that is there."""
    section = YAML(typ="safe").load(blocks(after, "yaml")[0])["data"]
    return Data(**{**section, "raw": root})


def test_sami_trop(tmp_path):
    (tmp_path / "exams.csv").write_text(
        "exam_id,age,is_male,normal_ecg,death,timey,nn_predicted_age\n"
        "294669,62,True,False,False,2.13,58.1\n291209,71,False,True,True,1.5,70.2\n"
    )
    tracings = np.zeros((2, 4096, 12), "f4")
    for row in range(2):
        tracings[row, 648:3448] = microvolts(row, 2800, 400) / 1000 + 0.001
    with h5py.File(tmp_path / "exams.hdf5", "w") as file:
        file["tracings"] = tracings
    source = source_of(read_data("**SaMi-Trop**", tmp_path))
    infos = source.list_records(tmp_path, label_set="labels", sampling_rate=400)
    assert [(one.record_id, one.row, one.sex, one.age, one.labels) for one in infos] == [
        ("291209", 1, "female", 71.0, ("normal_ecg",)),
        ("294669", 0, "male", 62.0, ()),
    ]
    signal = source.read_signal(infos[0])
    assert signal.sampling_rate == 400
    assert np.array_equal(signal.values, tracings[1, 648:3448])


def test_the_challenge_of_2025(tmp_path):
    for name, rate, says in (("code15/7", 400, "True"), ("ptbxl/8_hr", 500, "False")):
        write_wfdb(tmp_path / name, microvolts(1, 7 * rate, rate), rate=rate)
        with (tmp_path / f"{name}.hea").open("a") as header:
            header.write(f"# Age: 58\n# Sex: Female\n# Chagas label: {says}\n# Source: CODE-15%\n")
    (code,) = blocks("**Labels in headers.**", "python")[:1]
    exec(code.replace("/data/challenge2025", str(tmp_path)), {})
    source = source_of(read_data("**Labels in headers.**", tmp_path))
    infos = source.list_records(tmp_path, label_set="labels", sampling_rate=400)
    assert [(one.record_id, one.age, one.sex, one.labels) for one in infos] == [
        ("code15/7", 58.0, "female", ("Chagas",)),
        ("ptbxl/8_hr", 58.0, "female", ()),
    ]
    assert source.read_signal(infos[1]).sampling_rate == 500


def test_ptbxl_plus(tmp_path):
    write_wfdb(tmp_path / "records500/00000/00001_hr", microvolts(1, 5000))
    (tmp_path / "ptbxl_database.csv").write_text(
        "ecg_id,patient_id,age,sex,scp_codes,strat_fold,filename_lr,filename_hr\n"
        "1,15709.0,56.0,1,\"{'NORM': 100.0}\",3,records100/x,records500/00000/00001_hr\n"
    )
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/12sl_statements.csv").write_text(
        "ecg_id,statements,statements_ext\n1,\"['NSR', 'NML']\",\"['NSR']\"\n"
    )
    (code,) = blocks("**Labels in another table", "python")[:1]
    code = code.replace("/data/ptbxl_plus", str(tmp_path)).replace("/data/ptbxl", str(tmp_path))
    exec(code, {})
    source = source_of(read_data("**Labels in another table", tmp_path))
    (info,) = source.list_records(tmp_path, label_set="labels", sampling_rate=500)
    assert (info.record_id, info.age, info.sex, info.fold) == ("1", 56.0, "female", 3)
    assert info.labels == ("NML", "NSR")
    assert source.read_signal(info).values.shape == (5000, 12)


def test_cpsc_2018_as_first_published(tmp_path):
    values = microvolts(0, 3000).T / 1000
    for name, sex, age in (("A0001", "Male", 74), ("A0002", "Female", np.nan)):
        savemat(tmp_path / f"{name}.mat", {"ECG": {"sex": sex, "age": age, "data": values}})
    (tmp_path / "REFERENCE.csv").write_text(
        "Recording,First_label,Second_label,Third_label\nA0001,5,,\nA0002,2,8,\n"
    )
    (code,) = blocks("**CPSC 2018 as first", "python")[:1]
    exec(code.replace("/data/cpsc2018", str(tmp_path)), {})
    source = source_of(read_data("**CPSC 2018 as first", tmp_path))
    infos = source.list_records(tmp_path, label_set="labels", sampling_rate=500)
    assert [(one.record_id, one.age, one.sex, one.labels) for one in infos] == [
        ("A0001", 74.0, "male", ("RBBB",)),
        ("A0002", None, "female", ("AF", "STD")),
    ]
    np.testing.assert_allclose(source.read_signal(infos[0]).values, values.T, rtol=1e-6)


def test_what_sources_of_your_own_may_import_is_public():
    text = PAGE.with_name("add-a-source.md").read_text(encoding="utf-8")
    names = re.findall(r"`ecg_keras\.([\w.]+)\.(\w+)[`(]", text)
    assert len(names) > 5
    for package, name in names:
        face = import_module(f"ecg_keras.{package}")
        assert "." not in package and name in getattr(face, "__all__", dir(face)), (package, name)
