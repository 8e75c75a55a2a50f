"""The command line that Dai et al. published with their code, and what each option is in mien."""

from pathlib import Path

from mien.published.option import MODELS, Option, one_of, parse_letters, parse_sizes

UNLIMITED = 86_400.0
"""Seconds of an utterance that are used: a day, since the published code sets no limit."""

END_TO_END, BASELINES = MODELS[:2], MODELS[2:]
LOSSES = ("l1", "mse", "ce", "bce")

REPRODUCED = {
    "model.audio_spectrogram": ("published", END_TO_END),
    "model.embedding_size": (0, MODELS),
    "model.weight_init": ("published", MODELS),
    "training.max_seconds": (UNLIMITED, MODELS),
    "model.attention": ("published", ("mme2e_sparse",)),
    "model.text_rnn_state": ("published", ("lf_rnn",)),
}
"""What the published code does where mien's own default is another, and for which models."""


OPTIMISERS, FUSIONS = ("adam", "sgd"), ("concat", "attention")
KNOWN_FUSIONS = (*FUSIONS, "weighted")
THERE = "as it does in the published code"


OPTIONS = (
    # training
    Option(
        ("-bs", "--batch-size"), int, ..., "utterances per training step", "training.batch_size"
    ),
    Option(("-lr", "--learning-rate"), float, ..., "learning rate", "training.lr"),
    Option(("-wd", "--weight-decay"), float, 0.0, "weight decay", "training.weight_decay"),
    Option(("-ep", "--epochs"), int, ..., "largest number of epochs", "training.epochs"),
    Option(
        ("-es", "--early-stop"),
        int,
        5,
        "stop after this many epochs without a better F1 on the validation split",
        "training.early_stop",
    ),
    Option(
        ("-cu", "--cuda"),
        str,
        "0",
        "number of the GPU; if it does not exist, the first GPU or the CPU is used, with a note",
    ),
    Option(
        ("-cl", "--clip"),
        float,
        -1.0,
        "largest norm of the gradient; 0 or less: no clipping",
        "training.clip",
        lambda norm: norm if norm > 0 else None,
    ),
    Option(
        ("-sc", "--scheduler"),
        bool,
        False,
        "cosine schedule of the learning rate, to 0, step by step",
        "training.schedule",
        lambda on: "cosine" if on else "constant",
    ),
    Option(("-se", "--seed"), int, 0, "seed of everything random", "training.seed"),
    Option(("--loss",), str, "bce", "loss of the labels", "training.loss", choices=LOSSES),
    Option(
        ("--optim",),
        str,
        "adam",
        "optimiser: adam or sgd; any other name means adam, which the published code always uses",
        "training.optimizer",
        one_of(OPTIMISERS, "adam"),
        note=lambda name: f"means adam, {THERE}" * (name.lower() not in OPTIMISERS),
    ),
    Option(
        ("--text-lr-factor",),
        float,
        10.0,
        "factor by which the learning rate of the text encoder and its head is lower",
        "training.text_lr_factor",
        models=END_TO_END,
    ),
    # the model
    Option(
        ("-mo", "--model"),
        str,
        "mme2e",
        "architecture",
        "model.model",
        lambda name: name.replace("_", "-"),
        choices=MODELS,
    ),
    Option(
        ("--text-model-size",),
        str,
        "base",
        "size of ALBERT v2: from a folder albert-SIZE-v2 in the working directory, or from the hub"
        " or its cache; if it is in none of them MiniLM is used, with a note",
        "model.text_model",
        "albert-{}-v2".format,
        END_TO_END,
        ("base", "large", "xlarge"),
    ),
    Option(
        ("--fusion",),
        str,
        "early",
        "concat, attention: mien's own; any other word means the published weighted sum of logits",
        "model.fusion",
        one_of(FUSIONS, "weighted"),
        note=lambda kind: f"means weighted, {THERE}" * (kind.lower() not in KNOWN_FUSIONS),
    ),
    Option(
        ("--feature-dim",),
        int,
        256,
        "no effect, as in the published code: --trans-dim sets the width of a modality's state",
        models=(),
    ),
    Option(
        ("-st", "--sparse-threshold"),
        float,
        0.9,
        "share of the attention that is kept",
        "model.sparse_threshold",
        models=("mme2e_sparse",),
    ),
    Option(
        ("-hfcs", "--hfc-sizes"),
        list,
        [300, 144, 35],
        "hand-crafted features per step of text, audio and video, as 300 144 35 or"
        " [300, 144, 35]; if the data have other sizes these are used, with a note",
        "model.feature_sizes",
        parse_sizes,
        BASELINES,
    ),
    Option(
        ("--trans-dim",),
        int,
        512,
        "width of the temporal transformers",
        "model.temporal_dim",
        models=END_TO_END,
    ),
    Option(
        ("--trans-nlayers",),
        int,
        2,
        "layers of the temporal transformers",
        "model.temporal_layers",
        models=(*END_TO_END, "lf_transformer"),
    ),
    Option(
        ("--trans-nheads",),
        int,
        8,
        "heads of the temporal transformers",
        "model.temporal_heads",
        models=END_TO_END,
    ),
    Option(
        ("-aft", "--audio-feature-type"),
        int,
        0,
        "0 to 6: selection of the hand-crafted audio features",
        "model.audio_feature_type",
        models=BASELINES,
    ),
    # the data
    Option(
        ("--num-emotions",),
        int,
        None,
        "train on emotions: those of the data, with a note if their number differs",
    ),
    Option(
        ("--num-persons",),
        int,
        None,
        "train on speakers, as the fork does: those of the data, with a note if their number"
        " differs",
        note=lambda number: (
            "a person is the speaker; the fork used the actor after whom the recording is named,"
            " who is the speaker in half of the utterances"
        ),
    ),
    Option(("--img-interval",), int, 500, "milliseconds between two frames"),
    Option(
        ("--hand-crafted",),
        bool,
        False,
        "use hand-crafted features: the baselines always do",
        models=BASELINES,
    ),
    Option(
        ("--text-max-len",),
        int,
        300,
        "tokens that are used of a text",
        "model.text_max_len",
        models=END_TO_END,
    ),
    Option(
        ("--datapath",),
        Path,
        Path("data"),
        "folder with the published processed data, a corpus's own release, or data that"
        " mien prepare wrote; the first two are prepared once, into --savings",
    ),
    Option(("--dataset",), str, "iemocap", "the corpus", choices=("iemocap", "mosei")),
    # which modalities, and evaluation
    Option(
        ("-mod", "--modalities"),
        str,
        "tav",
        "letters out of t, a, v",
        "model.modalities",
        parse_letters,
    ),
    Option(
        ("--valid",),
        bool,
        False,
        "do not train: evaluate --ckpt, or the run of this command, on the validation split",
    ),
    Option(
        ("--test",), bool, False, "the same on the test split; with --valid one after the other"
    ),
    Option(
        ("--ckpt",),
        str,
        "",
        "a run folder, or a checkpoint (.pt) of the published code: it is evaluated with --valid or"
        " --test, else training starts from it",
    ),
    Option(
        ("--ckpt-mod",),
        str,
        "tav",
        "modalities whose weights training takes from --ckpt; not for --valid and --test",
    ),
    # the RNNs
    Option(
        ("-dr", "--dropout"),
        float,
        0.1,
        "dropout of the temporal transformers, and between layers of RNNs",
        "model.dropout",
    ),
    Option(
        ("-nl", "--num-layers"),
        int,
        1,
        "layers of each RNN",
        "model.rnn_layers",
        models=("lf_rnn",),
    ),
    Option(
        ("-hs", "--hidden-size"),
        int,
        None,
        "hidden size of each RNN (default: the number of features, which the published code"
        " always uses)",
        "model.rnn_hidden",
        models=("lf_rnn",),
    ),
    Option(
        ("-bi", "--bidirectional"),
        bool,
        False,
        "no effect: the RNNs are always bidirectional, as in the published code",
        models=("lf_rnn",),
        note=lambda on: (
            "has no effect: the RNNs are always bidirectional, as in the published code"
        ),
    ),
    Option(
        ("--gru",),
        bool,
        False,
        "GRU instead of LSTM",
        "model.rnn",
        lambda on: "gru" if on else "lstm",
        ("lf_rnn",),
    ),
)
"""The published options, in the published order."""
