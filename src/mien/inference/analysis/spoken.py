"""What is said in a recording: turns with their speakers and words."""

from pydantic import BaseModel, ConfigDict

from mien.inference.timeline import NameOrigin, Word
from mien.turn import Mark


class SpokenTurn(BaseModel):
    """A turn with its words; times are seconds from where the analysis begins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    start: float
    end: float
    speaker: str | None = None
    mark: Mark | None = None
    text: str | None = None
    words: list[Word] = []

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start

    def shared(self, start: float, end: float) -> float:
        """Return for how many seconds a span lies within the turn."""
        return max(0.0, min(self.end, end) - max(self.start, start))


class Speech(BaseModel):
    """Who says what in a recording, and when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    turns: list[SpokenTurn] = []
    origins: dict[str, NameOrigin] = {}
    language: str | None = None
    notes: list[str] = []
