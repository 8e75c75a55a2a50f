"""Who speaks when, in the Rich Transcription Time Marked format of NIST (.rttm)."""

import re
from pathlib import PurePath
from urllib.parse import quote

from mien.inference.timeline import Timeline
from mien.report.timeline.lanes import lanes, stretch

_UNSAFE = re.compile(r"[\s%;<>]")


def rttm(timeline: Timeline) -> str:
    """Write a SPEAKER line for each segment, in order of time.

    Fields are separated by spaces, so names are percent-encoded where they hold spaces, `%`, `;`,
    `<` or `>`: `urllib.parse.unquote` gives them back. The file's field is the name of the
    recording without its ending.
    """
    file = rttm_name(PurePath(timeline.source).stem) or "recording"
    speech = [(stretch(one), name) for name, own in lanes(timeline).items() for one in own]
    speech.sort(key=lambda pair: (pair[0].start, pair[0].end))
    return "".join(
        f"SPEAKER {file} 1 {one.start / 1000:.3f} {(one.end - one.start) / 1000:.3f}"
        f" <NA> <NA> {rttm_name(name)} <NA> <NA>\n"
        for one, name in speech
    )


def rttm_name(name: str) -> str:
    """Encode a name as one field.

    Examples
    --------
    >>> rttm_name("Zoë Lang")
    'Zoë%20Lang'
    """
    return _UNSAFE.sub(lambda sign: quote(sign[0], safe=""), name)
