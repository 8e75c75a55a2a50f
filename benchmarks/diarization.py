"""Speaker diarization on synthetic conversations: error rate, number of speakers, overlap, time.

    python benchmarks/diarization.py [--data ../shared/data] [--seeds 0 1 2]

The conversations are those of `diarization_mixtures`, of speakers with whom nothing was chosen.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import numpy as np
import torch
from diarization_mixtures import CONDITIONS, Clips, Condition, Mixture, mixture, read_clips
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate
from tools.diarization_page import page
from tqdm import tqdm

from mien.audio_effects import pink, to_int16
from mien.diarization.diarizer import Diarizer
from mien.diarization.result import Diarization
from mien.files import write_text
from mien.identity.resemblyzer import Voiceprint
from mien.inference.turns import VoiceSegmenter
from mien.utterance import SAMPLE_RATE

HERE = Path(__file__).resolve().parent
DEVELOPMENT = ("367", "533", "1998", "2414", "3080")
"""Readers of LibriSpeech, and actors 1 to 12 of RAVDESS, by whom the thresholds were chosen."""

TEST = ("1688", "2033", "2609", "3005", "3331")
COLLARS = {"0.25 s": 0.5, "0.125 s": 0.25, "none": 0.0}
"""By what is left out on each side of a boundary, the whole width, as pyannote.metrics takes it."""

Spans = Sequence[tuple[float, float, str]]


def annotation(spans: Spans) -> Annotation:
    """Give spans the form that pyannote.metrics takes."""
    made = Annotation()
    for number, (start, end, speaker) in enumerate(spans):
        made[Segment(start, end), number] = speaker
    return made


def error_rate(
    reference: Spans, found: Spans, seconds: float, collar: float, overlap: bool = True
) -> dict[str, float]:
    """Compute the diarization error rate and its parts, as shares of the speech."""
    metric = DiarizationErrorRate(collar=collar, skip_overlap=not overlap)
    whole = Timeline([Segment(0, seconds)])
    parts = metric(annotation(reference), annotation(found), uem=whole, detailed=True)
    names = {"missed": "missed detection", "false": "false alarm", "confused": "confusion"}
    rates = {name: parts[key] / parts["total"] for name, key in names.items()}
    return {"der": sum(rates.values()), **rates}


def spans_of(found: Diarization) -> list[tuple[float, float, str]]:
    """List who speaks when."""
    return [(turn.start, turn.end, str(turn.speaker)) for turn in found.turns]


def shared_frames(spans: Spans, seconds: float) -> np.ndarray:
    """Mark the frames of 10 ms in which two speak at once."""
    counts = np.zeros(round(seconds * 100) + 1, int)
    for start, end, _ in spans:
        counts[round(start * 100) : round(end * 100)] += 1
    return counts > 1


def similarity(made: Mixture, found: Diarization, voiceprint: Voiceprint) -> dict[str, float]:
    """Compare the embedding of each speaker with voiceprints of the turns, own and others'."""
    embeddings = np.stack(list(found.embeddings.values()))
    prints = []
    for speaker in sorted({speaker for *_, speaker in made.turns}):
        parts = [
            made.waveform[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]
            for start, end, one in made.turns
            if one == speaker
        ]
        prints.append(voiceprint(np.concatenate(parts)))
    cosines = np.sort(embeddings @ np.stack(prints).T, axis=1)
    return {"own": float(cosines[:, -1].min()), "other": float(cosines[:, :-1].max(initial=0))}


def measure_one(made: Mixture, condition: Condition) -> dict[str, Any]:
    """Diarize one conversation, and compare with its reference."""
    seconds, diarizer = condition.seconds, Diarizer()
    start = time.process_time()
    turns = VoiceSegmenter()(made.waveform, seconds)
    heard = time.process_time()
    result = diarizer(made.waveform, turns)
    done = time.process_time()
    told = Diarizer(speakers=condition.speakers)(made.waveform, turns)
    spans, given = spans_of(result), spans_of(told)
    truth, marked = shared_frames(made.turns, seconds), shared_frames(spans, seconds)
    return {
        **asdict(condition),
        "condition": condition.name,
        "rates": {n: error_rate(made.speech, spans, seconds, c) for n, c in COLLARS.items()},
        "alone": error_rate(made.speech, spans, seconds, COLLARS["0.25 s"], overlap=False),
        "turns": error_rate(made.turns, spans, seconds, COLLARS["0.25 s"]),
        "given": error_rate(made.speech, given, seconds, COLLARS["0.25 s"]),
        "estimated": len(result.embeddings),
        "overlap_frames": [int((truth & marked).sum()), int(marked.sum()), int(truth.sum())],
        "cpu_seconds": [heard - start, done - heard],
        "similarity": similarity(made, result, Voiceprint("cpu")),
        "speakers_drawn": sorted({speaker for *_, speaker in made.turns}),
    }


