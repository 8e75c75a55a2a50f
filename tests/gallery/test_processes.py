"""Two processes enrol and others search, in one gallery, at the same time; one is killed."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from people import gallery, name, named, views

from mien.gallery import Gallery

ENROL = """
import sys
from pathlib import Path
from people import newcomer
from mien.gallery import Gallery
for person in range(int(sys.argv[2]), int(sys.argv[3])):
    Gallery(Path(sys.argv[1])).enrol_all([newcomer(person)], encoder="v1")
"""

SEARCH = """
import sys
from pathlib import Path
from people import name, named
from mien.gallery import Gallery
g = Gallery(Path(sys.argv[1]))
for turn in range(int(sys.argv[2])):
    assert named(g, turn % 5) == name(turn % 5)
"""

CHURN = """
import sys
from pathlib import Path
from people import name, newcomer
from mien.gallery import Gallery
g = Gallery(Path(sys.argv[1]))
for person in range(100, 115):
    g.enrol_all([newcomer(person)], encoder="v1")
    g.forget(name(person))
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    tests = Path(__file__).resolve().parents[1]
    path = {"PYTHONPATH": f"{tests}:{tests.parent / 'src'}", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=path)


@pytest.mark.slow
def test_two_processes_enrol_and_one_searches_at_the_same_time(tmp_path: Path) -> None:
    gallery(tmp_path, range(5)).set_threshold(0.6)
    processes = [
        start(ENROL, tmp_path, 10, 50),
        start(ENROL, tmp_path, 50, 90),
        start(SEARCH, tmp_path, 150),
    ]
    for process in processes:
        assert process.communicate()[1] == ""
    g = Gallery(tmp_path)
    assert len(g.list()) == 85
    assert all(named(g, p) == name(p) for p in range(10, 90))
    assert sum(line["act"] == "enrol" for line in g.audit.lines()) == 85


@pytest.mark.slow
def test_who_searches_is_not_disturbed_by_deleting(tmp_path: Path) -> None:
    gallery(tmp_path, range(5)).set_threshold(0.6)
    processes = [start(SEARCH, tmp_path, 400), start(SEARCH, tmp_path, 400), start(CHURN, tmp_path)]
    for process in processes:
        assert process.communicate()[1] == ""
    assert len(Gallery(tmp_path).list()) == 5


def test_a_process_sees_what_another_has_written(tmp_path: Path) -> None:
    g = gallery(tmp_path, range(3))
    other = Gallery(tmp_path)
    assert len(other.list()) == 3
    g.forget(name(1))
    assert [record.person for record in other.list()] == [name(0), name(2)]
    other.set_threshold(0.99)
    assert g.identify(views(0, 1, seed=1)[0], encoder="v1").threshold == 0.99


@pytest.fixture(scope="module")
def kills() -> ModuleType:
    """The benchmark that kills, of which a little is done here."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "gallery_kill.py"
    spec = importlib.util.spec_from_file_location("gallery_kill", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.parametrize("seed", [100, 101])
def test_a_kill_loses_no_acknowledged_enrolment(
    kills: ModuleType, tmp_path: Path, seed: int
) -> None:
    result = kills.killed_enrolling(tmp_path / "g", seed, enrolments=40)
    assert result["acknowledged"] > 0
    assert result["lost"] == result["inconsistent"] == 0
    assert result["in the end"] == 40


@pytest.mark.slow
def test_a_kill_while_forgetting_leaves_no_trace(kills: ModuleType, tmp_path: Path) -> None:
    for person in (1000, 1001):
        kills.enrol(Gallery(tmp_path), person)
    for seed in (0, 1):
        result = kills.killed_forgetting(tmp_path, seed, 0.2)
        assert result["before"] == 5
        assert result["left"] == []
