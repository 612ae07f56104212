"""A folder of predictions made elsewhere: what its paths say, and the study that comes of it."""

from dataclasses import replace

import numpy as np
import pytest
from finished_study import finish, list_study
from hypothesis import given, strategies as st

from ecg_keras import report
from ecg_keras.config import FileStudy, Question, load_file_study
from ecg_keras.errors import ConfigError, DataError
from ecg_keras.evaluation import Predictions
from ecg_keras.statistics import ArmName, headline
from ecg_keras.study.arm_contrasts import compare_arms
from ecg_keras.study.arm_curves import find_curves, find_interactions
from ecg_keras.study.finished import read_arms
from ecg_keras.study.from_files import gather_files, group_networks
from ecg_keras.study.prediction_files import family_of, list_networks

QUICK = FileStudy(question=Question(bootstrap=100))
PAIRS = {
    "mode": "finetune",
    "upstream": "georgia",
    "backbone": "resnet1d18",
    "downstream": "ludb",
    "size": "500",
    "seed": "3",
    "fold": "2",
}


def touch(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()


def draw(path, skill, seed=0, ids=range(60), labels=("NORM", "MI")):
    """Predictions of records that are the same wherever they are tested."""
    rows = np.asarray(ids)
    targets = np.random.default_rng(0).random((1000, len(labels)))[rows] < 0.4
    noise = np.random.default_rng([seed, len(rows)]).normal(size=targets.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    Predictions(labels, rows, rows // 2, targets, 1 / (1 + np.exp(-skill * targets - noise))).save(
        path
    )


# ---------------------------------------------------------------- paths


@given(st.permutations(list(PAIRS)), st.lists(st.sampled_from("/,"), min_size=6, max_size=6))
def test_keys_come_in_any_order_in_folders_or_with_commas(tmp_path_factory, keys, separators):
    folder = tmp_path_factory.mktemp("theirs")
    path = "".join(
        f"{key}={PAIRS[key]}{after}" for key, after in zip(keys, [*separators, ""], strict=True)
    )
    touch(folder, f"{path}.npz")
    (one,) = list_networks(folder)
    assert one.arm == ArmName(
        "ludb", "resnet1d18", "as_published", 500, "as_given", "finetune", "georgia"
    )
    assert (one.seed, one.fold, one.valid, one.train_records) == (3, 2, None, 500)


def test_what_a_path_leaves_out_has_a_default(tmp_path):
    folder = tmp_path / "ptbxl"
    touch(
        folder, "mode=scratch.csv", "notes.txt", ".cache/mode=x.npz", "mode=scratch,split=valid.npz"
    )
    (one,) = list_networks(folder)
    assert str(one.arm) == "ptbxl, network, scratch"
    assert (one.seed, one.fold, one.train_records) == (0, 0, None)
    assert one.valid == folder / "mode=scratch,split=valid.npz"


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (
            [],
            r"theirs: holds no predictions: no \.npz, \.csv, \.parquet\. .* such as mode=finetune/",
        ),
        (["a/mode=b.npz"], r"must be KEY=VALUE, as in mode=finetune/size=.* Received: a\.$"),
        (["mode=a\x1b[31m.npz"], r"must be KEY=VALUE, .* Received: mode=a\\x1b\[31m\.$"),
        (["mode=.npz"], r"must be KEY=VALUE, .* Received: mode=\.$"),
        (["model=a.npz"], r"no key named 'model'\. Allowed: .* Did you mean 'mode'\?$"),
        (["seed=0.npz"], r"says no mode \(the way of training, .*Keys: mode, upstream, downstream"),
        (["mode=a/mode=b.npz"], r"says mode twice\. Keep one of them\.$"),
        (["mode=a/seed=x.npz"], r"seed must be a whole number from 0 .* Received: x\.$"),
        (
            ["mode=a/size=all.npz"],
            r"whole number from 1 \(the number of training ECGs\)\. Received: all\.$",
        ),
        (["mode=a/size=0.npz"], r"whole number from 1 .* Received: 0\.$"),
        (["mode=a/split=train.npz"], r"no split named 'train'\. Allowed: test, valid\."),
        (["mode=a/family=cnn.npz"], r"no family named 'cnn'\. Allowed: CNN, RNN, "),
        (["mode=a.npz", "mode=a.csv"], r"mode=a\.npz: is of the same network as .*mode=a\.csv\."),
        (["mode=a/split=valid.npz"], r"there are no test predictions of the same network\.$"),
        (
            ["mode=a/size=5.npz", "mode=b.npz"],
            r"mode=b\.npz: says no size, and .*size=5\.npz does\. Write the number",
        ),
    ],
)
def test_a_path_that_says_something_else_is_named(tmp_path, paths, message):
    folder = tmp_path / "theirs"
    folder.mkdir()
    touch(folder, *paths)
    with pytest.raises(DataError, match=message) as caught:
        list_networks(folder)
    assert "\n" not in str(caught.value)


