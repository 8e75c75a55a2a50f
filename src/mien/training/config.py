"""What a training run is: the data, the task, and how it is optimised."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from mien.dataset.protocols import PROTOCOLS
from mien.errors import MienError
from mien.registry import OneOf


class TrainConfig(BaseModel):
    """How a model is trained. The defaults are the published ones except where the text says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str = Field(
        "emotion",
        description="what is learnt: emotion, person, sentiment or affect (valence, arousal and"
        " dominance), or several of them from one trunk, with + between them: emotion+person",
    )
    protocol: Annotated[str, OneOf(PROTOCOLS)] | None = Field(
        None,
        description="which utterances train, validate and test (default: the strictest fit; in"
        " cross-validation kfold-speakers)",
    )
    fold: int | None = Field(
        None,
        description="which fold of the protocol is tested, from 1: for sessions and loso the"
        " session of that number (default: the last)",
    )
    num_folds: int | None = Field(
        None,
        ge=2,
        description="into how many folds kfold-speakers and its like divide the data (default: 5)",
    )
    loss: str | None = Field(
        None,
        description="of every task that takes it. bce: each label is right or not (default for"
        " emotion, published); ce: exactly one label is right (default for person); l1, mse:"
        " absolute or squared error (of sentiment, default l1; of affect; of the probability of a"
        " label); ccc: 1 less the concordance correlation over a batch (default for affect)",
    )
    balance: bool = Field(True, description="weight labels in the loss by their rarity")
    modality_loss: float = Field(
        0.0, ge=0, description="share of the loss of each modality's own answer (published: 0)"
    )
    embedding_loss: float = Field(
        0.1, ge=0, description="share of the person embedding's margin loss (published: 0)"
    )
    modality_dropout: float = Field(
        0.0, ge=0, lt=1, description="chance that training hides a modality (published: 0)"
    )
    augment: bool = Field(
        False,
        description="change training samples at random: speed of the sound (not where persons are"
        " learnt), onset, blanks in the spectrogram; faces mirrored, shifted, brighter (published:"
        " no)",
    )
    init: str | None = Field(
        None,
        description="weights to begin with: a run folder, or a checkpoint (.pt) that the published"
        " code wrote (default: new ones, and the text encoder's own)",
    )
    init_modalities: str | None = Field(
        None, description="modalities to take from init, letters out of t, a, v (default: all)"
    )
    batch_size: int = Field(
        8,
        ge=1,
        description="utterances a step in each process; a step of all has devices times as many",
    )
    epochs: int = Field(40, ge=1, description="at most so many passes over the training split")
    early_stop: int = Field(
        6, ge=1, description="stop after so many epochs without a better monitored metric"
    )
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="optimiser")
    lr: float = Field(5e-5, gt=0, description="learning rate")
    text_lr_factor: float = Field(
        10.0,
        gt=0,
        description="text encoder, its head and the sparse attention learn so much slower",
    )
    weight_decay: float = Field(0.0, ge=0, description="weight decay")
    schedule: Literal["constant", "cosine"] = Field("constant", description="of the learning rate")
    warmup: float = Field(0.0, ge=0, lt=1, description="share of all steps that warm up")
    clip: float | None = Field(None, gt=0, description="largest norm of the gradient")
    precision: Literal["32", "bf16"] = Field("32", description="arithmetic of the network")
    devices: int = Field(
        1,
        ge=1,
        description="processes, each with a GPU of its own or, on a machine without, on the CPU;"
        " under torchrun as many as that has started",
    )
    strategy: Literal["auto", "ddp", "ddp_spawn"] = Field(
        "auto",
        description="how several processes train: ddp, in those of torchrun; ddp_spawn, in some"
        " that mien starts on this machine; auto: whichever fits",
    )
    workers: int = Field(0, ge=0, description="processes that load data, for each that trains")
    max_seconds: float = Field(60.0, ge=0.1, description="longer utterances are cut to this")
    keep_state: bool = Field(
        False, description="keep state/, three times the weights, when training is finished"
    )
    seed: int = Field(0, ge=0, description="of weights, order, dropout and augmentation")

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
        task = info.data.get("task")  # None where it is wrong itself
        if loss is not None and task is not None and loss not in (taken := _losses(task)):
            raise ValueError(f"the task {task} takes {', '.join(taken)}")
        return loss


def _losses(task: str) -> list[str]:
    """Name the losses that one of the tasks takes. Raises `MienError` for an unknown task."""
    from mien.tasks import parse_tasks  # brings torch, which the parser of a command does not need

    return list(dict.fromkeys(loss for kind in parse_tasks(task) for loss in kind.losses))
