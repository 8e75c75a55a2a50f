"""Files are written atomically and durably."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mien.errors import MienError
from mien.files import check_writable, only_one, publish, write_text


def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record what is synced and renamed, in order."""
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        name = Path(os.readlink(f"/proc/self/fd/{descriptor}")).name
        done.append(f"sync {name}")
        sync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        done.append(f"rename {path.name}")
        return replace(path, target)

    monkeypatch.setattr("os.fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    return done


def test_a_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, part = order(monkeypatch), f"a.json.{os.getpid()}.part"
    write_text(tmp_path / "a.json", "{}")
    assert done == [f"sync {part}", f"rename {part}", f"sync {tmp_path.name}"]


def test_a_folder_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = tmp_path / "draft"
    (draft / "below").mkdir(parents=True)
    (draft / "below" / "file").write_text("x")
    done = order(monkeypatch)
    publish(draft, tmp_path / "folder")
    assert sorted(done[:3]) == ["sync below", "sync draft", "sync file"]
    assert done[3:] == ["rename draft", f"sync {tmp_path.name}"]
    assert (tmp_path / "folder" / "below" / "file").read_text() == "x"


def test_temporary_files_of_killed_writers_alone_are_removed(
    tmp_path: Path,
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    kept = [f"a.json.{os.getppid()}.part", f"b.json.{gone.pid}.part", "a.json.mine.part"]
    for name in (f"a.json.{gone.pid}.part", *kept):
        (tmp_path / name).write_text("half")
    write_text(tmp_path / "a.json", "{}")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a.json", *kept])


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_failed_write_names_the_file_and_keeps_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    write_text(tmp_path / "a.json", "old")

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(MienError) as error:
        write_text(tmp_path / "a.json", "new")
    path = tmp_path / "a.json"
    assert str(error.value) == f"{path}: can't be written ({os.strerror(number)})"
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.json", "old")]


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from mien.errors import MienError; from mien.files import write_text\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_text(Path(sys.argv[1]), 'x' * 5000)\n"
        "except MienError as error: print(error)"
    )
    run = [sys.executable, "-c", code, str(tmp_path / "a.json")]
    shown = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert shown == f"{tmp_path / 'a.json'}: can't be written (File too large)\n"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_checked_before_the_work(tmp_path: Path) -> None:
    check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    for folder in (tmp_path / "none", Path("/proc")):
        with pytest.raises(MienError, match="can't be written") as error:
            check_writable(folder)
        assert str(error.value).startswith(f"{folder}: ")


def test_a_locked_folder_keeps_others_out(tmp_path: Path) -> None:
    with only_one(tmp_path, "mien prepare"):
        with (
            pytest.raises(MienError, match="another 'mien prepare' is at work"),
            only_one(tmp_path, "mien prepare"),
        ):
            pytest.fail("two hold the lock")
        with only_one(tmp_path.parent, "mien prepare"):
            pass
    with only_one(tmp_path, "mien prepare"):
        assert list(tmp_path.iterdir()) == []