def test_a_backbone_is_of_one_family(tmp_path):
    touch(tmp_path, "backbone=x,family=CNN/mode=a.npz", "backbone=x,family=CNN/mode=b.npz")
    touch(tmp_path, "backbone=y/mode=a.npz")
    assert family_of(list_networks(tmp_path)) == {"x": "CNN"}
    touch(tmp_path, "backbone=x,family=RNN/mode=c.npz")
    with pytest.raises(DataError, match=r"backbone x is of family RNN here and of CNN elsewhere"):
        family_of(list_networks(tmp_path))


def test_a_seed_counts_once_all_folds_are_there(tmp_path):
    touch(tmp_path, *(f"mode=a/seed={s}/fold={f}.npz" for s in range(2) for f in range(3)))
    touch(tmp_path, "mode=b/seed=0/fold=1.npz")
    arms, notes, missing = group_networks(list_networks(tmp_path))
    (arm,) = arms.values()
    assert {seed: [one.fold for one in own] for seed, own in arm.cells.items()} == {
        0: [0, 1, 2],
        1: [0, 1, 2],
    }
    name = tmp_path.name
    assert notes == (f"{name}, network, b: seed 0 is left out, because fold 0, 2 is not there.",)
    assert missing == 2


# ---------------------------------------------------------------- the study


def test_files_say_what_the_runs_that_wrote_them_say(tmp_path):
    """One set of predictions as finished runs of a study, and as files of nobody's."""
    plan = list_study(
        tmp_path,
        "grid: {seeds: [0, 1], folds: 3, sizes: [50, 100, 200], backbones: [resnet1d18, gru]}\n"
        "question: {bootstrap: 100}",
    )
    gains = {50: 1.2, 100: 0.6, 200: 0.1}

    def skill(cell):
        tuned = cell.arm is not None and cell.arm.mode == "finetune"
        return 1.0 + (gains[cell.arm.size] if tuned else 0.0)

    finish(plan, skill, records=30)
    theirs = tmp_path / "theirs"
    for (arm, seed, fold), name in plan.points.items():
        place = theirs / f"downstream={arm.downstream}" / f"backbone={arm.backbone}"
        place /= f"mode={arm.mode}" + f",upstream={arm.upstream}" * bool(arm.upstream)
        place /= f"size={arm.size},seed={seed},fold={fold}"
        for split, end in (("test", ".npz"), ("valid", ",split=valid.npz")):
            said = Predictions.load(plan.by_name[name].run.predictions(split))
            said.save(place.with_name(place.name + end))
    seen = []
    found = gather_files(theirs, QUICK, on_progress=lambda *at: seen.append(at))
    ours, question = read_arms(plan)[0], plan.loaded.study.question
    compared = compare_arms(ours, "as_set", question)

    assert seen == [(done, 12) for done in range(12)]
    # how the networks of files were tuned is unknown
    untold = [replace(one, settings=None) for one in compared]
    assert found.sentence == headline(untold, "macro_auroc")
    by_name = {str(one.arm): one for one in compared}
    assert len(found.comparisons) == len(compared) == 6
    for one in found.comparisons:
        other = by_name[str(one.arm)]
        assert (one.contrast, one.verdict, one.scores) == (
            other.contrast, other.verdict, other.scores
        )  # fmt: skip
        assert one.labels == other.labels
        assert one.speed is None
    curves = sorted(find_curves(ours, "as_set", question), key=lambda one: one.title)
    for one, other in zip(found.curves, curves, strict=True):
        assert (one.title, one.way, one.sizes) == (other.title, other.way, other.sizes)
        assert (one.crossover, one.says, one.trend) == (other.crossover, other.says, other.trend)
    met, others = found.interactions, find_interactions(ours, "as_set", question)
    assert sorted(one.contrast.value for one in met) == pytest.approx(
        sorted(one.contrast.value for one in others), abs=1e-12
    )
    assert len(met) == 3
    # what needs no log is decided, what needs one is not
    assert [one.evidence.count("no log of these") for one in found.findings] == [0, 1, 2, 0]
    assert {one.size for one in met} == {50, 100, 200}
    arm = next(iter(found.arms.values()))
    assert (arm.convergence, arm.seconds, arm.train_records) == (None, None, 50)


