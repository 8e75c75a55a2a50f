"""How long an update of a live stream takes to compute, and how late it comes.

The streams are recordings in ../shared/data with pauses between: actors (RAVDESS) and readers
(LibriSpeech) for `mien-base`, and persons with their faces (GRID) for a model of audio and video.
There is no ready-made model of faces, so this one is small and untrained: what it predicts does not
count.
"""

import json
import os
import platform
import runpy
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic, perf_counter, process_time, sleep
from typing import Any

import numpy as np
import soxr
import torch
from tqdm import tqdm

from mien.errors import MienError
from mien.files import write_text
from mien.inference.recognizer import Recognizer
from mien.inference.stream_update import Chunk, Update
from mien.media.decode import read_audio, read_frames
from mien.models import MultimodalModel, preset
from mien.runs.config import DataConfig, RunConfig
from mien.runs.run import Run
from mien.tasks import EmotionTask
from mien.utterance import SAMPLE_RATE

HERE = Path(__file__).resolve()
SHARED = HERE.parents[2] / "shared" / "data"

RATE = 48_000
"""Of the streams of speech, as of most microphones."""

CHUNK = 0.02
"""Seconds that are pushed at once."""

WINDOWS = (1.0, 3.0, 5.0)
HOP = 0.5
PAUSE = 0.5

PACED = 30.0
"""Seconds that are pushed at the speed at which they would be spoken."""

LINES = ("Kids are talking by the door.", "Dogs are sitting by the door.")
"""The sentences of RAVDESS, by the number in the name of a file."""

PAGE = """# Live streams: seconds of an update

`Recognizer.stream` with a hop of {hop:g} s, in chunks of {chunk:g} s, with one thread.

Latency is the time that computing an update takes, whose window has speech: voice activity,
signal-to-noise ratio and model. Load is the share of one core: the CPU time of all of it by the
length of the stream.

| input | model | window (s) | updates | median (ms) | 95th percentile (ms) | load | skipped |
|---|---|---:|---:|---:|---:|---:|---:|
{rows}

Speech: {clips} clips of RAVDESS and LibriSpeech, {seconds:.0f} s at {rate} Hz; with text, what is
said is pushed at the end of each clip of RAVDESS. Faces: {faces_clips} clips of GRID,
{faces_seconds:.0f} s of 360 x 288 at 25 frames a second; the model takes audio and faces, is small
(width 0.125) and untrained, since there is no ready-made one. Searching a frame for a face takes
{search:.0f} ms (95th percentile {search_late:.0f}), at most twice a second, and is part of the
load, not of the latency.

End to end, with chunks pushed at the speed of speech for {paced:.0f} s (audio, window of 3 s): an
update comes {delay:.0f} ms (95th percentile {delay_late:.0f}) after the last sample of its window
was spoken. That is the latency, and up to two chunks more: the resampler holds 0.02 to 0.04 s back.
What is said is in an update for the first time up to {hop:g} s, the hop, later.

{machine}, load {before:.1f} before the run.
"""


def files() -> list[Path]:
    """List the recordings of speech: some actors, and a reader each."""
    actors = sorted((SHARED / "ravdess").glob("03-01-*-01-0?-01-*.flac"))[::24]
    readers = sorted((SHARED / "librispeech").rglob("*.flac"))[::20]
    if not actors or not readers:
        raise MienError(f"{SHARED} lacks the recordings: RAVDESS, LibriSpeech and GRID are needed")
    return actors + readers


def speech(paths: Sequence[Path], *, with_text: bool) -> list[Chunk]:
    """Make the stream of speech."""
    pause = np.zeros(round(PAUSE * RATE), np.float32)
    chunks = []
    for path in paths:
        wave = read_audio(path).astype(np.float32) / 32768
        wave = np.concatenate([soxr.resample(wave, SAMPLE_RATE, RATE), pause])
        chunks += cut(wave, RATE)
        if with_text and "ravdess" in path.parts:
            chunks.append(Chunk(text=LINES[int(path.stem.split("-")[4]) - 1]))
    return chunks


def cut(wave: np.ndarray, rate: int) -> list[Chunk]:
    """Cut audio into chunks."""
    size = round(CHUNK * rate)
    return [Chunk(audio=wave[at : at + size], rate=rate) for at in range(0, len(wave), size)]


def persons(paths: Sequence[Path]) -> Iterator[Chunk]:
    """Make the stream of persons with their faces, a clip in memory at a time."""
    begin = 0.0
    for path in paths:
        wave = read_audio(path)
        frames = read_frames(path, [(0.0, None)], interval=0.04)
        waiting = [(time, frame) for _, time, frame in frames]
        for number, chunk in enumerate(cut(wave, SAMPLE_RATE)):
            while waiting and waiting[0][0] < (number + 1) * CHUNK:
                time, frame = waiting.pop(0)
                yield Chunk(frame=frame, time=begin + time)
            yield chunk
        begin += len(wave) / SAMPLE_RATE


