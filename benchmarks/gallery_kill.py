"""Kill a process that enrols, or forgets, at a random moment, and check what is left.

Called as `gallery_kill.py --work FOLDER FIRST LAST` it is the process that is killed, enrolling
synthetic persons by number; as `gallery_kill.py --work FOLDER NAME` it forgets one.
"""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from tqdm import tqdm

from mien.errors import MienError
from mien.files import write_text
from mien.gallery import Gallery
from mien.gallery.table_rows import vectors
from mien.gallery.templates import of_subjects

ENROLMENTS, ROUNDS = 200, 20
DIM, TEMPLATES = 256, 3
NEVER = date(2999, 12, 31)


def name(number: int) -> str:
    """Name a synthetic person."""
    return f"Synthetic Person {number:04d}"


def consent(number: int) -> str:
    """Give what they would have agreed to."""
    return f"synthetic consent number {number:04d}, signed by nobody"


def embeddings(number: int) -> np.ndarray:
    """Make the templates of a person (TEMPLATES, DIM), of unit length."""
    drawn = np.random.default_rng(number).standard_normal((TEMPLATES, DIM))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def enrol(gallery: Gallery, number: int) -> None:
    """Enrol a synthetic person."""
    gallery.enrol(
        name(number),
        embeddings(number),
        clips=[f"{number:04d}-{clip}" for clip in range(TEMPLATES)],
        consent=consent(number),
        expires=NEVER,
        encoder="synthetic",
    )


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start this file as the process to be killed."""
    command = [sys.executable, str(Path(__file__).resolve()), "--work", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill(process: subprocess.Popen[str], after: int, delay: float) -> list[int]:
    """Kill a process `delay` seconds after so many lines; give all numbers that it told."""
    assert process.stdout is not None
    told = []
    for line in process.stdout:
        told.append(int(line))
        if len(told) > after:
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
    process.wait()
    return told


def holds(folder: Path, needle: bytes) -> list[Path]:
    """Name the files of a folder that contain some bytes."""
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and needle in p.read_bytes()]


def traces(folder: Path, number: int) -> list[str]:
    """Say where a person's name, consent or templates stand on the disk."""
    needles = {"name": name(number).encode(), "consent": consent(number).encode()}
    needles |= {f"template {i}": e.tobytes() for i, e in enumerate(embeddings(number))}
    found = {kind: holds(folder, needle) for kind, needle in needles.items()}
    return [f"{kind} in {path}" for kind, paths in found.items() for path in paths]


def check(folder: Path, acknowledged: Sequence[int]) -> dict[str, Any]:
    """Open a gallery after a kill and count what is lost or does not fit.

    Raises
    ------
    MienError
        The audit log is damaged.
    """
    gallery = Gallery(folder)
    unfinished = (folder / "unfinished.json").exists()
    records = {record.person: record for record in gallery.list()} if acknowledged else {}
    lost = [n for n in acknowledged if not _whole(gallery, records.get(name(n)), n)]
    lines = list(gallery.audit.lines())
    logged = {line["subject"] for line in lines if line["act"] == "enrol"}
    stored = {record.subject for record in records.values()}
    return {
        "acknowledged": len(acknowledged),
        "lost": len(lost),
        "stored": len(records),
        "unfinished": unfinished,
        "recovered": sum("recovered" in line["detail"] for line in lines),
        "abandoned": sum(line["act"] == "abandon" for line in lines),
        "inconsistent": len(logged ^ stored) if acknowledged else 0,
    }


def _whole(gallery: Gallery, record: Any, number: int) -> bool:
    if record is None or record.templates != TEMPLATES:
        return False
    rows = gallery._templates.rows(["vector"], of_subjects([record.subject]))
    return {v.tobytes() for v in vectors(rows)} == {e.tobytes() for e in embeddings(number)}


def killed_enrolling(folder: Path, seed: int, enrolments: int = ENROLMENTS) -> dict[str, Any]:
    """Kill a process that enrols, at a moment drawn by the seed; then enrol the rest."""
    draw = random.Random(seed)
    process = start(folder, 0, enrolments)
    told = kill(process, draw.randrange(enrolments - 1), draw.uniform(0, 0.1))
    result = check(folder, told)
    gallery = Gallery(folder)
    present = {record.person for record in gallery.list()}
    for number in range(enrolments):
        if name(number) not in present:
            enrol(gallery, number)
    return result | {"in the end": len(gallery.list())}


