"""Face, voice, and both on GRID: thresholds, weight, errors, small faces, CPU seconds."""

import json
import platform
import runpy
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm
from tqdm import tqdm

from mien.errors import MienError
from mien.files import write_text
from mien.identity.both import VOICE_WEIGHT, VoiceAndFace, fuse
from mien.identity.face import AlignedFace, Faceprint, average
from mien.identity.resemblyzer import Voiceprint
from mien.media.decode import read_audio, read_frames
from mien.media.faces import FaceCropper
from mien.metrics.verification import evaluate_trials
from mien.resize import resize_area
from mien.silence import is_silence

DATA = Path(__file__).resolve().parents[2] / "shared/data"
TWICE = {"pwij3p": "id2_vcd_swwp2s"}
"""Clips of a person who is in another clip, too."""

STOCK_DISTANCE, LFW_ACCURACY = 0.6, 0.993833
"""Of dlib's descriptors, by their author (dlib-models): the distance, and the accuracy with it."""

VOICE_THRESHOLD, VOICE_EER = 0.738, 0.034
"""Of the voice encoder, on the neutral clips of RAVDESS (voice_threshold.md)."""

WIDTHS = (20, 25, 30, 40, 60, 80)
ENCODERS = ("voice", "face", "both")
SECONDS = 3
"""Length of a GRID clip."""


@dataclass(frozen=True)
class GridClip:
    """A clip of GRID: its aligned faces with their descriptors, and its waveform."""

    path: Path
    faces: list[AlignedFace]
    descriptors: np.ndarray
    wave: np.ndarray
    encoder: VoiceAndFace

    @property
    def person(self) -> str:
        """Name the person by the first clip of them."""
        return TWICE.get(self.path.stem, self.path.stem)

    @property
    def speech(self) -> np.ndarray:
        """The waveform without pauses."""
        return self.wave[~is_silence(self.wave)]

    def embed(self, wave: np.ndarray, face: np.ndarray) -> dict[str, np.ndarray]:
        """Embed some speech and some of the faces, by encoder."""
        heard = self.encoder.voice(wave)
        seen = average(self.descriptors[face])
        return {"voice": heard, "face": seen, "both": fuse(heard, seen)}

    @cached_property
    def whole(self) -> dict[str, np.ndarray]:
        """Embed all of it."""
        return self.embed(self.wave, np.ones(len(self.faces), bool))

    @cached_property
    def ends(self) -> list[dict[str, np.ndarray]]:
        """Embed the first half of the speech and the first second, then the last ones."""
        first, last = np.array_split(self.speech, 2)
        times = np.array([face.time for face in self.faces])
        beginning, end = times < SECONDS / 3, times >= SECONDS * 2 / 3
        return [self.embed(first, beginning), self.embed(last, end)]


def read(encoder: VoiceAndFace) -> list[GridClip]:
    """Read the clips."""
    clips = []
    paths = sorted((DATA / "grid").glob("*.mpg"))
    for path in tqdm(paths, desc="reading", unit="clip", disable=None):
        faces, _ = encoder.face.find(path)
        found = encoder.face.describe([face.pixels for face in faces])
        clips.append(GridClip(path, faces, found, read_audio(path), encoder))
    return clips


def convert(clips: Sequence[GridClip]) -> dict[str, float]:
    """Turn dlib's threshold of distances into one of cosines: all descriptors are about as long."""
    lengths = np.linalg.norm(np.concatenate([clip.descriptors for clip in clips]), axis=1)
    length = float(lengths.mean())
    return {
        "length": length,
        "shortest": float(lengths.min()),
        "longest": float(lengths.max()),
        "threshold": 1 - STOCK_DISTANCE**2 / (2 * length**2),
    }


def weigh(voice: Voiceprint, clips: Sequence[GridClip], threshold: float) -> dict[str, Any]:
    """Compute how much a step of each cosine counts.

    Of two normal distributions with one variance, whose errors at the threshold t are both e, and
    with the mean m of different persons, the log odds grow by 2 z² / (t - m) a unit of the cosine,
    where z is the normal quantile of 1 - e.
    """
    own = {clip.person: clip.whole["face"] for clip in clips}
    faces = np.stack(list(own.values()))
    stranger = float((faces @ faces.T)[np.triu_indices(len(faces), 1)].mean())
    same, others = acted(voice)
    slopes = {
        "voice": 2 * norm.isf(VOICE_EER) ** 2 / (VOICE_THRESHOLD - others.mean()),
        "face": 2 * norm.isf(1 - LFW_ACCURACY) ** 2 / (threshold - stranger),
    }
    return {
        "persons": list(own),
        "strangers": {"voice": float(others.mean()), "face": stranger},
        "slopes": {name: float(slope) for name, slope in slopes.items()},
        "fitted": (same.mean() - others.mean()) / np.hypot(same.std(), others.std()) ** 2 * 2,
        "weight": float(slopes["voice"] / sum(slopes.values())),
    }


