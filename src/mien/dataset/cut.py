"""Cut a sample to a span of time."""

from dataclasses import replace
from typing import Any

import numpy as np

from mien.utterance import MIN_SAMPLES, SAMPLE_RATE, Sample


def cut(sample: Sample, start: float, end: float) -> Sample:
    """Cut a sample to the span between two times, in seconds from the utterance's beginning."""
    changes: dict[str, Any] = {}
    if sample.waveform is not None:
        waveform = sample.waveform[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
        changes["waveform"] = waveform if len(waveform) >= MIN_SAMPLES else None
    if sample.faces is not None and sample.face_times is not None:
        kept = _within(sample, sample.face_times, start, end)
        for name in ("faces", "face_times", "face_found"):
            changes[name] = getattr(sample, name)[kept] if kept.any() else None
    if sample.frame_times is not None:
        kept = _within(sample, sample.frame_times, start, end)
        changes["frame_times"] = sample.frame_times[kept] if kept.any() else None
    if sample.seconds is not None:
        changes["seconds"] = min(end, sample.seconds) - start
    return replace(sample, **changes)


def _within(sample: Sample, times: np.ndarray, start: float, end: float) -> np.ndarray:
    times = times - max(sample.utterance.start or 0.0, 0.0)
    within: np.ndarray = (times >= start) & (times < end)
    return within
