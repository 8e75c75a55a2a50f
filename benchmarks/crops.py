"""How to keep face crops without loss: bytes, and time to write and to read each.

The crops are those of the GRID recordings, every half a second, cut out at three sizes: 48 pixels
as published, 112 as pretrained face encoders take them, 224. What a way gives back is first
checked to be the pixels. Beside it the size of a prepared folder of these recordings, and what is
lost where a face is enlarged.
"""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time
from typing import NamedTuple

import cv2
import numpy as np
import pyarrow as pa
from PIL import Image

from mien.dataset.prepare import prepare
from mien.dataset.store import Store
from mien.errors import MienError
from mien.media.crop_codec import decode_crop, encode_crop
from mien.media.decode import read_frames
from mien.media.faces import FaceCropper
from mien.utterance import Utterance

GRID = Path(__file__).resolve().parents[2] / "shared" / "data" / "grid"
SIZES, ROUNDS = (48, 112, 224), 5

HEADING = """# Face crops without loss

{count} face crops of {clips} GRID recordings, {width} pixels wide on average before they are
scaled. Bytes of a crop, their share of its pixels, and milliseconds of one processor to write and
to read one: the median of {rounds} rounds. Bold is what `mien prepare` writes.

| crop | kept as | bytes | share | write, ms | read, ms |
|---|---|---:|---:|---:|---:|
"""

FOLDERS = """
A prepared folder of these recordings, audio and text included, and the share of the faces:

| `--face-size` | folder, KiB | faces, KiB | faces as pixels, KiB |
|---:|---:|---:|---:|
"""


ENLARGED = """
Faces at half and at a third of their size, enlarged again: peak signal-to-noise ratio in dB, mean
squared error over all of them.

| interpolation | from a half | from a third |
|---|---:|---:|
"""

WAYS = {
    "area": cv2.INTER_AREA,
    "linear": cv2.INTER_LINEAR,
    "**cubic, as prepared**": cv2.INTER_CUBIC,
    "Lanczos": cv2.INTER_LANCZOS4,
}


class Codec(NamedTuple):
    """A way to keep a crop."""

    encode: Callable[[np.ndarray], bytes]
    decode: Callable[[bytes, int], np.ndarray]


def zstd() -> Codec:
    """Give the pixels in zstd, as Parquet does it."""
    codec = pa.Codec("zstd")
    return Codec(
        lambda face: codec.compress(face.tobytes(), asbytes=True),
        lambda data, size: np.frombuffer(codec.decompress(data, 3 * size * size), np.uint8).reshape(
            size, size, 3
        ),
    )


def read(data: bytes, size: int) -> np.ndarray:
    """Read an image by OpenCV."""
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB))


def opencv(extension: str, *options: int) -> Codec:
    """Write an image by OpenCV."""

    def encode(face: np.ndarray) -> bytes:
        image = cv2.cvtColor(face, cv2.COLOR_RGB2BGR)
        return bytes(cv2.imencode(extension, image, list(options))[1].tobytes())

    return Codec(encode, read)


def pillow(quality: int, method: int) -> Codec:
    """Write WebP by Pillow with some effort."""

    def encode(face: np.ndarray) -> bytes:
        file = io.BytesIO()
        effort = {"quality": quality, "method": method}
        Image.fromarray(face).save(file, "WEBP", lossless=True, exact=True, **effort)
        return file.getvalue()

    return Codec(encode, read)


FILTERED = cv2.IMWRITE_PNG_STRATEGY_FILTERED
CODECS = {
    "pixels, zstd": zstd(),
    "PNG, OpenCV's default": opencv(".png"),
    "PNG, level 6, filtered": opencv(
        ".png", cv2.IMWRITE_PNG_COMPRESSION, 6, cv2.IMWRITE_PNG_STRATEGY, FILTERED
    ),
    "PNG, level 9": opencv(".png", cv2.IMWRITE_PNG_COMPRESSION, 9),
    "WebP, least effort": pillow(0, 0),
    "**WebP, as prepared**": Codec(encode_crop, decode_crop),
    "WebP, OpenCV's (default effort)": opencv(".webp", cv2.IMWRITE_WEBP_QUALITY, 101),
}