def acted(voice: Voiceprint) -> tuple[np.ndarray, np.ndarray]:
    """Give the cosines of neutral RAVDESS clips with other sentences: of one actor, and of two."""
    paths = sorted((DATA / "ravdess").glob("03-01-01-*.flac"))
    bar = tqdm(paths, desc="listening", unit="clip", disable=None)
    embeddings = np.stack([voice(read_audio(path)) for path in bar])
    actors = np.array([path.stem[-2:] for path in paths])
    sentences = np.array([path.stem.split("-")[4] for path in paths])
    first, second = np.triu_indices(len(paths), 1)
    other = sentences[first] != sentences[second]
    first, second = first[other], second[other]
    scores = np.einsum("pe,pe->p", embeddings[first], embeddings[second]).astype(float)
    same = actors[first] == actors[second]
    return scores[same], scores[~same]


def pairs(clips: Sequence[GridClip], name: str, threshold: float) -> dict[str, Any]:
    """Compare whole clips."""
    embeddings = np.stack([clip.whole[name] for clip in clips])
    people = np.array([clip.person for clip in clips])
    first, second = np.triu_indices(len(clips), 1)
    scores = np.einsum("pe,pe->p", embeddings[first], embeddings[second]).astype(float)
    same = people[first] == people[second]
    return {
        "threshold": threshold,
        "mated": scores[same].tolist(),
        "accepted": int((scores[same] >= threshold).sum()),
        "others": int((~same).sum()),
        "wrong": int((scores[~same] >= threshold).sum()),
        "highest": float(scores[~same].max()),
        "mean": float(scores[~same].mean()),
    }


def verify(clips: Sequence[GridClip], name: str) -> dict[str, Any]:
    """Enrol each person by the beginnings of their clips, and test the ends."""
    people = [clip.person for clip in clips for _ in range(2)]
    persons = sorted(set(people))
    beginnings = [[n for n in range(0, len(people), 2) if people[n] == one] for one in persons]
    ends = list(range(1, len(people), 2))
    compared = np.ones((len(persons), len(ends)), bool)
    embeddings = np.stack([end[name] for clip in clips for end in clip.ends])
    found = evaluate_trials(embeddings, people, beginnings, ends, compared)
    kept = ("speakers", "targets", "nontargets", "eer", "rank1", "chance")
    return {key: found[key] for key in kept} | {"interval": found["intervals"]["eer"]}


def small(faceprint: Faceprint, clips: Sequence[GridClip]) -> list[dict[str, Any]]:
    """Scale the frames down until faces have some width; compare with the faces at full size."""
    rows, cropper = [], FaceCropper()
    for width in tqdm(WIDTHS, desc="shrinking", unit="width", disable=None):
        kept, embeddings, frames, found = [], [], 0, 0
        for clip in clips:
            scale = width / np.median([face.width for face in clip.faces])
            faces = []
            for _, _, image in read_frames(clip.path, [(0.0, None)]):
                size = (round(side * scale) for side in image.shape[1::-1])
                image = resize_area(image, *size)
                box = cropper.crop(image).box
                frames += 1
                if box is not None:
                    faces.append(faceprint.align(image, box))
            found += len(faces)
            if faces:
                kept.append(clip)
                embeddings.append(average(faceprint.describe(faces)))
        rows.append(
            {"width": width, "frames": frames, "found": found, "clips": len(kept)}
            | likeness(kept, embeddings)
        )
    return rows


def likeness(clips: Sequence[GridClip], embeddings: Sequence[np.ndarray]) -> dict[str, Any]:
    """Compare embeddings of small faces with those at full size, of the same and other persons."""
    if not clips:
        return {"same": None, "lowest": None, "others": None}
    scores = np.stack(embeddings) @ np.stack([clip.whole["face"] for clip in clips]).T
    people = np.array([clip.person for clip in clips])
    others = people[:, None] != people
    own = np.diag(scores)
    return {
        "same": float(own.mean()),
        "lowest": float(own.min()),
        "others": float(scores[others].max()) if others.any() else None,
    }


