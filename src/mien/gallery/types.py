"""The types of a gallery's interface: what goes in, and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

UNKNOWN = "unknown"
"""The result for somebody who is not enrolled; nobody can have this name."""

COPY_MARK = "#"
"""Stands between the hash of a clip and the number of an augmented copy of it."""


def copy_key(clip: str, number: int) -> str:
    """Name an augmented copy of a clip, 1 and up; number 0 is the clip itself."""
    return f"{clip}{COPY_MARK}{number}" if number else clip


def clip_of(key: str) -> str:
    """Give the hash of the clip that a template comes from, itself or by an augmented copy.

    >>> clip_of(copy_key("9f86d0", 2)), clip_of("9f86d0")
    ('9f86d0', '9f86d0')
    """
    return key.partition(COPY_MARK)[0]


@dataclass(frozen=True)
class Enrolment:
    """A person to be enrolled.

    Parameters
    ----------
    person : str
        The name to identify them by. It is stored without spaces around it, in Unicode's composed
        form (NFC); upper and lower case are different names. Invisible characters are refused.
    embeddings : array (T, E)
        One for each clip; only their direction counts.
    clips : sequence of str
        A hash of each clip, which tells where a template comes from, and finds duplicates. An
        augmented copy of a clip is named by `copy_key`.
    consent : str
        What the person agreed to, when and how: the text, or where it is kept.
    expires : date
        The last day (UTC) on which they are recognised.
    states : mapping of str to array (K,)
        By the hash of a clip what a model needs that predicts relative to it. Empty: nothing.
    """

    person: str
    embeddings: np.ndarray
    clips: tuple[str, ...]
    consent: str
    expires: date
    states: Mapping[str, np.ndarray] = field(default_factory=dict)


class Record(BaseModel):
    """What a gallery holds of a person, embeddings aside."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: str = Field(description="their name")
    subject: str = Field(description="the random number that stands for them in the audit log")
    templates: int = Field(description="embeddings stored, those of augmented copies too")
    clips: list[str] = Field(description="hash of each clip, oldest first")
    consents: list[str] = Field(description="what they agreed to, each text once")
    enrolled: datetime = Field(description="when the first of the templates was stored")
    expires: date = Field(description="the last day of the template that expires last")
    expired: int = Field(description="templates that are no longer matched")
    references: dict[str, int] = Field(
        default_factory=dict,
        description="clips relative to which models can predict, by the model's fingerprint",
    )


class Candidate(BaseModel):
    """An enrolled person who may be the one in the clip."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: str = Field(description="their name")
    score: float = Field(description="cosine of the embedding and the mean of their templates")
    probability: float | None = Field(description="that it is this person; null before calibration")


class Identification(BaseModel):
    """Who is in a clip."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: str | None = Field(
        description="the name, or “unknown”; null: not calibrated, so there is no verdict"
    )
    candidates: list[Candidate] = Field(description="persons with similar templates, best first")
    threshold: float | None = Field(
        description="score from which on the first candidate is named; null: not calibrated"
    )
    notes: list[str] = Field(default_factory=list, description="what to know about the result")

    def table(self) -> str:
        """Write the result for reading."""
        width = max((len(candidate.person) for candidate in self.candidates), default=0)
        limit = "" if self.threshold is None else f" (threshold {self.threshold:.3f})"
        lines = [f"  {self.person or 'not calibrated: no verdict'}{limit}"]
        for one in self.candidates:
            line = f"    {one.person:<{width}}  cosine {one.score:.3f}"
            known = one.probability is not None
            lines.append(f"{line}  probability {one.probability:.2f}" if known else line)
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])


class Verification(BaseModel):
    """Whether a clip shows the person it is claimed to show."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: str = Field(description="the name of the claimed person")
    accepted: bool | None = Field(
        description="whether the score reaches the threshold; null: not calibrated"
    )
    score: float = Field(description="cosine of the embedding and the mean of their templates")
    threshold: float | None = Field(
        description="score from which on they are accepted; null: not calibrated"
    )