def face_model(folder: Path) -> Recognizer:
    """Make a small model of audio and faces that has learnt nothing."""
    model = preset("mme2e", modalities="av", width=0.125)
    task = EmotionTask(labels=("happy", "sad", "angry"), loss="ce")
    data = DataConfig(path="", corpus="none", protocol="random")
    run = Run.create(folder, RunConfig(model=model, tasks=(task,), data=data, training={}))
    torch.manual_seed(0)
    run.write_model(MultimodalModel(model, {"emotion": 3}))
    return Recognizer(run, "cpu")


def updates(recognizer: Recognizer, window: float, chunks: Sequence[Chunk]) -> dict[str, Any]:
    """Push a stream as fast as it is computed, and measure."""
    list(recognizer.stream(window=window).updates(chunks[:300]))  # loads what is needed
    began = process_time()
    found = list(recognizer.stream(window=window, hop=HOP).updates(chunks))
    taken = process_time() - began
    answered = [1000 * update.latency for update in found if update.speech and update.modalities]
    return {
        "window": window,
        "updates": len(answered),
        "median": float(np.median(answered)),
        "late": float(np.percentile(answered, 95)),
        "load": taken / found[-1].end,
        "skipped": sum(update.skipped for update in found),
    }


def searches(recognizer: Recognizer, chunks: Sequence[Chunk]) -> list[float]:
    """Measure the milliseconds of each search for a face."""
    cropper, taken = recognizer.reader.cropper, []
    for chunk in [chunk for chunk in chunks if chunk.frame is not None][::12]:
        assert chunk.frame is not None
        began = perf_counter()
        cropper.crop(chunk.frame, recognizer.reader.options.face_size)
        taken.append(1000 * (perf_counter() - began))
    return taken[1:]


def delays(recognizer: Recognizer, chunks: Sequence[Chunk]) -> list[float]:
    """Push a stream as it is spoken; measure how late, in milliseconds, each update comes."""
    stream, late = recognizer.stream(hop=HOP), []
    began = monotonic()
    for number, chunk in enumerate(chunks[: round(PACED / CHUNK)], 1):
        sleep(max(0.0, began + number * CHUNK - monotonic()))
        update: Update | None = stream.push(audio=chunk.audio, rate=chunk.rate)
        if update is not None and update.speech and update.modalities:
            late.append(1000 * (monotonic() - began - update.end))
    return late


def measure() -> dict[str, Any]:
    """Measure all of it."""
    base = Recognizer.from_pretrained("mien-base", device="cpu")
    paths, grid = files(), sorted((SHARED / "grid").glob("*.mpg"))
    streams = {name: speech(paths, with_text=name != "audio") for name in ("audio", "audio, text")}
    rows = [
        {"input": name, "model": "mien-base", **updates(base, window, chunks)}
        for name, chunks in streams.items()
        for window in tqdm(WINDOWS, desc=name)
    ]
    with tempfile.TemporaryDirectory() as folder:
        faces = face_model(Path(folder) / "run")
        chunks = list(persons(grid))
        for window in tqdm(WINDOWS, desc="faces"):
            found = updates(faces, window, chunks)
            rows.append({"input": "audio, faces", "model": "untrained", **found})
        found_in = searches(faces, chunks)
    late = delays(base, streams["audio"])
    return {
        "rows": rows,
        "clips": len(paths),
        "seconds": sum(len(c.audio) for c in streams["audio"] if c.audio is not None) / RATE,
        "faces_clips": len(grid),
        "faces_seconds": sum(len(c.audio) for c in chunks if c.audio is not None) / SAMPLE_RATE,
        "search": float(np.median(found_in)),
        "search_late": float(np.percentile(found_in, 95)),
        "delay": float(np.median(late)),
        "delay_late": float(np.percentile(late, 95)),
    }


def main() -> None:
    """Measure, and write the page and all numbers beside this file."""
    torch.set_num_threads(1)
    before = os.getloadavg()[0]
    found = measure()
    processor = runpy.run_path(str(HERE.with_name("cold_start.py")))["processor"]
    found["machine"] = f"{processor()}, Python {platform.python_version()}"
    found["load"] = before
    rows = "\n".join(
        f"| {row['input']} | {row['model']} | {row['window']:g} | {row['updates']} |"
        f" {row['median']:.0f} | {row['late']:.0f} | {row['load']:.2f} | {row['skipped']} |"
        for row in found["rows"]
    )
    settings = {"hop": HOP, "chunk": CHUNK, "rate": RATE, "paced": PACED, "before": before}
    page = PAGE.format(**{**found, **settings, "rows": rows})
    print(page)
    write_text(HERE.with_suffix(".md"), page)
    write_text(HERE.with_suffix(".json"), json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
