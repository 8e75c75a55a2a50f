"""The settings of training: data, tasks and optimisation."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from mien.dataset.protocols import PROTOCOLS
from mien.errors import MienError
from mien.registry import OneOf


class TrainConfig(BaseModel):
    """Settings of training; the defaults are published unless the description says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str = Field(
        "emotion",
        description="task to train: emotion, person, sentiment or affect (valence, arousal and"
        " dominance), or several that share the encoders, joined by +: emotion+person",
    )
    protocol: Annotated[str, OneOf(PROTOCOLS)] | None = Field(
        None,
        description="protocol that splits the data (default: the strictest that fits; in"
        " cross-validation kfold-speakers)",
    )
    fold: int | None = Field(
        None,
        description="fold to test, from 1; with sessions and loso, the number of the test session"
        " (default: the last)",
    )
    num_folds: int | None = Field(
        None,
        ge=2,
        description="number of folds of kfold-speakers and its like (default: 5)",
    )
    loss: str | None = Field(
        None,
        description="loss of every task that supports it. bce: multi-label (default for emotion,"
        " published); ce: single-label (default for person); l1, mse: absolute or squared error (of"
        " sentiment, default l1; of affect; of the probability of a label); ccc: 1 minus the"
        " concordance correlation over a batch (default for affect)",
    )
    map: dict[str, str] = Field(
        {},
        description="emotions that count as another: calm=neutral,excited=happy (in a recipe"
        " {calm: neutral, excited: happy})",
    )
    balance: bool = Field(True, description="weight labels in the loss by their rarity")
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="label smoothing: share of the target that is uniform"
    )
    mixup: float = Field(
        0.0,
        ge=0,
        le=10,
        description="mix the states of utterances in training, with shares from a beta distribution"
        " of this concentration (mixup); 0: no",
    )
    modality_loss: float = Field(
        0.0, ge=0, description="weight of the loss of each modality's own logits (published: 0)"
    )
    embedding_loss: float = Field(
        0.1, ge=0, description="weight of the margin loss of the speaker embedding (published: 0)"
    )
    modality_dropout: float = Field(
        0.0, ge=0, lt=1, description="probability of modality dropout (published: 0)"
    )
    augment: bool = Field(
        False,
        description="augment training samples at random: speed (not if speakers are identified) and"
        " onset of the audio, masks in the spectrogram; flips, shifts and brightness of faces"
        " (published: no)",
    )
    init: str | None = Field(
        None,
        description="initial weights: a run folder, or a checkpoint (.pt) of the published code"
        " (default: random ones, and those of pretrained encoders)",
    )
    init_modalities: str | None = Field(
        None, description="modalities to initialise from init, letters of t, a, v (default: all)"
    )
    batch_size: int = Field(
        8,
        ge=1,
        description="utterances of a step in each process; of a whole step, devices times as many",
    )
    group_by: Literal["characters", "tokens"] = Field(
        "characters",
        description="length of text by which similar utterances share a batch: characters, or"
        " tokens, with less padding for a text encoder",
    )
    epochs: int = Field(40, ge=1, description="largest number of epochs")
    early_stop: int = Field(
        6, ge=1, description="stop after so many epochs without a better monitored metric"
    )
    train_on_validation: bool = Field(
        False,
        description="train on the validation split, too, and keep the last epoch instead of the"
        " best: for settings that were chosen before, and tasks without thresholds",
    )
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="optimiser")
    lr: float = Field(5e-5, gt=0, description="learning rate")
    text_lr_factor: float = Field(
        10.0,
        gt=0,
        description="divisor of the learning rate of the text encoder, its head and the sparse"
        " attention",
    )
    weight_decay: float = Field(0.0, ge=0, description="weight decay")
    schedule: Literal["constant", "cosine"] = Field(
        "constant", description="schedule of the learning rate"
    )
    warmup: float = Field(0.0, ge=0, lt=1, description="share of all steps for warm-up")
    clip: float | None = Field(None, gt=0, description="largest norm of the gradient, by clipping")
    precision: Literal["32", "bf16"] = Field("32", description="precision of the computation")
    devices: int = Field(
        1,
        ge=1,
        description="number of processes, each with its own GPU or, without GPUs, on the CPU; with"
        " torchrun, the number that it has started",
    )
    strategy: Literal["auto", "ddp", "ddp_spawn"] = Field(
        "auto",
        description="how several processes train: ddp, with the processes of torchrun; ddp_spawn,"
        " with processes that mien starts on this machine; auto: whichever fits",
    )
    workers: int = Field(
        0, ge=0, description="processes that load data, for each process that trains"
    )
    max_seconds: float = Field(60.0, ge=0.1, description="longer utterances are cut to this length")
    cache: bool = Field(
        True,
        description="store the states of frozen pretrained encoders beside the data, for all"
        " trainings; the results are the same without",
    )
    keep_state: bool = Field(
        False, description="keep the training state, three times the weights, after training"
    )
    seed: int = Field(0, ge=0, description="seed of weights, order, dropout and augmentation")

    @field_validator("map", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        """Read the form of the flag."""
        if not isinstance(value, str):
            return value
        pairs = [pair.split("=") for pair in value.split(",")]
        if not all(len(pair) == 2 and all(map(str.strip, pair)) for pair in pairs):
            raise ValueError("write emotions as calm=neutral, several joined by commas")
        found = {one.strip(): other.strip() for one, other in pairs}
        if len(found) < len(pairs):
            raise ValueError("an emotion counts as two others: name it once")
        return found

    @field_validator("task")
    @classmethod
    def _known(cls, task: str) -> str:
        try:
            _losses(task)
        except MienError as error:
            raise ValueError(str(error)) from error
        return task

    @field_validator("loss")
    @classmethod
    def _taken(cls, loss: str | None, info: ValidationInfo) -> str | None:
        task = info.data.get("task")  # None if it is not valid itself
        if loss is not None and task is not None and loss not in (taken := _losses(task)):
            raise ValueError(f"the losses of the task {task} are {', '.join(taken)}")
        return loss


def _losses(task: str) -> list[str]:
    """Return the losses that the tasks support. Raises `MienError` for an unknown task."""
    from mien.tasks import parse_tasks  # imports torch, which the command line does not need

    return list(dict.fromkeys(loss for kind in parse_tasks(task) for loss in kind.losses))
