"""The page of the benchmark of diarization."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

CLOSE = 0.7
"""Cosine of the mean voiceprints of two speakers from which on they are hard to tell apart."""


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
    *(("given", "der"), ("alone", "der")),
    *(("rates", "0.125 s", "der"), ("rates", "none", "der"), ("turns", "der")),
)


def overlap(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say how well overlapped speech is found, by frames of 10 ms."""
    right, marked, true = np.sum([row["overlap_frames"] for row in rows if row["overlap"]], axis=0)
    false = sum(row["overlap_frames"][1] for row in rows if not row["overlap"])
    seconds = sum(row["seconds"] for row in rows if not row["overlap"])
    precision = f"precision {right / marked:.2f}" if marked else "none is marked"
    return (
        f"{precision}, recall {right / true:.2f}; in conversations without it"
        f" {false / seconds:.2f} % of the time is marked"
    )


def hardest(rows: Sequence[Mapping[str, Any]]) -> str:
    """Tell the mean of all conversations, and of those with two voices that are much alike."""
    close = [row for row in rows if row["closest"] >= CLOSE]
    total = f"Mean {100 * mean(rows, 'rates', '0.25 s', 'der'):.1f} %."
    if not close:
        return total
    return (
        f"{total} In {len(close)} of {len(rows)} two speakers have mean voiceprints with a cosine"
        f" of {CLOSE:g} or more: of these {100 * mean(close, 'rates', '0.25 s', 'der'):.1f} %."
    )


def page(found: Mapping[str, Any]) -> str:
    """Write the result as a page."""
    tables = []
    for name, rows in found["mixtures"].items():
        lines = "\n".join([HEAD, *table(rows)])
        tables.append(
            f"### {name}\n\n{lines}\n\n{hardest(rows)} Overlapped speech: {overlap(rows)}."
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
        long_seconds=f"{found['long']['cpu_seconds']:.0f}",
        memory=f"{found['long']['memory']:.0f}",
        processor=found["processor"],
        development=", ".join(found["development"]),
    )


HEAD = (
    "| conversation | DER | worst | missed | false alarm | confusion | number given |"
    " overlap not scored | collar 0.125 s | no collar | turns as a whole | estimated |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|"
)

PAGE = """# Speaker diarization

Synthetic conversations of 10 minutes, put together from clips of one speaker each
(`diarization_mixtures.py`): turns of 2 to 15 s, pauses of 0.1 to 1.5 s; with overlapped speech in
10 % of the time; with pink noise 15 dB below the speech. They have no reverberation, no laughter
and no interjections: real conversations are harder.

Diarization error rates (DER) in %, with an estimated number of speakers, by pyannote.metrics. Left
out are 0.25 s on each side of every boundary (its parameter `collar` is the whole width, 0.5);
overlapped speech is scored. DER is the mean of some seeds, and worst the highest of them; missed
speech, false alarm and confusion are the parts of the mean. The other columns: with the number of
speakers given; overlapped speech not scored; 0.125 s left out on each side; nothing left out; and
turns as a whole, whatever pauses are in them, where otherwise a pause of 0.5 s or more is no
speech. Estimated is the number of speakers found in each conversation.

The thresholds were chosen on other speakers: the readers {development} of LibriSpeech
and the actors 1 to 12 of RAVDESS. The speaker encoder was trained on other parts of LibriSpeech, by
its author's word.

{tables}

Actors who play eight emotions change their voice more than some voices differ from each other:
there the number of speakers is estimated too low, most often as one, and has to be given.

## Monologues

One speaker found where one speaks, clips one after the other:

| clips | length | one speaker |
|---|---:|---:|
{alone}

## Embeddings

Cosine of a speaker's embedding with the voiceprint (`mien.identity.resemblyzer`) of the same
speech: {own}; with that of another speaker of the conversation: {other} at most.
Conversations of LibriSpeech.

## Time

CPU seconds for 10 minutes, one thread: {voice} voice activity, {rest} the rest; together
{speed} times faster than real time. Two hours that lie in a file: {long_seconds} CPU seconds, and
{memory} MB of memory at most beside that of the program and its networks. Processor: {processor}.
"""
