"""Limits on media files whose headers or timestamps would cost too much time or memory."""

MAX_SECONDS = 600.0
"""Seconds that are used of one utterance without an end; what comes after is left out."""

TOO_LONG = "longer than the limit"
"""Kind of the note that only the beginning of an utterance is used."""

MAX_STILL_SECONDS = 10.0
"""Seconds that a frame may stay on the screen when no other follows and there is no audio.

A slide show changes its images about that often. A frame stays for as long as the audio goes on."""

MAX_GAP_SECONDS = 4 * 3600.0
"""Seconds without data in a track, all gaps together, beyond which its timestamps are broken.

That much silence takes 460 MB at 16 kHz."""

MAX_PIXELS = 64 * 2**20
"""Pixels of the largest image that is decoded: 8192 x 8192, or 200 MB as RGB."""

SAMPLE_RATE_RANGE = (1_000, 768_000)
"""Lowest and highest sample rate that is decoded, Hz."""

MAX_CHANNELS = 64
"""Audio channels of a track that is decoded."""

MIN_BYTES_PER_SECOND = 200
"""Bytes of a file for each second of its audio: half of what the leanest speech codecs take.

Audio beyond that (and beyond MAX_SECONDS) was made to exhaust the memory."""

MAX_VIDEO_PIXELS = 5e9
"""Pixels that are decoded of any video: 80 s of 1920 x 1080 at 30 frames a second."""

MAX_PIXELS_PER_BYTE = 1e4
"""Pixels that are decoded for each byte of a larger file.

A screen recording in which nothing moves has about as many at 50 kbit/s. A file with more was made
to exhaust the time."""

Span = tuple[float, float | None]


def clamp_span(span: Span, max_seconds: float) -> tuple[float, float]:
    """Limit a span to times from 0 s on, and to `max_seconds`.

    Examples
    --------
    >>> clamp_span((2.0, None), 600), clamp_span((-1.0, 3.0), 600)
    ((2.0, 602.0), (0.0, 3.0))
    """
    start = max(span[0], 0.0)
    longest = start + max_seconds
    return start, longest if span[1] is None else min(span[1], longest)
