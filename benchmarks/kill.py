"""Kill a command (kill -9) at a random moment, run it again, and compare with one left alone.

prepare, train, evaluate and enrol, on small synthetic data, with all their processes. The table
goes beside this file and into docs/reliability.md; `kill.py ROUNDS` does fewer rounds.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile
from tqdm import tqdm

from mien.errors import MienError
from mien.files import write_text

ROUNDS = 20
CLIPS = 48
PAGE = Path(__file__).resolve().parents[1] / "docs" / "reliability.md"
BEGIN, END = "<!-- kill -->\n", "\n<!-- end -->"

TINY = ["--modalities=a", "--width=0.125", "--temporal-dim=16", "--temporal-layers=1"]
TINY += ["--temporal-heads=2", "--temporal-feedforward=32", "--batch-size=8", "--lr=2e-3"]


@dataclass(frozen=True)
class Scene:
    """A command, what it leaves, and what it takes to repeat it.

    Parameters
    ----------
    command : callable
        ``command(folder)`` gives the arguments of the command that works in a folder.
    left : callable
        ``left(folder)`` gives what the command leaves there, to be compared.
    again : callable
        ``again(folder)`` runs the command once more after a kill, as its messages say.
    torn : callable
        ``torn(folder)`` tells whether half a result stands where a whole one should.
    """

    command: Callable[[Path], list[str]]
    left: Callable[[Path], Any]
    again: Callable[[Path], object]
    torn: Callable[[Path], bool]


def start(arguments: list[str]) -> subprocess.Popen[str]:
    """Start a command in a group of its own."""
    command = [sys.executable, "-m", "mien", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    process = start(arguments)
    out, err = process.communicate()
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def checked(arguments: list[str]) -> None:
    """Run a command that must succeed."""
    result = run(arguments)
    if result.returncode:
        raise MienError(f"{' '.join(arguments)}: {result.stderr.strip()[-500:]}")


def whole_json(path: Path) -> bool:
    """Tell whether a file is absent or whole."""
    try:
        return not path.exists() or bool(json.loads(path.read_text()))
    except ValueError:
        return False


def write_clips(folder: Path) -> None:
    """Write synthetic sounds of two emotions and three persons, and their list."""
    noise = np.random.default_rng(0)
    seconds = np.arange(16_000) / 16_000
    lines = ["audio,text,person,dialogue,emotion"]
    for number in range(CLIPS):
        emotion, person = number % 2, number // 2 % 3
        wave = 0.3 * np.sin(2 * np.pi * (300 + 900 * emotion + 100 * person) * seconds)
        wave += noise.normal(0, 0.01, len(wave))
        soundfile.write(folder / f"{number}.wav", wave, 16_000)
        lines.append(f"{number}.wav,words,P{person},D{number // 6},{('happy', 'sad')[emotion]}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")


def prepare(home: Path) -> Scene:
    """Prepare the clips."""

    def command(folder: Path) -> list[str]:
        return ["prepare", "manifest", f"{home}/clips.csv", f"{folder}/data", "--workers=2"]

    def left(folder: Path) -> Any:
        from mien.dataset.store import Store

        store = Store(folder / "data")
        waves = [np.asarray(store[i].waveform).tobytes() for i in range(len(store))]
        files = {p.name: digest(p) for p in (folder / "data").iterdir()}
        return store.fingerprint, hashlib.sha256(b"".join(waves)).hexdigest(), files

    def torn(folder: Path) -> bool:
        return not whole_json(folder / "data" / "dataset.json")

    return Scene(command, left, lambda folder: checked(command(folder)), torn)


def train(home: Path) -> Scene:
    """Train a tiny model on them."""

    def command(folder: Path) -> list[str]:
        flags = ["--protocol=dialogues", "--epochs=3", *TINY]
        return ["train", f"{home}/data", f"--out={folder}/run", *flags]

    def again(folder: Path) -> None:
        if not (folder / "run").exists() or not any((folder / "run").iterdir()):
            checked(command(folder))
        elif run(["train", "--resume", f"--out={folder}/run"]).returncode:
            shutil.rmtree(folder / "run")  # as the message says where no epoch was finished
            checked(command(folder))

    def left(folder: Path) -> Any:
        from safetensors.numpy import load_file

        weights = load_file(folder / "run" / "model.safetensors")
        return {name: hashlib.sha256(w.tobytes()).hexdigest() for name, w in weights.items()}

    def torn(folder: Path) -> bool:
        return not whole_json(folder / "run" / "thresholds.json")

    return Scene(command, left, again, torn)


def evaluate(home: Path) -> Scene:
    """Measure it."""

    def command(folder: Path) -> list[str]:
        if not (folder / "run").exists():
            shutil.copytree(home / "run", folder / "run")
        return ["evaluate", f"{folder}/run"]

    def left(folder: Path) -> Any:
        return json.loads((folder / "run" / "metrics.json").read_text())

    def torn(folder: Path) -> bool:
        return not whole_json(folder / "run" / "metrics.json")

    return Scene(command, left, lambda folder: checked(command(folder)), torn)


def enrol(home: Path) -> Scene:
    """Enrol a person by two clips."""

    def command(folder: Path) -> list[str]:
        clips = [f"{home}/0.wav", f"{home}/6.wav"]
        terms = [f"--run={home}/run", "--consent=synthetic", "--expires=2999-12-31"]
        return ["enrol", f"{folder}/gallery", "Synthetic Person", *clips, *terms]

    def again(folder: Path) -> None:
        from mien.gallery import Gallery

        gallery = folder / "gallery"
        if not gallery.exists() or not Gallery(gallery).list():
            checked(command(folder))
        elif not run(command(folder)).returncode:
            raise MienError("the same clips were enrolled twice")

    def left(folder: Path) -> Any:
        from mien.gallery import Gallery

        gallery = Gallery(folder / "gallery")
        logged = [line["act"] for line in gallery.audit.lines() if line["act"] == "enrol"]
        return [(record.person, record.templates) for record in gallery.list()], len(logged)

    return Scene(command, left, again, lambda folder: False)


SCENES = {"prepare": prepare, "train": train, "evaluate": evaluate, "enrol": enrol}


def digest(path: Path) -> str:
    """Give the digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def killed(scene: Scene, expected: Any, seconds: float, seed: str) -> dict[str, Any]:
    """Kill a command at a moment drawn by a seed, do it again, and compare."""
    # the first third of it are imports
    moment = random.Random(seed).uniform(0.3, 1.0) * seconds
    with TemporaryDirectory() as place:
        folder = Path(place)
        process = start(scene.command(folder))
        time.sleep(moment)
        ended = process.poll() is not None
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        said = process.communicate()[0]
        torn = scene.torn(folder)
        scene.again(folder)
        return {
            "moment": round(moment, 2),
            "ended": ended,
            "told": bool(said),
            "torn": torn,
            "same": scene.left(folder) == expected,
        }


