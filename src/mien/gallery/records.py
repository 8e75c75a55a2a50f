"""What goes into a gallery and what comes out of it."""

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

UNKNOWN = "unknown"
"""The answer for somebody who is not enrolled; nobody can have this name."""


@dataclass(frozen=True)
class Enrolment:
    """Somebody to be enrolled.

    Parameters
    ----------
    person : str
        The name to answer with. It is stored without spaces around it, and in Unicode's composed
        form (NFC); upper and lower case are different names. Invisible characters are refused.
    embeddings : array (T, E)
        One for each clip; only their direction counts.
    clips : sequence of str
        A hash of each clip, which tells where a template comes from, and finds doubles.
    consent : str
        What the person agreed to, when and how: the text, or where it is kept.
    expires : date
        The last day (UTC) on which they are recognised.
    """

    person: str
    embeddings: np.ndarray
    clips: tuple[str, ...]
    consent: str
    expires: date


class Record(BaseModel):
    """What a gallery holds of a person, embeddings aside."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: str = Field(description="their name")
    subject: str = Field(description="the random number that stands for them in the audit log")
    templates: int = Field(description="embeddings stored")
    clips: list[str] = Field(description="hash of the clip of each template, old ones first")
    consents: list[str] = Field(description="what they agreed to, once for each text")
    enrolled: datetime = Field(description="when the first of the templates was stored")
    expires: date = Field(description="the last day of the template that expires last")
    expired: int = Field(description="templates that are no longer matched")


class Candidate(BaseModel):
    """An enrolled person who may be the one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: str = Field(description="their name")
    score: float = Field(description="cosine of the embedding and the mean of their templates")
    probability: float | None = Field(description="that it is they; null before calibration")


class Identification(BaseModel):
    """Who somebody is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: str | None = Field(
        description="the name, or “unknown”; null: not calibrated, so there is no verdict"
    )
    candidates: list[Candidate] = Field(description="persons with near templates, best first")
    threshold: float | None = Field(
        description="score from which on the first candidate is named; null: not calibrated"
    )
    notes: list[str] = Field(default_factory=list, description="what to know about the answer")

    def table(self) -> str:
        """Lay the answer out for reading."""
        width = max((len(candidate.person) for candidate in self.candidates), default=0)
        limit = "" if self.threshold is None else f" (threshold {self.threshold:.3f})"
        lines = [f"  {self.person or 'not calibrated: no verdict'}{limit}"]
        for one in self.candidates:
            probability = "" if one.probability is None else f"  probability {one.probability:.2f}"
            lines.append(f"    {one.person:<{width}}  cosine {one.score:.3f}{probability}")
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])


class Verification(BaseModel):
    """Whether somebody is who they are said to be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: str = Field(description="who they are said to be")
    accepted: bool | None = Field(
        description="whether the score reaches the threshold; null: not calibrated"
    )
    score: float = Field(description="cosine of the embedding and the mean of their templates")
    threshold: float | None = Field(
        description="score from which on they are accepted; null: not calibrated"
    )
