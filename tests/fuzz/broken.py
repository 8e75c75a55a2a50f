"""Targets that fail on purpose, so that tests see that each failure is noticed."""

import os
import time
from pathlib import Path
from random import Random

from fuzz.cases import Target
from mien.errors import MienError


def _build(folder: Path) -> None:
    (folder / "file").write_text("whole")


def _damage(data: bytes, random: Random) -> bytes:
    return b"damaged"


def _whole(folder: Path) -> bool:
    return (folder / "file").read_text() == "whole"


def _refuse(folder: Path, notes: list[str]) -> object:
    if not _whole(folder):
        raise MienError("refused")
    return 1


def _stumble(folder: Path, notes: list[str]) -> object:
    return 1 if _whole(folder) else {}["key"]


def _believe(folder: Path, notes: list[str]) -> object:
    return _whole(folder)


def _note(folder: Path, notes: list[str]) -> object:
    notes += [] if _whole(folder) else ["lost"]
    return 1


def _ask(folder: Path, notes: list[str]) -> object:
    return 1 if _whole(folder) else input("run it? ")


def _execute(folder: Path, notes: list[str]) -> object:
    if not _whole(folder):
        Path("EXECUTED").mkdir()
        raise MienError("too late")
    return 1


def _spin(folder: Path, notes: list[str]) -> object:
    while not _whole(folder):
        pass
    return 1


def _wait(folder: Path, notes: list[str]) -> object:
    while not _whole(folder):
        time.sleep(1)
    return 1


def _grow(folder: Path, notes: list[str]) -> object:
    held = []
    while not _whole(folder):
        held.append(bytearray(os.urandom(1)) * 2**20)
    return 1


def _die(folder: Path, notes: list[str]) -> object:
    return 1 if _whole(folder) else os.abort()


EXPECTED = {
    "refuse": (_refuse, "refused"),
    "same": (lambda folder, notes: 1, "same"),
    "note": (_note, "noted"),
    "stumble": (_stumble, "exception"),
    "believe": (_believe, "wrong"),
    "ask": (_ask, "wrong"),
    "execute": (_execute, "wrong"),
    "spin": (_spin, "hang"),
    "wait": (_wait, "hang"),
    "grow": (_grow, "memory"),
    "die": (_die, "died"),
}
"""For each target what reads it, and what its damaged file must come to."""

TARGETS = {
    name: Target(_build, read, "file", _damage, exact=True) for name, (read, _) in EXPECTED.items()
}
"""The targets of this family, by name."""