def measure(rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Do each command once undisturbed, and then kill it again and again."""
    rows: dict[str, list[dict[str, Any]]] = {}
    with TemporaryDirectory() as place:
        home = Path(place)
        write_clips(home)
        for name, make in SCENES.items():
            scene = make(home)
            arguments = scene.command(home)
            began = time.monotonic()
            checked(arguments)
            seconds = time.monotonic() - began
            expected = scene.left(home)
            rows[name] = [
                killed(scene, expected, seconds, f"{name} {number}")
                for number in tqdm(range(rounds), desc=name, unit="kill")
            ]
    return rows


def table(rows: dict[str, list[dict[str, Any]]]) -> str:
    """Write the result as a table."""
    heads = (
        "command",
        "kills",
        "before it had ended",
        "half a result left",
        "same in the end",
    )
    lines = [" | ".join(heads), "---|---:|---:|---:|---:"]
    for name, found in rows.items():
        early = sum(not row["ended"] for row in found)
        torn, same = (sum(row[key] for row in found) for key in ("torn", "same"))
        lines.append(f"{name} | {len(found)} | {early} | {torn} | {same}")
    return "\n".join(f"| {line} |" for line in lines).replace("| ---", "|---").replace(": |", ":|")


def main() -> None:
    """Measure, print the table, and write it beside this file and into the page."""
    rounds = int(sys.argv[1]) if sys.argv[1:] else ROUNDS
    rows = measure(rounds)
    text = table(rows)
    print(text)
    here = Path(__file__).resolve()
    write_text(here.with_suffix(".json"), json.dumps(rows, indent=1) + "\n")
    write_text(here.with_suffix(".md"), f"# Killed commands\n\n{__doc__.strip()}\n\n{text}\n")
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    write_text(PAGE, before + begin + text + END + rest.partition(END)[2])
    if any(row["torn"] or not row["same"] for found in rows.values() for row in found):
        raise MienError("a command that was killed left something else: see the table")


if __name__ == "__main__":
    main()
