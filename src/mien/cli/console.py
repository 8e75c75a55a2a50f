"""What a command reports while it works: log messages and warnings, on standard error."""

import argparse
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

FOR_DEVELOPERS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)
"""Categories of warnings that a user of a command can do nothing about."""

logger = logging.getLogger("mien")


def add_output(parser: argparse._ActionsContainer, *, again: bool = False) -> None:
    """Add the flags that every command has.

    With `again` the parser is of an action within a command, where they were added before.
    """
    default: Any = argparse.SUPPRESS if again else False
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument(
        *("-v", "--verbose"),
        action="store_true",
        default=default,
        help="also show details, and warnings of libraries",
    )
    how_much.add_argument(
        *("-q", "--quiet"),
        action="store_true",
        default=default,
        help="show only results, warnings and errors",
    )
    parser.add_argument(
        "--debug", action="store_true", default=default, help="show a traceback on errors"
    )


@contextmanager
def console(args: argparse.Namespace) -> Iterator[None]:
    """Show mien's log messages and Python's warnings as lines, while a command works.

    Parameters
    ----------
    args : Namespace
        The flags of `add_output`.
    """
    handler = _Lines()
    handler.setFormatter(_Plain("%(message)s"))
    level = logging.DEBUG if args.verbose else logging.WARNING if args.quiet else logging.INFO
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        with warnings.catch_warnings():
            if not args.verbose and not sys.warnoptions:
                for category in FOR_DEVELOPERS:
                    warnings.simplefilter("ignore", category)
                warnings.filterwarnings("ignore", category=UserWarning, module="lightning")
            warnings.showwarning = _show_warning
            yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)


class _Lines(logging.Handler):
    """A line on standard error for each message, above a bar where one is shown."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
            if bars := sys.modules.get("tqdm"):
                bars.tqdm.write(line, file=sys.stderr)
            else:
                print(line, file=sys.stderr)
        except Exception:  # a Handler must not raise: it hands any error to handleError
            self.handleError(record)


class _Plain(logging.Formatter):
    """Plain information; warnings and errors are prefixed with their level."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        return line if record.levelno < logging.WARNING else f"{record.levelname.lower()}: {line}"


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning in one line, with its origin if it is for developers."""
    where = "" if issubclass(category, UserWarning) else f" ({filename}:{lineno})"
    logger.warning("%s%s", " ".join(str(message).split()), where)
