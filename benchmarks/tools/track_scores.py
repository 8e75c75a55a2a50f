"""Scores of face tracks against scenes whose truth is known."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from mien.media.face_track import FaceTrack, same_person
from mien.media.faces import Box, overlap

FOUND = 0.4
"""Overlap of a box with the box of a face from which on it is that face."""


def person(box: Box, boxes: Mapping[str, Box]) -> str | None:
    """Tell whose face a box is."""
    best = max(boxes, key=lambda name: overlap(boxes[name], box), default=None)
    return best if best is not None and overlap(boxes[best], box) >= FOUND else None


def judge(
    tracks: Sequence[FaceTrack], truth: Mapping[float, Mapping[str, Box]], cuts: Sequence[float]
) -> Counter[str]:
    """Count what is right and wrong about the tracks of a video."""
    found: Counter[str] = Counter(tracks=len(tracks))
    spans: Counter[tuple[str, int]] = Counter()
    seen: dict[str, list[float]] = {}
    owners = {}
    for track in tracks:
        names = [person(b, truth[t]) for t, b in zip(track.times, track.boxes, strict=True)]
        known = [name for name in names if name is not None]
        found["switches"] += sum(a != b for a, b in pairwise(known))
        found["over a cut"] += sum(track.start < cut <= track.end for cut in cuts)
        if known:
            owners[track.id] = Counter(known).most_common(1)[0][0]
            spans[owners[track.id], sum(cut <= track.start for cut in cuts)] += 1
        for moment, name in zip(track.times, names, strict=True):
            if name is not None:
                seen.setdefault(name, []).append(moment)
    found["fragments"] = sum(count - 1 for count in spans.values())
    for moment in [one for one in truth if one % 0.5 == 0]:
        for name in truth[moment]:
            found["faces"] += 1
            found["missed"] += all(abs(one - moment) > 0.26 for one in seen.get(name, []))
    groups = {one: i for i, group in enumerate(same_person(tracks)) for one in group}
    found["wrong links"] = sum(
        (groups[a] == groups[b]) != (owners[a] == owners[b])
        for a in owners
        for b in owners
        if a < b
    )
    return found


def guesses(track: FaceTrack, moment: float) -> tuple[Box, Box]:
    """Give the last box before a time, and the one extrapolated from the last two."""
    last = int(np.searchsorted(track.times, moment + 1e-6)) - 1
    if last < 1:
        return track.boxes[max(last, 0)], track.boxes[max(last, 0)]
    (t, u), (a, b) = track.times[last - 1 : last + 1], track.boxes[last - 1 : last + 1]
    share = (moment - u) / (u - t)
    left, top, right, bottom = (round(y + share * (y - x)) for x, y in zip(a, b, strict=True))
    return b, (left, top, max(right, left + 1), max(bottom, top + 1))
