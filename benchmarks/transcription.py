"""Transcription by the packaged weights: word error rate, times of words, and what it costs."""

import json
import re
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import torch
from tqdm import tqdm

from mien.dataset.effect import apply, parse_effect
from mien.errors import MienError
from mien.files import write_text
from mien.inference.speech_windows import speech_windows
from mien.inference.timeline import Word
from mien.inference.transcribed import speech_regions, transcribed
from mien.inference.transcription import Transcriber
from mien.inference.words import assign_words, text_of, words_of
from mien.media.decode import read_audio
from mien.models.pretrained.voice_activity import VoiceActivity
from mien.utterance import SAMPLE_RATE

DATA = Path(__file__).resolve().parents[2] / "shared/data"
SENTENCES = {"01": "kids are talking by the door", "02": "dogs are sitting by the door"}
EACH = 5
"""Clips of each actor and sentence."""
SUBSET = 2
"""Every second clip is read for the comparisons."""
PAUSES = (0.0, 2.0)
"""Seconds between two turns."""
NOISE = "white:10"


def processor() -> str:
    """Name the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")


def normalised(text: str) -> str:
    """Leave only the words, in small letters."""
    return " ".join(re.sub(r"[^a-z' ]+", " ", text.lower()).split())


def chosen_clips() -> list[tuple[Path, str]]:
    """Choose clips of RAVDESS by seed, as many of each actor and sentence; and what is said."""
    random = np.random.default_rng(0)
    chosen = []
    for actor in range(1, 25):
        for code, sentence in SENTENCES.items():
            paths = sorted((DATA / "ravdess").glob(f"03-01-*-*-{code}-*-{actor:02}.flac"))
            if not paths:
                raise MienError(f"this benchmark needs the recordings in {DATA}")
            chosen += [(paths[row], sentence) for row in random.permutation(len(paths))[:EACH]]
    return chosen


def rate(references: Sequence[str], texts: Sequence[str]) -> dict[str, float]:
    """Compute the word error rate and its parts."""
    found = jiwer.process_words(list(references), [normalised(text) for text in texts])
    words = sum(len(reference.split()) for reference in references)
    return {
        "error": found.wer,
        "substituted": found.substitutions / words,
        "deleted": found.deletions / words,
        "inserted": found.insertions / words,
        "sentences": float(
            np.mean([normalised(t) == r for t, r in zip(texts, references, strict=True)])
        ),
    }


def clips_read(
    waves: Sequence[np.ndarray], transcriber: Transcriber, name: str
) -> tuple[list[list[Word]], float]:
    """Transcribe clips one by one, as `mien predict` does; second, the CPU seconds it takes."""
    activity, found, start = VoiceActivity(), [], time.process_time()
    for wave in tqdm(waves, desc=name, disable=None):
        found.append(words_of(transcribed(wave, transcriber, activity).cues))
    return found, time.process_time() - start


def errors(
    waves: Sequence[np.ndarray], references: Sequence[str], transcriber: Transcriber, name: str
) -> dict[str, Any]:
    """Count the errors, describe the times of words, and give the cost."""
    words, spent = clips_read(waves, transcriber, name)
    seconds = sum(map(len, waves)) / SAMPLE_RATE
    return {
        **rate(references, list(map(text_of, words))),
        "seconds": spent / len(waves),
        "factor": spent / seconds,
        "times": plausibility(waves, words),
    }


def plausibility(waves: Sequence[np.ndarray], rows: Sequence[Sequence[Word]]) -> dict[str, float]:
    """Describe the times of words: how long words are, and whether they lie in speech."""
    activity = VoiceActivity()
    regions = [speech_regions(wave, activity) for wave in waves]
    lengths = np.array([word.end - word.start for words in rows for word in words])
    spoken = [inside(w, one) for words, one in zip(rows, regions, strict=True) for w in words]
    ordered = [a.end <= b.start + 1e-9 for words in rows for a, b in pairwise(words)]
    return {
        "median": float(np.median(lengths)),
        "below 50 ms": float(np.mean(lengths < 0.05)),
        "above 1 s": float(np.mean(lengths > 1)),
        "in speech": float(np.mean(spoken)),
        "in order": float(np.mean(ordered)),
    }


def inside(word: Word, regions: Sequence[tuple[float, float]]) -> bool:
    """Tell whether the middle of a word is in speech."""
    return any(start <= (word.start + word.end) / 2 <= end for start, end in regions)


def joined(
    waves: Sequence[np.ndarray], references: Sequence[str], transcriber: Transcriber, pause: float
) -> dict[str, float]:
    """Join two clips of one actor, trimmed to their speech, and count the errors of each turn."""
    activity, texts, wanted = VoiceActivity(), [], []
    # the clips of an actor follow each other, those of one sentence first
    for row in range(0, len(waves), 2 * EACH):
        for first in range(row, row + EACH):
            second = first + EACH
            parts = [trimmed(waves[i], activity) for i in (first, second)]
            edge = len(parts[0]) / SAMPLE_RATE
            silence = np.zeros(round(pause * SAMPLE_RATE), np.int16)
            wave = np.concatenate([parts[0], silence, parts[1]])
            turns = [(0.0, edge), (edge + pause, len(wave) / SAMPLE_RATE)]
            words = transcriber(wave, turns).words
            texts += [text_of(words) for words in assign_words(words, turns).words]
            wanted += [references[first], references[second]]
    return rate(wanted, texts)


def trimmed(wave: np.ndarray, activity: VoiceActivity) -> np.ndarray:
    """Cut a clip to its speech, if some is heard."""
    regions = speech_regions(wave, activity) or [(0.0, len(wave) / SAMPLE_RATE)]
    start, end = round(regions[0][0] * SAMPLE_RATE), round(regions[-1][1] * SAMPLE_RATE)
    return wave[start:end]


def long_recording(transcriber: Transcriber) -> dict[str, float]:
    """Measure the cost of a long recording: clips of LibriSpeech, one after the other."""
    paths = sorted((DATA / "librispeech").glob("*/*.flac"))
    wave = np.concatenate([read_audio(path) for path in paths])
    regions = speech_regions(wave, VoiceActivity())
    windows = speech_windows(wave, regions)
    start = time.process_time()
    words = transcriber(wave, regions).words
    spent = time.process_time() - start
    seconds = len(wave) / SAMPLE_RATE
    filled = sum(window.seconds for window in windows) / len(windows)
    return {"seconds": seconds, "words": len(words), "filled": filled, "factor": spent / seconds}


def measure() -> dict[str, Any]:
    """Measure all on one thread."""
    torch.set_num_threads(1)
    chosen = chosen_clips()
    waves, references = [read_audio(path) for path, _ in chosen], [text for _, text in chosen]
    found: dict[str, Any] = {"processor": processor(), "clips": len(chosen), "beams": {}}
    for beam in (1, 5):
        transcriber = Transcriber(device="cpu", threads=1, beam_size=beam)
        found["beams"][str(beam)] = errors(waves, references, transcriber, f"beam {beam}")
        found["beams"][str(beam)]["long"] = long_recording(transcriber)
    few, said = waves[::SUBSET], references[::SUBSET]
    noise = parse_effect(NOISE)
    noisy = [apply(noise, wave, np.random.default_rng(row)) for row, wave in enumerate(few)]
    found["noise"] = errors(noisy, said, transcriber, NOISE)
    # with the silence at their ends, without voice activity
    whole = [transcriber(wave, [(0, len(wave) / SAMPLE_RATE)]).words for wave in few]
    found["whole"] = rate(said, list(map(text_of, whole)))
    found["joined"] = {str(p): joined(waves, references, transcriber, p) for p in PAUSES}
    return found


def page(found: dict[str, Any]) -> str:
    """Write the result as a page."""
    beams = found["beams"]
    rates = {
        **{f"clips, beam {beam}": one for beam, one in beams.items()},
        "every second clip, beam 5, read whole": found["whole"],
        f"every second clip, beam 5, {NOISE}": found["noise"],
        **{f"turns of two joined clips, pause {p} s": one for p, one in found["joined"].items()},
    }
    rows = [
        f"| {name} | {one['error']:.1%} | {one['substituted']:.1%} | {one['deleted']:.1%} |"
        f" {one['inserted']:.1%} | {one['sentences']:.1%} |"
        for name, one in rates.items()
    ]
    costs = [
        f"| {name} | {beam} | {cost['factor']:.2f} | {more} |"
        for beam, one in beams.items()
        for name, cost, more in (
            ("clips", one, f"{one['seconds']:.2f} s a clip, voice activity included"),
            ("long", one["long"], f"{one['long']['filled']:.1f} s of speech in a window"),
        )
    ]
    times, long = beams["5"]["times"], beams["5"]["long"]
    newline = "\n"
    return f"""# Transcription

