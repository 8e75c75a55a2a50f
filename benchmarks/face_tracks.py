"""Following the faces of a video: tracks of synthetic scenes composed of GRID, and speed."""

import json
import os
import platform
import runpy
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from mien.files import write_text
from mien.identity.face import Faceprint
from mien.media.decode import read_frames
from mien.media.face_matching import Describe
from mien.media.face_track import FaceTrack
from mien.media.face_tracking import FRAME_INTERVAL, FaceFollower, follow_faces
from mien.media.faces import Box, FaceCropper, overlap

HERE = Path(__file__).resolve()
SCENES = runpy.run_path(str(HERE.parent / "tools" / "face_scenes.py"))
SCORES = runpy.run_path(str(HERE.parent / "tools" / "track_scores.py"))
ORDERS, SECONDS = 3, 60
SIZES = ((640, 360), (1280, 720))
COUNTS = ("faces", "missed", "tracks", "switches", "fragments", "over a cut", "wrong links")

PAGE = """# Following the faces of a video

    mien bench face_tracks

{machine}, one thread, load {load:.1f} before the run. The scenes are
synthetic: persons of GRID, cut out and put side by side, moved, covered, cut ({orders} orders of 5
persons, 640 × 360). GRID is even in light and its persons look ahead, so this shows that nothing is
confused needlessly; it is no measurement of error rates on films.

The rules were chosen on scenes of five persons ({choosing}); the tables
are of five others ({testing}). They are not wholly unseen: the
thresholds for thumbnails of frames and of faces come from statistics over all of GRID's clips.

## Tracks

A frame is looked at every {frame:g} s, and searched every 0.5 s. Of all videos of a scene together:

* faces: that are to be seen, at each half second; missed: without a detection within a quarter of a
  second;
* switches: changes from one person to another within a track; fragments: tracks of a person within
  a shot beyond the first; over a cut: tracks that go on after one;
* wrong links: pairs of tracks that `same_person` puts together but are of two persons, and pairs of
  one person that it does not.

{tables}

## Boxes between two searches

Mean intersection over union of the box that an observer is given for each frame (25 a second) and
that of the face in this frame, as the detector finds it in GRID.

| scene | the last box | extrapolated from the last two | **interpolated, as observers get it** |
|---|---:|---:|---:|
{boxes}

## Speed

CPU seconds for a minute of video with two faces, H.264, 25 frames a second, and how many times
faster than real time that is.

| video | decoding | following | times real time | with descriptors | times real time |
|---|---:|---:|---:|---:|---:|
{speed}

A face takes {bytes:.0f} MB of crops an hour; beyond 64 MB they are on the disk.
"""


def follow(
    frames: Sequence[tuple[float, np.ndarray, Mapping[str, Box]]], step: float, **options: Any
) -> tuple[list[FaceTrack], dict[float, Mapping[str, Box]]]:
    """Follow the faces of some frames as a file would give them, one every `step` seconds."""
    follower, wanted, truth = FaceFollower(**options), 0.0, {}
    for shown, image, boxes in frames:
        if shown >= wanted - 1e-6:
            follower.add(wanted, image)
            truth[wanted] = boxes
            wanted = round(wanted + step, 6)
    return follower.finish(), truth


def scene_table(describe: Describe | None, cropper: FaceCropper) -> dict[str, Counter[str]]:
    """Follow the faces of all scenes."""
    totals: dict[str, Counter[str]] = {}
    names = SCENES["TESTING"]
    for order in tqdm(range(ORDERS), "scenes"):
        turned = (*names[order:], *names[:order])
        for scene, shots in SCENES["scenes"](turned).items():
            cuts = [float(cut) for cut in np.cumsum([shot.seconds for shot in shots])[:-1]]
            frames = list(SCENES["render"](shots, seed=order))
            tracks, truth = follow(frames, FRAME_INTERVAL, cropper=cropper, describe=describe)
            counts = SCORES["judge"](tracks, truth, cuts)
            totals.setdefault(scene, Counter(dict.fromkeys(COUNTS, 0))).update(counts)
    return totals


