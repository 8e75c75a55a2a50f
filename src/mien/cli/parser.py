"""A parser whose errors suggest what may have been meant, and the flag of a parameter."""

import argparse
import os
from collections.abc import Sequence
from typing import Any, NoReturn

from mien.errors import did_you_mean


class Parser(argparse.ArgumentParser):
    """A parser that suggests the nearest known flag, value or command for a wrong one.

    Flags are written in full, so that `--fold` is not taken for `--folds` where there is no other.
    """

    def __init__(self, *, allow_abbrev: bool = False, **settings: Any) -> None:
        super().__init__(allow_abbrev=allow_abbrev, **settings)

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
        hint = did_you_mean(flags[0], self._option_string_actions) if flags else ""
        self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")

    def _print_message(self, message: str, file: Any = None) -> None:
        # every process that torchrun starts parses the same words, and one says what is wrong
        if "TORCHELASTIC_RUN_ID" not in os.environ or os.environ["RANK"] == "0":
            super()._print_message(message, file)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = list(map(str, action.choices))
            hint = did_you_mean(str(value), known)
            why = f"invalid choice: {value!r}{hint}; choose from {', '.join(known)}"
            raise argparse.ArgumentError(action, why)


def spelling(parser: argparse.ArgumentParser, parameter: str) -> str:
    """Return the flag or the positional argument of a command that sets a parameter.

    A parameter that the command does not have keeps its name in Python.

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
