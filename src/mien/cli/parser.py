"""A parser that suggests the flag or value that a misspelt one is nearest to."""

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from mien.errors import did_you_mean


class Parser(argparse.ArgumentParser):
    """`argparse.ArgumentParser`, with suggestions."""

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """Parse a command; end with status 2 where it is wrong."""
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self._refuse(getattr(found, "parser", self), unknown)
        return found

    def _refuse(self, command: argparse.ArgumentParser, unknown: Sequence[str]) -> NoReturn:
        flag = next((word for word in unknown if word.startswith("--")), "")
        hint = did_you_mean(flag.partition("=")[0], command._option_string_actions) if flag else ""
        command.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = list(map(str, action.choices))
            hint = did_you_mean(str(value), known)
            why = f"invalid choice: {value!r}{hint}; choose from {', '.join(known)}"
            raise argparse.ArgumentError(action, why)