def clips() -> list[Utterance]:
    """List the recordings."""
    found = [Utterance(id=p.stem, corpus="grid", video=p, audio=p) for p in GRID.glob("*.mpg")]
    if not found:
        raise MienError(f"this benchmark needs the recordings in {GRID}")
    return sorted(found, key=lambda utterance: utterance.id)


def found(size: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Cut out the faces of all recordings; beside the crops, what is in their boxes, as it was."""
    cropper, crops, boxes = FaceCropper(), [], []
    for clip in clips():
        assert clip.video is not None
        for *_, frame in read_frames(clip.video, [(0, None)]):
            face = cropper.crop(frame, size)
            if face.box is not None:
                left, top, right, bottom = face.box
                crops.append(face.pixels)
                boxes.append(frame[top:bottom, left:right])
    return crops, boxes


def enlarged(faces: list[np.ndarray], way: int, factor: int) -> float:
    """Give the signal-to-noise ratio of faces that were made smaller and enlarged again."""
    errors = []
    for face in faces:
        height, width = face.shape[:2]
        size = (round(width / factor), round(height / factor))
        small = cv2.resize(face, size, interpolation=cv2.INTER_AREA)
        again = cv2.resize(small, (width, height), interpolation=way)
        errors.append(((face.astype(float) - again) ** 2).mean())
    return float(10 * np.log10(255**2 / np.mean(errors)))


def measure(codec: Codec, faces: list[np.ndarray], size: int) -> tuple[float, float, float]:
    """Give the mean bytes of a crop, and the seconds to write and to read one."""
    writing, reading, data = [], [], []
    for _ in range(ROUNDS):
        begin = process_time()
        data = [codec.encode(face) for face in faces]
        middle = process_time()
        again = [codec.decode(one, size) for one in data]
        writing.append((middle - begin) / len(faces))
        reading.append((process_time() - middle) / len(faces))
        assert all(map(np.array_equal, faces, again))
    return float(np.mean([len(one) for one in data])), median(writing), median(reading)


def folder(size: int) -> str:
    """Prepare the recordings, and measure what lies on the disk."""
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "data"
        prepare(clips(), out, corpus="grid", workers=1, face_size=size, progress=False)
        taken = sum(path.stat().st_size for path in out.iterdir())
        store = Store(out)
        faces = [face for sample in store if sample.faces is not None for face in sample.faces]
        kept = sum(len(encode_crop(face)) for face in faces)
        pixels = sum(face.nbytes for face in faces)
    return f"| {size} | {taken / 1024:,.0f} | {kept / 1024:,.0f} | {pixels / 1024:,.0f} |"


def main() -> None:
    """Print the tables, and write them beside this file."""
    cv2.setNumThreads(1)
    rows = []
    for size in SIZES:
        faces, boxes = found(size)
        for name, codec in CODECS.items():
            taken, write, back = measure(codec, faces, size)
            share = taken / faces[0].nbytes
            times = f"{1000 * write:.2f} | {1000 * back:.2f}"
            rows.append(f"| {size} × {size} | {name} | {taken:,.0f} | {share:.3f} | {times} |")
            print(rows[-1])
    width = np.mean([box.shape[1] for box in boxes])
    facts = {"count": len(faces), "clips": len(clips()), "width": f"{width:.0f}"}
    page = HEADING.format(**facts, rounds=ROUNDS) + "\n".join(rows) + "\n" + FOLDERS
    page += "\n".join(map(folder, SIZES)) + "\n" + ENLARGED
    for name, way in WAYS.items():
        page += f"| {name} | {enlarged(boxes, way, 2):.1f} | {enlarged(boxes, way, 3):.1f} |\n"
    Path(__file__).with_suffix(".md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
