"""Registries of what is chosen by name: mien's own, and what plugins add."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mien.errors import MienError, did_you_mean
from mien.plugins import load_plugins

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

T = TypeVar("T")


class Registry(dict[str, T]):
    """Entries of one kind by name, in the order in which they were registered.

    It is read as a dict. Only a look-up by ``[name]`` differs: for an unknown name plugins are
    loaded first, and then the error suggests similar names.

    Parameters
    ----------
    kind : str
        What to call an entry in messages, such as "protocol".

    Examples
    --------
    >>> colours: Registry[int] = Registry("colour")
    >>> colours.register("crimson", 0xDC143C)
    >>> colours["crimzon"]
    Traceback (most recent call last):
    mien.errors.MienError: no colour 'crimzon' (did you mean crimson?); choose from crimson
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def register(self, name: str, entry: T) -> None:
        """Add an entry under a new name.

        Raises
        ------
        MienError
            The name is taken, or has other characters than a command line and a list take.
        """
        if not name.replace("-", "").replace("_", "").isalnum():
            raise MienError(f"{name!r} cannot name a {self.kind}: use letters, digits, - and _")
        if self.get(name, entry) is not entry:
            raise MienError(f"there is a {self.kind} {name!r} already: give this one another name")
        self[name] = entry

    def __missing__(self, name: str) -> T:
        load_plugins()
        if name in self:
            return self[name]
        meant = did_you_mean(str(name), self)
        raise MienError(f"no {self.kind} {name!r}{meant}; choose from {', '.join(self)}")


@dataclass(frozen=True, eq=False)  # a registry has no hash, and typing asks for one
class OneOf:
    """Marks a setting as the name of a registered entry, in ``Annotated[str, OneOf(...)]``.

    Pydantic then refuses other names, and the command line lists the known ones.

    Parameters
    ----------
    registry : Registry
        Where the name is looked up.
    """

    registry: Registry[Any]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Check the name after pydantic has checked that it is text."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def _known(self, name: str) -> str:
        try:
            self.registry[name]
        except MienError as error:
            raise ValueError(str(error)) from error
        return name
