"""From prepared samples to batches: what to load, in which order, and how to lay it out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mien.batch import Batch
from mien.dataset.augment import augment_sample, mask_pieces
from mien.features.subsets import columns
from mien.media.faces import PUBLISHED_FACE_SIZE, resize_faces
from mien.media.spectrogram import pieces
from mien.models.config import ModelConfig
from mien.tasks import Task
from mien.utterance import Sample


def collate(
    samples: Sequence[Sample],
    config: ModelConfig,
    tokenizer: Any = None,
    tasks: Sequence[Task] = (),
    random: Sequence[np.random.Generator] | None = None,
) -> Batch:
    """Lay samples out as a batch of what the model's modalities need.

    Parameters
    ----------
    samples : sequence of Sample
        The utterances.
    config : ModelConfig
        Says which modalities, which spectrogram, how many tokens.
    tokenizer : optional
        Of transformers; needed where the modalities include text.
    tasks : sequence of Task
        Give the targets.
    random : sequence of numpy Generator, optional
        One a sample: augment with these; where a task is about persons, without changing voices.
    """
    if random is not None:
        persons = any(task.name == "person" for task in tasks)
        pairs = zip(samples, random, strict=True)
        samples = [augment_sample(s, r, keep_voice=persons) for s, r in pairs]
    tokens, mask = _tokens(samples, config, tokenizer)
    sounds = [_pieces(sample, config) for sample in samples]
    if random is not None and config.front_end == "log":
        sounds = [mask_pieces(s, r) if len(s) else s for s, r in zip(sounds, random, strict=True)]
    faces = [_faces(sample, config) for sample in samples]
    features = {m: _features(samples, m, config) for m in config.modalities if config.hand_crafted}
    return Batch(
        tokens=tokens,
        token_mask=mask,
        faces=torch.cat(faces),
        face_counts=torch.tensor([len(f) for f in faces]),
        pieces=torch.cat(sounds),
        piece_counts=torch.tensor([len(s) for s in sounds]),
        features={m: torch.cat(parts) for m, parts in features.items()},
        feature_counts={m: torch.tensor([len(p) for p in ps]) for m, ps in features.items()},
        targets={t.name: torch.stack([t.target(s.utterance) for s in samples]) for t in tasks},
        ids=[sample.utterance.id for sample in samples],
    )


def _tokens(
    samples: Sequence[Sample], config: ModelConfig, tokenizer: Any
) -> tuple[Tensor, Tensor]:
    texts = [sample.text if "t" in config.decoded else None for sample in samples]
    if not any(texts):
        nothing = torch.zeros(len(samples), 0, dtype=torch.long)
        return nothing, nothing
    words = tokenizer(
        [text or "" for text in texts],
        padding=True,
        truncation=True,
        max_length=config.text_max_len,
        return_tensors="pt",
    )
    has_text = torch.tensor([text is not None for text in texts])
    return words["input_ids"], words["attention_mask"] * has_text[:, None]


def _pieces(sample: Sample, config: ModelConfig) -> Tensor:
    if sample.waveform is None or "a" not in config.decoded:
        return torch.zeros(0, 1, 128, 32)
    waveform = torch.from_numpy(sample.waveform.astype(np.float32) / 32768)
    return pieces(waveform, config.front_end)


def _faces(sample: Sample, config: ModelConfig) -> Tensor:
    if sample.faces is None or "v" not in config.decoded:
        size = PUBLISHED_FACE_SIZE
        return torch.zeros(0, 3, size, size, dtype=torch.uint8)
    faces = resize_faces(sample.faces, PUBLISHED_FACE_SIZE)
    return torch.from_numpy(np.ascontiguousarray(faces)).permute(0, 3, 1, 2)


def _features(samples: Sequence[Sample], modality: str, config: ModelConfig) -> list[Tensor]:
    """Give the steps (L, D) of each sample, L = 0 where it does not have the modality."""
    size = config.feature_size(modality)
    parts = []
    for sample in samples:
        steps = sample.features.get(modality, np.zeros((0, size), np.float32))
        if modality == "a" and len(steps):
            steps = steps[:, columns(config.audio_feature_type, steps.shape[1])]
        parts.append(torch.from_numpy(steps))
    return parts
