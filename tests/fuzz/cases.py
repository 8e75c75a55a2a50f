"""One case: a healthy folder, one file of it damaged, and what reading it comes to."""

import builtins
import hashlib
import os
import shutil
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Literal

import numpy as np

import mien
from fuzz.mutate import Mutator
from fuzz.structured import EXECUTED
from mien.errors import MienError

FAMILIES = {"parsers": 20, "runs": 5, "shards": 6, "media": 8, "galleries": 1}
"""The families, and their shares of all cases."""

Outcome = Literal[
    "refused", "same", "noted", "changed", "exception", "wrong", "hang", "memory", "died"
]
_SOURCE = str(Path(mien.__file__).parent) + os.sep
FAULTS = ("exception", "wrong", "hang", "memory", "died")
"""The outcomes that no case may have."""


class Wrong(Exception):
    """What was read breaks a promise: a silent loss, a number that is none, code that ran."""


@dataclass(frozen=True)
class Target:
    """A kind of file, and how mien reads it.

    Parameters
    ----------
    build : callable
        ``build(folder)`` writes healthy files; the same every time.
    read : callable
        ``read(folder, notes)`` reads them, adds to `notes` what mien says was lost or left out,
        and gives what was read, whose `repr` tells it from anything else.
    files : str
        Pattern of the files that are damaged, one in each case.
    mutate : Mutator
        How.
    exact : bool
        A damaged file must be refused or read as if it were whole.
    """

    build: Callable[[Path], None]
    read: Callable[[Path, list[str]], object]
    files: str
    mutate: Mutator
    exact: bool = False


@dataclass
class Result:
    """What became of a case."""

    family: str
    case: int
    target: str
    outcome: Outcome
    detail: str = ""
    where: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0
    saved: str = ""

    @property
    def fault(self) -> bool:
        """Whether this must not happen."""
        return self.outcome in FAULTS

    @property
    def kind(self) -> tuple[str, ...]:
        """What this failure has in common with others."""
        return self.family, self.target, self.outcome, self.where or self.detail[:60]


def targets(family: str) -> dict[str, Target]:
    """Give the targets of a family, by name."""
    return dict(import_module(f"fuzz.{family}").TARGETS)


def build(family: str, folder: Path) -> Path:
    """Write the healthy files of a family, a folder for each target, and name their folder."""
    place = folder / family
    before = Path.cwd()
    for name, target in targets(family).items():
        (place / name).mkdir(parents=True)
        os.chdir(place / name)  # so that no path of this machine is in what is written
        try:
            target.build(Path("."))
        finally:
            os.chdir(before)
    return place


def digest(array: np.ndarray | None) -> str | None:
    """Tell an array from others, in a few signs."""
    if array is None:
        return None
    content = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]
    return f"{array.shape} {array.dtype} {content}"


class Bench:
    """Runs the cases of a family, one after the other, in one folder.

    Parameters
    ----------
    family : str
        Its name.
    originals : Path
        What `build` wrote.
    place : Path
        A folder for work, of this process alone.
    """

    def __init__(self, family: str, originals: Path, place: Path) -> None:
        self.family, self.originals, self.place = family, originals.resolve(), place.resolve()
        self.targets = targets(family)
        self._healthy: dict[str, str] = {}
        self._asked: list[str] = []
        builtins.input = self._agree

    def _agree(self, prompt: object = "") -> str:
        """Answer yes, as somebody in a hurry does, and remember that there was a question."""
        self._asked.append(str(prompt))
        return "y"

    def name(self, case: int) -> str:
        """Name the target of a case; each has its turn."""
        names = list(self.targets)
        return names[case % len(names)]

    def prepare(self, name: str) -> Path:
        """Lay out a target's healthy files, always in the same place."""
        folder = self.place / name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.originals / name, folder)
        return folder

    def damage(self, case: int) -> Path:
        """Lay out the files of a case, one of them damaged."""
        target = self.targets[self.name(case)]
        folder = self.prepare(self.name(case))
        random = Random(f"{self.family} {case}")
        path = random.choice(sorted(p for p in folder.glob(target.files) if p.is_file()))
        path.write_bytes(target.mutate(path.read_bytes(), random))
        return folder

    def healthy(self, name: str) -> str:
        """Read a target's healthy files."""
        if name not in self._healthy:
            notes: list[str] = []
            os.chdir(self.prepare(name))
            found = repr(self.targets[name].read(Path("."), notes))
            self._healthy[name] = f"{found}\n{notes}"
        return self._healthy[name]

    def run(self, case: int) -> Result:
        """Run a case, and say what became of it."""
        name = self.name(case)
        expected = self.healthy(name)
        os.chdir(self.damage(case))
        result = Result(self.family, case, name, "same")
        before, began = _memory(), time.process_time()
        notes: list[str] = []
        try:
            found = repr(self.targets[name].read(Path("."), notes))
            if f"{found}\n{notes}" != expected:
                result.outcome = "noted" if notes else "changed"
                if self.targets[name].exact and not notes:
                    raise Wrong("damaged, and read as something else without a word")
        except MienError as error:
            result.outcome, result.detail = "refused", str(error)[:300]
        except Wrong as error:
            result.outcome, result.detail = "wrong", str(error)[:300]
        except BaseException as error:  # a panic of Rust is no Exception
            result.outcome = "exception"
            result.detail = f"{type(error).__name__}: {str(error)[:300]}"
            result.where = _where(error)
        if self._asked or Path(EXECUTED).exists():
            what = "has run" if Path(EXECUTED).exists() else "was offered to be run"
            result.outcome, result.detail = "wrong", f"what the file carries {what}"
            self._asked.clear()
        result.seconds = time.process_time() - began
        result.megabytes = max(_memory(peak=True) - before, 0.0)
        return result


def _where(error: BaseException) -> str:
    """Name the line of mien, or else the last one, that an error comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    last = [frame for frame in frames if frame.filename.startswith(_SOURCE)] or list(frames)
    file = last[-1].filename.removeprefix(_SOURCE)
    return f"{type(error).__name__} in {file}, {last[-1].name}"


def _memory(*, peak: bool = False) -> float:
    """Give the memory of this process in MB; its peak is that since the last call for the now."""
    try:
        if not peak:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    key = "VmHWM:" if peak else "VmRSS:"
    return int(status.partition(key)[2].split()[0]) / 1024