def seconds(encoder: VoiceAndFace, clips: Sequence[GridClip]) -> dict[str, list[float]]:
    """Time each encoder on each file, decoding included."""
    named = {"voice": encoder.voice, "face": encoder.face, "both": encoder}
    found: dict[str, list[float]] = {name: [] for name in named}
    for clip in tqdm(clips, desc="timing", unit="clip", disable=None):
        for name, one in named.items():
            before = time.process_time()
            one.embed(clip.path, lambda note: None)
            found[name].append(time.process_time() - before)
    return found


def measure() -> dict[str, Any]:
    """Compute thresholds and weight, check that they are mien's, and test them."""
    if not all((DATA / name).is_dir() for name in ("grid", "ravdess")):
        raise MienError(f"this benchmark needs the recordings in {DATA}")
    encoder = VoiceAndFace("cpu")
    clips = read(encoder)
    persons = sorted({clip.person for clip in clips} - set(TWICE.values()))
    used = [clip for clip in clips if clip.person in persons[:5]]
    unused = [clip for clip in clips if clip not in used]
    converted = convert(clips)
    weighed = weigh(encoder.voice, used, converted["threshold"])
    own = {"voice": encoder.voice, "face": encoder.face, "both": encoder}
    thresholds = {n: one.threshold.value if one.threshold else None for n, one in own.items()}
    weight, face = round(weighed["weight"], 2), round(converted["threshold"], 3)
    fused = round(weight * (thresholds["voice"] or 0) + (1 - weight) * face, 3)
    if (weight, face, fused) != (VOICE_WEIGHT, thresholds["face"], thresholds["both"]):
        raise MienError(
            f"found weight {weight}, thresholds {face} and {fused}: not those of mien.identity,"
            f" {VOICE_WEIGHT} and {thresholds}"
        )
    groups = {"all": clips, "unused": unused}
    return {
        "machine": f"{runpy.run_path(str(HERE.with_name('cold_start.py')))['processor']()},"
        f" Python {platform.python_version()}",
        "converted": converted,
        "weighed": weighed,
        "pairs": {
            group: {n: pairs(some, n, float(thresholds[n] or 0)) for n in ENCODERS}
            for group, some in groups.items()
        },
        "halves": {group: {n: verify(some, n) for n in ENCODERS} for group, some in groups.items()},
        "speech": [f(len(clip.speech) / 32_000 for clip in clips) for f in (min, max)],
        "small": small(encoder.face, clips),
        "seconds": seconds(encoder, clips),
    }


HERE = Path(__file__).resolve()
GROUPS = {"all": "all 10 persons, 11 clips", "unused": "the 5 persons not used, 6 clips"}

PAGE = """# Who is seen: face, voice, and both on GRID

    mien bench face_identity

{machine}, one thread. GRID: 11 clips of {seconds} s with sound, 360 × 288, frontal faces about 110
pixels wide, in even light. **There are 10 persons, and one of them alone is in two clips**
(`id2_vcd_swwp2s`, `pwij3p`). So this shows that the encoders work, and that faces are cut out as
they should be. It is no measurement of error rates: with 10 persons free of errors, up to about 3
in 10 of all persons may make some, and nobody is seen on another day, in other light, or from the
side.

## Thresholds and weight

* **Face: {face:.3f}.** dlib's author takes two faces with a distance of at most {distance} for one
  person's (99.38 % right on Labeled Faces in the Wild, by his word). The descriptors of GRID's
  frames are {length:.3f} long ({shortest:.2f} to {longest:.2f}); two of that length at that
  distance have a cosine of 1 − {distance}² / (2 · {length:.3f}²). Nothing of who is in a clip was
  used.
* **Both: {both:.3f}**, the weighted mean of the two thresholds (the voice's is {voice:g}, chosen on
  RAVDESS). The voice's cosine has the weight {weight:.2f}, the face's {rest:.2f}. Each counts by
  the log odds that a step of its cosine is worth: 2 z² / (t − m) for two normal distributions with
  one variance, with the threshold t, the quantile z of 1 − the error rate there, and the mean
  cosine m of different persons.

| encoder | t | error rate at t | m | log odds a unit |
|---|---:|---:|---:|---:|
| voice | {t_voice:.3f} | {e_voice:.1%} (RAVDESS, neutral) | {m_voice:.3f} | {s_voice:.0f} |
| face | {t_face:.3f} | {e_face:.1%} (Labeled Faces in the Wild) | {m_face:.3f} | {s_face:.0f} |

The voice's m is that of the same clips; with both means and variances of these, the log odds are
{fitted:.0f} a unit. The face's m is that of 10 pairs of persons, the only thing that is taken from
GRID's labels: {used}. The other five are shown by themselves below.

## Whole clips at these thresholds

"Highest" is the cosine of the two persons who are most alike.

| clips | encoder | threshold | one person: accepted | two persons: accepted | cosine | highest |
|---|---|---:|---:|---:|---:|---:|
{pairs}

## Beginnings against ends

Each person is enrolled by the beginning of their clips and tested by the end: face, the first and
the last second; voice, half of the speech each ({low:.1f} to {high:.1f} s, less than the 3 s that
the voice needs). These mated trials are easy, being of one recording. Intervals: 95 %, over
persons.

| clips | encoder | persons | mated | non-mated | EER (95 %) | rank 1 | chance |
|---|---|---:|---:|---:|---:|---:|---:|
{halves}

## Small faces

The frames are scaled down, and each clip is compared with all clips at full size: with itself, and
with the most similar one of another person.

| face width (px) | frames with a face | clips | itself, mean | itself, lowest | other, highest |
|---:|---:|---:|---:|---:|---:|
{small}

## CPU seconds of a clip

Decoding, finding the faces ({faces} a clip) and both networks; without the start of the program,
which loads the weights. Median of 11 clips, and the least and the most.

| encoder | CPU seconds |
|---|---:|
{times}
"""


