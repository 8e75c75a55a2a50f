"""Speaker diarization on synthetic conversations: error rate, number of speakers, overlap, time.

    python benchmarks/diarization.py [--data ../shared/data] [--seeds 0 1 2]

The conversations are those of `diarization_mixtures`, of speakers with whom nothing was chosen.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diarization_mixtures import CONDITIONS, Clips, Condition, Mixture, mixture, read_clips
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate
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

CLOSE = 0.7
"""Cosine of the mean voiceprints of two speakers from which on they are hard to tell apart."""

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


def measure_one(made: Mixture, condition: Condition, diarizer: Diarizer) -> dict[str, Any]:
    """Diarize one conversation, and compare with its reference."""
    seconds = condition.seconds
    start = time.process_time()
    turns = VoiceSegmenter()(made.waveform, seconds)
    heard = time.process_time()
    result = diarizer(made.waveform, turns)
    done = time.process_time()
    spans = [(turn.start, turn.end, str(turn.speaker)) for turn in result.turns]
    truth, marked = shared_frames(made.turns, seconds), shared_frames(spans, seconds)
    return {
        **asdict(condition),
        "condition": condition.name,
        "rates": {n: error_rate(made.speech, spans, seconds, c) for n, c in COLLARS.items()},
        "alone": error_rate(made.speech, spans, seconds, COLLARS["0.25 s"], overlap=False),
        "turns": error_rate(made.turns, spans, seconds, COLLARS["0.25 s"]),
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


def monologues(clips: Clips, diarizer: Diarizer) -> dict[str, list[int]]:
    """Estimate the number of speakers in monologues, by their length in seconds."""
    return {
        str(seconds): [
            len(diarizer(sound, VoiceSegmenter()(sound, seconds)).embeddings)
            for one in tqdm(sorted(clips), desc=f"monologues of {seconds} s", disable=None)
            for sound in [monologue(clips[one], seconds)]
        ]
        for seconds in (20, 60, 180)
    }


def measure(data: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """Measure everything."""
    diarizer = Diarizer()
    actors = [f"{number:02}" for number in range(13, 25)]
    corpora = {
        "LibriSpeech": read_clips(data / "librispeech", TEST),
        "RAVDESS, neutral and calm": read_clips(data / "ravdess", actors, ("01", "02")),
        "RAVDESS, all emotions": read_clips(data / "ravdess", actors),
    }
    found: dict[str, Any] = {"mixtures": {}, "monologues": {}}
    for name, clips in corpora.items():
        hardness, rows = closest(clips), []
        conditions = CONDITIONS if name == "LibriSpeech" else CONDITIONS[::4]
        jobs = [(condition, seed) for condition in conditions for seed in seeds]
        for condition, seed in tqdm(jobs, desc=name, disable=None):
            row = measure_one(mixture(clips, condition, seed), condition, diarizer)
            rows.append({"seed": seed, "closest": hardness(row["speakers_drawn"]), **row})
        found["mixtures"][name] = rows
        if name != "RAVDESS, neutral and calm":
            found["monologues"][name] = monologues(clips, diarizer)
    return found


def mean(rows: Sequence[Mapping[str, Any]], *keys: str) -> float:
    """Average a number over conversations."""
    values = []
    for row in rows:
        value: Any = row
        for key in keys:
            value = value[key]
        values.append(value)
    return float(np.mean(values))


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write the rows of one corpus, a condition a line."""
    lines = []
    for name in dict.fromkeys(row["condition"] for row in rows):
        some = [row for row in rows if row["condition"] == name]
        worst = 100 * max(row["rates"]["0.25 s"]["der"] for row in some)
        rates = " | ".join(f"{100 * mean(some, *keys):.1f}" for keys in COLUMNS)
        counts = " ".join(str(row["estimated"]) for row in some)
        total = f"{100 * mean(some, 'rates', '0.25 s', 'der'):.1f}"
        lines.append(f"| {name} | **{total}** | {worst:.1f} | {rates} | {counts} |")
    return lines


COLUMNS = (
    *(("rates", "0.25 s", part) for part in ("missed", "false", "confused")),
    *(("alone", "der"), ("rates", "0.125 s", "der"), ("rates", "none", "der"), ("turns", "der")),
)


