"""The XML exports of hospital systems, small: GE MUSE, Philips Sierra and HL7 aECG."""

import base64

import numpy as np
from small_signals import RATE

from ecg_keras.signals import LEADS

EIGHT = ("I", "II", *LEADS[6:])


def muse_waveform(values, leads, kind="Rhythm", rate=RATE, per_bit="4.88", unit="MICROVOLTS"):
    """Stored integers as one waveform of a MUSE file."""
    text = f"<Waveform><WaveformType>{kind}</WaveformType><NumberofLeads>{len(leads)}"
    text += f"</NumberofLeads><SampleBase>{rate}</SampleBase><SampleExponent>0</SampleExponent>"
    for lead, column in zip(leads, np.asarray(values).T, strict=True):
        samples = base64.b64encode(column.astype("<i2").tobytes()).decode()
        lines = "\n".join(samples[place : place + 76] for place in range(0, len(samples), 76))
        text += f"<LeadData><LeadByteCountTotal>{2 * len(column)}</LeadByteCountTotal>"
        text += f"<LeadSampleCountTotal>{len(column)}</LeadSampleCountTotal>"
        text += f"<LeadAmplitudeUnitsPerBit>{per_bit}</LeadAmplitudeUnitsPerBit>"
        text += f"<LeadAmplitudeUnits>{unit}</LeadAmplitudeUnits><LeadID>{lead}</LeadID>"
        text += f"<LeadSampleSize>2</LeadSampleSize><WaveFormData>\n{lines}\n</WaveFormData>"
        text += "</LeadData>"
    return f"{text}</Waveform>"


def write_muse(path, *waveforms):
    """Waveforms of `muse_waveform`; the person in the file is never read."""
    path.write_text(
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n'
        "<RestingECG><MuseInfo><MuseVersion>9.0</MuseVersion></MuseInfo><PatientDemographics>"
        f"<PatientLastName>M\xfcller</PatientLastName></PatientDemographics>{''.join(waveforms)}"
        "</RestingECG>\n",
        encoding="latin-1",
    )


def _pack_bytes(content):
    """LZW with codes of 10 bits."""
    codes, known, before = [], {bytes([one]): one for one in range(256)}, b""
    for one in content:
        if before + bytes([one]) in known:
            before += bytes([one])
            continue
        codes.append(known[before])
        if len(known) < 1023:
            known[before + bytes([one])] = len(known)
        before = bytes([one])
    codes.append(known[before])
    bits = (np.array(codes)[:, None] >> np.arange(9, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8)).tobytes()


def pack_xli(column):
    """One lead as XLI: second differences, high bytes before low bytes, packed."""
    x = np.asarray(column, dtype=int)
    expected = 2 * x[1:-1] - x[:-2] - x[2:]
    stored = np.concatenate([x[:2], expected[1:] + 64, [64]]).astype(">i2")
    halves = stored.view(np.uint8).reshape(-1, 2).T.tobytes()
    packed = _pack_bytes(halves)
    start = int(expected[0]).to_bytes(2, "little", signed=True)
    return len(packed).to_bytes(4, "little") + b"\0\0" + start + packed


def pack_sierra(values):
    """Twelve leads as XLI: III, aVR, aVL and aVF are what they miss the others' sums by."""
    stored = values.astype(int)
    one, two, three, right, left, foot = stored.T[:6].copy()
    stored[:, 2] = two - one - three
    stored[:, 3] = -right - (one + two) // 2
    stored[:, 4] = (one - three) // 2 - left
    stored[:, 5] = (two + three) // 2 - foot
    return b"".join(pack_xli(column) for column in stored.T)


def write_sierra(path, values, *, packed=True, step="5", rate=RATE, leads=LEADS, samples=None):
    """Stored integers as a Philips file; ``samples`` takes the place of what they are packed to."""
    plain = values.T.astype("<i2").tobytes()
    content = samples or (pack_sierra(values) if packed else plain)
    method = ' compressmethod="XLI"' if packed else ""
    resolution = f"<resolution>{step}</resolution>" if step else ""
    path.write_text(
        '<?xml version="1.0" encoding="UTF-16"?>\n'
        '<restingecgdata xmlns="http://www3.medical.philips.com"><documentinfo><documenttype>'
        "SierraECG</documenttype><documentversion>1.04</documentversion></documentinfo>"
        f"<dataacquisition><signalcharacteristics><samplingrate>{rate}</samplingrate>{resolution}"
        "<bitspersample>16</bitspersample><signaloffset>0</signaloffset><signalsigned>TRUE"
        f"</signalsigned><numberchannelsallocated>{len(leads)}</numberchannelsallocated>"
        "</signalcharacteristics></dataacquisition><waveforms><parsedwaveforms "
        f'durationperchannel="{1000 * len(values) // rate}" numberofleads="{len(leads)}" '
        f'leadlabels="{" ".join(leads)}" dataencoding="Base64"{method}>'
        f"{base64.b64encode(content).decode()}</parsedwaveforms></waveforms></restingecgdata>\n",
        encoding="utf-16",
    )


def aecg_series(
    values, leads=LEADS, *, code="RHYTHM", step="0.002", scale="1", unit="uV", origin=0
):
    """Stored integers as one series of an aECG; ``step`` is in seconds."""
    parts = [
        '<component><sequence><code code="TIME_ABSOLUTE" codeSystem="2.16.840.1.113883.5.4"/>'
        '<value xsi:type="GLIST_TS"><head value="20240301100000.000"/>'
        f'<increment value="{step}" unit="s"/></value></sequence></component>'
    ]
    for lead, column in zip(leads, np.asarray(values).T, strict=True):
        parts.append(
            f'<component><sequence><code code="MDC_ECG_LEAD_{lead.upper()}" '
            'codeSystem="2.16.840.1.113883.6.24"/><value xsi:type="SLIST_PQ">'
            f'<origin value="{origin}" unit="{unit}"/><scale value="{scale}" unit="{unit}"/>'
            f"<digits>{' '.join(map(str, column.tolist()))}</digits></value></sequence></component>"
        )
    return (
        f'<component><series><code code="{code}"/><component><sequenceSet>{"".join(parts)}'
        "</sequenceSet></component></series></component>"
    )


def write_aecg(path, *series):
    """Series of `aecg_series`."""
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<!-- an aECG -->\n<AnnotatedECG '
        'xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"{''.join(series)}</AnnotatedECG>\n",
        encoding="utf-8",
    )