def box_table(cropper: FaceCropper) -> dict[str, list[float]]:
    """Compare boxes between two searches with those that the detector finds."""
    rows = {}
    for scene, shots in SCENES["scenes"](SCENES["TESTING"]).items():
        if len(shots) > 1 or "flash" in scene or "fade" in scene:
            continue
        observed: list[tuple[float, dict[int, Box]]] = []
        tracks, truth = follow(
            list(SCENES["render"](shots)),
            1 / SCENES["RATE"],
            cropper=cropper,
            observers=[lambda time, image, boxes, kept=observed: kept.append((time, dict(boxes)))],
        )
        by_id = {track.id: track for track in tracks}
        scores = []
        for moment, boxes in observed:
            for number, box in boxes.items():
                name = SCORES["person"](box, truth[moment])
                if name is not None:
                    ways = (*SCORES["guesses"](by_id[number], moment), box)
                    scores.append([overlap(way, truth[moment][name]) for way in ways])
        rows[scene] = [float(mean) for mean in np.mean(scores, axis=0)]
    return rows


def speed_table(describe: Describe, cropper: FaceCropper) -> tuple[dict[str, list[float]], float]:
    """Measure CPU seconds of decoding and following; and megabytes of crops a face and hour."""
    rows, crops = {}, list[bytes]()
    with tempfile.TemporaryDirectory() as folder:
        for width, height in SIZES:
            panels = SCENES["panels"](SCENES["TESTING"][:2], width, height)
            shots = [SCENES["Shot"](SECONDS, panels)]
            frames = (image for _, image, _ in SCENES["render"](shots, width, height))
            path = SCENES["write"](Path(folder) / f"{width}.mp4", frames, width, height)
            whole = partial(follow_faces, path, cropper=cropper)
            rows[f"{width} × {height}"] = [
                seconds(partial(decode, path)),
                seconds(whole),
                seconds(partial(whole, describe=describe)),
            ]
            crops = [crop for track in whole() for crop in track.crops]
    return rows, sum(map(len, crops)) / 2 * 3600 / SECONDS / 1e6


def decode(path: Path) -> None:
    """Decode what following the faces decodes."""
    for _ in read_frames(path, [(0, None)], interval=FRAME_INTERVAL):
        pass


def seconds(work: Callable[[], object]) -> float:
    """Measure CPU seconds: the least of two."""
    taken = []
    for _ in range(2):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def table(totals: Mapping[str, Mapping[str, int]], title: str) -> str:
    """Write the counts of all scenes."""
    lines = [f"| {title} | {' | '.join(COUNTS)} |", "|---|" + "---:|" * len(COUNTS)]
    for scene, counts in totals.items():
        lines.append(f"| {scene} | {' | '.join(str(counts[name]) for name in COUNTS)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the page and write it beside this file."""
    cv2.setNumThreads(1)
    load, cropper, faceprint = os.getloadavg()[0], FaceCropper(), Faceprint()

    def describe(image: np.ndarray, box: Box) -> np.ndarray:
        descriptor: np.ndarray = faceprint.describe([faceprint.align(image, box)])[0]
        return descriptor

    processor = runpy.run_path(str(HERE.with_name("cold_start.py")))["processor"]()
    machine = f"{processor}, Python {platform.python_version()}"
    tracks = {
        "with descriptors": scene_table(describe, cropper),
        "without descriptors": scene_table(None, cropper),
    }
    boxes, (speed, size) = box_table(cropper), speed_table(describe, cropper)
    text = PAGE.format(
        machine=machine,
        load=load,
        orders=ORDERS,
        frame=FRAME_INTERVAL,
        choosing=", ".join(f"`{name}`" for name in SCENES["CHOOSING"]),
        testing=", ".join(f"`{name}`" for name in SCENES["TESTING"]),
        tables="\n\n".join(table(totals, title) for title, totals in tracks.items()),
        boxes="\n".join(
            f"| {scene} | {' | '.join(f'{one:.3f}' for one in row)} |"
            for scene, row in boxes.items()
        ),
        speed="\n".join(
            f"| {name} | {decode:.1f} | {plain:.1f} | {SECONDS / plain:.1f} | {full:.1f} |"
            f" {SECONDS / full:.1f} |"
            for name, (decode, plain, full) in speed.items()
        ),
        bytes=size,
    )
    print(text)
    found = {"machine": machine, "load": load, "tracks": tracks, "boxes": boxes, "speed": speed}
    write_text(HERE.with_suffix(".json"), json.dumps(found, indent=1) + "\n")
    write_text(HERE.with_suffix(".md"), text)


if __name__ == "__main__":
    main()