def overlap(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say how well overlapped speech is found, by frames of 10 ms."""
    right, marked, true = np.sum([row["overlap_frames"] for row in rows if row["overlap"]], axis=0)
    false = sum(row["overlap_frames"][1] for row in rows if not row["overlap"])
    seconds = sum(row["seconds"] for row in rows if not row["overlap"])
    return (
        f"precision {right / marked:.2f}, recall {right / true:.2f}; where there is none,"
        f" {false / seconds:.2f} % of the time is marked"
    )


def page(found: Mapping[str, Any]) -> str:
    """Write the result as a page."""
    tables = []
    for name, rows in found["mixtures"].items():
        close = [row for row in rows if row["closest"] >= CLOSE]
        hard = 100 * mean(close, "rates", "0.25 s", "der") if close else float("nan")
        tables.append(
            f"### {name}\n\n{HEAD}\n" + "\n".join(table(rows)) + f"\n\nMean"
            f" {100 * mean(rows, 'rates', '0.25 s', 'der'):.1f} %; of the {len(close)} of"
            f" {len(rows)} in which two speakers have mean voiceprints with a cosine of {CLOSE:g}"
            f" or more: {hard:.1f} %. Overlapped speech: {overlap(rows)}."
        )
    rows = found["mixtures"]["LibriSpeech"]
    own = [row["similarity"]["own"] for row in rows]
    other = max(row["similarity"]["other"] for row in rows)
    voice, rest = (np.mean([row["cpu_seconds"][i] for row in rows]) for i in (0, 1))
    speed = mean(rows, "seconds") / (voice + rest)
    alone = [
        f"| {name} | {seconds} s | {sum(n == 1 for n in counts)} of {len(counts)} |"
        for name, by_length in found["monologues"].items()
        for seconds, counts in by_length.items()
    ]
    return PAGE.format(
        tables="\n\n".join(tables),
        alone="\n".join(alone),
        own=f"{np.mean(own):.3f} in the mean, {min(own):.3f} at least",
        other=f"{other:.3f}",
        voice=f"{voice:.1f}",
        rest=f"{rest:.1f}",
        speed=f"{speed:.0f}",
        processor=found["processor"],
        development=", ".join(DEVELOPMENT),
    )


HEAD = (
    "| conversation | DER | worst | missed | false alarm | confusion | overlap not scored |"
    " collar 0.125 s | no collar | turns as a whole | estimated |\n|---|" + "---:|" * 9 + "---|"
)

PAGE = """# Speaker diarization

Synthetic conversations of 10 minutes, put together from clips of one speaker each
(`diarization_mixtures.py`): turns of 2 to 15 s, pauses of 0.1 to 1.5 s; with overlapped speech in
10 % of the time; with pink noise 15 dB below the speech. They have no reverberation, no laughter and
no interjections: real conversations are harder.

Diarization error rates (DER) in %, with an estimated number of speakers, by pyannote.metrics. Left
out are 0.25 s on each side of every boundary (its parameter `collar` is the whole width, 0.5);
overlapped speech is scored. The other columns: overlapped speech not scored; 0.125 s on each side;
nothing left out; and turns as a whole, whatever pauses are in them, where otherwise pauses of 0.5 s
or more are no speech. Estimated: the number of speakers found in each conversation.

The thresholds were chosen on other speakers: the readers {development} of LibriSpeech and the actors
1 to 12 of RAVDESS. The speaker encoder was trained on other parts of LibriSpeech, by its author's word.

{tables}

Actors who play eight emotions change their voice more than some voices differ from each other: there
the number of speakers should be given.

## Monologues

One speaker found where one speaks, clips one after the other:

| clips | length | one speaker |
|---|---:|---:|
{alone}

## Embeddings

Cosine of a speaker's embedding with the voiceprint (`mien.identity.resemblyzer`) of the same speech:
{own}; with that of another speaker of the conversation: {other} at most. LibriSpeech.

## Time

CPU seconds for 10 minutes, one thread: {voice} voice activity, {rest} the rest; together {speed} times
faster than real time. Processor: {processor}.
"""


def main() -> None:
    """Measure, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared/data")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(args.data, args.seeds) | {"processor": processor()}
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
