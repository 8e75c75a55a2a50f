"""A parser whose errors say what may have been meant, and how it spells a parameter."""

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """A parser that answers a wrong flag or command with the nearest right one.

    Examples
    --------
    >>> parser = Parser(prog="mien")
    >>> _ = parser.add_argument("--protocol")
    >>> parser.nearest("--protocoll")
    "; did you mean '--protocol'?"
    """

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse, and refuse what the parser does not know: the command at hand knows best."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self._refuse(unknown)
        return found, unknown

    def _refuse(self, unknown: list[str]) -> NoReturn:
        flags = [word.partition("=")[0] for word in unknown if word.startswith("-")]
        hints = "".join(self.nearest(flag) for flag in flags[:1])
        self.error(f"unrecognized arguments: {' '.join(unknown)}{hints}")

    def nearest(self, word: str) -> str:
        """Say which flag may have been meant by a wrong one; nothing where none is like it."""
        return suggestion(word, self._option_string_actions)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            hint = suggestion(str(value), map(str, action.choices or ()))
            raise argparse.ArgumentError(action, f"{error.message}{hint}") from None


def suggestion(word: str, known: Iterable[str]) -> str:
    """Say which of the known words may have been meant, to be put behind a message.

    Examples
    --------
    >>> suggestion("trian", ["train", "evaluate"])
    "; did you mean 'train'?"
    >>> suggestion("zzz", ["train", "evaluate"])
    ''
    """
    like = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {like[0]!r}?" if like else ""


def spelling(parser: argparse.ArgumentParser, parameter: str) -> str:
    """Give the flag or the place of a command by which a parameter of Python's is set.

    A parameter that the command does not have keeps its name.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> _ = parser.add_argument("data"), parser.add_argument("-l", "--max-seconds")
    >>> [spelling(parser, name) for name in ("max_seconds", "data", "fold")]
    ['--max-seconds', 'DATA', 'fold']
    """
    for action in parser._actions:
        if action.dest == parameter:
            flags = [flag for flag in action.option_strings if flag.startswith("--")]
            return flags[0] if flags else parameter.upper()
    return parameter
