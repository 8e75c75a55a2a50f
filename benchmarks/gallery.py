"""A gallery of a million synthetic templates: how long a search takes, and what it finds.

Called as `gallery.py --search FOLDER` it is the process that opens the gallery and searches.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import HnswSq, IvfPq, IvfRq, IvfSq
from tqdm import tqdm

from mien.files import write_text
from mien.gallery import Enrolment, Gallery

PERSONS, TEMPLATES, DIM = 100_000, 10, 256
SAME = 0.75
"""Cosine of two templates of a person, on average, as of good voice encoders."""

QUERIES, TOP, ROUNDS, EXACT = 500, 10, 5, 10
BATCH = 5_000
ENCODER, NEVER = "synthetic", date(2999, 12, 31)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Bring vectors (N, E) to unit length."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def directions(random: np.random.Generator, count: int) -> np.ndarray:
    """Draw unit vectors evenly in all directions: of all populations the hardest to index."""
    return unit(random.standard_normal((count, DIM), dtype=np.float32))


def views(random: np.random.Generator, persons: np.ndarray) -> np.ndarray:
    """See each person (N, E) once more, with noise."""
    noise = random.standard_normal(persons.shape, dtype=np.float32) / np.float32(DIM**0.5)
    return unit(persons + np.float32((1 / SAME - 1) ** 0.5) * noise)


def batches(persons: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Make the persons (P, E) and their templates (P, T, E) by batches, the same each time."""
    for first in range(0, persons, BATCH):
        random = np.random.default_rng((0, first))
        people = directions(random, min(BATCH, persons - first))
        seen = views(random, np.repeat(people, TEMPLATES, axis=0))
        yield people, seen.reshape(len(people), TEMPLATES, DIM)


def newcomers(first: int, templates: np.ndarray) -> list[Enrolment]:
    """Turn templates (P, T, E) into persons to be enrolled, numbered from `first` on."""
    return [
        Enrolment(
            person=f"Synthetic Person {number:06d}",
            embeddings=theirs,
            clips=tuple(f"{number:06d}-{clip}" for clip in range(TEMPLATES)),
            consent=f"synthetic consent of {number:06d}",
            expires=NEVER,
        )
        for number, theirs in enumerate(templates, start=first)
    ]


def build(folder: Path, persons: int) -> dict[str, float]:
    """Enrol everybody."""
    gallery, began = Gallery(folder), time.perf_counter()
    bar = tqdm(total=persons, desc="enrolling", unit="person")
    for number, (_, templates) in enumerate(batches(persons)):
        gallery.enrol_all(newcomers(number * BATCH, templates), encoder=ENCODER)
        bar.update(len(templates))
    bar.close()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"seconds": time.perf_counter() - began, "bytes": size}


