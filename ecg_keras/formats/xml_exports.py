"""ECGs in the exports of hospital systems, by ecgdatakit: GE MUSE, Philips, HL7 aECG, and SCP-ECG.

The package is the extra `xml`. It parses XML by defusedxml and xmltodict, which expand no entity;
what it would unpack or parse without a bound is refused before. Of the person nothing is kept.
"""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ecg_keras.errors import ConfigError, DataError
from ecg_keras.formats.lead_errors import no_lead
from ecg_keras.formats.plain_files import errors_name, read_at_most
from ecg_keras.formats.voltages import ALLOWED, unit_in_mv
from ecg_keras.formats.xml_checks import LARGEST, find_root
from ecg_keras.records import Signal, Span, span_samples
from ecg_keras.signals import LeadNames, find_lead

# SCP-ECG is packed, and unpacked bit by bit: of ten seconds it is 20 to 100 kB
_LARGEST_SCP = 2_000_000
_SIERRA = "restingecgdata"
# by the name of the root element in lower case: the format, and its parser in ecgdatakit
_PARSERS = {
    "restingecg": ("GE MUSE", "ge_muse_xml", "GEMuseXMLParser"),
    _SIERRA: ("Philips Sierra", "sierra_xml", "SierraXMLParser"),
    "annotatedecg": ("HL7 aECG", "hl7_aecg", "HL7aECGParser"),
}
_SCP = ("SCP-ECG", "scp_ecg", "SCPECGParser")
# how ecgdatakit says that it has chosen one of several recordings
_CHOSEN = re.compile("rhythm.*only the first is read|Additional rhythm waveform ignored")
# how it says that an offset, whose meaning nobody documents, is left out, and of which leads
_NOT_APPLIED = re.compile(r"GE MUSE: (\w+) is non-zero for .* and was not applied")
_OF_RHYTHM = re.compile(r"(\w+) \(rhythm\)")
# and how it distinguishes a second channel of one name from the first
_SECOND = re.compile(r"_\d+$")


def check_reader(where: str) -> None:
    """Refuses XML and SCP-ECG files, named by ``where``, without the package that reads them."""
    try:
        importlib.import_module("ecgdatakit")
    except ImportError as error:
        raise ConfigError(
            f"{where}: XML and SCP-ECG files are read by ecgdatakit, which is not installed: "
            "pip install 'ecg_keras[xml]'."
        ) from error


def read_xml(path: Path, *, lead_names: LeadNames = None, span: Span | None = None) -> Signal:
    """Reads the rhythm of an XML export in millivolts; the root element says which format it is.

    The leads are those that are stored, in MUSE files often I, II and V1 to V6."""
    content = read_at_most(path, LARGEST)
    with errors_name(path):
        parser = _identify(content)
    record, messages = _parse(path, parser)
    for message in filter(_CHOSEN.search, messages):
        raise DataError(f"{path}: holds several recordings: {message:.200}. Export one of them.")
    with errors_name(path):
        return replace(_convert(record, lead_names, span), remarks=tuple(_remark(messages)))


def read_scp(path: Path, *, lead_names: LeadNames = None, span: Span | None = None) -> Signal:
    """Reads the rhythm of an SCP-ECG file (EN 1064) in millivolts, packed or not.

    The leads are those that are stored, often I, II and V1 to V6, if all begin at one time."""
    if len(read_at_most(path, _LARGEST_SCP)) > _LARGEST_SCP:
        raise DataError(
            f"{path}: larger than {_LARGEST_SCP:,} bytes, which no resting ECG in SCP-ECG is. "
            "Export another format."
        )
    record, messages = _parse(path, _SCP)
    with errors_name(path):
        signal = _convert(record, lead_names, span)
    wrong = any("CRC mismatch" in message for message in messages)
    remark = "a checksum contradicts what it is of, which may be damaged"
    return replace(signal, remarks=(remark,) * wrong)


