"""Things that are chosen by name: those of mien, and those that plugins add."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mien.errors import MienError, did_you_mean
from mien.plugins import load_plugins

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

T = TypeVar("T")


class Registry(dict[str, T]):
    """Things of one kind by their names, in the order in which they were registered.

    It is read as a dict. Only a look-up by ``[name]`` differs: where nothing has the name, plugins
    are loaded first, and then the error says what may have been meant.

    Parameters
    ----------
    kind : str
        What to call one of them in messages, such as "protocol".

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

    def register(self, name: str, thing: T) -> None:
        """Add something under a name that nothing else has.

        Raises
        ------
        MienError
            The name is taken, or no word: it is typed on command lines and listed with commas.
        """
        if not name.replace("-", "").replace("_", "").isalnum():
            raise MienError(f"{name!r} cannot name a {self.kind}: use letters, digits, - and _")
        if self.get(name, thing) is not thing:
            raise MienError(f"there is a {self.kind} {name!r} already: give this one another name")
        self[name] = thing

    def __missing__(self, name: str) -> T:
        load_plugins()
        if name in self:
            return self[name]
        meant = did_you_mean(str(name), self)
        raise MienError(f"no {self.kind} {name!r}{meant}; choose from {', '.join(self)}")


@dataclass(frozen=True, eq=False)  # a registry has no hash, and typing asks for one
class OneOf:
    """Marks a setting as the name of something registered, in ``Annotated[str, OneOf(...)]``.

    Pydantic then refuses other names, and the command line lists those that there are.

    Parameters
    ----------
    registry : Registry
        Where it is looked up.
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
