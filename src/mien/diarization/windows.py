"""Speech, cut into cells of equal length, and the window around each that is embedded."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mien.turn import Turn
from mien.utterance import MIN_SAMPLES, SAMPLE_RATE

WINDOW = 25_600
"""Samples of a window: 1.6 s, what the packaged speaker encoder was trained with."""

CELL = 0.25
"""Seconds of a cell: the speaker can change from one to the next."""

BATCH = 64
"""Windows that are embedded together."""

Encoder = Callable[[np.ndarray], np.ndarray]
"""Embeds windows (N, 25600) float32 in [-1, 1] as vectors (N, D)."""


@dataclass(frozen=True)
class Cells:
    """Speech, cut into cells.

    Parameters
    ----------
    edges : array (C, 2) int
        First sample of each cell, and the first one behind it; in order of time.
    regions : array (C,) int
        The stretch of speech that each lies in.
    windows : array (W, 2) int
        The windows around cells: each lies within a stretch, so that several cells may share one.
    window : array (C,) int
        Which is that of each cell.
    """

    edges: np.ndarray
    regions: np.ndarray
    windows: np.ndarray
    window: np.ndarray


def speech_regions(turns: Sequence[Turn], samples: int) -> np.ndarray:
    """Unite turns that overlap or meet: stretches of speech (R, 2) in samples, in order."""
    spans = sorted((round(t.start * SAMPLE_RATE), round(t.end * SAMPLE_RATE)) for t in turns)
    united: list[list[int]] = []
    for start, end in spans:
        start, end = max(0, start), min(end, samples)
        if end - start < MIN_SAMPLES:
            continue
        if united and start <= united[-1][1]:
            united[-1][1] = max(united[-1][1], end)
        else:
            united.append([start, end])
    return np.array(united, int).reshape(-1, 2)


def short_regions(turns: Sequence[Turn], regions: np.ndarray) -> np.ndarray:
    """Tell of which stretches of speech (R, 2) a turn that is marked as short is all: (R,) bool."""
    spans = {
        (round(turn.start * SAMPLE_RATE), round(turn.end * SAMPLE_RATE))
        for turn in turns
        if turn.mark == "short"
    }
    return np.array([tuple(region) in spans for region in regions.tolist()], bool)


def cut_cells(regions: np.ndarray) -> Cells:
    """Cut stretches of speech (R, 2) into cells of about `CELL` seconds."""
    edges, owners, windows = [], [], []
    for number, (start, end) in enumerate(regions.tolist()):
        count = max(1, round((end - start) / SAMPLE_RATE / CELL))
        marks = np.linspace(start, end, count + 1).astype(int)
        edges.append(np.stack([marks[:-1], marks[1:]], axis=1))
        owners.append(np.full(count, number))
        middles = (marks[:-1] + marks[1:]) // 2
        first = (middles - WINDOW // 2).clip(start, max(start, end - WINDOW))
        windows.append(np.stack([first, np.minimum(first + WINDOW, end)], axis=1))
    if not edges:
        none = np.zeros((0, 2), int)
        return Cells(none, none[:, 0], none, none[:, 0])
    unique, window = np.unique(np.concatenate(windows), axis=0, return_inverse=True)
    return Cells(np.concatenate(edges), np.concatenate(owners), unique, window.reshape(-1))


def read_windows(waveform: np.ndarray, windows: np.ndarray) -> Iterator[np.ndarray]:
    """Read windows in batches (N, 25600) float32; a shorter one is repeated until it is full."""
    for first in range(0, len(windows), BATCH):
        batch = np.zeros((len(windows[first : first + BATCH]), WINDOW), np.float32)
        for row, (start, end) in zip(batch, windows[first : first + BATCH], strict=True):
            row[:] = np.resize(waveform[start:end], WINDOW)
        yield batch / np.float32(32768)


def embed_windows(encoder: Encoder, waveform: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """Embed windows of a waveform (S,) int16 as vectors (W, D) of unit length."""
    found = np.concatenate([encoder(batch) for batch in read_windows(waveform, windows)])
    return unit(found.astype(np.float32))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors (..., D) to unit length; zeros stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: np.ndarray = vectors / np.where(length > 0, length, 1)
    return scaled
