"""What a model says to one task of one clip."""

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """The answer to one task."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: list[str] = Field(
        description="the most likely label where training had one a clip; else the labels above"
        " their threshold and with them the most likely one, none where all are below; or sentiment"
        " in words; none for valence, arousal and dominance"
    )
    above_threshold: list[str] | None = Field(
        None, description="the labels above their threshold; null where the task has none"
    )
    scores: dict[str, float] = Field(
        default_factory=dict,
        description="score of each label, from 0 to 1; none where the task asks for numbers",
    )
    values: dict[str, float] = Field(
        default_factory=dict,
        description="the numbers, by name: sentiment, from -3 (negative) to 3 (positive); or"
        " valence, arousal and dominance, on the scale of the training data; none for labels",
    )

    def __str__(self) -> str:
        """Give the decision for reading."""
        if self.values and not self.decision:
            return ", ".join(f"{name} {value:.2f}" for name, value in self.values.items())
        if self.values:
            numbers = ", ".join(f"{value:+.2f}" for value in self.values.values())
            return f"{', '.join(self.decision)} ({numbers})"
        return ", ".join(self.decision) or f"none above its threshold{self._highest()}"

    def _highest(self) -> str:
        if not self.scores:
            return ""
        label = max(self.scores, key=self.scores.__getitem__)
        return f" (highest: {label} {self.scores[label]:.2f})"

    def beside(self) -> str | None:
        """Say which labels are above their threshold, where the decision does not say it."""
        if self.above_threshold is None or self.above_threshold == self.decision:
            return None
        return f"above their threshold: {', '.join(self.above_threshold) or 'none'}"
