"""Cards of published weights: a template for each family, and a filled-in one, checked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ecg_keras.config import Problem, WeightsCard, load_card
from ecg_keras.errors import ConfigError, DataError, unknown_name
from ecg_keras.files import sha256_of
from ecg_keras.json_files import read_json
from ecg_keras.signals import LEADS
from ecg_keras.sources import SOURCES
from ecg_keras.weights.families import FAMILIES, Family, find_family

# databases that are no source, on which published weights were trained
ELSEWHERE = ("code", "harvard_emory", "mimic_iv_ecg", "samitrop")
TEMPLATES = Path(__file__).parent / "templates"


def card_template(name: str) -> str:
    """The card of a family as YAML with comments, in which what only you know is to be filled in.

    Raises:
        ConfigError: there is no such family.

    Example:
        >>> print(card_template("resnet1d18").splitlines()[0])
        family: resnet1d18
    """
    family = find_family(name)
    text = (TEMPLATES / family.card).read_text(encoding="utf-8")
    return text.replace("FAMILY", family.name)


def read_card(path: str | Path) -> WeightsCard:
    """Reads a card that was filled in, and checks its family and leads.

    Raises:
        ConfigError: as for `ecg_keras.config.load_card`, or there is no such family or lead.

    Example:
        >>> read_card("xceptiontime.yaml").unit  # doctest: +SKIP
        'uV'
    """
    card = load_card(path, (_check_names,))
    return card.model_copy(update={"family": find_family(card.family).name})


def find_card(path: str | Path) -> Path:
    """The card beside a file of weights: ``theirs.yaml`` beside ``theirs.pt``.

    Raises:
        DataError: there is none.

    Example:
        >>> find_card("weights/xceptiontime.onnx")  # doctest: +SKIP
        PosixPath('weights/xceptiontime.yaml')
    """
    card = Path(path).with_suffix(".yaml")
    if not card.is_file():
        raise DataError(
            f"{path}: there is no card {card.name} beside it, which says what these weights want "
            f"as input. Write one: ecg-keras import --card-template FAMILY > {card}; the families "
            f"are {', '.join(row.name for row in FAMILIES)}."
        )
    return card


def _check_names(card: WeightsCard) -> Iterator[Problem]:
    try:
        find_family(card.family)
    except ConfigError as error:
        yield Problem(("family",), str(error))
    for index, lead in enumerate(card.leads):
        if lead not in LEADS:
            yield Problem(("leads", index), unknown_name("lead", lead, LEADS))
    databases = (*SOURCES, *ELSEWHERE)
    for index, one in enumerate(card.seen):
        # the leakage guard would not find a misspelt one
        if not one.unlisted and not any(map(one.is_of, databases)):
            problem = unknown_name("database", one.database, databases)
            advice = "Of a database that has none of these names, also say unlisted: true."
            yield Problem(("seen", index, "database"), f"{problem} {advice}")


def describe_head(place: str | Path, card: str | Path) -> str:
    """That the head of an imported network is chance, in a sentence.

    Args:
        place: of the network, for the sentence.
        card: of the weights it was made from, in its run folder; it need not be there. The
            ``status.json`` beside it says whether the file had a head.

    Returns:
        The sentence; nothing where the head was published, or it is no imported network.

    Raises:
        ConfigError: the card is damaged.
        DataError: the status is.

    Example:
        >>> describe_head("runs/mine", "runs/mine/card.yaml")
        ''
    """
    card = Path(card)
    family = _family_of(card)
    if family is None:
        return ""
    if "head" in family.own:
        why = f"none is published of {family.name}"
    elif _began_with_chance(card.with_name("status.json")):
        why = "there is none in the file of its weights"
    else:
        return ""
    return (
        f"{place}: its head was never trained, because {why}: its probabilities are chance. "
        "Fine-tune it first, in a recipe with initialise.from."
    )


def describe_decisions(place: str | Path, card: str | Path) -> str:
    """That an imported network decides every label present at a threshold of 0.5, in a sentence.

    Args:
        place: of the network, for the sentence.
        card: of the weights, in its run folder, as for `describe_head`.

    Returns:
        The sentence; nothing where probabilities go below 0.5, or it is no imported network.

    Raises:
        ConfigError: the card is damaged.
        DataError: the status is.

    Example:
        >>> describe_decisions("runs/mine", "runs/mine/card.yaml")
        ''
    """
    card = Path(card)
    family = _family_of(card)
    if family is None or family.least < 0.5 or describe_head(place, card):
        return ""
    return (
        f"{place}: no probability of {family.name} is below {family.least:g}, so at the threshold "
        "of 0.5 every label is present in every ECG: sensitivity, specificity, F1 and calibration "
        "mean nothing. AUROC and average precision need no threshold; fine-tune it for the others."
    )


def _family_of(card: Path) -> Family | None:
    """The family of a run's card; ``None`` where it has none, as it was not imported."""
    return find_family(load_card(card).family) if card.is_file() else None


def _began_with_chance(status: Path) -> bool:
    """Whether an import kept the first weights of the head, which only later ones report."""
    advice = f"Remove {status.parent} and import the weights again."
    return status.is_file() and read_json(status, "statuses", dict, advice).get("head") == "new"


def identify(path: str | Path, card: WeightsCard) -> str:
    """The sha256 of a file of weights, by which a run knows what it was made from.

    Args:
        path: of the file of weights.
        card: of these weights; where it has a ``sha256``, the file must have it too.

    Raises:
        DataError: there is no such file, or it is not the one that the card is of.

    Example:
        >>> identify("theirs.pt", read_card("theirs.yaml"))  # doctest: +SKIP
        '0f3c...'
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: there is no such file of weights.")
    found = sha256_of(path)
    if card.sha256 not in (None, found):
        raise DataError(
            f"{path}: not the file that the card is of: its sha256 is {found}, and the card's "
            f"{card.sha256}. Download it again, or correct the card."
        )
    return found