Whisper tiny.en, as a package holds it, on {found["clips"]} clips of RAVDESS: {EACH} of each of
24 actors and two sentences, chosen by seed. Letter case and punctuation do not count. One thread of
{found["processor"]}.

| what is read | word error rate | substituted | deleted | inserted | sentences without error |
|---|---:|---:|---:|---:|---:|
{newline.join(rows)}

The last rows join two clips of an actor, each cut to its speech, and count the words of each
turn: a word that is given to the other turn counts twice.

The recordings of LibriSpeech have no texts beside them here, so they show the cost alone: joined to
one of {long["seconds"] / 60:.0f} minutes, {long["words"]} words.

| recording | beam | CPU seconds for a second of it | |
|---|---:|---:|---|
{newline.join(costs)}

Times of the words of the clips, beam 5:

| measure | value |
|---|---:|
| median length of a word | {times["median"]:.2f} s |
| shorter than 50 ms | {times["below 50 ms"]:.1%} |
| longer than 1 s | {times["above 1 s"]:.1%} |
| middle within speech, by the voice activity detector | {times["in speech"]:.1%} |
| ends before the next begins | {times["in order"]:.1%} |
"""


def main() -> None:
    """Measure, print the page and write it beside this file."""
    found = measure()
    text = page(found)
    print(text)
    here = Path(__file__).resolve()
    write_text(here.with_suffix(".json"), json.dumps(found, indent=1) + "\n")
    write_text(here.with_suffix(".md"), text)


if __name__ == "__main__":
    main()