def closest(clips: Clips) -> Callable[[Sequence[str]], float]:
    """Tell how alike the two most similar of some speakers are, by their mean voiceprints."""
    voiceprint = Voiceprint("cpu")
    means = {}
    for speaker, waveforms in clips.items():
        mean = np.mean([voiceprint(to_int16(one)) for one in waveforms[:20]], axis=0)
        means[speaker] = mean / np.linalg.norm(mean)
    return lambda some: max(float(means[a] @ means[b]) for a, b in combinations(some, 2))


def monologue(clips: Sequence[np.ndarray], seconds: int) -> np.ndarray:
    """Put clips of one speaker one after the other, with a pause of 0.3 s between them."""
    random = np.random.default_rng(seconds)
    pause = np.zeros(int(0.3 * SAMPLE_RATE), np.float32)
    parts = [part for i in random.permutation(len(clips)) for part in (clips[i], pause)]
    sound = np.resize(np.concatenate(parts), seconds * SAMPLE_RATE)
    return to_int16(sound + pink(len(sound), random) * np.float32(1e-3))


def monologues(clips: Clips) -> dict[str, list[int]]:
    """Estimate the number of speakers in monologues, by their length in seconds."""
    diarizer = Diarizer()
    return {
        str(seconds): [
            len(diarizer(sound, VoiceSegmenter()(sound, seconds)).embeddings)
            for one in tqdm(sorted(clips), desc=f"monologues of {seconds} s", disable=None)
            for sound in [monologue(clips[one], seconds)]
        ]
        for seconds in (20, 60, 180)
    }


def resident() -> float:
    """Return the memory of this process that is in no file, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024


def measure_long(clips: Clips) -> dict[str, float]:
    """Diarize two hours in a file; first of all, so that no memory is there to use again."""
    diarizer, segmenter = Diarizer(), VoiceSegmenter()
    first = mixture(clips, CONDITIONS[0], 0).waveform[: 20 * SAMPLE_RATE]
    diarizer(first, segmenter(first, 20.0))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "long.pcm"
        with path.open("wb") as file:
            for part in range(12):
                file.write(mixture(clips, CONDITIONS[3 + part % 3], 100 + part).waveform.tobytes())
        waveform = np.memmap(path, np.int16, "r")
        before, peak, done = resident(), [0.0], Event()

        def watch() -> None:
            while not done.wait(0.05):
                peak[0] = max(peak[0], resident())

        watcher, start = Thread(target=watch), time.process_time()
        watcher.start()
        found = diarizer(waveform, segmenter(waveform, len(waveform) / SAMPLE_RATE))
        spent = time.process_time() - start
        done.set()
        watcher.join()
    return {"memory": peak[0] - before, "cpu_seconds": spent, "found": len(found.embeddings)}


def measure(data: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """Measure everything."""
    actors = [f"{number:02}" for number in range(13, 25)]
    corpora = {
        "LibriSpeech": read_clips(data / "librispeech", TEST),
        "RAVDESS, neutral and calm": read_clips(data / "ravdess", actors, ("01", "02")),
        "RAVDESS, all emotions": read_clips(data / "ravdess", actors),
    }
    found: dict[str, Any] = {"long": measure_long(corpora["LibriSpeech"])}
    found |= {"mixtures": {}, "monologues": {}}
    for name, clips in corpora.items():
        hardness, rows = closest(clips), []
        conditions = CONDITIONS if name == "LibriSpeech" else CONDITIONS[::4]
        jobs = [(condition, seed) for condition in conditions for seed in seeds]
        for condition, seed in tqdm(jobs, desc=name, disable=None):
            row = measure_one(mixture(clips, condition, seed), condition)
            rows.append({"seed": seed, "closest": hardness(row["speakers_drawn"]), **row})
        found["mixtures"][name] = rows
        if name != "RAVDESS, neutral and calm":
            found["monologues"][name] = monologues(clips)
    return found


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared/data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(args.data, args.seeds) | {"processor": processor(), "development": DEVELOPMENT}
    write_text(HERE / "diarization.json", json.dumps(found, indent=1) + "\n")
    write_text(HERE / "diarization.md", page(found))
    print(page(found))


def processor() -> str:
    """Name the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
