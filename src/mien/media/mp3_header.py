"""The duration that the header of an MP3 states, where its encoder wrote one."""

from typing import BinaryIO

from mien.media.streams import open_bytes
from mien.utterance import Media

# ID3v2 tags that may follow each other before the audio.
_MAX_TAGS = 8
# Bytes after the tags within which the first frame begins.
_SEARCHED = 65_536
# Sample rates, by the version bits of a frame and then by its two bits of sample rate.
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_MPEG_1 = 3
_LAYER_3, _MONO = 1, 3
_HAS_FRAMES = 1


def stated_seconds(path: Media) -> float | None:
    """Read the duration that the Xing or Info header of an MP3 states.

    Such a header is in the first frame of most files of variable bit rate, and of many of constant
    bit rate. It holds the number of frames that follow.

    Parameters
    ----------
    path : Path or MediaBytes
        The file. At most 64 KiB of it are read.

    Returns
    -------
    float or None
        Seconds; None where no header says how many frames there are.
    """
    with open_bytes(path) as file:
        _skip_tags(file)
        data = file.read(_SEARCHED)
    place = data.find(b"\xff")
    while 0 <= place < len(data) - 3:
        header = int.from_bytes(data[place : place + 4])
        if (rate := _rate(header)) is not None:
            frames = _frames(data[place : place + 64], header)
            return None if frames is None else frames * _samples(header) / rate
        place = data.find(b"\xff", place + 1)
    return None


def _skip_tags(file: BinaryIO) -> None:
    """Seek to the end of the ID3v2 tags."""
    end = 0
    for _ in range(_MAX_TAGS):
        file.seek(end)
        head = file.read(10)
        if len(head) < 10 or head[:3] != b"ID3" or max(head[6:]) > 0x7F:
            break
        size = sum(byte << 7 * place for place, byte in enumerate(reversed(head[6:])))
        footer = 10 if head[5] & 0x10 else 0
        end += 10 + size + footer
    file.seek(end)


def _rate(header: int) -> int | None:
    """Return the sample rate in the header of a frame; None where it is no such header."""
    synchronised, layer = header >> 21 == 0x7FF, header >> 17 & 3
    bit_rate, rate = header >> 12 & 15, header >> 10 & 3
    rates = _RATES.get(header >> 19 & 3)
    if not synchronised or layer != _LAYER_3 or bit_rate in (0, 15) or rate == 3 or rates is None:
        return None
    return rates[rate]


def _samples(header: int) -> int:
    return 1152 if header >> 19 & 3 == _MPEG_1 else 576


def _frames(frame: bytes, header: int) -> int | None:
    """Read the number of frames in the header after a frame's side information, if there is one."""
    mono = header >> 6 & 3 == _MONO
    side = (17 if mono else 32) if header >> 19 & 3 == _MPEG_1 else (9 if mono else 17)
    xing = frame[4 + side : 4 + side + 12]
    if xing[:4] not in (b"Xing", b"Info") or len(xing) < 12 or not xing[7] & _HAS_FRAMES:
        return None
    return int.from_bytes(xing[8:]) or None