def questions(persons: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw fresh views (Q, E) of persons, who they are (Q,), and the exact result (Q, TOP).

    The result gives templates by their place among all.
    """
    random = np.random.default_rng(1)
    who = random.integers(0, persons, QUERIES)
    people = np.concatenate([people for people, _ in batches(persons)])
    asked = views(random, people[who])
    best = np.zeros((QUERIES, 0)), np.zeros((QUERIES, 0), int)
    for number, (_, templates) in enumerate(
        tqdm(batches(persons), total=-(-persons // BATCH), desc="exact search")
    ):
        scores = asked @ templates.reshape(-1, DIM).T
        places = np.broadcast_to(
            np.arange(scores.shape[1]) + number * BATCH * TEMPLATES, scores.shape
        )
        scores, places = np.hstack([best[0], scores]), np.hstack([best[1], places])
        order = np.argpartition(-scores, TOP, axis=1)[:, :TOP]
        best = np.take_along_axis(scores, order, 1), np.take_along_axis(places, order, 1)
    return asked, who, best[1]


def place(clip: str) -> int:
    """Give the place of a template among all."""
    person, number = clip.split("-")
    return int(person) * TEMPLATES + int(number)


def search(folder: Path, asked: np.ndarray) -> dict[str, Any]:
    """Open the gallery and search; this runs in a process of its own."""
    before = time.perf_counter()
    gallery = Gallery(folder)
    gallery.encoder  # noqa: B018
    opened = time.perf_counter() - before
    gallery.identify(asked[0], encoder=ENCODER)
    first = time.perf_counter() - before - opened
    found, named, rounds, most = [], [], [], 0.0
    for turn in range(ROUNDS):
        took: dict[str, list[float]] = {"search": [], "identify": [], "exact": []}
        for embedding in asked:
            began = time.perf_counter()
            hits = gallery._templates.nearest(embedding, TOP, date.today())
            took["search"].append(time.perf_counter() - began)
            began = time.perf_counter()
            identified = gallery.identify(embedding, encoder=ENCODER, top_k=TOP)
            took["identify"].append(time.perf_counter() - began)
            if not turn:
                found.append([place(hit.clip) for hit in hits])
                named.append(identified.candidates[0].person)
        most = most or peak()  # before the exact search, which reads all there is
        for embedding in asked[:EXACT]:
            began = time.perf_counter()
            exact(gallery, embedding)
            took["exact"].append(time.perf_counter() - began)
        rounds.append({way: statistics.median(times) * 1000 for way, times in took.items()})
        rounds[-1]["load"] = os.getloadavg()[0]
    timings = {"open": opened, "first": first, "rounds": rounds, "peak": most}
    return timings | {"found": found, "named": named}


def peak() -> float:
    """Give the most memory that this process has had, MiB."""
    # not getrusage: its number is at least that of the process which started this one
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def exact(gallery: Gallery, embedding: np.ndarray) -> None:
    """Search without the index."""
    query = gallery._templates._table.search(embedding, vector_column_name="vector")
    query = query.distance_type("dot").bypass_vector_index().limit(TOP)
    query.select(["clip", "_distance"]).to_arrow()


def recall(found: list[list[int]], right: np.ndarray) -> float:
    """Give the share of the exact results that were found."""
    return float(
        np.mean([len({*f} & {*r}) / TOP for f, r in zip(found, right.tolist(), strict=True)])
    )


def upkeep(folder: Path, persons: int) -> dict[str, Any]:
    """Enrol one person more, and forget one, of so many."""
    gallery, took = Gallery(folder), {}
    extra = views(np.random.default_rng(2), directions(np.random.default_rng(2), 1))[:, None]
    (newcomer,) = newcomers(persons, np.repeat(extra, TEMPLATES, axis=1))
    began = time.perf_counter()
    gallery.enrol_all([newcomer], encoder=ENCODER)
    took["enrol"] = time.perf_counter() - began
    began = time.perf_counter()
    gallery.forget(newcomers(0, np.zeros((1, TEMPLATES, DIM)))[0].person)
    took["forget"] = time.perf_counter() - began
    return took


INDEXES = {
    "IVF_RQ": (IvfRq, {}),
    "IVF_PQ, 64 parts": (IvfPq, {"num_sub_vectors": 64}),
    "IVF_SQ": (IvfSq, {}),
    "IVF_HNSW_SQ": (HnswSq, {}),
}
COMPARED, SHARES = 5_000, (0.05, 0.1, 0.2, 0.4)


def compare(folder: Path) -> list[dict[str, Any]]:
    """Try kinds of index on fewer persons: what they cost to build, take and find."""
    asked, _, right = questions(COMPARED)
    table = lancedb.connect(folder).create_table("compared", data=plain(COMPARED))
    partitions = round(len(table) ** 0.5)
    rows = []
    for name, (kind, options) in INDEXES.items():
        print(f"building {name}", file=sys.stderr)
        graph = kind is HnswSq
        config = kind(distance_type="dot", num_partitions=1 if graph else partitions, **options)
        began = time.perf_counter()
        table.create_index("vector", config=config, replace=True)
        built = time.perf_counter() - began
        for share in SHARES:
            took, found = [], []
            for embedding in asked:
                began = time.perf_counter()
                query = table.search(embedding).distance_type("dot").limit(TOP).refine_factor(2)
                if graph:
                    query = query.ef(round(share * 1000))
                else:
                    query = query.nprobes(round(share * partitions))
                found.append(query.select(["place", "_distance"]).to_arrow()["place"].to_pylist())
                took.append(time.perf_counter() - began)
            metrics = {"recall": recall(found, right), "ms": statistics.median(took) * 1000}
            rows.append({"index": name, "share": share, "build": built} | metrics)
    return rows


def plain(persons: int) -> pa.RecordBatchReader:
    """Give the templates without a gallery."""
    kind = pa.schema([("place", pa.int64()), ("vector", pa.list_(pa.float32(), DIM))])

    def read() -> Iterator[pa.RecordBatch]:
        first = 0
        for _, templates in batches(persons):
            count = len(templates) * TEMPLATES
            flat = pa.array(templates.ravel())
            column = pa.FixedSizeListArray.from_arrays(flat, DIM)
            yield pa.record_batch([pa.array(range(first, first + count)), column], schema=kind)
            first += count

    return pa.RecordBatchReader.from_batches(kind, read())


def measure(folder: Path, persons: int) -> dict[str, Any]:
    """Build, search in another process, and look after it."""
    load = os.getloadavg()[0]
    built = build(folder / "gallery", persons) | {"peak": peak()}
    asked, who, right = questions(persons)
    np.save(folder / "asked.npy", asked)
    command = [sys.executable, str(Path(__file__).resolve()), "--search", str(folder)]
    results = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    names = [f"Synthetic Person {number:06d}" for number in who]
    named = np.mean([a == b for a, b in zip(results.pop("named"), names, strict=True)])
    return {
        "persons": persons,
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "lancedb": lancedb.__version__,
        "load": load,
        "build": built,
        "recall": recall(results.pop("found"), right),
        "named": float(named),
        **results,
        "upkeep": upkeep(folder / "gallery", persons),
        "compared": compare(folder),
    }


def page(result: dict[str, Any]) -> str:
    """Write the result as a page."""
    rounds, build, load = result["rounds"], result["build"], [r["load"] for r in result["rounds"]]

    def median(way: str) -> str:
        times = [r[way] for r in rounds]
        return f"{statistics.median(times):.1f} ms ({min(times):.1f} to {max(times):.1f})"

    ratio = statistics.median(r["exact"] / r["search"] for r in rounds)
    rows = (
        (f"search, the {TOP} nearest templates", median("search")),
        ("search, log and result (`Gallery.identify`)", median("identify")),
        ("exact search", median("exact")),
        ("exact search / search", f"{ratio:.0f}"),
        (f"recall of the {TOP} nearest", f"{result['recall']:.3f}"),
        ("right person nearest", f"{result['named']:.3f}"),
        ("opening", f"{result['open']:.2f} s"),
        ("first search", f"{result['first']:.2f} s"),
        ("most memory of the process that searches", f"{result['peak']:.0f} MiB"),
        ("on the disk", f"{build['bytes'] / 2**30:.2f} GiB"),
        ("enrolling all, index included", f"{build['seconds'] / 60:.1f} min"),
        ("most memory of the process that enrols", f"{build['peak']:.0f} MiB"),
        ("enrolling one person more", f"{result['upkeep']['enrol']:.2f} s"),
        ("forgetting one person", f"{result['upkeep']['forget']:.1f} s"),
    )
    lines = "\n".join(f"| {what} | {value} |" for what, value in rows)
    kinds = "\n".join(
        f"| {r['index']} | {r['build']:.0f} | {r['share']:g} | {r['recall']:.3f} | {r['ms']:.1f} |"
        for r in result["compared"]
    )
    return f"""# A gallery of a million templates

{result["persons"]:,} synthetic persons with {TEMPLATES} templates each, unit vectors of {DIM}
numbers. Persons lie evenly in all directions, which no real population does; it is the hardest
one to index. Two templates of a person have a cosine of {SAME} on average. Searches are for fresh
views of persons.

| what | value |
|---|---:|
{lines}

* {QUERIES} searches, {ROUNDS} times over: median of the rounds' medians, least and greatest. The
  exact search of the first {EXACT} follows in each round, so that whatever else the machine does
  meets both. The memory of searching is without the exact search, which reads all there is.
* Machine: {result["cores"]} cores ({result["architecture"]}), LanceDB {result["lancedb"]}. Its load
  was {result["load"]:.1f} before, and {min(load):.1f} to {max(load):.1f} while searching.

## Which index

{COMPARED * TEMPLATES:,} such templates, √n partitions (HNSW: one graph); twice the rows wanted are
compared exactly. Share: of the partitions looked at; HNSW: of 1000, the candidates kept (`ef`).

| index | build, s | share | recall | median, ms |
|---|---:|---:|---:|---:|
{kinds}
"""


def main() -> None:
    """Measure, print the tables and write them beside this file."""
    with TemporaryDirectory() as folder:
        result = measure(Path(folder), PERSONS)
    text = page(result)
    print(text)
    here = Path(__file__).resolve()
    write_text(here.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    write_text(here.with_suffix(".md"), text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--search"]:
        at = Path(sys.argv[2])
        print(json.dumps(search(at / "gallery", np.load(at / "asked.npy"))))
    else:
        main()
