"""mien timeline on synthetic interviews: is it right, how fast, and how much memory for two hours.

`mien bench timeline` takes about half an hour. The interview of two hours is that of ten minutes,
twelve times; `python benchmarks/timeline.py short` leaves it out.
"""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import jiwer
import numpy as np
from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate

from mien.corpora.synthetic.interview import interview
from mien.files import write_text
from mien.progress import follow

SECONDS = 600
TIMES = 12
"""Interviews of ten minutes in two hours."""

KINDS = {
    "subtitles with names": ["--transcript", "interview.srt"],
    "subtitles without names": ["--transcript", "interview-unnamed.srt"],
    "no transcript": [],
    "`--transcribe` (Whisper tiny.en)": ["--transcribe"],
}

HEADING = """# mien timeline

A synthetic interview of ten minutes (`mien demo interview`, seed 0): two drawn faces side by side,
640 x 360 at 25 frames a second, two computer voices. `mien timeline` as a whole, from the shell to
the last file, with `mien-base` and all formats. {machine}; load {load:.1f} before the run.

Speaker error: diarization error rate by pyannote.metrics with nothing left out around boundaries
(with 0.25 s on each side); words: word error rate; times: share of words whose start is within
0.2 s of the truth, where all words are right. Faces: whether each speaker has their own face.

| given | speaker error | speakers | words | times | faces | times real time | most memory |
|---|---:|---|---:|---:|---|---:|---:|
"""


def mien(folder: Path, *words: str) -> tuple[float, float]:
    """Run mien timeline in a folder; return wall seconds, and the most memory in GB."""
    command = [sys.executable, "-m", "mien", "timeline", *words]
    begin = time.monotonic()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)}: {(folder / 'log').read_text()}")
    return time.monotonic() - begin, usage.ru_maxrss / 2**20


def lengthen(recording: Path, out: Path) -> None:
    """Write a recording several times, one after the other, without encoding it again."""
    with av.open(str(out), "w") as target:
        streams: dict[str, Any] = {}
        last: dict[str, int] = {}
        for number in range(TIMES):
            with av.open(str(recording)) as source:
                tracks = source.streams.video[0], source.streams.audio[0]
                for track in () if streams else tracks:
                    streams[track.type] = target.add_stream_from_template(track)
                for packet in source.demux(*tracks):
                    kind = packet.stream.type
                    if packet.dts is None:
                        continue
                    shift = round(number * SECONDS / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    if packet.dts > last.get(kind, -(2**60)):
                        last[kind], packet.stream = packet.dts, streams[kind]
                        target.mux(packet)


def annotation(turns: list[dict[str, Any]]) -> Annotation:
    """Give who speaks when, for pyannote.metrics."""
    found = Annotation()
    for number, turn in enumerate(turns):
        found[Segment(turn["start"], turn["end"]), number] = turn["speaker"]
    return found


def letters(words: list[dict[str, Any]]) -> str:
    """Join words without case and punctuation."""
    return " ".join(re.sub(r"[^a-z' ]", "", word["text"].lower()) for word in words)


def judge(truth: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Compare a timeline with the truth."""
    reference, hypothesis = annotation(truth["turns"]), annotation(found["segments"])
    said = [word for turn in truth["turns"] for word in turn["words"]]
    heard = [word for segment in found["segments"] for word in segment["words"]]
    errors = jiwer.wer(letters(said), letters(heard)) if heard else None
    late = [abs(a["start"] - b["start"]) for a, b in zip(said, heard, strict=False)]
    mapping = DiarizationErrorRate().optimal_mapping(reference, hypothesis)
    sides = {one["name"]: one["box"][0] for one in truth["speakers"]}
    by_side = sorted(sides, key=lambda name: sides[name])
    # tracks are numbered from the left
    whose = [mapping.get(face["speaker"]) for face in found["faces"]]
    return {
        "speaker_error": DiarizationErrorRate()(reference, hypothesis),
        "with_collar": DiarizationErrorRate(collar=0.5)(reference, hypothesis),
        "speakers": [one["speaker"] for one in found["speakers"]],
        "word_errors": errors,
        "times": float(np.mean(np.array(late) <= 0.2)) if errors == 0 else None,
        "faces": whose == by_side,
    }


def measure(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Analyse the interview in every way, and one of two hours."""
    truth = json.loads((folder / "interview.json").read_text())
    for kind, words in KINDS.items():
        seconds, memory = mien(folder, "interview.mp4", *words, "--out", "analysis")
        found = json.loads((folder / "analysis" / "timeline.json").read_text())
        speed = {"times_real_time": SECONDS / seconds, "memory": memory}
        yield kind, judge(truth, found) | speed
    if "short" in sys.argv[1:]:
        return
    lengthen(folder / "interview.mp4", folder / "long.mp4")
    seconds, memory = mien(folder, "long.mp4", "--out", "long")
    yield (
        "two hours, no transcript",
        {
            "times_real_time": TIMES * SECONDS / seconds,
            "memory": memory,
            "speakers": [
                one["speaker"]
                for one in json.loads((folder / "long" / "timeline.json").read_text())["speakers"]
            ],
        },
    )


def row(kind: str, result: dict[str, Any]) -> str:
    """Write a row of the table."""

    def share(name: str) -> str:
        return "–" if result.get(name) is None else f"{100 * result[name]:.1f} %"

    error = "–"
    if "speaker_error" in result:
        error = f"{share('speaker_error')} ({share('with_collar')})"
    faces = {True: "right", False: "wrong"}.get(result.get("faces"), "–")
    return (
        f"| {kind} | {error} | {', '.join(result['speakers'])} | {share('word_errors')} |"
        f" {share('times')} | {faces} | {result['times_real_time']:.1f} |"
        f" {result['memory']:.2f} GB |"
    )


def processor() -> str:
    """Name the processor and the number of its cores that may be used."""
    names = re.findall(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    return f"{names[0] if names else platform.machine()}, {len(os.sched_getaffinity(0))} cores"


def main() -> None:
    """Measure, and write the page."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "interview"
        interview(folder, seconds=SECONDS, progress=True)
        results = dict(follow(measure(folder), "timelines", "timelines", len(KINDS) + 1))
    page = HEADING.format(machine=processor(), load=load)
    page += "\n".join(row(*item) for item in results.items()) + "\n"
    print(page)
    here = Path(__file__)
    write_text(here.with_suffix(".md"), page)
    write_text(here.with_suffix(".json"), json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
