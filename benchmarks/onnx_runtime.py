"""mien-base in PyTorch and in ONNX Runtime, side by side: time of a batch, with the same threads.

    mien bench onnx_runtime

The waveforms are noise, the tokens random: neither changes the time. int8 is `mien export
--int8`; what that costs is measured on RAVDESS, if it is beside the project.
"""

import json
import os
import platform
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
import torch
from tqdm import tqdm

from mien.batch import Batch, Ragged
from mien.dataset.protocols.folds import EMOBOX_RAVDESS
from mien.files import write_text
from mien.media.audio import read_audio
from mien.modality import Modality
from mien.models.model import MultimodalModel
from mien.runs.hub import open_run
from mien.runs.onnx_export import export_onnx

HERE = Path(__file__)
RAVDESS = HERE.resolve().parents[2] / "shared" / "data" / "ravdess"
ROUNDS = 15
BATCHES = (1, 8)
SECONDS, TOKENS = 4, 12
CODES = ("neutral", "neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
"""Emotions of RAVDESS by their codes from 01; calm counts as neutral, as in training."""
TESTED = tuple(f"{actor:02}" for actor in EMOBOX_RAVDESS[-1])
"""Actors with whom mien-audio-nc was not trained."""

HEADING = """# ONNX Runtime

`mien-base`, {seconds} s of audio and {tokens} tokens for each utterance, one thread. Medians of
{rounds} rounds in which the engines take turns. {machine}; load {load:.1f} before the run.

| utterances | PyTorch (ms) | ONNX Runtime (ms) | int8 (ms) | ONNX Runtime is faster by | int8 by |
|---:|---:|---:|---:|---:|---:|
"""


def inputs(count: int) -> tuple[Batch, dict[str, np.ndarray]]:
    """Make the same utterances for both engines."""
    text = torch.randint(1000, 20_000, (count, TOKENS))
    audio = torch.randn(count, 16_000 * SECONDS) * 0.1
    batch = Batch(
        inputs={
            Modality.TEXT: Ragged(text.flatten(), torch.full((count,), TOKENS)),
            Modality.AUDIO: Ragged(audio.flatten(), torch.full((count,), audio.shape[1])),
        }
    )
    steps = {"text_steps": TOKENS, "audio_steps": audio.shape[1]}
    feed = {"text": text.numpy(), "audio": audio.numpy()}
    return batch, feed | {name: np.full(count, length) for name, length in steps.items()}


def session(path: Path) -> onnxruntime.InferenceSession:
    """Open a file for one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def timed(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Time ways that take turns: median milliseconds."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for compute in ways.values():
        compute()
    for number in range(ROUNDS):
        for name in list(ways) if number % 2 else reversed(ways):
            begin = time.perf_counter()
            ways[name]()
            found[name].append(1000 * (time.perf_counter() - begin))
    return {name: statistics.median(values) for name, values in found.items()}


def speeds(model: MultimodalModel, files: dict[str, Path]) -> dict[int, dict[str, float]]:
    """Time all engines for all numbers of utterances."""
    sessions = {name: session(path) for name, path in files.items()}
    found = {}
    for count in BATCHES:
        batch, feed = inputs(count)
        ways: dict[str, Callable[[], object]] = {"PyTorch": lambda batch=batch: model(batch)}
        for name, own in sessions.items():
            ways[name] = lambda own=own, feed=feed: own.run(None, feed)
        with torch.inference_mode():
            found[count] = timed(ways)
    return found


def accuracy(files: dict[str, Path]) -> dict[str, Any] | None:
    """Recognise emotions of actors of RAVDESS by the audio alone: unweighted accuracy in %."""
    clips = [path for path in sorted(RAVDESS.glob("*.flac")) if path.stem[-2:] in TESTED]
    if not clips:
        return None
    sessions = {name: session(path) for name, path in files.items()}
    about = json.loads(sessions["ONNX Runtime"].get_modelmeta().custom_metadata_map["mien"])
    labels = about["tasks"][0]["labels"]
    right: dict[str, dict[str, list[bool]]] = {name: {} for name in files}
    same = 0
    for clip in tqdm(clips, unit="clip", disable=None):
        truth = CODES[int(clip.stem.split("-")[2]) - 1]
        waveform = read_audio(clip)[None].astype(np.float32) / 32768
        feed = {"audio": waveform, "audio_steps": np.array([waveform.shape[1]])}
        feed |= {"text": np.zeros((1, 1), np.int64), "text_steps": np.array([0])}
        answers = {
            name: labels[int(own.run(["emotion_scores"], feed)[0].argmax())]
            for name, own in sessions.items()
        }
        same += len(set(answers.values())) == 1
        for name, answer in answers.items():
            right[name].setdefault(truth, []).append(answer == truth)
    recalls = {
        name: 100 * float(np.mean([np.mean(hits) for hits in own.values()]))
        for name, own in right.items()
    }
    return {"clips": len(clips), "unweighted accuracy": recalls, "same answers": same / len(clips)}


def page(found: dict[str, Any]) -> str:
    """Lay the figures out."""
    text = HEADING.format(seconds=SECONDS, tokens=TOKENS, rounds=ROUNDS, **found["machine"])
    for count, own in found["milliseconds"].items():
        torch_ms, onnx_ms, int8_ms = own["PyTorch"], own["ONNX Runtime"], own["int8"]
        text += (
            f"| {count} | {torch_ms:.0f} | {onnx_ms:.0f} | {int8_ms:.0f} |"
            f" {torch_ms / onnx_ms:.2f} | {torch_ms / int8_ms:.2f} |\n"
        )
    sizes = ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in found["bytes"].items())
    text += f"\nSize of the file: {sizes}.\n"
    if (tested := found["accuracy"]) is not None:
        recalls = tested["unweighted accuracy"]
        text += (
            f"\nEmotions of {tested['clips']} clips of RAVDESS by the audio alone, of actors whom"
            f" the model never heard\n({', '.join(TESTED)}): unweighted accuracy"
            f" {recalls['ONNX Runtime']:.1f} % as exported, {recalls['int8']:.1f} % with int8;"
            f" {100 * tested['same answers']:.1f} % of the\nanswers are the same.\n"
        )
    return text


def main() -> None:
    """Measure, print the page and write it beside this file."""
    load = os.getloadavg()[0]
    torch.set_num_threads(1)
    run = open_run("mien-base")
    names = re.findall(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    with TemporaryDirectory() as folder:
        files = {"ONNX Runtime": Path(folder) / "base.onnx", "int8": Path(folder) / "int8.onnx"}
        export_onnx(run, files["ONNX Runtime"])
        export_onnx(run, files["int8"], int8=True)
        found = {
            "machine": {"machine": names[0] if names else platform.machine(), "load": load},
            "milliseconds": speeds(run.model(), files),
            "bytes": {name: path.stat().st_size for name, path in files.items()},
            "accuracy": accuracy(files),
        }
    text = page(found)
    print(text)
    write_text(HERE.with_suffix(".md"), text)
    write_text(HERE.with_suffix(".json"), json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
