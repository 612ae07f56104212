"""What a recipe may say of its data: one frozen, typed class per section.

Field comments are the reference of docs/recipes.md, as in `ecg_keras.config.recipe`. Names of
sources and hospitals are plain strings here: the layers that own those tables check them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from ecg_keras.config.values import (
    FolderPath,
    Folders,
    Folds,
    Fraction,
    HomeOrName,
    Names,
    Positive,
    RateOrColumn,
    Section,
    Seed,
)


class Simulate(Section):
    """A simulated hospital, written to ``data.raw`` in the layout of a real database."""

    hospital: str = "lakeside"
    records: int = Field(default=1000, ge=10)
    seed: Seed = 0


class Split(Section):
    """Who is trained on, who chooses the epoch and the thresholds, who is tested."""

    # official: the database's own folds; patients: stratified by label, disjoint by patient;
    # auto: official where the database has folds, patients elsewhere; records: at random without
    # regard to patients, as published for the PTB database: a patient's other ECGs are trained on
    method: Literal["auto", "official", "patients", "records"] = "auto"
    # official folds of the validation and the test split; all others train
    valid_folds: Folds = (9,)
    test_folds: Folds = (10,)
    # shares of the patients, for method patients; of the records, for method records. valid may be
    # 0, and valid_folds empty, where training.validate_on is test
    valid: Fraction = 0.15
    test: Fraction = 0.2
    seed: Seed = 0
    # cross-validation: the number of folds, made as method says; over all of them every record is
    # tested once. none: the one split that the keys above name
    folds: int | None = Field(default=None, ge=3)
    # with folds: the one that is tested, counted from 0; the next one, in a circle, validates
    fold: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _cross_validate_or_not(self) -> Split:
        if (self.folds is None) != (self.fold is None):
            raise ValueError(
                "folds and fold belong together, such as {folds: 5, fold: 0}. Received: folds "
                f"{self.folds}, fold {self.fold}"
            )
        if self.folds is None or self.fold is None:
            return self
        if self.fold >= self.folds:
            raise ValueError(
                f"fold must be 0 to {self.folds - 1}, as there are {self.folds} folds. Received: "
                f"{self.fold}"
            )
        unused = [
            name
            for name in ("valid_folds", "test_folds", "valid", "test")
            if getattr(self, name) != type(self).model_fields[name].default
        ]
        if unused:
            raise ValueError(
                f"folds decides who is tested and who validates: remove {', '.join(unused)}"
            )
        return self

    @property
    def may_lack_valid(self) -> bool:
        """Whether these settings leave the validation split empty, for some source at least."""
        return (self.method != "official" and self.valid == 0) or (
            self.method in ("auto", "official") and not self.valid_folds
        )

    @model_validator(mode="after")
    def _leave_patients_to_train_on(self) -> Split:
        if self.valid + self.test >= 1:
            raise ValueError(
                f"valid and test together must be below 1. Received: {self.valid} + {self.test}"
            )
        if set(self.valid_folds) & set(self.test_folds):
            raise ValueError("valid_folds and test_folds must have no fold in common")
        return self


class Folder(Section):
    """Your own recordings: what the columns of their labels table say, and what CSV files lack."""

    # the labels table in data.raw; none: the one labels.csv or labels.parquet there
    table: HomeOrName | None = None
    # column with each recording's file, relative to data.raw, with or without its ending
    file: str = "file"
    # column with each recording's id; none: its file without the ending
    record: str | None = None
    # column that is equal for all recordings of one person; null: each is of another person. Where
    # that is not so, patients are trained on and tested, and the scores flatter
    patient: str | None = "patient_id"
    # column with the age in years; none: age, where the table has it
    age: str | None = None
    # column with male, female, M or F; none: sex, where the table has it
    sex: str | None = None
    # column with the official fold, a whole number or train, valid or test; none: fold, where it is
    fold: str | None = None
    # the labels, in this order: columns of 0 and 1, or names in label_column; none: every other
    # column of 0 and 1, or every name that occurs
    labels: Names | None = None
    # columns that are left out: no labels, and no age, sex or fold either
    ignore: Names = ()
    # one column with the names of each recording's labels; none: each label is a column
    label_column: str | None = None
    # between two names in label_column
    separator: str = Field(default=";", min_length=1)
    # of CSV files: Hz, or the column that says it
    sampling_rate: RateOrColumn | None = None
    # of CSV files, and of EDF leads, that state none
    unit: Literal["mV", "uV", "V"] | None = None
    # of CSV files: the name of each column, instead of those in a header
    leads: Names | None = None
    decimal: Literal[".", ","] | None = None  # of CSV files; none: what their numbers say
    # own spellings of leads in headers and channels of any format, such as {DI: I, Thorax 1: V1}
    lead_names: dict[str, str] | None = None

    @model_validator(mode="after")
    def _name_what_can_be_read(self) -> Folder:
        for key in ("labels", "leads"):
            names = getattr(self, key)
            if names is not None and (not names or len(set(names)) < len(names)):
                raise ValueError(f"{key} must have at least one name, and each name once")
        named = (self.file, self.record, self.patient, self.age, self.sex, self.fold)
        both = {*self.ignore} & {*named, self.label_column, *(self.labels or ())}
        if both:
            raise ValueError(f"ignore leaves {min(map(str, both))!r} out, which another key names")
        return self


class Data(Section):
    """Where the ECGs come from and what is made of them."""

    # a name of `ecg-keras describe --sources`, or the name of a Python module of your own
    source: str
    # the database's folder, in its official layout
    raw: FolderPath
    # which labels; none takes the source's first label set
    label_set: str | None = None
    # leads in column order; none keeps all twelve
    leads: Names | None = None
    # Hz of the shards
    sampling_rate: Positive = 100.0
    # length of each ECG; longer recordings are cut, shorter ones dropped or padded
    seconds: Positive = 10.0
    # which part of a longer recording is kept; best: of which least is missing or dead, or noisy
    window: Literal["start", "centre", "best"] = "start"
    # a recording that is too short: drop it (counted in dataset.json), or pad it with zeros
    short: Literal["drop", "pad"] = "drop"
    # polyphase filters before it decimates; decimate takes every n-th sample, as published
    resample: Literal["polyphase", "decimate"] = "polyphase"
    # records without any label of the set: keep them as all-zero rows, or drop them (counted)
    unlabelled: Literal["keep", "drop"] = "keep"
    split: Split = Split()
    # share of records that may be unreadable, NaN, flat or broken; more stop `prepare`
    quarantine: Fraction = 0.05
    # leads, unit and sampling rate are verified from the signals themselves. refuse: stop where
    # they are not what they are said to be; fix: repair every record; off: use them as they are
    verify: Literal["refuse", "fix", "off"] = "refuse"
    # what TensorFlow Data Validation finds: stop before training, or warn
    anomalies: Literal["stop", "warn"] = "stop"
    # train on this many records of the training split; none: all
    train_records: int | None = Field(default=None, ge=1)
    # which ones: nested (drawn with training.seed, stratified by labels, each within every larger
    # one), or first (in the order of their ids, as published)
    subset: Literal["nested", "first"] = "nested"
    # test records (and validation records) whose patient or signal is trained on, here or in the
    # upstream: stop before training; leave_out those training and validation records (what an
    # upstream knows still stops); or allow, and warn
    leaks: Literal["stop", "leave_out", "allow"] = "stop"
    # folders of other shards: train and validate on nothing that shares a patient or signal with
    # their validation and test records
    without: Folders = ()
    # folder of the shards; each dataset gets a folder of its own inside it
    shards: FolderPath = Path("shards")
    # processes that read and write
    workers: int = Field(default=1, ge=1)
    # only for source simulated
    simulate: Simulate | None = None
    # only for source folder
    folder: Folder | None = None

    @model_validator(mode="after")
    def _keep_sections_to_their_sources(self) -> Data:
        if self.simulate is not None and self.source != "simulated":
            raise ValueError(
                f"data.simulate needs data.source simulated. Received: source {self.source}"
            )
        if self.folder is not None and self.source != "folder":
            raise ValueError(
                f"data.folder needs data.source folder. Received: source {self.source}"
            )
        return self
