"""The groups of channels of a DICOM waveform object: which are the recording, and their leads.

An object may hold several groups: the recording, averaged beats, and what was computed from the
recording; some devices put each lead, or each few, into a group.

Source: DICOM PS3.3, C.10.9 (Waveform Module); the leads' codes: PS3.16, context group 3001.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ecg_keras.errors import DataError
from ecg_keras.formats.lead_errors import no_lead
from ecg_keras.signals import LEADS, LeadNames, find_lead

# averaged beats last a second or so, recordings longer
_LONGEST_BEAT = 2.0
_BEAT = re.compile("MEDIAN|BEAT|AVERAGE|TEMPLATE|REPRESENTATIVE")
# the numbers that end the codes 2:1 (MDC) and 5.6.3-9-1 (SCP-ECG); the one's codes under the
# other's name are met, too
_NUMBERS = dict(
    zip((1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8), LEADS, strict=True)  # I II III aVR aVL aVF V1-6
)
_CODES = {f"{before}{n}": lead for n, lead in _NUMBERS.items() for before in ("2:", "5.6.3-9-")}
_SCHEMES = ("MDC", "SCPECG")
# Lead I (Einthoven), or aVR, augmented voltage
_REMARK = re.compile("[(,;]")


@dataclass(frozen=True, eq=False)
class ChannelGroup:
    """One group of channels."""

    # of the object's Waveform Sequence
    item: Any
    # of each channel, `None` for one that is no lead; empty for averaged beats
    leads: tuple[str | None, ...]
    # in Hz
    rate: float
    # of each channel
    samples: int
    # milliseconds from the object's reference time to its first sample
    begin: float
    # whether it was taken, and not derived from other waveforms
    original: bool

    @property
    def channels(self) -> Sequence[Any]:
        """What describes each of its channels."""
        found: Sequence[Any] = self.item.ChannelDefinitionSequence
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Its leads alone."""
        return tuple(lead for lead in self.leads if lead)


def read_group(item: Any, lead_names: LeadNames) -> ChannelGroup:
    """What an item of the Waveform Sequence says of itself."""
    rate = float(item.SamplingFrequency)
    if not 0 < rate < math.inf:
        raise DataError(f"the sampling frequency must be above 0 Hz. Received: {rate:g}.")
    samples = int(item.NumberOfWaveformSamples)
    original = str(item.get("WaveformOriginality", "")).strip().upper() != "DERIVED"
    called_beat = _BEAT.search(str(item.get("MultiplexGroupLabel", "")).upper())
    is_beat = called_beat or (not original and samples < _LONGEST_BEAT * rate)
    channels = [] if is_beat else item.ChannelDefinitionSequence
    return ChannelGroup(
        item=item,
        leads=tuple(_lead(channel, lead_names) for channel in channels),
        rate=rate,
        samples=samples,
        begin=float(item.get("MultiplexGroupTimeOffset") or 0),
        original=original,
    )


def choose_groups(groups: Sequence[ChannelGroup]) -> list[ChannelGroup]:
    """The groups that together are the recording."""
    # One as it was taken comes before a derived one, then the one with the most leads, then the
    # longest; the file's order decides between equals
    candidates = _join(groups)
    if not candidates:
        names = [_name(one) for group in groups if group.leads for one in group.channels]
        if names:
            raise no_lead("channels", names)
        raise DataError(
            f"none of its {len(groups)} groups of channels is a recording with one of the leads "
            f"{', '.join(LEADS)}. Export the rhythm, not averaged beats alone."
        )
    best = max(candidates, key=_rank)
    leads = [lead for group in best for lead in group.names]
    twice = sorted({lead for lead in leads if leads.count(lead) > 1})
    if twice:
        raise DataError(f"several channels are lead {', '.join(twice)}. Export one of each.")
    return best


def _join(groups: Sequence[ChannelGroup]) -> list[list[ChannelGroup]]:
    """Groups of equal rate, length and begin, together as long as no lead is in two of them."""
    together: dict[tuple[object, ...], list[list[ChannelGroup]]] = {}
    for group in groups:
        if not group.names:
            continue
        key = (group.rate, group.samples, group.begin, group.original)
        for others in together.setdefault(key, []):
            if not {lead for one in others for lead in one.names} & set(group.names):
                others.append(group)
                break
        else:
            together[key].append([group])
    return [joined for each in together.values() for joined in each]


def _rank(joined: Sequence[ChannelGroup]) -> tuple[bool, bool, int, int]:
    first = joined[0]
    lasts = first.samples >= _LONGEST_BEAT * first.rate
    return lasts, first.original, sum(len(group.names) for group in joined), first.samples


def _lead(channel: Any, lead_names: LeadNames) -> str | None:
    """The lead of a channel by its code, the code's meaning and the channel's label."""
    coded = named = None
    texts = []
    for source in channel.get("ChannelSourceSequence") or []:
        scheme, code = (str(source.get(key, "")) for key in ("CodingSchemeDesignator", "CodeValue"))
        if re.sub("[^A-Z]", "", scheme.upper()) in _SCHEMES:
            coded = coded or _CODES.get(code.strip())
        # some put the name where the code belongs: MDC_ECG_LEAD_I
        texts += [str(source.get("CodeMeaning", "")), code]
    texts.append(str(channel.get("ChannelLabel", "")))
    spellings = tuple((lead_names or {}).items())
    for text in texts:
        lead = _find(text, spellings)
        named = named or lead
        if lead and (coded or named) != lead:
            raise DataError(
                f"a channel has the {'code' if coded else 'name'} of lead {coded or named} and the "
                f"name of lead {lead}, {text[:64]!r}. Export it again with a device that names its "
                "leads right, or say with data.folder.lead_names what this name means."
            )
    return coded or named


def _name(channel: Any) -> str:
    """What a channel is called, for a message."""
    source: Any = next(iter(channel.get("ChannelSourceSequence") or []), {})
    texts = (channel.get("ChannelLabel"), source.get("CodeMeaning"), source.get("CodeValue"))
    return printable(next((str(one).strip() for one in texts if one), "(no name)")[:32])


def printable(text: str) -> str:
    """A text of a file as part of a message, in which it must not steer a terminal."""
    return "".join(x if x.isprintable() else "?" for x in text)


@functools.lru_cache(maxsize=4096)  # the channels of a database are named alike
def _find(text: str, lead_names: tuple[tuple[str, str], ...]) -> str | None:
    spellings = dict(lead_names)
    return find_lead(text, spellings) or find_lead(_REMARK.split(text, 1)[0].rstrip(), spellings)
