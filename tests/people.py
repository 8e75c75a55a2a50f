"""Synthetic persons: directions in space, seen with noise."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np

from mien.gallery import Enrolment, Gallery

DIM = 64
LATER = date(2999, 12, 31)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def views(person: int, count: int = 3, *, seed: int = 0, noise: float = 0.5) -> np.ndarray:
    """Embeddings (count, DIM) of a person, by number."""
    who = unit(np.random.default_rng((1, person)).standard_normal(DIM))
    drawn = np.random.default_rng((2, person, seed)).standard_normal((count, DIM))
    return unit(who + noise * drawn / DIM**0.5)


def name(person: int) -> str:
    return f"Synthetic Person {person}"


def consent(person: int) -> str:
    return f"synthetic consent, given by nobody, number {person}"


def newcomer(person: int, count: int = 3, *, expires: date = LATER) -> Enrolment:
    return Enrolment(
        person=name(person),
        embeddings=views(person, count),
        clips=tuple(f"clip-{person}-{i}" for i in range(count)),
        consent=consent(person),
        expires=expires,
    )


def gallery(folder: Path, persons: Iterable[int], count: int = 3) -> Gallery:
    """A gallery with these persons."""
    made = Gallery(folder)
    made.enrol_all([newcomer(person, count) for person in persons], encoder="v1")
    return made


def named(gallery: Gallery, person: int, seed: int = 1) -> str:
    """Who the gallery takes a fresh view of a person for."""
    return gallery.identify(views(person, 1, seed=seed)[0], encoder="v1").person


def traces(folder: Path, *persons: int, count: int = 3) -> list[str]:
    """What of persons stands in a folder's files: names, consents, templates."""
    found = []
    files = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    for person in persons:
        needles = {"name": name(person).encode(), "consent": consent(person).encode()}
        needles |= {f"template {i}": v.tobytes() for i, v in enumerate(views(person, count))}
        for what, needle in needles.items():
            found += [f"{what} of {person} in {p.name}" for p, b in files.items() if needle in b]
    return found
