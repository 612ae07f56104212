"""`Folder`: a recipe's ``data.folder``, how the table of your own recordings is to be read."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ecg_keras.config.section import Section
from ecg_keras.config.values import HomeOrName, Names, RateOrColumn


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
