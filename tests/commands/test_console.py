"""What a command says while it works, how much of it, and what it answers to wrong words."""

import logging
import subprocess
import warnings
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from mien import cli
from mien.cli.console import console
from mien.errors import MienError
from mien.media.notes import Note

logger = logging.getLogger("mien.somewhere")


def said(capsys: pytest.CaptureFixture[str], **flags: bool) -> list[str]:
    """Give the lines that a command shows of one message of each kind."""
    with console(Namespace(**{"verbose": False, "quiet": False} | flags)):
        logger.debug("a detail")
        logger.info("as users %s it", "know")
        logger.warning("take care")
        warnings.warn(Note(Path("clip.mp4"), None, "odd", "is\nodd"), stacklevel=1)
        warnings.warn("use another function", FutureWarning, stacklevel=1)
        warnings.warn("use another function", DeprecationWarning, stacklevel=1)
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err.splitlines()


def test_messages_are_plain_and_warnings_are_marked(capsys) -> None:
    expected = ["as users know it", "warning: take care", "warning: clip.mp4: is odd"]
    assert said(capsys) == expected
    assert said(capsys, quiet=True) == expected[1:]


def test_verbose_adds_details_and_what_is_for_developers(capsys) -> None:
    lines = said(capsys, verbose=True)
    assert lines[:4] == [
        *("a detail", "as users know it", "warning: take care", "warning: clip.mp4: is odd")
    ]
    assert lines[4].startswith("warning: use another function (")
    assert f"{Path(__file__).name}:" in lines[4]


def test_nothing_is_left_behind(capsys) -> None:
    mien, shows = logging.getLogger("mien"), warnings.showwarning
    before = mien.level, list(mien.handlers)
    said(capsys, verbose=True)
    assert (mien.level, mien.handlers) == before
    assert warnings.showwarning is shows
    logger.info("not to be seen")
    assert capsys.readouterr() == ("", "")


def test_an_error_is_shown_with_the_flag_of_its_parameter(
    mien: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(parameter: str | None) -> str:
        def work(args: Namespace) -> None:
            raise MienError("9 is not one of them", parameter=parameter)

        monkeypatch.setattr("mien.cli.runs._train", work)
        result = mien("train", "data", "--out", "run")
        assert result.returncode == 1
        return result.stderr

    assert fail(None) == "mien: 9 is not one of them\n"
    assert fail("fold") == "mien: --fold: 9 is not one of them\n"
    assert fail("max_seconds") == "mien: --max-seconds: 9 is not one of them\n"
    assert fail("balance") == "mien: --balance: 9 is not one of them\n"
    assert fail("data") == "mien: DATA: 9 is not one of them\n"
    assert fail("glove") == "mien: glove: 9 is not one of them\n", "another command's"


def test_a_published_command_shows_its_own_spelling(
    capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.published.cli import main

    def work(*_: object) -> None:
        raise MienError("give another", parameter="lr")

    monkeypatch.setattr("mien.published.cli._reproduce", work)
    assert main(["-bs=2", "-lr=1", "-ep=1", "-mod=tav"]) == 1
    assert capsys.readouterr().err == "main.py: --learning-rate: give another\n"


def test_what_training_says_of_an_interruption_is_shown(capsys) -> None:
    def work() -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise MienError("interrupted; resume the run in r to go on") from error

    args = Namespace(verbose=False, quiet=False, debug=False)
    assert cli.attempt(work, "mien", args, str) == 1
    assert capsys.readouterr().err == "mien: interrupted; resume the run in r to go on\n"


def test_verbosity_is_a_flag_of_every_command_and_action(
    mien: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    for typed in (["gallery", "-q", "here", "list"], ["gallery", "here", "list", "--quiet"]):
        seen: list[bool] = []
        monkeypatch.setattr(
            "mien.cli.gallery.open_gallery", lambda args, s=seen: s.append(args.quiet)
        )
        mien(*typed)
        assert seen == [True]


@pytest.mark.parametrize(
    ("typed", "usage", "told", "hint"),
    [
        (["trian", "data"], "mien", "invalid choice: 'trian'", "(did you mean train?)"),
        (
            ["gallery", "here", "lst"],
            "mien gallery",
            "invalid choice: 'lst'",
            "(did you mean list?)",
        ),
        (
            ["train", "data", "--out", "run", "--protocoll", "given"],
            "mien train",
            "unrecognized arguments: --protocoll given",
            " (did you mean --protocol?)",
        ),
        (["inspect", "data", "--zzz=3"], "mien inspect", "unrecognized arguments: --zzz=3", ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_word_is_answered_with_the_nearest_right_one(
    program: Callable[..., subprocess.CompletedProcess[str]],
    typed: list[str],
    usage: str,
    told: str,
    hint: str,
) -> None:
    result = program(*typed)
    assert result.returncode == 2
    assert result.stderr.startswith(f"usage: {usage} [")
    last = result.stderr.splitlines()[-1]
    assert told in last
    assert hint in last if hint else last.endswith("--zzz=3")


@pytest.mark.parametrize(
    ("rank", "told"), [(None, True), ("0", True), ("1", False)], ids=["alone", "first", "second"]
)
def test_a_wrong_command_of_a_torchrun_job_is_told_once(
    mien: Callable, monkeypatch: pytest.MonkeyPatch, rank: str | None, told: bool
) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    if rank is not None:
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setenv("RANK", rank or "1")  # set by other launchers, too
    result = mien("train", "data", "--out", "run", "--lr")
    assert result.returncode == 2
    assert result.stdout == ""
    assert ("mien train: error: argument --lr: expected one argument" in result.stderr) is told
    assert bool(result.stderr) is told
