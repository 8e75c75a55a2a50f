"""Why mien says "can't tell" instead of an answer that would be a guess."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mien.modality import Modality

ReasonKind = Literal[
    "nothing to hear",
    "no speech",
    "too noisy",
    "too short",
    "other language",
    "no face",
    "not sure",
]


class Reason(BaseModel):
    """Why a modality is left out, or a task not answered.

    Examples
    --------
    >>> why = "signal-to-noise about 2 dB; at least 5 are needed"
    >>> print(Reason(kind="too noisy", modality="audio", detail=why))
    too noisy (signal-to-noise about 2 dB; at least 5 are needed)
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ReasonKind = Field(description="the rule")
    modality: Modality | None = Field(
        None, description="the modality that can't be used; null for `not sure`"
    )
    task: str | None = Field(None, description="the task that is not answered; null where none is")
    detail: str = Field(description="what was measured, and what is needed")

    def __str__(self) -> str:
        """Format the reason for reading."""
        return f"{self.kind} ({self.detail})"


def distinct(reasons: Iterable[Reason]) -> list[Reason]:
    """Keep the first reason of each kind, modality and task.

    Examples
    --------
    >>> one = Reason(kind="too short", modality="audio", detail="0.2 s")
    >>> len(distinct([one, one.model_copy(update={"detail": "0.1 s"})]))
    1
    """
    found: dict[tuple[str, Modality | None, str | None], Reason] = {}
    for reason in reasons:
        found.setdefault((reason.kind, reason.modality, reason.task), reason)
    return list(found.values())
