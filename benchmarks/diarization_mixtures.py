"""Conversations of several speakers, put together from clips of one speaker each, with references.

``python benchmarks/diarization_mixtures.py --data ../shared/data/librispeech --out mixtures``
writes FLAC files and, of the same names, references in the RTTM format.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from scipy.ndimage import median_filter

from mien.audio_effects import add_noise, from_int16, pink, to_int16
from mien.files import write_text
from mien.media.decode import read_audio
from mien.silence import ABOVE_FLOOR, BELOW_PEAK
from mien.utterance import SAMPLE_RATE

SHORTEST, LONGEST = 2.0, 15.0
"""Seconds of a turn."""

PAUSES = (0.1, 1.5)
"""Seconds between turns, drawn evenly."""

OVERLAPS = (0.5, 3.0)
"""Seconds for which a turn begins before the end of the one before, drawn evenly."""

GAIN = 3.0
"""Decibels by which a speaker is louder or quieter than the mean, at most."""

FILLED = 0.5
"""Seconds: a shorter pause within a turn counts as speech of it."""

Clips = Mapping[str, Sequence[np.ndarray]]
"""By speaker, waveforms float32 in [-1, 1] at 16 kHz."""


@dataclass(frozen=True)
class Condition:
    """What a conversation is like.

    Parameters
    ----------
    speakers : int
        Their number.
    overlap : float
        Share of the time with speech in which two speak at once.
    snr : float or None
        Decibels from speech to pink noise; None: no noise is added.
    seconds : float
        Length.
    """

    speakers: int
    overlap: float = 0.0
    snr: float | None = None
    seconds: float = 600.0

    @property
    def name(self) -> str:
        """Its name in tables and of files."""
        overlap = f"-overlap{self.overlap:.0%}".rstrip("%") if self.overlap else ""
        return f"{self.speakers}speakers{overlap}" + (f"-snr{self.snr:g}" if self.snr else "")


CONDITIONS = tuple(
    replace(kind, speakers=count)
    for kind in (Condition(2), Condition(2, overlap=0.1), Condition(2, snr=15))
    for count in (2, 3, 4)
)


@dataclass(frozen=True)
class Mixture:
    """A conversation.

    Parameters
    ----------
    waveform : array (S,) int16
        Mono at 16 kHz.
    speech : list of (start, end, speaker)
        Who speaks when, seconds; a pause of `FILLED` or more is none of a turn.
    turns : list of (start, end, speaker)
        From the first sound of each turn to its last, whatever pauses are in it.
    """

    waveform: np.ndarray
    speech: list[tuple[float, float, str]]
    turns: list[tuple[float, float, str]]


def read_clips(
    folder: Path, speakers: Sequence[str] | None = None, emotions: Sequence[str] | None = None
) -> dict[str, list[np.ndarray]]:
    """Read the clips of a folder that holds one folder for each speaker, or of RAVDESS.

    The silence before and behind the speech of a clip is cut off, and its level is made even.
    The emotions are those of RAVDESS, by its codes.
    """
    found: dict[str, list[np.ndarray]] = {}
    for path in sorted(folder.rglob("*.flac")):
        ravdess = path.stem.count("-") == 6
        speaker = path.stem.rpartition("-")[2] if ravdess else path.relative_to(folder).parts[0]
        if emotions is not None and ravdess and path.stem.split("-")[2] not in emotions:
            continue
        if speakers is None or speaker in speakers:
            found.setdefault(speaker, []).append(trimmed(from_int16(read_audio(path))))
    return found


def audible(waveform: np.ndarray) -> np.ndarray:
    """Mark the frames of 10 ms that are speech, with pauses shorter than `FILLED`, (T,) bool.

    Speech is far above the quiet frames and not far below the loud ones, as in `mien.silence`, but
    without margins; no detector takes part, so that none is measured by itself.
    """
    frames = waveform[: len(waveform) // 160 * 160].reshape(-1, 160)
    level = median_filter(10 * np.log10(frames.var(axis=1) + 1e-10), 5)
    floor, peak = np.percentile(level, [5, 95])
    loud = level > min(peak - BELOW_PEAK, floor + ABOVE_FLOOR * (peak - floor))
    edges = np.flatnonzero(np.diff(np.concatenate([[True], loud, [True]]).astype(int)))
    for start, end in edges.reshape(-1, 2):
        inside = start > 0 and end < len(loud)
        loud[start:end] = inside and (end - start) / 100 < FILLED
    return np.asarray(loud)


def trimmed(waveform: np.ndarray) -> np.ndarray:
    """Cut off the silence at both ends, and bring the speech to 26 dB below full scale."""
    loud = np.flatnonzero(np.repeat(audible(waveform), 160))
    speech = waveform[loud[0] : loud[-1] + 1]
    return np.asarray(speech * (0.05 / np.sqrt(np.mean(waveform[loud] ** 2))), np.float32)


def excerpt(clips: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    """Take a turn from clips of one speaker: parts of one, or several that follow each other."""
    length = int(random.uniform(SHORTEST, LONGEST) * SAMPLE_RATE)
    parts = [clips[i] for i in random.permutation(len(clips))]
    gap = np.zeros(int(0.3 * SAMPLE_RATE), np.float32)
    joined = parts[0]
    for part in parts[1:]:
        if len(joined) >= length:
            break
        joined = np.concatenate([joined, gap, part])
    first = int(random.integers(max(1, len(joined) - length)))
    turn = joined[first : first + length].copy()
    fade = np.linspace(0, 1, 160, dtype=np.float32)
    turn[:160] *= fade
    turn[-160:] *= fade[::-1]
    return turn


def mixture(clips: Clips, condition: Condition, seed: int) -> Mixture:
    """Put a conversation together; the speakers and all else are drawn by the seed."""
    random = np.random.default_rng([seed, condition.speakers])
    chosen = sorted(random.choice(sorted(clips), condition.speakers, replace=False).tolist())
    gains = {one: 10 ** (random.uniform(-GAIN, GAIN) / 20) for one in chosen}
    total = int(condition.seconds * SAMPLE_RATE)
    sound = np.zeros(total, np.float32)
    marks = {one: np.zeros(total // 160 + 1, bool) for one in chosen}
    turns: list[tuple[float, float, str]] = []
    speaker, end, free, spoken, shared = "", 0, 0, 0, 0
    while True:
        speaker = str(random.choice([one for one in chosen if one != speaker]))
        turn = excerpt(list(clips[speaker]), random) * np.float32(gains[speaker])
        pause, length = random.uniform(*PAUSES), random.uniform(*OVERLAPS)
        # as much as is missing to the share that is asked for, within one turn of each
        early = int(min(length * SAMPLE_RATE, len(turn) // 2, end - free))
        if shared + early <= condition.overlap * (spoken + len(turn) - early) and early > 8000:
            start, shared = end - early, shared + early
        else:
            start, early = end + int(pause * SAMPLE_RATE), 0
        start = start // 160 * 160
        if start + len(turn) > total:
            return Mixture(_noisy(sound, condition, random), _spans(marks), turns)
        sound[start : start + len(turn)] += turn
        loud = audible(turn)
        marks[speaker][start // 160 : start // 160 + len(loud)] |= loud
        inside = np.flatnonzero(loud)
        first, last = (start // 160 + inside[[0, -1]]) / 100 + [0, 0.01]
        turns.append((float(first), float(last), speaker))
        free, end, spoken = max(end, start), start + len(turn), spoken + len(turn) - early


def _noisy(sound: np.ndarray, condition: Condition, random: np.random.Generator) -> np.ndarray:
    if condition.snr is not None:
        sound = add_noise(sound, pink(len(sound), random), condition.snr)
    else:  # no room is digitally silent
        sound = sound + pink(len(sound), random) * np.float32(1e-3)
    return to_int16(sound)


def _spans(marks: Mapping[str, np.ndarray]) -> list[tuple[float, float, str]]:
    """Turn marked frames of 10 ms into spans in seconds, in order of time."""
    spans = []
    for speaker, mark in marks.items():
        edges = np.flatnonzero(np.diff(np.concatenate([[0], mark.astype(int), [0]])))
        spans += [(a / 100, b / 100, speaker) for a, b in edges.reshape(-1, 2).tolist()]
    return sorted(spans)


def rttm(name: str, spans: Sequence[tuple[float, float, str]]) -> str:
    """Write spans in the format of the NIST evaluations."""
    return "".join(
        f"SPEAKER {name} 1 {start:.2f} {end - start:.2f} <NA> <NA> {speaker} <NA> <NA>\n"
        for start, end, speaker in spans
    )


def main() -> None:
    """Write the mixtures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of clips by speaker")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--speakers", nargs="+", help="those to draw from (default: all)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    args = parser.parse_args()
    clips = read_clips(args.data, args.speakers)
    args.out.mkdir(parents=True, exist_ok=True)
    for condition in CONDITIONS:
        for seed in args.seeds:
            made, name = mixture(clips, condition, seed), f"{condition.name}-{seed}"
            soundfile.write(args.out / f"{name}.flac", made.waveform, SAMPLE_RATE)
            write_text(args.out / f"{name}.rttm", rttm(name, made.speech))


if __name__ == "__main__":
    main()