def _parse(path: Path, parser: tuple[str, str, str]) -> tuple[Any, list[str]]:
    """What ecgdatakit makes of a file, and its remarks; the parser is an entry of `_PARSERS`."""
    name, module, of_module = parser
    check_reader(str(path))
    try:
        parsers = importlib.import_module(f"ecgdatakit.parsing.parsers.{module}")
        with warnings.catch_warnings(record=True) as remarks:
            warnings.simplefilter("always")
            record = getattr(parsers, of_module)().parse(path)
    except Exception as error:  # a damaged file makes the parser raise whatever it meets
        reason = " ".join(str(error).replace(f" in {path}", "").split())
        raise DataError(
            f"{path}: no {name} file that can be read: {type(error).__name__}: {reason:.200}. "
            "Export it again."
        ) from error
    return record, [str(remark.message) for remark in remarks]


def _remark(messages: Iterable[str]) -> Iterator[str]:
    """What ecgdatakit says of samples that are kept, in words that fit many recordings."""
    for message in messages:
        leads = ", ".join(_OF_RHYTHM.findall(message))
        offset = _NOT_APPLIED.match(message)
        if leads and message.startswith("CRC32 mismatch"):
            yield f"the checksum of lead {leads} contradicts its samples, which may be damaged"
        if leads and offset:
            yield f"{offset[1]} of the leads {leads} is not 0, and is left out"


def _identify(content: bytes) -> tuple[str, str, str]:
    """The entry of `_PARSERS` for a file that is safe to parse."""
    root, error = find_root(content)
    if root.lower() not in _PARSERS:
        raise DataError(
            f"no ECG export: its root element is {root[:40]!r}. Allowed: RestingECG (GE "
            "MUSE), restingecgdata (Philips Sierra), AnnotatedECG (HL7 aECG)."
        )
    parser = _PARSERS[root.lower()]
    if error is not None and parser is _PARSERS[_SIERRA]:  # what it counts was not seen whole
        raise DataError(f"no {parser[0]} file that can be read: {error!s:.200}. Export it again.")
    return parser


def _begin(lead: Any) -> tuple[str, str]:
    """When a lead begins: the number of a sample in SCP-ECG, an offset of its time in MUSE."""
    offset = lead.annotations.get("LeadTimeOffset", "0")
    with suppress(ValueError):
        offset = f"{float(offset):g}"
    return lead.annotations.get("start_sample", "1"), offset


def _convert(record: Any, lead_names: LeadNames, span: Span | None) -> Signal:
    """The leads of what ecgdatakit has read."""
    leads = {}
    for one in record.leads:
        lead = find_lead(one.label, lead_names)
        if lead in leads or (_SECOND.search(one.label) and find_lead(_SECOND.sub("", one.label))):
            raise DataError(f"several of its channels are lead {_SECOND.sub('', one.label)}.")
        if lead:
            leads[lead] = one
    if not leads:
        raise no_lead("channels", [one.label for one in record.leads])
    if len({_begin(one) for one in leads.values()}) > 1:
        raise DataError("its leads were recorded one after another. Export them together.")
    shapes = {(one.sampling_rate, len(one.samples)) for one in leads.values()}
    if len(shapes) > 1:
        received = ", ".join(f"{count} samples at {rate:g} Hz" for rate, count in sorted(shapes))
        raise DataError(f"its leads must be of one rate and length. Received: {received}.")
    rate, total = shapes.pop()
    # the rate is the inverse of a time, and whole numbers only near it
    if interval := record.raw_metadata.get("rhythm_sample_interval_us"):
        rate = 1e6 / interval
    rate = float(record.raw_metadata.get("rhythm_time", {}).get("sampling_rate_exact", rate))
    start, stop = span_samples(span, rate, total)
    values = np.empty((stop - start, len(leads)), dtype=np.float32)
    for column, (lead, one) in enumerate(leads.items()):
        size = unit_in_mv(one.resolution_unit) if one.resolution_unit else None
        if size is None or not one.resolution:
            raise DataError(
                f"lead {lead} is in steps of {one.resolution:g} {one.resolution_unit!r}. Allowed: "
                f"{ALLOWED}. Export it with its calibration."
            )
        with np.errstate(over="ignore"):  # what no float32 holds is infinite, and refused as that
            values[:, column] = (one.samples[start:stop] * one.resolution + one.offset) * size
    return Signal(values, rate, tuple(leads), start, total)
