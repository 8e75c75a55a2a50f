"""The command line: it parses, calls and prints, and does nothing else."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from mien import __version__
from mien.cli import clips, data, enrol, export, gallery, models, project, runs, studies, timeline
from mien.cli.console import add_output, console
from mien.cli.parser import Parser, spelling
from mien.encoding import readable
from mien.errors import MienError
from mien.hub import OFFLINE
from mien.plugins import load_plugins
from mien.threads import use_threads, wait_briefly

COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "demo": ("generate a synthetic corpus, train models on it and evaluate them", project.demo),
    "prepare": ("prepare a corpus for training", data.prepare),
    "inspect": ("summarise prepared data, and how much each protocol leaks", data.inspect),
    "features": ("extract hand-crafted features for the baselines", data.features),
    "train": ("train a model", runs.train),
    "evaluate": ("evaluate a trained model", runs.evaluate),
    "baseline": ("cross-validate a linear model on fixed features", studies.baseline),
    "compare": ("compare runs and studies, with tests of their differences", studies.compare),
    "errors": ("list the worst predictions, with their media", studies.errors),
    "cv": ("cross-validate a model over folds and seeds", studies.cv),
    "verification": ("evaluate speaker verification, also of unseen speakers", runs.verification),
    "report": ("write a page of a run's metrics and learning curves", runs.report),
    "predict": ("predict how a person feels and who they are", clips.predict),
    "timeline": (
        "analyse a long recording: who says what, when, in which tone, with which face",
        timeline.timeline,
    ),
    "explain": ("draw attention maps of a sparse model for a clip", clips.explain),
    "enrol": ("enrol a person in a gallery, from clips", enrol.enrol),
    "identify": ("identify the person in a clip among those of a gallery", gallery.identify),
    "verify": ("tell whether two clips are of the same person", gallery.verify),
    "forget": ("delete a person from a gallery", gallery.forget),
    "gallery": ("manage a gallery", gallery.gallery),
    "models": ("list pretrained weights with their licences, fetch or find them", models.models),
    "publish": ("upload a run to the Hugging Face Hub, or write what would be", models.publish),
    "export": ("write a model as a file for ONNX Runtime", export.export),
    "bench": ("run the benchmarks of a checkout", project.bench),
}
"""For each command its help, and a function that adds its arguments and its handler to a parser."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 done, 1 the work failed, 2 the command was wrong."""
    begin()
    words = _words(sys.argv[1:] if arguments is None else arguments)
    try:
        load_plugins()
        parser = build_parser()
    except MienError as error:  # of a plugin: nothing is parsed yet
        if "--debug" in words:
            raise
        print(f"mien: {error}", file=sys.stderr)
        return 1
    args = parser.parse_args(words)
    return attempt(lambda: _handle(args), "mien", args, partial(spelling, args.parser))


def begin() -> None:
    """Set this process up, before anything is printed and before torch is imported."""
    wait_briefly()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # its warnings are for developers
    for stream in (sys.stdout, sys.stderr):
        # a character that the terminal can't show must not end the command
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def attempt(
    work: Callable[[], None],
    program: str,
    args: argparse.Namespace,
    spell: Callable[[str], str],
) -> int:
    """Do the work of a command; return 0 done, 1 failed, with one line that says why.

    Parameters
    ----------
    work : callable
        What to do.
    program : str
        The name of the program, for that line.
    args : Namespace
        The flags of `add_output`.
    spell : callable
        Gives the flag of a parameter by its name in Python.
    """
    try:
        with console(args):
            work()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Exception, KeyboardInterrupt) as error:
        if args.debug:
            raise
        print(f"{program}: {readable(_message(error, spell))}", file=sys.stderr)
        return 1
    return 0


def _handle(args: argparse.Namespace) -> None:
    for name, value in vars(args).items():
        if isinstance(value, str):
            setattr(args, name, _decoded(name, value))
    if getattr(args, "threads", None) is not None:
        use_threads(args.threads)
    if getattr(args, "offline", False):
        os.environ[OFFLINE] = "1"
    args.handler(args)


def _decoded(name: str, value: str) -> str:
    """Read an argument as UTF-8, whatever Python made of bytes that its locale does not know."""
    try:
        return value.encode("utf-8", "surrogateescape").decode()
    except UnicodeError as error:
        raise MienError(
            f"{value!a} is not valid UTF-8: use a terminal that is set to UTF-8, or give text in a"
            " file (--transcript)",
            parameter=name,
        ) from error


def _words(arguments: Sequence[str]) -> list[str]:
    """Tell files whose names begin with a dash, as YouTube's may, from flags."""
    return [
        f"./{word}" if word.startswith("-") and Path(word).suffix and os.path.isfile(word) else word
        for word in arguments
    ]


def _message(error: BaseException, spell: Callable[[str], str] = str) -> str:
    # what training says of an interruption tells how to go on
    if _interrupted(error) and not str(error).startswith("interrupted; "):
        return "interrupted"
    if isinstance(error, MienError):
        return (
            error.message
            if error.parameter is None
            else f"{spell(error.parameter)}: {error.message}"
        )
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    return f"unexpected {type(error).__name__}: {error} (--debug shows where)"


def _interrupted(error: BaseException | None) -> bool:
    """Tell whether Ctrl-C is behind an error: modules that it meets halfway fail in many ways."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of all commands."""
    parser = Parser(
        prog="mien", description="Recognise how a person feels and who they are in a recording."
    )
    parser.add_argument("--version", action="version", version=f"mien {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (about, fill) in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=about)
        fill(command)
        add_output(command.add_argument_group("output"))
        command.set_defaults(parser=command)
    return parser
