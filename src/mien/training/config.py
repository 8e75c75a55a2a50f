"""What a training run is: the data, the task, and how it is optimised."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainConfig(BaseModel):
    """How a model is trained. The defaults are the published ones except where the text says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Literal["emotion", "person", "sentiment", "both", "emotion+sentiment"] = Field(
        "emotion",
        description="what is learnt; both: emotion and person from one trunk;"
        " emotion+sentiment: these from one trunk",
    )
    protocol: str | None = Field(
        None, description="which utterances train, validate and test (default: the strictest fit)"
    )
    fold: int | None = Field(None, description="session that --protocol sessions tests, from 1")
    loss: Literal["bce", "ce", "l1", "mse"] | None = Field(
        None,
        description="bce: a yes or no for each label (default for emotion, published);"
        " ce: exactly one label is right (default for person); l1, mse: absolute or squared error"
        " (of sentiment, default l1, or of the probability of a yes)",
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
        None, description="modalities to take from --init, letters out of t, a, v (default: all)"
    )
    batch_size: int = Field(
        8,
        ge=1,
        description="utterances a step in each process; a step of all has --devices times as many",
    )
    epochs: int = Field(40, ge=1, description="at most so many passes over the training part")
    early_stop: int = Field(
        6, ge=1, description="stop after so many epochs without a better F1, or error of sentiment"
    )
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adam", description="optimiser")
    lr: float = Field(5e-5, gt=0, description="learning rate")
    text_lr_factor: float = Field(
        10.0,
        gt=0,
        description="text encoder, its head and the sparse attention learn so much slower",
    )
    freeze_text: bool = Field(
        False,
        description="keep the text encoder as pretrained; its head learns at full rate",
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