def killed_forgetting(folder: Path, seed: int, longest: float) -> dict[str, Any]:
    """Kill a process that forgets somebody, open the gallery, and look for them."""
    number = seed
    enrol(Gallery(folder), number)
    seen = len(traces(folder, number))
    process = start(folder, name(number))
    assert process.stdout is not None
    process.stdout.readline()  # it is about to begin
    time.sleep(random.Random(seed).uniform(0, longest))
    process.send_signal(signal.SIGKILL)
    process.wait()
    unfinished = (folder / "unfinished.json").exists()
    gallery = Gallery(folder)
    there = name(number) in {record.person for record in gallery.list()}
    left = [] if there else traces(folder, number)
    if there:
        gallery.forget(name(number))
        left = traces(folder, number)
    list(gallery.audit.lines())
    return {"before": seen, "unfinished": unfinished, "still whole": there, "left": left}


HEADING = f"""# Killed in the middle

A process that enrols {ENROLMENTS} synthetic persons ({TEMPLATES} templates of {DIM} numbers each),
one by one, is killed (`kill -9`) at a random moment, {ROUNDS} times, each time in a new gallery.
Another opens it, compares every template of every enrolment that had returned, and reads the audit
log. Then a process that forgets somebody is killed, {ROUNDS} times in one gallery.

"""


def page(enrolling: list[dict[str, Any]], forgetting: list[dict[str, Any]]) -> str:
    """Write the result as a page."""

    def total(rows: list[dict[str, Any]], key: str) -> int:
        return sum(int(bool(row[key])) if key == "left" else int(row[key]) for row in rows)

    full = sum(row["in the end"] == ENROLMENTS for row in enrolling)
    rows = (
        ("enrolments that had returned", total(enrolling, "acknowledged")),
        ("of these lost or changed", total(enrolling, "lost")),
        ("kills in the middle of an enrolment", total(enrolling, "unfinished")),
        ("of these stored, logged by the next process", total(enrolling, "recovered")),
        ("of these not stored, deleted by the next process", total(enrolling, "abandoned")),
        ("persons stored or logged, but not both", total(enrolling, "inconsistent")),
        ("galleries that took the remaining persons", full),
        ("kills of a process that forgets", len(forgetting)),
        ("of these in the middle, ended by the next process", total(forgetting, "unfinished")),
        ("after which a trace of the person was on the disk", total(forgetting, "left")),
    )
    table = "\n".join(f"| {what} | {count} |" for what, count in rows)
    return f"{HEADING}| what | count |\n|---|---:|\n{table}\n"


def measure() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Kill and look, again and again."""
    enrolling, forgetting = [], []
    for seed in tqdm(range(ROUNDS), desc="killed enrolling", unit="kill"):
        with TemporaryDirectory() as folder:
            enrolling.append(killed_enrolling(Path(folder, "gallery"), seed))
    with TemporaryDirectory() as folder:
        for number in range(1000, 1020):
            enrol(Gallery(folder), number)
        for seed in tqdm(range(ROUNDS), desc="killed forgetting", unit="kill"):
            forgetting.append(killed_forgetting(Path(folder), seed, 0.3))
    return enrolling, forgetting


def main() -> None:
    """Measure, print the table and write it beside this file."""
    enrolling, forgetting = measure()
    text = page(enrolling, forgetting)
    print(text)
    here = Path(__file__).resolve()
    result = {"enrolling": enrolling, "forgetting": forgetting}
    write_text(here.with_suffix(".json"), json.dumps(result, indent=1, default=str) + "\n")
    write_text(here.with_suffix(".md"), text)
    if any(row["lost"] for row in enrolling) or any(row["left"] for row in forgetting):
        raise MienError("something was lost, or was left that should be gone: see the table")


def be_killed(folder: str, *arguments: str) -> None:
    """Do the work that is to be interrupted, telling what is done."""
    gallery = Gallery(folder)
    if len(arguments) == 1:
        print(0, flush=True)
        gallery.forget(arguments[0])
        return
    for number in range(*map(int, arguments)):
        enrol(gallery, number)
        print(number, flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        be_killed(*sys.argv[2:])
    else:
        main()
