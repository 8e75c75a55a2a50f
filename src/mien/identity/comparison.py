"""Whether two clips show the same person."""

from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mien.files import fingerprint
from mien.identity.embedder import NOT_CALIBRATED, Encoder, cosine, shipped_threshold


class Comparison(BaseModel):
    """How similar two clips are, and whether they show the same person."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clips: tuple[str, str] = Field(description="the two files")
    same_person: bool | None = Field(
        description="whether the cosine reaches the threshold; null: no threshold is known"
    )
    cosine: float = Field(description="similarity of the two embeddings, from -1 to 1")
    threshold: float | None = Field(description="cosine from which on it is the same person")
    notes: list[str] = Field(default_factory=list, description="what to know about the result")

    def table(self) -> str:
        """Write the result for reading."""
        if self.same_person is None:
            head = f"not calibrated: no verdict (cosine {self.cosine:.3f})"
        else:
            who = "the same person" if self.same_person else "not the same person"
            head = f"{who} (cosine {self.cosine:.3f}, threshold {self.threshold:.3f})"
        return "\n".join([head, *(f"note: {note}" for note in self.notes)])


def compare(
    encoder: Encoder, one: str | Path, other: str | Path, threshold: float | None = None
) -> Comparison:
    """Say whether two clips show the same person.

    Parameters
    ----------
    encoder : Encoder
        What embeds them.
    one, other : path
        The clips.
    threshold : float, optional
        Cosine from which on it is the same person; by default the one measured for the encoder. An
        encoder that was never measured gives no verdict.

    Raises
    ------
    MienError
        A clip can't be read, or shows nobody.
    """
    clips, notes = (Path(one), Path(other)), []

    def warn(clip: Path, what: str) -> None:
        notes.append(f"{clip}: {what}")

    score = cosine(*(encoder.embed(clip, partial(warn, clip)) for clip in clips))
    if len({fingerprint(clip) for clip in clips}) == 1:
        notes.append("both clips are the same file, which says nothing about who is in it")
    shipped = shipped_threshold(encoder.fingerprint)
    if threshold is None and shipped is not None:
        threshold = shipped.value
        notes.append(f"the threshold is the encoder's: {shipped.origin}")
    elif threshold is None:
        notes.append(
            f"{NOT_CALIBRATED}: measure how well it tells speakers apart (mien verification), and"
            " give a threshold"
        )
    return Comparison(
        clips=(str(one), str(other)),
        same_person=None if threshold is None else score >= threshold,
        cosine=score,
        threshold=threshold,
        notes=notes,
    )
