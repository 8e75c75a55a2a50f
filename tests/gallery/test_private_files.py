"""What a gallery writes is its owner's alone, whatever the umask."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from people import gallery, name, named, newcomer

from mien.gallery import Gallery


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """The rights of a folder and all in it, without those that only its owner has."""
    return {
        str(path.relative_to(folder)): path.stat().st_mode & 0o177
        for path in [folder, *folder.rglob("*")]
        if path.stat().st_mode & (0o077 if path.is_dir() else 0o177)
    }


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("log", [None, "log"])
@pytest.mark.parametrize("there", [False, True])
def test_all_that_is_written_is_its_owners_alone(
    tmp_path: Path, log: str | None, there: bool
) -> None:
    folder, home = tmp_path / "g", log and tmp_path / log
    if there:
        folder.mkdir(mode=0o755)
    g = Gallery(folder, log=home)
    g.enrol_all([newcomer(0), newcomer(1)], encoder="v1")
    g.set_threshold(0.6)
    named(g, 0)
    g.forget(name(1))
    assert modes(folder) == {}
    assert home is None or modes(home) == {}
    assert {path.name for path in (home or folder).iterdir()} >= {"audit.jsonl", "audit.seal"}


def test_a_folder_of_other_things_that_holds_the_log_stays_open(tmp_path: Path) -> None:
    home = tmp_path / "var"
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    Gallery(tmp_path / "g", log=home).enrol_all([newcomer(0)], encoder="v1")
    assert home.stat().st_mode & 0o777 == 0o755
    assert [path.stat().st_mode & 0o777 for path in home.iterdir()] == [0o600] * 3


def test_a_gallery_that_was_open_to_all_is_closed_by_the_next_change(tmp_path: Path) -> None:
    gallery(tmp_path / "g", [0])
    for path in [tmp_path / "g", *(tmp_path / "g").rglob("*")]:
        path.chmod(0o777 if path.is_dir() else 0o666)
    assert modes(tmp_path / "g")
    Gallery(tmp_path / "g").set_threshold(0.5)
    assert modes(tmp_path / "g") == {}


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("ending", ["json", "parquet"])
def test_an_export_is_its_owners_alone(tmp_path: Path, ending: str) -> None:
    g = gallery(tmp_path / "g", [0])
    out = tmp_path / f"export.{ending}"
    for _ in range(2):
        assert g.export(out) == {out: 3}
        assert out.stat().st_mode & 0o777 == 0o600
        out.chmod(0o666)