def test_seeds_may_have_folds_of_their_own(tmp_path):
    """Repeated cross-validation: what is averaged over seeds is of the same record."""
    shuffled = {seed: np.random.default_rng(seed).permutation(60) for seed in range(2)}
    for seed, order in shuffled.items():
        for fold in range(2):
            ids = order[fold::2]
            for mode, skill in (("scratch", 1.0), ("finetune", 2.0)):
                draw(tmp_path / f"mode={mode},seed={seed},fold={fold}.npz", skill, seed, ids)
    result = gather_files(tmp_path, QUICK)
    arm = next(one for name, one in result.arms.items() if name.mode == "scratch")
    said = {}
    for path in tmp_path.glob("mode=scratch*"):
        one = Predictions.load(path)
        for record, probabilities in zip(one.record_ids, one.probabilities, strict=True):
            said.setdefault(str(record), []).append(probabilities)
    for record, mean in zip(arm.predictions.record_ids, arm.predictions.probabilities, strict=True):
        np.testing.assert_allclose(mean, np.mean(said[str(record)], axis=0), rtol=1e-6)
    assert len(arm.predictions.record_ids) == 60


def test_a_study_of_few_files_says_what_it_lacks(tmp_path):
    for seed in range(2):
        draw(tmp_path / f"mode=scratch,seed={seed}.npz", 1.0, seed)
        draw(tmp_path / f"mode=finetune,upstream=georgia,seed={seed}.npz", 2.0, seed + 5)
    draw(tmp_path / "mode=probe,upstream=georgia,seed=7.npz", 1.5)
    draw(tmp_path / "backbone=gru,mode=finetune.npz", 1.5)
    result = gather_files(tmp_path, QUICK)
    name = tmp_path.name
    assert result.not_done[1:] == (
        f"{name}, gru, finetune: not compared, because there is no {name}, gru, scratch.",
        f"{name}, network, probe from georgia: not compared, because {name}, network, scratch has "
        "none of its seeds.",
        "F1 and decisions are at threshold 0.5 in 6 of 6 networks, which have no predictions of "
        "split=valid.",
        "Some arms have one seed: their intervals are over patients alone, and say nothing of how "
        "much another training differs.",
        "One split into training and test records: the intervals are over test patients, not over "
        "training patients.",
    )
    (found,) = result.comparisons
    assert found.arm.mode == "finetune"
    page = report.write_study(result, tmp_path / "out").read_text()
    for line in (
        "No learning curves: they need at least three training sizes.",
        "No convergence: no run logged a validation score.",
        "No ledger: no run noted its time.",
        "No data: the databases are not described.",
        "No transferability: no estimate was computed for the arms of this study.",
        "whether a test ECG or its patient was trained on",
        "mode=scratch,seed=0.npz",
    ):
        assert line in page
    for wrong in ("the recipe", "never", "runs done"):
        assert wrong not in page.partition("<main")[2]


def test_a_reference_is_needed(tmp_path):
    draw(tmp_path / "mode=a.npz", 1.0)
    draw(tmp_path / "mode=b,upstream=x.npz", 1.0)
    with pytest.raises(ConfigError, match=r"no file is of mode scratch, .* Modes: a, b\. Name one"):
        gather_files(tmp_path, QUICK)
    with pytest.raises(ConfigError, match=r"reference mode, b, starts from no upstream\. Leave"):
        gather_files(tmp_path, FileStudy(question=Question(reference="b")))


def test_without_a_pair_there_is_no_page(tmp_path):
    draw(tmp_path / "mode=scratch,backbone=a.npz", 1.0)
    with pytest.raises(
        DataError, match=r"compared\. All files are of mode scratch, the reference\."
    ):
        gather_files(tmp_path, QUICK)
    draw(tmp_path / "mode=tuned,backbone=b.npz", 1.0)
    with pytest.raises(DataError, match=r"compared\. .*, b, tuned: not compared, because there is"):
        gather_files(tmp_path, QUICK)


def test_files_that_do_not_fit_are_named_by_their_arm(tmp_path):
    draw(tmp_path / "mode=scratch.npz", 1.0)
    draw(tmp_path / "mode=a.npz", 1.0, ids=range(1, 61))
    with pytest.raises(DataError, match=r"network, a and .*network, scratch"):
        gather_files(tmp_path, QUICK)


def test_what_may_be_set_is_checked(tmp_path):
    assert load_file_study("theirs", {"question.margin": 0.01}).question.margin == 0.01
    with pytest.raises(ConfigError, match=r"^theirs: --set question\.margn=1: .* 'margin'\?$"):
        load_file_study("theirs", {"question.margn": 1})
    with pytest.raises(ConfigError, match=r"--set grid\.seeds=3: .*no key named 'grid'"):
        load_file_study("theirs", {"grid.seeds": 3})