def page(found: dict[str, Any]) -> str:
    """Write the result as a page."""
    converted, weighed = found["converted"], found["weighed"]
    shares = found["pairs"]["all"]
    return PAGE.format(
        machine=found["machine"],
        seconds=SECONDS,
        face=shares["face"]["threshold"],
        both=shares["both"]["threshold"],
        voice=shares["voice"]["threshold"],
        distance=STOCK_DISTANCE,
        **{key: converted[key] for key in ("length", "shortest", "longest")},
        weight=VOICE_WEIGHT,
        rest=1 - VOICE_WEIGHT,
        t_voice=VOICE_THRESHOLD,
        e_voice=VOICE_EER,
        t_face=converted["threshold"],
        e_face=1 - LFW_ACCURACY,
        **{f"m_{name}": value for name, value in weighed["strangers"].items()},
        **{f"s_{name}": value for name, value in weighed["slopes"].items()},
        fitted=weighed["fitted"],
        used=", ".join(f"`{person}`" for person in weighed["persons"]),
        pairs=rows(found["pairs"], pair_row),
        halves=rows(found["halves"], trial_row),
        low=found["speech"][0],
        high=found["speech"][1],
        small="\n".join(small_row(row) for row in found["small"]),
        faces=found["small"][-1]["frames"] // 11,
        times="\n".join(
            f"| {name} | {statistics.median(s):.2f} ({min(s):.2f}–{max(s):.2f}) |"
            for name, s in found["seconds"].items()
        ),
    )


def rows(groups: dict[str, Any], row: Any) -> str:
    """Write a row for each group and encoder."""
    return "\n".join(
        f"| {GROUPS[group]} | {name} | {row(one)} |"
        for group, encoders in groups.items()
        for name, one in encoders.items()
    )


def pair_row(one: dict[str, Any]) -> str:
    """Write the cells of a comparison of whole clips."""
    mated = ", ".join(f"{score:.3f}" for score in one["mated"])
    return (
        f"{one['threshold']:.3f} | {one['accepted']} of {len(one['mated'])} |"
        f" {one['wrong']} of {one['others']} | {mated} | {one['highest']:.3f}"
    )


def trial_row(one: dict[str, Any]) -> str:
    """Write the cells of verification trials."""
    interval = one["interval"]
    bounds = f" ({interval['low']:.1%}–{interval['high']:.1%})" if interval else ""
    return (
        f"{one['speakers']} | {one['targets']} | {one['nontargets']} | {one['eer']:.1%}{bounds} |"
        f" {one['rank1']:.1%} | {one['chance']:.1%}"
    )


def small_row(one: dict[str, Any]) -> str:
    """Write a row of the table of small faces."""
    cells = ["–" if one[key] is None else f"{one[key]:.3f}" for key in ("same", "lowest", "others")]
    counts = f"{one['found']} of {one['frames']} | {one['clips']}"
    return f"| {one['width']} | {counts} | {' | '.join(cells)} |"


def main() -> None:
    """Measure, print the page and write it beside this file."""
    found = measure()
    text = page(found)
    print(text)
    write_text(HERE.with_suffix(".json"), json.dumps(found, indent=1) + "\n")
    write_text(HERE.with_suffix(".md"), text)


if __name__ == "__main__":
    main()
