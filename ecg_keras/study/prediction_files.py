"""A folder of predictions made elsewhere: what each file is of, said by its path.

Each folder below and each file's name is ``key=value``, or several of them with commas:
``mode=finetune/size=500/seed=0,fold=1.npz``. In any order; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ecg_keras import models
from ecg_keras.errors import DataError, listed, printable, shortened, unknown_name
from ecg_keras.evaluation import Predictions, RunFacts
from ecg_keras.statistics import ArmName
from ecg_keras.workflow import FILES, Opened, open_predictions

# key -> what its values are
KEYS = {
    "mode": "the way of training, such as scratch or finetune",
    "upstream": "what the first weights were pre-trained on; leave it out where nothing was",
    "downstream": "the database; the folder's name where it is left out",
    "backbone": "the network",
    "family": "of the backbone, such as CNN or RNN",
    "size": "the number of training ECGs",
    "seed": "of the training, a whole number; 0 where it is left out",
    "fold": "of a cross-validation, a whole number; 0 where it is left out",
    "split": "test, or valid for the predictions that choose the thresholds",
}
NUMBERS = {"size": 1, "seed": 0, "fold": 0}  # key -> the least that it may be
CHOICES = {"split": ("test", "valid"), "family": tuple(dict.fromkeys(models.FAMILIES.values()))}
EXAMPLE = "mode=finetune/size=500/seed=0/fold=1.npz"
UNKNOWN = RunFacts()
PROTOCOL, HEAD, BACKBONE = "as_given", "as_published", "network"


@dataclass(frozen=True, eq=False)
class GivenNetwork:
    """One network that was trained elsewhere, as the paths of its predictions describe it.

    ``path`` is that of its test predictions, ``valid`` of those on validation, if there are any.
    """

    arm: ArmName
    seed: int
    fold: int
    path: Path
    valid: Path | None
    family: str | None
    # nothing is known of the training
    log: None = None
    seconds: None = None
    tuned: None = None
    settings: None = None
    steps_per_epoch: None = None
    validated_on: None = None
    facts: RunFacts = UNKNOWN

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def train_records(self) -> int | None:
        return self.arm.size or None

    @cached_property
    def _opened(self) -> Opened:
        return open_predictions(self.path, self.valid)

    @property
    def test(self) -> Predictions:
        return self._opened.test

    @property
    def thresholds(self) -> Mapping[str, float]:
        return self._opened.thresholds or dict.fromkeys(self.test.labels, 0.5)


def list_networks(folder: str | Path) -> tuple[GivenNetwork, ...]:
    """The networks whose predictions are in a folder; reads names alone.

    Args:
        folder: with ``.npz``, ``.csv`` and ``.parquet`` files; others in it are left alone.

    Returns:
        One for each file of test predictions, by way of training, seed and fold.

    Raises:
        DataError: there is no such folder or no such file in it, a path says something else than
            `KEYS`, two files are of one network, or some say a size and others do not.

    Example:
        >>> list_networks("theirs")[0].arm.mode
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder of predictions.")
    keys_of = {path: _read_path(folder, path) for path in _find(folder)}
    if not keys_of:
        raise DataError(
            f"{folder}: holds no predictions: no {', '.join(FILES)}. Put files into it whose paths "
            f"say what they are of, such as {EXAMPLE}."
        )
    places: dict[tuple[ArmName, int, int, str], Path] = {}
    for path, keys in keys_of.items():
        numbers = int(keys.get("seed", 0)), int(keys.get("fold", 0))
        place = (_arm(folder, keys), *numbers, keys.get("split", "test"))
        if place in places:
            raise DataError(f"{path}: is of the same network as {places[place]}. Keep one of them.")
        places[place] = path
    for (arm, seed, fold, split), path in places.items():
        if split == "valid" and (arm, seed, fold, "test") not in places:
            raise DataError(f"{path}: there are no test predictions of the same network.")
    networks = tuple(
        GivenNetwork(
            arm=arm,
            seed=seed,
            fold=fold,
            path=path,
            valid=places.get((arm, seed, fold, "valid")),
            family=keys_of[path].get("family"),
        )
        for (arm, seed, fold, split), path in places.items()
        if split == "test"
    )
    _check_sizes(networks)
    return tuple(sorted(networks, key=lambda one: (one.arm, one.seed, one.fold)))


def family_of(networks: Sequence[GivenNetwork]) -> dict[str, str]:
    """The family of a backbone by its name, where the paths say it, and all the same."""
    found: dict[str, str] = {}
    for one in networks:
        if one.family is None:
            continue
        first = found.setdefault(one.arm.backbone, one.family)
        if first != one.family:
            raise DataError(
                f"{one.path}: the backbone {one.arm.backbone} is of family {one.family} here and "
                f"of {first} elsewhere. Correct one of them."
            )
    return found


def _find(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in FILES and path.is_file() and not hidden:
            yield path


def _read_path(folder: Path, path: Path) -> dict[str, str]:
    """The keys and values that a path says."""
    keys: dict[str, str] = {}
    parts = path.relative_to(folder).with_suffix("").as_posix().replace(",", "/").split("/")
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals or not value or part != printable(part).replace("\n", ""):
            raise DataError(
                f"{path}: each folder and the file's name must be KEY=VALUE, as in {EXAMPLE}. "
                f"Received: {shortened(printable(part))}."
            )
        if key not in KEYS:
            raise DataError(f"{path}: {unknown_name('key', key, KEYS)}")
        if key in keys:
            raise DataError(f"{path}: says {key} twice. Keep one of them.")
        if key in NUMBERS and not (value.isdecimal() and int(value) >= NUMBERS[key]):
            raise DataError(
                f"{path}: {key} must be a whole number from {NUMBERS[key]} "
                f"({KEYS[key].partition(',')[0]}). Received: {shortened(value)}."
            )
        if value not in CHOICES.get(key, (value,)):
            raise DataError(f"{path}: {unknown_name(key, value, CHOICES[key])}")
        keys[key] = value
    if "mode" not in keys:
        raise DataError(
            f"{path}: says no mode ({KEYS['mode']}). A path says what a file is of, as in "
            f"{EXAMPLE}. Keys: {listed(list(KEYS))}."
        )
    return keys


def _arm(folder: Path, keys: Mapping[str, str]) -> ArmName:
    return ArmName(
        downstream=keys.get("downstream", folder.resolve().name),
        backbone=keys.get("backbone", BACKBONE),
        head=HEAD,
        size=int(keys.get("size", 0)),
        protocol=PROTOCOL,
        mode=keys["mode"],
        upstream=keys.get("upstream", ""),
    )


def _check_sizes(networks: Sequence[GivenNetwork]) -> None:
    sized: dict[tuple[str, str], GivenNetwork] = {}
    for one in networks:
        other = sized.setdefault((one.arm.downstream, one.arm.backbone), one)
        if bool(one.arm.size) != bool(other.arm.size):
            with_size, without = (one, other) if one.arm.size else (other, one)
            raise DataError(
                f"{without.path}: says no size, and {with_size.path} does. Write the number of "
                "training ECGs into each path, also where it is all of them."
            )
