"""Predict for many files: processes, batches, and kills in the middle.

RAVDESS and GRID beside the project (../shared/data), with mien-base. `many_files.py ROUNDS` does
fewer rounds.
"""

import json
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tqdm import tqdm

from mien.errors import MienError
from mien.files import write_text
from mien.inference.batch_job import JobSummary, predict_to_file
from mien.inference.clip_list import ListedClip
from mien.inference.opened_model import open_recognizer

ROUNDS = 5
WORKERS = (1, 2)
CLIPS, KILLS = 300, 5
MODEL = "mien-base"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def recordings() -> dict[str, list[Path]]:
    """Give the clips of each corpus: audio alone, and video in which faces are searched."""
    ravdess = sorted((DATA / "ravdess").glob("*.flac"))
    grid = sorted((DATA / "grid").glob("*.mpg"))
    if not ravdess or not grid:
        raise MienError(f"RAVDESS and GRID are not in {DATA}")
    chosen = random.Random(0).sample(ravdess, CLIPS)
    return {"RAVDESS, FLAC": sorted(chosen), "GRID, MPEG-1": grid * 4}


def predicted(clips: list[Path], out: Path, workers: int) -> JobSummary:
    """Predict for clips with so many processes of one thread each."""
    used = ["audio", "video"]
    opener = partial(open_recognizer, MODEL, device="cpu", modalities=used)
    listed = [ListedClip(str(clip)) for clip in clips]
    return predict_to_file(listed, out, opener, settings={}, workers=workers)


def speeds(corpora: dict[str, list[Path]], folder: Path, rounds: int) -> dict[str, Any]:
    """Time all numbers of processes in turns; compare what they write."""
    found: dict[str, Any] = {}
    for name, clips in corpora.items():
        seconds: dict[int, list[list[float]]] = {workers: [] for workers in WORKERS}
        contents = set()
        media = 0.0
        for number in tqdm(range(rounds), desc=name, unit="round"):
            for workers in WORKERS if number % 2 else reversed(WORKERS):
                out = folder / f"{name}-{number}-{workers}.jsonl"
                summary = predicted(clips, out, workers)
                seconds[workers].append([summary.loading, summary.seconds])
                contents.add(out.read_bytes())
                media = summary.media_seconds
        found[name] = {
            "clips": len(clips),
            "media seconds": media,
            "seconds": seconds,
            "files that differ": len(contents) - 1,
        }
    return found


def costs(corpora: dict[str, list[Path]]) -> dict[str, dict[str, float]]:
    """Give CPU milliseconds a clip of reading, and of the model by segments in a batch."""
    from mien.inference.clips import Request
    from mien.inference.recognizer import Recognizer

    recognizer = Recognizer.from_pretrained(MODEL, device="cpu", modalities=["audio", "video"])
    found: dict[str, dict[str, float]] = {}
    for name, clips in corpora.items():
        some = clips[:44]
        recognizer(some[0])  # loads what is needed first
        began = time.process_time()
        read = [recognizer.reader.read(Request(str(c)), recognizer.screening) for c in some]
        found[name] = {"reading": 1000 * (time.process_time() - began) / len(some)}
        samples = [sample for recording in read for *_, sample in recording.segments]
        for size in (1, 16):
            began = time.process_time()
            for start in range(0, len(samples), size):
                recognizer.outputs(samples[start : start + size])
            found[name][f"model, {size}"] = 1000 * (time.process_time() - began) / len(some)
    return found


def killed(clips: list[Path], folder: Path) -> dict[str, Any]:
    """Kill a command again and again, each time after some more rows, and let it end."""
    listed, out = folder / "clips.txt", folder / "killed.jsonl"
    listed.write_text("\n".join(map(str, clips)))
    words = ["predict", str(listed), "--workers=2", "--device=cpu", "--resume", "--out"]
    command = [sys.executable, "-m", "mien", *words]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    draw, moments = random.Random(1), []
    for lines in sorted(draw.sample(range(1, len(clips) - 20), KILLS)):
        process = subprocess.Popen([*command, str(out)], **quiet)  # type: ignore[call-overload]
        while process.poll() is None and rows(out) < lines:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        moments.append(rows(out))
    subprocess.run([*command, str(out)], check=True, **quiet)  # type: ignore[call-overload]
    whole = folder / "whole.jsonl"
    subprocess.run([*command, str(whole)], check=True, **quiet)  # type: ignore[call-overload]
    return {"rows at the kills": moments, "same": out.read_bytes() == whole.read_bytes()}


