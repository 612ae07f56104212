"""What a recipe may say of its data: one frozen, typed class per section.

docs/recipes.md says what each key means, and a test that it names all of them. Names of
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
    RecordIds,
    Seed,
    Settings,
    Voltage,
)


class Simulate(Settings):
    """A simulated hospital, written to ``data.raw`` in the layout of a real database."""

    hospital: str = "lakeside"
    records: int = Field(default=1000, ge=10)
    seed: Seed = 0


class Split(Settings):
    """Who is trained on, who chooses the epoch and the thresholds, who is tested."""

    method: Literal["auto", "official", "patients", "records"] = "auto"
    valid_folds: Folds = (9,)
    test_folds: Folds = (10,)
    valid: Fraction = 0.15
    test: Fraction = 0.2
    seed: Seed = 0
    folds: int | None = Field(default=None, ge=3)
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


class Folder(Settings):
    """Your own recordings: what the columns of their labels table say, and what CSV files lack."""

    table: HomeOrName | None = None
    file: str = "file"
    row: str | None = None
    record: str | None = None
    patient: str | None = "patient_id"
    age: str | None = None
    sex: str | None = None
    fold: str | None = None
    labels: Names | None = None
    ignore: Names = ()
    label_column: str | None = None
    separator: str = Field(default=";", min_length=1)
    sampling_rate: RateOrColumn | None = None
    unit: Voltage | None = None
    leads: Names | None = None
    array: str | None = None
    decimal: Literal[".", ","] | None = None
    lead_names: dict[str, str] | None = None

    @model_validator(mode="after")
    def _name_what_can_be_read(self) -> Folder:
        for key in ("labels", "leads"):
            names = getattr(self, key)
            if names is not None and (not names or len(set(names)) < len(names)):
                raise ValueError(f"{key} must have at least one name, and each name once")
        named = (self.file, self.row, self.record, self.patient, self.age, self.sex, self.fold)
        both = {*self.ignore} & {*named, self.label_column, *(self.labels or ())}
        if both:
            raise ValueError(f"ignore leaves {min(map(str, both))!r} out, which another key names")
        return self


class Data(Settings):
    """Where the ECGs come from and what is made of them."""

    source: str
    raw: FolderPath
    label_set: str | None = None
    leads: Names | None = None
    sampling_rate: Positive = 100.0
    seconds: Positive = 10.0
    window: Literal["start", "centre", "best"] = "start"
    short: Literal["drop", "pad"] = "drop"
    resample: Literal["polyphase", "decimate"] = "polyphase"
    unlabelled: Literal["keep", "drop"] = "keep"
    exclude: RecordIds = ()
    split: Split = Split()
    quarantine: Fraction = 0.05
    verify: Literal["refuse", "fix", "off"] = "refuse"
    anomalies: Literal["stop", "warn"] = "stop"
    train_records: int | None = Field(default=None, ge=1)
    subset: Literal["nested", "first"] = "nested"
    leaks: Literal["stop", "leave_out", "allow"] = "stop"
    without: Folders = ()
    shards: FolderPath = Path("shards")
    workers: int = Field(default=1, ge=1)
    simulate: Simulate | None = None
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
