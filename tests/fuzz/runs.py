"""Run folders, training states, text encoders and published checkpoints."""

import json
import math
from pathlib import Path
from typing import Any

import torch
from samples import tiny_model, tiny_run

from fuzz.cases import Target, Wrong, digest
from fuzz.mutate import damage, edit_json, edit_text, one_of
from fuzz.structured import edit_checkpoint, edit_safetensors, edit_tokenizer, edit_yaml

TEXT = "Synthetic words."
WORDS = ("synthetic", "words", ".", "a", "##s", "the", "sad", "glad")

EVIL = "import os\nos.mkdir('EXECUTED')\n\n\nclass Evil:\n    pass\n"
"""A module beside a tokenizer, which nobody must run."""


def _encoder(folder: Path) -> Path:
    """Write a text encoder of one layer, random weights and a few words."""
    from transformers import BertConfig, BertModel, BertTokenizer

    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    vocabulary = {word: number for number, word in enumerate((*special, *WORDS))}
    sizes: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(vocabulary), intermediate_size=16, **sizes)
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    BertTokenizer(vocab=vocabulary).save_pretrained(folder)
    return folder


def _build_run(folder: Path) -> None:
    run = tiny_run(folder / "run", _encoder(folder / "text"))
    for task in run.config.tasks:
        run.write("thresholds.json", {task.name: dict.fromkeys(task.labels, 0.4)})
    rules = {"languages": ["en"], "min_probability": {"emotion": 0.1}, "temperature": {"person": 2}}
    run.write("abstention.json", {"min_snr": 5.0, "min_speech": 0.5, **rules})
    run.write("metrics.json", {"tasks": {"emotion": {"n": 3, "singlelabel": {"ua": 0.5}}}})
    for place in (folder / "run" / "tokenizer", folder / "text"):
        (place / "evil.py").write_text(EVIL)


def _abstention(folder: Path, notes: list[str]) -> object:
    from mien.inference.abstention import abstention_for
    from mien.runs.run import Run

    found = abstention_for(Run(folder / "run"))
    if found is not None:
        Run(folder / "run").write("abstention.json", found.model_dump(mode="json"))
    return None if found is None else found.model_dump()


def _predict(folder: Path, notes: list[str]) -> object:
    from mien.inference.recognizer import Recognizer

    prediction = Recognizer.from_pretrained(folder / "run")(text=TEXT)
    try:
        json.dumps(prediction.model_dump(), allow_nan=False)
    except ValueError as error:
        raise Wrong(f"a prediction with numbers that are none: {error}") from error
    return prediction.model_dump()


def _weights(folder: Path, notes: list[str]) -> object:
    from mien.runs.run import Run

    state = Run(folder / "run").model().state_dict()
    return {name: digest(tensor.numpy()) for name, tensor in state.items()}


def _thresholds(folder: Path, notes: list[str]) -> object:
    from mien.runs.run import Run

    run = Run(folder / "run")
    found = {task.name: run.thresholds(task) for task in run.config.tasks}
    if not all(math.isfinite(number) for numbers in found.values() for number in numbers):
        raise Wrong(f"thresholds {found}")
    return found


def _metrics(folder: Path, notes: list[str]) -> object:
    from mien.runs.run import Run

    return Run(folder / "run").read("metrics.json")


def _tokens(folder: Path, notes: list[str]) -> object:
    from mien.runs.run import Run

    return _ids(Run(folder / "run").tokenizer())


def _text_model(folder: Path, notes: list[str]) -> object:
    from mien.models.encoders.text import TextEncoder, load_weights
    from mien.models.pretrained.text_source import load_config, load_tokenizer

    encoder = TextEncoder(load_config(str(folder / "text")))
    load_weights(encoder, str(folder / "text"))
    return _ids(load_tokenizer(str(folder / "text")))


def _ids(tokenizer: Any) -> object:
    return tokenizer(TEXT).get("input_ids")


def _build_state(folder: Path) -> None:
    from mien.training.checkpoint import SafeCheckpointIO

    state = {"epoch": 2, "loops": {"a": [1, (2.5, None)]}, "weights": {"w": torch.arange(6.0)}}
    SafeCheckpointIO().save_checkpoint(state, folder / "last.safetensors")


def _state(folder: Path, notes: list[str]) -> object:
    from mien.training.checkpoint import SafeCheckpointIO

    return SafeCheckpointIO().load_checkpoint(folder / "last.safetensors")


def _build_checkpoint(folder: Path) -> None:
    from checkpoints import published

    model = tiny_model(None, modalities="av", width=0.0625, temporal_dim=4)
    published(model, folder / "published.pt")


def _checkpoint(folder: Path, notes: list[str]) -> object:
    from samples import TASKS

    from mien.training.initial import read_weights

    weights = read_weights(folder / "published.pt", TASKS)
    return {name: repr(tensor.tolist()) for name, tensor in weights.tensors.items()}


def _run(read: Any, files: str, *mutators: Any, exact: bool = False) -> Target:
    return Target(_build_run, read, files, one_of(*mutators), exact)


TARGETS = {
    "config": _run(_predict, "run/config.yaml", damage, edit_yaml, edit_yaml),
    "weights": _run(
        _weights, "run/model.safetensors", damage, damage, edit_safetensors, exact=True
    ),
    "thresholds": _run(_thresholds, "run/thresholds.json", damage, edit_json, edit_text),
    "abstention": _run(_abstention, "run/abstention.json", damage, edit_json, edit_text),
    "metrics": _run(_metrics, "run/metrics.json", damage, edit_json, edit_text),
    "tokenizer": _run(_tokens, "run/tokenizer/*.json", damage, edit_tokenizer, edit_tokenizer),
    "text-model": _run(_text_model, "text/*.json", damage, edit_tokenizer, edit_tokenizer),
    "state": Target(_build_state, _state, "*", one_of(damage, edit_safetensors)),
    "checkpoint": Target(_build_checkpoint, _checkpoint, "*", one_of(damage, edit_checkpoint)),
}
"""The targets of this family, by name."""
