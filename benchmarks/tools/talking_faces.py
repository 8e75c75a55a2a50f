"""Clips of GRID as faces that talk or rest, and how their mouths move: for active_speaker.py."""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from tqdm import tqdm

from mien.inference.active_speaker import Mouth
from mien.inference.mouth_observer import MouthObserver
from mien.media.decode import read_frames
from mien.media.faces import FaceCropper
from mien.models.pretrained.face_landmarks import FaceLandmarks
from mien.utterance import MediaBytes

GRID = Path(__file__).resolve().parents[3] / "shared/data/grid"
CLIPS = sorted(path.stem for path in GRID.glob("*.mpg"))
LATE_END = "swiz3n"
"""The clip whose last frames show speech; its first six show a mouth at rest."""

KINDS = ("rest", "breath", "talk")
RATES = (25.0, 12.5, 25 / 3)
VIEWS = tuple((size, rate) for size in (1.0, 0.5, 0.3) for rate in RATES)
"""Size of the image relative to GRID's, and frames a second."""

FRAMES, BIT_RATE = 75, 400_000


def looped(frames: Sequence[np.ndarray], random: np.random.Generator) -> list[np.ndarray]:
    """Play frames forth and back, with a drifting camera and noise."""
    there = [*range(len(frames)), *range(len(frames) - 2, 0, -1)]
    drift, images = np.zeros(2), []
    for n in range(FRAMES):
        drift = 0.9 * drift + random.normal(0, 0.25, 2)
        image = frames[there[n % len(there)]]
        shift = np.column_stack([np.eye(2), drift])
        moved = cv2.warpAffine(image, shift, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        noisy = moved + random.normal(0, 3, image.shape)
        images.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return images


def encoded(frames: Sequence[np.ndarray], size: float) -> MediaBytes:
    """Compress frames as MPEG-4, at some size."""
    file, width, height = io.BytesIO(), *(round(size * n / 2) * 2 for n in frames[0].shape[1::-1])
    with av.open(file, "w", format="mp4") as video:
        stream = video.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = round(BIT_RATE * max(size, 0.4))
        for frame in frames:
            small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
            video.mux(stream.encode(av.VideoFrame.from_ndarray(small, format="rgb24")))
        video.mux(stream.encode())
    return MediaBytes(file.getvalue())


@cache
def tools() -> tuple[FaceCropper, FaceLandmarks]:
    """Load the detector and the landmarks once."""
    return FaceCropper(), FaceLandmarks()


def observed(video: MediaBytes, rate: float) -> Mouth:
    """Detect the face five times a second, and measure it in every frame."""
    cropper, landmarks = tools()
    observer, box = MouthObserver(landmarks), None
    for n, (_, now, image) in enumerate(read_frames(video, [(0.0, None)], interval=1 / rate)):
        if n % round(rate / 5) == 0:
            box = cropper.crop(image).box or box
        if box is not None:
            observer(now, image, {1: box})
    return Mouth(observer.faces[1].times, observer.faces[1]["mouth"])


def mouths() -> dict[tuple[float, float], dict[str, dict[str, Mouth]]]:
    """Measure the mouths of all clips: by size and rate, by kind, by clip."""
    found: dict[Any, Any] = {view: {kind: {} for kind in KINDS} for view in VIEWS}
    random = np.random.default_rng(0)
    for clip in tqdm(CLIPS, desc="observing", unit="clip", disable=None):
        video = read_frames(GRID / f"{clip}.mpg", [(0.0, None)], interval=0.04)
        frames = [image for _, _, image in video]
        resting = frames[:6] if clip == LATE_END else frames[-10:]
        shown = {"talk": frames, "rest": looped(resting, random)}
        shown["breath"] = looped(frames[:10], random)
        for (size, rate), kinds in found.items():
            for kind, images in shown.items():
                kinds[kind][clip] = observed(encoded(images, size), rate)
    return found
