"""Damaged tables, full disks and folders that can't be written: one clear error each."""

import errno
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from people import gallery, name, named, newcomer, views

from mien.errors import MienError
from mien.gallery import Gallery, private_files

ACTS: dict[str, Callable[[Gallery], object]] = {
    "enrol": lambda g: g.enrol_all([newcomer(9)], encoder="v1"),
    "identify": lambda g: named(g, 2),
    "verify": lambda g: g.verify(name(2), views(2)[0], encoder="v1"),
    "list": lambda g: g.list(),
    "export": lambda g: g.export(Path(g.uri).parent / "export.json"),
    "forget": lambda g: g.forget(name(2)),
    "purge": lambda g: g.purge(),
    "threshold": lambda g: g.set_threshold(0.5),
    "calibration": lambda g: g.calibration,
    "encoder": lambda g: g.encoder,
    "history": lambda g: list(g.history(name(2))),
    "audit_problems": lambda g: g.audit_problems(),
    "enrolment_warnings": lambda g: g.enrolment_warnings(name(2)),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(gallery(tmp_path_factory.mktemp("whole") / "g", range(3)).uri)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("harm", [Path.unlink, empty, cut])
@pytest.mark.parametrize("act", ACTS)
def test_a_table_without_its_data_is_an_error_that_names_the_folder(
    whole: Path, tmp_path: Path, act: str, harm: Callable[[Path], None]
) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "g"))
    for path in (folder / "templates.lance" / "data").iterdir():
        harm(path)
    with pytest.raises(MienError, match=f"^{folder}: the gallery can't be read or written"):
        ACTS[act](Gallery(folder))


@pytest.mark.parametrize("harm", [empty, cut])
@pytest.mark.parametrize("act", ["enrol", "identify", "list", "forget"])
def test_a_table_with_a_damaged_list_of_files_is_an_error(
    whole: Path, tmp_path: Path, act: str, harm: Callable[[Path], None]
) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "g"))
    for path in (folder / "templates.lance" / "_versions").iterdir():
        harm(path)
    with pytest.raises(MienError, match=f"^{folder}: the gallery can't be read or written"):
        ACTS[act](Gallery(folder))


@pytest.mark.parametrize("act", ["enrol", "identify"])
def test_a_table_whose_column_has_another_name_is_an_error(
    whole: Path, tmp_path: Path, act: str
) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "g"))
    for path in (folder / "templates.lance" / "_versions").glob("*.manifest"):
        content = path.read_bytes()
        assert b"vector" in content
        path.write_bytes(content.replace(b"vector", b"vectos"))
    with pytest.raises(MienError, match=f"^{folder}: the gallery can't be read or written"):
        ACTS[act](Gallery(folder))


@pytest.mark.parametrize("act", ["enrol", "identify", "list"])
def test_a_table_that_lost_its_list_of_files_is_not_begun_anew(
    whole: Path, tmp_path: Path, act: str
) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "g"))
    shutil.rmtree(folder / "templates.lance" / "_versions")
    with pytest.raises(MienError, match=f"^{folder}: the gallery can't be read or written"):
        ACTS[act](Gallery(folder))


@pytest.mark.parametrize("act", sorted(set(ACTS) - {"encoder"}))
def test_a_folder_that_can_not_be_written_is_an_error(
    whole: Path, tmp_path: Path, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "g"))
    real = private_files.os.open

    def refuse(path: str, flags: int, *rest: int) -> int:
        if str(path).startswith(str(folder)):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, flags, *rest)

    monkeypatch.setattr(private_files.os, "open", refuse)
    with pytest.raises(MienError, match=f"{folder}.*Permission denied"):
        ACTS[act](Gallery(folder))


@pytest.fixture
def full() -> Iterator[None]:
    """Let no file grow beyond 1 kB, which fails as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("act", ["enrol", "forget", "export"])
def test_a_full_disk_is_an_error_and_harms_nothing(
    whole: Path, tmp_path: Path, act: str, request: pytest.FixtureRequest
) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "g"))
    request.getfixturevalue("full")
    with pytest.raises(MienError, match=r"g: |export"):
        ACTS[act](Gallery(folder))
    resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    kept = {record.person: record.templates for record in Gallery(folder).list()}
    if act == "forget":  # what was begun is finished by the next process
        assert kept == {name(0): 3, name(1): 3}
    else:
        assert kept == {name(0): 3, name(1): 3, name(2): 3}
    assert Gallery(folder).audit_problems() == []
    assert not list(tmp_path.glob("*.part"))
