"""CPU seconds of whole commands, from the shell to the last line: the least that a user waits for.

Called as `cold_start.py --before CHECKOUT` it measures another checkout of mien beside this one, on
the same run and the same clip; the two take turns.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from mien.files import write_text

ROUNDS = 5

SMALL = [
    *("--task", "emotion+person", "--protocol", "dialogues", "--modalities", "ta", "--text-freeze"),
    *("--width", "0.125", "--temporal-dim", "16", "--temporal-layers", "1"),
    *("--temporal-heads", "2", "--temporal-feedforward", "32", "--epochs", "1"),
]
"""A run of text (all-MiniLM-L6-v2 at full size) and audio, hardly trained."""

HEADING = """# Cold start: CPU seconds of whole commands

User and system time of a command in a process of its own, with one thread; the median of
{rounds} runs, and the least and the most. The run takes text (all-MiniLM-L6-v2) and audio; the
clip is a WAV of 2 s of synthetic audio; `mien evaluate` evaluates 6 such clips.

{machine}, load {load:.1f} before the run.

"""


def mien(source: Path, *arguments: object) -> float:
    """Run a command of a checkout; give its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    quiet = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(source)}
    command = [sys.executable, "-m", "mien", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ | quiet)
    if result.returncode:
        raise SystemExit(f"{' '.join(command)}: {result.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def make(folder: Path, source: Path) -> None:
    """Make synthetic clips, prepared data and a run."""
    random = np.random.default_rng(0)
    rows = ["audio,text,person,dialogue,emotion"]
    for number in range(36):
        emotion, person = number % 2, number // 2 % 3
        time = np.arange(32_000) / 16_000
        wave = np.sin(2 * np.pi * (300 + 900 * emotion + 100 * person) * time) * (time % 0.5)
        name = f"synthetic{number}.wav"
        soundfile.write(folder / name, wave * 0.5 + random.normal(0, 0.01, 32_000), 16_000)
        text, label = (("what a joy", "happy"), ("such grief", "sad"))[emotion]
        rows.append(f"{name},{text},P{person},D{number // 6},{label}")
    write_text(folder / "clips.csv", "\n".join(rows))
    mien(source, "prepare", "manifest", folder / "clips.csv", folder / "data", "--workers", 1)
    mien(source, "train", folder / "data", "--out", folder / "run", *SMALL)
    mien(source, "evaluate", folder / "run")


def commands(folder: Path) -> dict[str, list[object]]:
    """Give the commands that are measured, under what the table calls them."""
    run, clip = folder / "run", folder / "synthetic1.wav"
    return {
        "mien --help": ["--help"],
        "mien predict CLIP": ["predict", run, clip],
        "mien predict CLIP --text": ["predict", run, clip, "--text", "such grief"],
        "mien evaluate": ["evaluate", run],
    }


def measure(sources: dict[str, Path], rounds: int = ROUNDS) -> dict[str, dict[str, list[float]]]:
    """Give the CPU seconds of each command, for each checkout."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, sources["this"])
        found: dict[str, dict[str, list[float]]] = {}
        for command, arguments in commands(folder).items():
            found[command] = {checkout: [] for checkout in sources}
            for source in sources.values():
                mien(source, *arguments)  # compiles what is new
            for _ in range(rounds):
                for checkout, source in sources.items():
                    found[command][checkout].append(mien(source, *arguments))
    return found


def processor() -> str:
    """Name the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def table(found: dict[str, dict[str, list[float]]]) -> str:
    """Lay the seconds out."""
    checkouts = list(next(iter(found.values())))
    lines = [
        "| command | " + " | ".join(f"{checkout} (s)" for checkout in checkouts) + " |",
        "|---|" + "---:|" * len(checkouts),
    ]
    for command, seconds in found.items():
        cells = [
            f"{statistics.median(s):.2f} ({min(s):.2f}–{max(s):.2f})" for s in seconds.values()
        ]
        lines.append(f"| `{command}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Measure, and write the table and all numbers beside this file."""
    here = Path(__file__).resolve()
    sources = {"this": here.parents[1] / "src"}
    if arguments[:1] == ["--before"]:
        sources = {"before": Path(arguments[1]).resolve() / "src"} | sources
    load = os.getloadavg()[0]
    found = measure(sources)
    machine = f"{processor()}, Python {platform.python_version()}"
    heading = HEADING.format(rounds=ROUNDS, machine=machine, load=load)
    page = heading + table(found) + "\n"
    print(page)
    write_text(here.with_suffix(".md"), page)
    result = {"machine": machine, "load": load, "seconds": found}
    write_text(here.with_suffix(".json"), json.dumps(result, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
