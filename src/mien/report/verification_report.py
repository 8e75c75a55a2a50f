"""What verification finds: how well embeddings tell speakers apart, as typed results."""

from pydantic import BaseModel, ConfigDict, Field


class _Result(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_by_name=True, serialize_by_alias=True
    )


class SpeakerInterval(_Result):
    """The interval in which a metric lies for most resamples of the speakers."""

    low: float = Field(description="lower end")
    high: float = Field(description="upper end")
    level: float = Field(description="share of the resamples inside")
    resamples: int = Field(description="in how many the metric is defined")
    by: str = Field(description="what was drawn: person")


class TrialIntervals(_Result):
    """Intervals of `TrialMetrics`, null where there are too few speakers."""

    eer: SpeakerInterval | None
    rank1: SpeakerInterval | None
    min_dcf_01: SpeakerInterval | None = Field(alias="min_dcf_0.01")
    min_dcf_05: SpeakerInterval | None = Field(alias="min_dcf_0.05")


class ByClips(_Result):
    """Enrolment by fewer clips."""

    enrolments: int = Field(description="disjoint sets of so many clips")
    eer: float
    rank1: float | None


class FittedIntervals(_Result):
    """Intervals of `FittedMetrics`, null where there are too few speakers."""

    eer: SpeakerInterval | None
    eer_norm: SpeakerInterval | None
    eer_wccn: SpeakerInterval | None = None
    eer_wccn_norm: SpeakerInterval | None = None
    rank1: SpeakerInterval | None
    rank1_norm: SpeakerInterval | None
    rank1_wccn: SpeakerInterval | None = None
    rank1_wccn_norm: SpeakerInterval | None = None
    cllr: SpeakerInterval | None
    fnir: SpeakerInterval | None
    fpir: SpeakerInterval | None


class FittedMetrics(_Result):
    """Metrics that need fitting, each half of the speakers fitted on the other half."""

    targets: int = Field(description="mated trials within the halves")
    nontargets: int = Field(description="non-mated trials within the halves")
    searches: int
    eer: float | None = Field(description="equal error rate without normalisation")
    eer_norm: float | None = Field(description="and with AS-norm")
    eer_wccn: float | None = Field(None, description="with WCCN")
    eer_wccn_norm: float | None = Field(None, description="with AS-norm after WCCN")
    rank1: float | None = Field(description="share of probes whose speaker is found first")
    rank1_norm: float | None = Field(description="and with AS-norm")
    rank1_wccn: float | None = Field(None, description="with WCCN")
    rank1_wccn_norm: float | None = Field(None, description="with AS-norm after WCCN")
    wccn_shrinkage: tuple[float, float] | None = Field(
        None, description="of the covariance that either half was evaluated with, 0 to 1"
    )
    no_wccn: str | None = Field(None, description="why there is no WCCN")
    cllr: float | None = Field(description="cost of the calibrated scores")
    fnir: float | None = Field(description="false-negative identification rate at a threshold")
    fpir: float | None = Field(description="false-positive identification rate at the same")
    min_cllr: float | None
    intervals: FittedIntervals


class TrialMetrics(_Result):
    """Metrics of one kind of trials; see `mien.metrics.verification.evaluate_trials`."""

    speakers: int = Field(description="speakers enrolled")
    probes: int
    targets: int = Field(description="mated trials")
    nontargets: int = Field(description="non-mated trials")
    clips: tuple[int, int] = Field(description="fewest and most clips of an enrolment")
    eer: float | None = Field(description="equal error rate")
    rank1: float | None = Field(description="share of probes whose speaker is found first")
    min_dcf_01: float | None = Field(alias="min_dcf_0.01", description="cost, 1 % mated")
    min_dcf_05: float | None = Field(alias="min_dcf_0.05", description="cost, 5 % mated")
    rank5: float | None = Field(description="null where all are compared with five or fewer")
    chance: float | None = Field(description="rank 1 of a guess")
    cmc: list[float | None] = Field(description="share found within rank 1, 2, …")
    det: list[tuple[float, float]] = Field(description="false match, false non-match rates")
    intervals: TrialIntervals
    by_clips: dict[str, ByClips]
    cross_fitted: FittedMetrics | None = Field(description="null with fewer than four speakers")


class VerificationRow(_Result):
    """Metrics of one kind of trials on one kind of input."""

    pairing: str = Field(description="clips, sentences, dialogues or sessions")
    about: str = Field(description="the same in words: what enrolled clips are compared with")
    input: str = Field(description="what the encoder takes as input of each clip")
    clips: int = Field(description="clips that have it")
    metrics: TrialMetrics


class VerificationReport(_Result):
    """How well embeddings tell the speakers of data apart; the content of verification.json."""

    source: str = Field(description="the run folder, or the encoder")
    split: str = Field(description="the split: train, valid, test or all")
    trained: int | None = Field(description="speakers that training had; null: other data")
    data: str = Field(description="the prepared data")
    synthetic: bool = Field(description="the data are synthetic")
    clips: int = Field(description="clips whose speaker is known")
    speakers: int = Field(description="speakers")
    rows: list[VerificationRow]
    left_out: list[str] = Field(description="what does not apply, and why")
