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
    Option(("-bs", "--batch-size"), int, ..., "utterances a step", "training.batch_size"),
    Option(("-lr", "--learning-rate"), float, ..., "learning rate", "training.lr"),
    Option(("-wd", "--weight-decay"), float, 0.0, "weight decay", "training.weight_decay"),
    Option(("-ep", "--epochs"), int, ..., "at most so many epochs", "training.epochs"),
    Option(
        ("-es", "--early-stop"),
        int,
        5,
        "stop after so many epochs without a better F1 in validation",
        "training.early_stop",
    ),
    Option(
        ("-cu", "--cuda"),
        str,
        "0",
        "number of the GPU; where there is none of that number, the first one or the processor, and"
        " a line says so",
    ),
    Option(
        ("-cl", "--clip"),
        float,
        -1.0,
        "largest norm of the gradient; 0 or less: no limit",
        "training.clip",
        lambda norm: norm if norm > 0 else None,
    ),
    Option(
        ("-sc", "--scheduler"),
        bool,
        False,
        "let the learning rate fall to 0 along half a cosine, step by step",
        "training.schedule",
        lambda on: "cosine" if on else "constant",
    ),
    Option(("-se", "--seed"), int, 0, "of everything random", "training.seed"),
    Option(("--loss",), str, "bce", "of the labels", "training.loss", choices=LOSSES),
    Option(
        ("--optim",),
        str,
        "adam",
        "optimiser: adam or sgd; any other name means adam, which the published code takes always",
        "training.optimizer",
        one_of(OPTIMISERS, "adam"),
        note=lambda name: f"means adam, {THERE}" * (name.lower() not in OPTIMISERS),
    ),
    Option(
        ("--text-lr-factor",),
        float,
        10.0,
        "the text encoder and its head learn so many times more slowly",
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
        "ALBERT v2 of that size: from a folder albert-SIZE-v2 where the command is given, or from"
        " the hub or its cache; where it is in none of them MiniLM, and a line says so",
        "model.text_model",
        "albert-{}-v2".format,
        END_TO_END,
        ("base", "large", "xlarge"),
    ),
    Option(
        ("--fusion",),
        str,
        "early",
        "concat, attention: mien's own; any other word means the published sum of weighted answers",
        "model.fusion",
        one_of(FUSIONS, "weighted"),
        note=lambda kind: f"means weighted, {THERE}" * (kind.lower() not in KNOWN_FUSIONS),
    ),
    Option(
        ("--feature-dim",),
        int,
        256,
        "nothing, as in the published code: a modality's state is as wide as --trans-dim says",
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
        "hand-crafted features a step of words, voice and face, as 300 144 35 or [300, 144, 35];"
        " where the data have others these are read, and a line says so",
        "model.feature_sizes",
        parse_sizes,
        BASELINES,
    ),
    Option(
        ("--trans-dim",),
        int,
        512,
        "width of the transformers over time",
        "model.trans_dim",
        models=END_TO_END,
    ),
    Option(
        ("--trans-nlayers",),
        int,
        2,
        "layers of the transformers over time",
        "model.trans_nlayers",
        models=(*END_TO_END, "lf_transformer"),
    ),
    Option(
        ("--trans-nheads",),
        int,
        8,
        "heads of the transformers over time",
        "model.trans_nheads",
        models=END_TO_END,
    ),
    Option(
        ("-aft", "--audio-feature-type"),
        int,
        0,
        "0 to 6: which of the hand-crafted voice features are read",
        "model.audio_feature_type",
        models=BASELINES,
    ),
    # the data
    Option(
        ("--num-emotions",),
        int,
        None,
        "learn emotions: those that the data have, and a line says where the number differs",
    ),
    Option(
        ("--num-persons",),
        int,
        None,
        "learn who speaks, as in the fork: the persons that the data have, and a line says where"
        " the number differs",
        note=lambda number: (
            "a person is who speaks; the fork named whom the recording is named"
            " after, the speaker in half of the utterances"
        ),
    ),
    Option(("--img-interval",), int, 500, "milliseconds between two pictures"),
    Option(
        ("--hand-crafted",),
        bool,
        False,
        "read hand-crafted features: the baselines always do",
        models=BASELINES,
    ),
    Option(
        ("--text-max-len",),
        int,
        300,
        "tokens kept of a text",
        "model.text_max_len",
        models=END_TO_END,
    ),
    Option(
        ("--datapath",),
        Path,
        Path("data"),
        "folder with the published processed data, a corpus's own release, or what mien prepare"
        " wrote; the first two are prepared once, into --savings",
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
        "do not train: judge --ckpt, or what this command trained, on the validation part",
    ),
    Option(("--test",), bool, False, "the same on the test part; with --valid one after the other"),
    Option(
        ("--ckpt",),
        str,
        "",
        "a run folder, or a checkpoint (.pt) of the published code: to judge with --valid or"
        " --test, or else to begin training with",
    ),
    Option(
        ("--ckpt-mod",),
        str,
        "tav",
        "modalities to take from --ckpt to begin training with; not for --valid and --test",
    ),
    # the RNNs
    Option(
        ("-dr", "--dropout"),
        float,
        0.1,
        "of the transformers over time, and between layers of RNNs",
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
        "hidden size of each RNN (not given: as many as features, as the published code has it"
        " whatever is said here)",
        "model.rnn_hidden",
        models=("lf_rnn",),
    ),
    Option(
        ("-bi", "--bidirectional"),
        bool,
        False,
        "nothing: the RNNs read in both directions with it and without, as in the published code",
        models=("lf_rnn",),
        note=lambda on: "changes nothing: the RNNs do so anyway, as in the published code",
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
