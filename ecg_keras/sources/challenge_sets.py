"""The sets of the PhysioNet/CinC Challenge 2021, each a source: one row of the table below.

The Challenge names no patients, so each recording is a patient of its own. But the sets ``ptb`` and
``st_petersburg_incart`` hold several recordings of one person: there, neighbours of the same age
and sex are one patient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ecg_keras.errors import look_up
from ecg_keras.labels import Definition
from ecg_keras.records import RecordInfo
from ecg_keras.sources import challenge_format, ptb_diagnostic, ptbxl
from ecg_keras.sources.challenge_format import SCORED
from ecg_keras.sources.contract import MOST, TEN_SECONDS, Corpus, Expectations


@dataclass(frozen=True)
class ChallengeSet:
    """A source in the Challenge's format: what differs from one set to another.

    Attributes:
        folder: the set's folder in the Challenge, for messages.
        record_name: a pattern that every record name matches in full; an empty one stands for all
            sets together, whose ``record_id`` is the path in the folder.
        DEFINITIONS: the SNOMED CT codes of each label, by label set; the first is the default.
        CITATION: what to cite.
        LICENCE: of the database.
        CORPUS: what its documentation promises.

    Example:
        >>> mine = ChallengeSet("mine", "M[0-9]+", {"rhythm": {"AF": ("164889003",)}}, "", "",
        ...                     Corpus("mine", "mine, 10 s", "headers"))
        >>> mine.LABEL_SETS
        {'rhythm': ('AF',)}
    """

    folder: str
    record_name: str
    DEFINITIONS: Mapping[str, Definition]
    CITATION: str
    LICENCE: str
    CORPUS: Corpus
    OFFICIAL_FOLDS: ClassVar[bool] = False

    @property
    def LABEL_SETS(self) -> dict[str, tuple[str, ...]]:
        """The labels of each label set."""
        return {name: tuple(definition) for name, definition in self.DEFINITIONS.items()}

    def list_records(self, root: Path, *, label_set: str, sampling_rate: float) -> list[RecordInfo]:
        """Lists the recordings below a folder; the Challenge has one rate for each of them."""
        del sampling_rate
        definition = look_up("label set", label_set, self.DEFINITIONS)
        if not self.record_name:
            return challenge_format.list_all(root, definition)
        return challenge_format.list_set(root, definition, self.record_name, self.folder)

    choose_files = staticmethod(challenge_format.choose_files)
    read_signal = staticmethod(challenge_format.read_signal)


CC_BY, ODC_BY = "CC BY 4.0", "ODC-By 1.0"
LIU = (
    "Liu F, Liu C, Zhao L, et al. An open access database for evaluating the algorithms of "
    "electrocardiogram rhythm and morphology abnormality detection. J Med Imaging Health Inform "
    "8(7), 1368-1373 (2018). https://doi.org/10.1166/jmihi.2018.2442"
)
# the four groups into which the authors of Chapman merged eleven rhythms (Zheng et al. 2020)
RHYTHM: Definition = {
    "SB": ("426177001",),
    "AFIB": ("164889003", "164890007"),
    "GSVT": ("426761007", "713422000", "251166008", "233897008", "17366009", "427084000"),
    "SR": ("426783006", "427393009"),
}

CPSC2018 = ChallengeSet(
    folder="cpsc_2018",
    record_name=r"A\d{4}",
    DEFINITIONS={
        # the nine classes of CPSC 2018, under the paper's names
        "cpsc2018": {
            "NORM": ("426783006",),
            "AF": ("164889003",),
            "IAVB": ("270492004",),
            "LBBB": ("164909002",),
            "RBBB": ("59118001",),
            "PAC": ("284470004",),
            "VEB": ("164884008",),
            "STD": ("429622005",),
            "STE": ("164931005",),
        },
        "challenge2021": SCORED,
    },
    CITATION=LIU,
    LICENCE=CC_BY,
    CORPUS=Corpus(
        title="CPSC 2018",
        about="CPSC 2018, 6 to 144 s, 500 Hz",
        layout="Challenge folder `cpsc_2018`",
        # Liu et al. 2018: 6 to 144 s; 6 of 6,877 recordings have three labels
        expectations=Expectations(
            rates=(500.0,),
            seconds=(5.9, 144.1),
            sexes_known=MOST,
            labelled={"cpsc2018": MOST},
            most_labels={"cpsc2018": 3},
        ),
    ),
)
CPSC2018_EXTRA = ChallengeSet(
    folder="cpsc_2018_extra",
    record_name=r"Q\d{4}",
    DEFINITIONS={"challenge2021": SCORED},
    CITATION=LIU,
    LICENCE=CC_BY,
    CORPUS=Corpus(
        title="CPSC 2018, unused recordings",
        about="CPSC 2018, unused recordings, 500 Hz",
        layout="Challenge folder `cpsc_2018_extra`",
        expectations=Expectations(rates=(500.0,), seconds=(5.0, 150.0), sexes_known=MOST),
    ),
)
GEORGIA = ChallengeSet(
    folder="georgia",
    record_name=r"E\d{5}",
    DEFINITIONS={
        # the ten most frequent classes, under the paper's names
        "georgia": {
            "NORM": ("426783006",),
            "AF": ("164889003",),
            "IAVB": ("270492004",),
            "SB": ("426177001",),
            "LAD": ("39732003",),
            "STach": ("427084000",),
            "TAb": ("164934002",),
            "TInv": ("59931005",),
            "LQT": ("111975006",),
            "PAC": ("284470004",),
        },
        "challenge2021": SCORED,
    },
    CITATION=(
        "Perez Alday EA, Gu A, Shah AJ, et al. Classification of 12-lead ECGs: the "
        "PhysioNet/Computing in Cardiology Challenge 2020. Physiol Meas 41(12), 124003 (2020). "
        "https://doi.org/10.1088/1361-6579/abc960"
    ),
    LICENCE=CC_BY,
    CORPUS=Corpus(
        title="Georgia",
        about="Georgia 12-lead, 5 to 10 s, 500 Hz",
        layout="Challenge folder `georgia`",
        # Perez Alday et al. 2020: 5 to 10 s
        expectations=Expectations(rates=(500.0,), seconds=(4.9, 10.01), sexes_known=MOST),
    ),
)
# It has 516 of the 549 recordings and no patient ids, though many patients have several. A split by
# record, as published studies did, lets patients leak. Its codes are not the database's own
# diagnoses: sinus rhythm stands for the healthy controls, and for single recordings of patients.
PTB = ChallengeSet(
    folder="ptb",
    record_name=r"S\d{4}",
    DEFINITIONS={
        # the paper's two classes, "Healthy control" and "Myocardial infarction"
        "diagnosis": {"NORM": ("426783006",), "MI": ("164865005",)},
        "challenge2021": SCORED,
    },
    CITATION=ptb_diagnostic.CITATION,
    LICENCE=ODC_BY,
    CORPUS=Corpus(
        title="PTB Diagnostic",
        about="PTB Diagnostic as the Challenge copied it, 32 to 120 s, 1000 Hz",
        layout="Challenge folder `ptb`",
        # Bousseljot et al. 1995: 17 to 87 years, 32 to 120 s at 1000 Hz, 15 persons of unknown age
        expectations=Expectations(
            rates=(1000.0,),
            seconds=(30.0, 125.0),
            age=(17.0, 87.0),
            most_labels={"diagnosis": 1},
        ),
        copy_of="ptb_diagnostic",
    ),
)
# Use the source `ptbxl` where you can: this copy has no patients and no folds. The recording
# HR00001 is PTB-XL's ecg_id 1.
PTBXL = ChallengeSet(
    folder="ptb-xl",
    record_name=r"HR\d{5}",
    DEFINITIONS={"challenge2021": SCORED},
    CITATION=ptbxl.CITATION,
    LICENCE=CC_BY,
    CORPUS=Corpus(
        title="PTB-XL",
        about="PTB-XL as the Challenge copied it, 500 Hz",
        layout="Challenge folder `ptb-xl`",
        # as of `ptbxl`
        expectations=Expectations(
            rates=(500.0,),
            seconds=TEN_SECONDS,
            age=(0.0, 95.0),
            ages_known=MOST,
            sexes_known=0.99,
        ),
        copy_of="ptbxl",
    ),
)
CHAPMAN = ChallengeSet(
    folder="chapman_shaoxing",
    record_name=r"JS(0\d{4}|10[0-5]\d\d|106[0-3]\d|1064[0-6])",
    DEFINITIONS={"rhythm": RHYTHM, "challenge2021": SCORED},
    CITATION=(
        "Zheng J, Zhang J, Danioko S, et al. A 12-lead electrocardiogram database for arrhythmia "
        "research covering more than 10,000 patients. Sci Data 7, 48 (2020). "
        "https://doi.org/10.1038/s41597-020-0386-x"
    ),
    LICENCE=CC_BY,
    CORPUS=Corpus(
        title="Chapman-Shaoxing",
        about="Chapman-Shaoxing as the Challenge copied it, 10 s, 500 Hz",
        layout="Challenge folder `chapman_shaoxing`",
        # Zheng et al. 2020: 4 to 98 years, one rhythm each
        expectations=Expectations(
            rates=(500.0,),
            seconds=TEN_SECONDS,
            age=(4.0, 98.0),
            ages_known=MOST,
            sexes_known=MOST,
            most_labels={"rhythm": 1},
        ),
        copy_of="chapman_csv",
    ),
)
NINGBO = ChallengeSet(
    folder="ningbo",
    # the header of one recording, JS23074.mat, lacks the J
    record_name=r"S23074|JS(1064[7-9]|106[5-9]\d|10[7-9]\d\d|1[1-9]\d{3}|[2-4]\d{4})",
    DEFINITIONS={"rhythm": RHYTHM, "challenge2021": SCORED},
    CITATION=(
        "Zheng J, Chu H, Struppa D, et al. Optimal multi-stage arrhythmia classification approach. "
        "Sci Rep 10, 2898 (2020). https://doi.org/10.1038/s41598-020-59821-7"
    ),
    LICENCE=CC_BY,
    CORPUS=Corpus(
        title="Ningbo",
        about="Ningbo First Hospital, 10 s, 500 Hz",
        layout="Challenge folder `ningbo`",
        expectations=Expectations(
            rates=(500.0,), seconds=TEN_SECONDS, ages_known=MOST, sexes_known=MOST
        ),
    ),
)
# Both as their authors published them together, with the Challenge's headers. Two of these are
# damaged (JS01052, JS23074), and go into quarantine.
CHAPMAN_NINGBO = ChallengeSet(
    folder="WFDBRecords",
    record_name=r"J?S\d{5}",
    DEFINITIONS={"rhythm": RHYTHM, "challenge2021": SCORED},
    CITATION=(
        "Zheng J, Guo H, Chu H. A large scale 12-lead electrocardiogram database for arrhythmia "
        "study (version 1.0.0). PhysioNet (2022). https://doi.org/10.13026/wgex-er52"
    ),
    LICENCE=CC_BY,
    CORPUS=Corpus(
        title="Chapman-Shaoxing and Ningbo",
        about="Chapman-Shaoxing and Ningbo as published together, 10 s, 500 Hz",
        layout="`WFDBRecords/`",
        expectations=NINGBO.CORPUS.expectations,
        marks=("WFDBRecords", "ConditionNames_SNOMED-CT.csv"),
        holds=("chapman", "ningbo"),
    ),
)
# Each of the 74 Holter recordings has codes for all of its half hour: the seconds that are kept
# (data.seconds and data.window) need not show what the codes name.
INCART = ChallengeSet(
    folder="st_petersburg_incart",
    record_name=r"I\d{4}",
    DEFINITIONS={
        # what at least eight recordings have, under the Challenge's abbreviations
        "incart": {
            "VEB": ("164884008",),
            "VPVC": ("251182009",),
            "CHD": ("53741008",),
            "PVT": ("425856008",),
            "Brady": ("426627000",),
            "STach": ("427084000",),
            "LVH": ("164873001",),
            "MI": ("164865005",),
            "VBig": ("11157007",),
        },
        "challenge2021": SCORED,
    },
    CITATION=(
        "Tihonenko V, Khaustov A, Ivanov S, Rivin A, Yakushenko E. St Petersburg INCART 12-lead "
        "Arrhythmia Database. PhysioNet (2008). https://doi.org/10.13026/C2V88N"
    ),
    LICENCE=ODC_BY,
    CORPUS=Corpus(
        title="St Petersburg INCART",
        about="St Petersburg INCART, 30 min, 257 Hz",
        layout="Challenge folder `st_petersburg_incart`",
        # its headers: 18 to 80 years, half an hour at 257 Hz
        expectations=Expectations(
            rates=(257.0,),
            seconds=(1799.0, 1801.0),
            age=(18.0, 80.0),
            ages_known=MOST,
            sexes_known=MOST,
        ),
    ),
)
ALL_SETS = ChallengeSet(
    folder="training",
    record_name="",
    DEFINITIONS={"challenge2021": SCORED},
    CITATION=(
        "Reyna MA, Sadr N, Perez Alday EA, et al. Will Two Do? Varying Dimensions in "
        "Electrocardiography: The PhysioNet/Computing in Cardiology Challenge 2021. Computing in "
        "Cardiology 48 (2021). https://doi.org/10.13026/34va-7q14"
    ),
    LICENCE="CC BY 4.0; the sets ptb and st_petersburg_incart: ODC-By 1.0",
    CORPUS=Corpus(
        title="the Challenge of 2021",
        about="all sets of the PhysioNet/CinC Challenge 2021 together",
        layout="Challenge folder `training`",
        expectations=Expectations(rates=(257.0, 500.0, 1000.0), seconds=(4.9, 1801.0)),
        marks=("cpsc_2018", "georgia"),
        holds=(
            *("cpsc2018", "cpsc2018_extra", "georgia", "ptb", "ptbxl_challenge", "chapman"),
            *("ningbo", "incart"),
        ),
    ),
)
