"""How much of a media file is believed: what its headers and clock say costs time and memory."""

MAX_SECONDS = 600.0
"""Seconds of one utterance without an end that are used; what comes after is left out."""

LONGER = "longer than the limit"
"""The kind of the note that an utterance is longer than what is used of it."""

STANDS = 10.0
"""Seconds that a picture counts as being on the screen when no other follows and there is no sound.

A slide show changes its pictures about that often. Where the sound goes on, a picture stands as
long as that does."""

LONGEST_HOLE = 4 * 3600.0
"""Seconds without anything in a track, all holes together, after which its clock is broken.

As silence at 16 kHz so much takes 460 MB."""

MAX_PIXELS = 64 * 2**20
"""Pixels of the largest picture that is decoded: 8192 x 8192. As RGB it takes 200 MB."""

SAMPLE_RATES = (1_000, 768_000)
"""Samples a second that sound may have."""

MAX_CHANNELS = 64
"""Channels that sound may have."""

FEWEST_BYTES = 200
"""Bytes of a file for each second of sound in it: half of what the leanest speech codecs take.

What is decoded beyond that (and beyond MAX_SECONDS) was made to fill the memory."""

MOST_PIXELS = 5e9, 1e4
"""Pixels that are decoded of any video, and for each byte of a larger one.

The first is 80 s at 1920 x 1080 and 30 pictures a second; the second is what a recording of a
screen on which nothing moves comes to at 50 kbit/s. What has more was made to fill the time."""

Span = tuple[float, float | None]


def limited(span: Span, max_seconds: float) -> tuple[float, float]:
    """Give the bounds of a span that is used: from 0 s on, and not longer than the limit.

    Examples
    --------
    >>> limited((2.0, None), 600), limited((-1.0, 3.0), 600)
    ((2.0, 602.0), (0.0, 3.0))
    """
    start = max(span[0], 0.0)
    longest = start + max_seconds
    return start, longest if span[1] is None else min(span[1], longest)
