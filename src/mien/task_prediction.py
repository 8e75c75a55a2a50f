"""The prediction for one task of one clip."""

from pydantic import BaseModel, ConfigDict, Field


class TaskPrediction(BaseModel):
    """What a model predicts for one task."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decision: list[str] = Field(
        description="the predicted labels: the most likely one where each training clip has exactly"
        " one; otherwise those above their threshold together with the most likely one, or none if"
        " all are below; for sentiment its name; none for valence, arousal and dominance"
    )
    above_threshold: list[str] | None = Field(
        None, description="the labels above their threshold; null if the task has no thresholds"
    )
    scores: dict[str, float] = Field(
        default_factory=dict,
        description="the score of each label, from 0 to 1; none if the task predicts numbers",
    )
    values: dict[str, float] = Field(
        default_factory=dict,
        description="the predicted numbers by name: sentiment, from -3 (negative) to 3 (positive);"
        " or valence, arousal and dominance, on the scale of the training data; none for labels",
    )

    def __str__(self) -> str:
        """Format the decision for reading."""
        if self.values and not self.decision:
            return ", ".join(f"{name} {value:.2f}" for name, value in self.values.items())
        if self.values:
            numbers = ", ".join(f"{value:+.2f}" for value in self.values.values())
            return f"{', '.join(self.decision)} ({numbers})"
        return ", ".join(self.decision) or f"no label above its threshold{self._highest()}"

    def _highest(self) -> str:
        if not self.scores:
            return ""
        label = max(self.scores, key=self.scores.__getitem__)
        return f" (highest: {label} {self.scores[label]:.2f})"

    def threshold_note(self) -> str | None:
        """List the labels above their threshold, if the decision is another list."""
        if self.above_threshold is None or self.above_threshold == self.decision:
            return None
        return f"above their threshold: {', '.join(self.above_threshold) or 'none'}"