def rows(path: Path) -> int:
    """Count the rows that are written."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def ratios(one: dict[str, Any], *, loading: bool) -> list[float]:
    """Say how many times as fast two processes are as one, in each round."""
    first, second = (
        [loading * before + after for before, after in one["seconds"][workers]]
        for workers in WORKERS
    )
    return [a / b for a, b in zip(first, second, strict=True)]


def spread(values: list[float]) -> str:
    """Write the median, and the least and the most."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def page(found: dict[str, Any]) -> str:
    """Write the result as a page."""
    lines = []
    for name, one in found["speeds"].items():
        for workers in WORKERS:
            pairs = one["seconds"][workers]
            loading, seconds = (statistics.median(column) for column in zip(*pairs, strict=True))
            lines.append(
                f"| {name} | {one['clips']} | {workers} | {loading:.1f} | {seconds:.1f} |"
                f" {one['clips'] / seconds:.1f} | {one['media seconds'] / seconds:.0f} |"
            )
    times = [
        f"| {name} | {spread(ratios(one, loading=False))} | {spread(ratios(one, loading=True))} |"
        f" {one['files that differ']} |"
        for name, one in found["speeds"].items()
    ]
    spent = [
        f"| {name} | {one['reading']:.0f} | {one['model, 1']:.0f} | {one['model, 16']:.0f} |"
        for name, one in found["costs"].items()
    ]
    kill, newline = found["kills"], "\n"
    busy = " Other work took turns with it, so the times are provisional."
    busy = busy if found["load"] > 1 else ""
    same = "the same, byte for byte, as" if kill["same"] else "another than"
    moments = ", ".join(map(str, kill["rows at the kills"]))
    return f"""# Many files

`mien predict --out` with `{MODEL}`, with one thread in each process. The ways take turns, in
{found["rounds"]} rounds; medians, and the least and the most in parentheses. {found["machine"]},
load {found["load"]:.1f} before the run.{busy}

| clips | number | processes | loading (s) | then (s) | clips a second | times real time |
|---|---:|---:|---:|---:|---:|---:|
{newline.join(lines)}

Two processes against one: how many times as fast, after loading and with it; and files among those
of all rounds that are not the same, byte for byte.

| clips | after loading | with loading | other files |
|---|---:|---:|---:|
{newline.join(times)}

CPU milliseconds a clip of reading (decoding, faces, screening), and of the model, by the segments
in a batch. Each process has its own model, since reading alone in other processes would leave all
of the model's time to one.

| clips | reading | model, 1 | model, 16 |
|---|---:|---:|---:|
{newline.join(spent)}

A command for {CLIPS} clips was killed (`kill -9`) {KILLS} times, when {moments} rows were
written, and resumed each time. In the end its file is {same}
that of a command which nothing interrupted.
"""


def processor() -> str:
    """Name the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores"


def main() -> None:
    """Measure, print the page and write it beside this file."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else ROUNDS
    os.environ["OMP_NUM_THREADS"] = "1"
    found: dict[str, Any] = {"machine": processor(), "load": os.getloadavg()[0], "rounds": rounds}
    corpora = recordings()
    with TemporaryDirectory() as place:
        found["speeds"] = speeds(corpora, Path(place), rounds)
        found["kills"] = killed(corpora["RAVDESS, FLAC"], Path(place))
    found["costs"] = costs(corpora)
    text = page(found)
    print(text)
    here = Path(__file__).resolve()
    write_text(here.with_suffix(".json"), json.dumps(found, indent=1) + "\n")
    write_text(here.with_suffix(".md"), text)
    if not found["kills"]["same"] or any(o["files that differ"] for o in found["speeds"].values()):
        raise MienError("files differ that should not: see the page")


if __name__ == "__main__":
    main()
