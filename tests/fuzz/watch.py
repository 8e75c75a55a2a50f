"""Runs cases in processes that are killed when they take too long or too much memory."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, Queue
from threading import Lock

from fuzz.cases import Bench, Outcome, Result, targets

SECONDS = 10.0
"""Time of a processor that a case may take."""

WAITING = 60.0
"""Seconds by the clock that a case may take, most of them waiting for something."""

MEGABYTES = 2000.0
"""Memory that a case may take."""

_TESTS = Path(__file__).resolve().parents[1]


class Watched:
    """A worker process, and what it is allowed."""

    def __init__(self, family: str, originals: Path, seconds: float, megabytes: float) -> None:
        self.family, self.originals = family, originals
        self.seconds, self.megabytes = seconds, megabytes
        self._process: subprocess.Popen[str] | None = None

    def run(self, case: int) -> Result:
        """Run a case; kill the process where it goes beyond what it may."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        used, held, began = _time(process.pid), _memory(process.pid), time.monotonic()
        try:
            process.stdin.write(f"{case}\n")
            process.stdin.flush()
            while not select.select([process.stdout], [], [], 0.05)[0]:
                if _memory(process.pid) - held > self.megabytes:
                    return self._ended(case, "memory", began)
                if _time(process.pid) - used > self.seconds or time.monotonic() - began > WAITING:
                    return self._ended(case, "hang", began)
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            return self._ended(case, "died", began)
        return Result(**json.loads(answer))

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start(self) -> subprocess.Popen[str]:
        path = os.pathsep.join([str(_TESTS), *map(os.path.abspath, sys.path)])
        quiet = {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, "-m", "fuzz.worker", self.family, str(self.originals)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, env=os.environ | quiet
        )
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            process.wait()
            raise RuntimeError(f"{self.family}: the healthy files cannot be read")
        return process

    def _ended(self, case: int, outcome: Outcome, began: float) -> Result:
        self.close()
        names = list(targets(self.family))
        detail = {
            "hang": f"more than {self.seconds:g} s",
            "memory": f"more than {self.megabytes:g} MB",
            "died": "the process died",
        }[outcome]
        took = time.monotonic() - began
        return Result(self.family, case, names[case % len(names)], outcome, detail, seconds=took)


def run(
    family: str,
    originals: Path,
    cases: Iterable[int],
    *,
    jobs: int = 1,
    seconds: float = SECONDS,
    megabytes: float = MEGABYTES,
    failures: Path | None = None,
    tell: Callable[[Result], object] = lambda result: None,
) -> list[Result]:
    """Run cases of a family in several processes, and give what became of each.

    Parameters
    ----------
    family : str
        Its name.
    originals : Path
        What `fuzz.cases.build` wrote for it.
    cases : iterable of int
        Their numbers.
    jobs : int
        Processes.
    seconds, megabytes : float
        What a case may take.
    failures : Path, optional
        Folder in which to keep the files of cases that failed.
    tell : callable
        Called with each result as it comes.
    """
    waiting: Queue[int] = Queue()
    for case in cases:
        waiting.put(case)
    results: list[Result] = []
    lock = Lock()

    def work() -> None:
        worker = Watched(family, originals, seconds, megabytes)
        try:
            while True:
                try:
                    result = worker.run(waiting.get_nowait())
                except Empty:
                    return
                with lock:
                    if result.fault and failures is not None:
                        result.saved = str(_keep(result, originals, failures))
                    results.append(result)
                    tell(result)
        finally:
            worker.close()

    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(work) for _ in range(jobs)]:
            future.result()
    return sorted(results, key=lambda result: result.case)


def _keep(result: Result, originals: Path, failures: Path) -> Path:
    """Lay the damaged files of a case aside."""
    place = failures / f"{result.family}-{result.case}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    Bench(result.family, originals, place).damage(result.case)
    return place


def _time(pid: int) -> float:
    """Give the processor's time (s) that a process has taken; a dead one takes none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Give the memory (MB) that a process holds."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGESIZE") / 2**20
