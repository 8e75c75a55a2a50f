"""Plugins: third-party modules that register corpora, protocols, encoders or tasks.

Only the installation and whoever runs the command can name plugins, never data or run folders.
"""

import os
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from mien.errors import MienError

GROUP = "mien.plugins"
"""The entry points by which an installed distribution names its modules."""

VARIABLE = "MIEN_PLUGINS"
"""The environment variable that names further modules, separated by commas."""


def load_plugins() -> None:
    """Import every plugin, so that what it registers can be chosen by name.

    The command line calls this at its start, and `mien.registry` before it refuses a name. So
    worker processes and scripts, which inherit the environment, know the same names. Each module is
    imported once.

    Raises
    ------
    MienError
        A module cannot be imported.

    Examples
    --------
    >>> load_plugins()
    """
    for module, origin in (*_named(), *_installed()):
        try:
            import_module(module)
        except Exception as error:
            why = str(error) if isinstance(error, MienError) else f"{type(error).__name__}: {error}"
            raise MienError(
                f"the plugin {module}, named by {origin}, cannot be imported ({why}):"
                " repair it or remove it"
            ) from error


def _named() -> Iterator[tuple[str, str]]:
    """Give the modules that the environment names."""
    for module in os.environ.get(VARIABLE, "").split(","):
        if module.strip():
            yield module.strip(), VARIABLE


@cache
def _installed() -> tuple[tuple[str, str], ...]:
    """Give the modules that installed distributions name; scanning them is slow, so done once."""
    from importlib.metadata import entry_points

    return tuple(
        (point.module, f"the package {point.dist.name}" if point.dist else f"a {GROUP} entry point")
        for point in entry_points(group=GROUP)
    )
