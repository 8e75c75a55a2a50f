"""From prepared samples to batches: what to load, in which order, and how to lay it out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from mien.batch import Batch
from mien.dataset.augment import augment_sample, mask_pieces
from mien.dataset.store import Store
from mien.features.subsets import columns
from mien.media.spectrogram import pieces
from mien.models.config import ModelConfig
from mien.tasks import Task
from mien.utterance import FACE_SIZE, RATE, SHORTEST, Sample

SHUFFLE_WINDOW = 20
"""Batches over which utterances are sorted by length of text, after shuffling."""

Request = tuple[int, list[int]]
"""An epoch, and the rows of one batch."""


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
        return torch.zeros(0, 3, FACE_SIZE, FACE_SIZE, dtype=torch.uint8)
    return torch.from_numpy(np.ascontiguousarray(sample.faces)).permute(0, 3, 1, 2)


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


class Examples(Dataset[Batch]):
    """The rows of one part of a data set, read as whole batches.

    Parameters
    ----------
    store : Store
        Prepared data.
    rows : sequence of int
        Rows of this part; a request names positions in it.
    config, tokenizer, tasks
        As `collate` takes them.
    max_seconds : float
        Longer utterances are cut to their first so many seconds.
    augment_seed : int, optional
        Augment, differently in each epoch, in the same way for the same seed.
    """

    def __init__(
        self,
        store: Store,
        rows: Sequence[int],
        config: ModelConfig,
        tokenizer: Any,
        tasks: Sequence[Task],
        max_seconds: float = 60.0,
        augment_seed: int | None = None,
    ) -> None:
        self.store, self.rows = store, list(rows)
        self.config, self.tokenizer, self.tasks = config, tokenizer, list(tasks)
        self.max_seconds, self.augment_seed = max_seconds, augment_seed

    def __len__(self) -> int:
        """Return the number of utterances."""
        return len(self.rows)

    def __getitem__(self, request: Request) -> Batch:
        """Read one batch."""
        epoch, positions = request
        samples = [self._cut(self.store[self.rows[i]]) for i in positions]
        random = None
        if self.augment_seed is not None:
            random = [np.random.default_rng([self.augment_seed, epoch, i]) for i in positions]
        return collate(samples, self.config, self.tokenizer, self.tasks, random)

    def _cut(self, sample: Sample) -> Sample:
        return cut(sample, 0.0, self.max_seconds)

    def targets(self) -> dict[str, Tensor]:
        """Give the indicators (N, C) of all utterances for each task."""
        utterances = [self.store.utterances[row] for row in self.rows]
        return {t.name: torch.stack([t.target(u) for u in utterances]) for t in self.tasks}


def cut(sample: Sample, start: float, end: float) -> Sample:
    """Keep what of a sample lies between two times, seconds from the utterance's own beginning."""
    parts: dict[str, Any] = {}
    if sample.waveform is not None:
        sound = sample.waveform[round(start * RATE) : round(end * RATE)]
        parts["waveform"] = sound if len(sound) >= SHORTEST else None
    if sample.faces is not None and sample.face_times is not None:
        kept = _within(sample, sample.face_times, start, end)
        for name in ("faces", "face_times", "face_found"):
            parts[name] = getattr(sample, name)[kept] if kept.any() else None
    if sample.frame_times is not None:
        kept = _within(sample, sample.frame_times, start, end)
        parts["frame_times"] = sample.frame_times[kept] if kept.any() else None
    if sample.seconds is not None:
        parts["seconds"] = min(end, sample.seconds) - start
    return replace(sample, **parts)


def _within(sample: Sample, times: np.ndarray, start: float, end: float) -> np.ndarray:
    times = times - max(sample.utterance.start or 0.0, 0.0)
    within: np.ndarray = (times >= start) & (times < end)
    return within


class Buckets(Sampler[Request]):
    """Batches of utterances whose texts are alike in length, in a new order each epoch.

    Parameters
    ----------
    lengths : sequence of int
        Length of each utterance's text.
    batch_size : int
        Utterances in a batch of one device.
    seed : int or None
        Order of training; None: as they come, for evaluation.
    rank, world : int
        Which share of the batches is this process's. In training every process gets equally
        many, the first ones of the epoch coming twice where they don't divide.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        batch_size: int,
        seed: int | None = None,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.rank, self.world = rank, world
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order; the trainer calls this before each epoch."""
        self.epoch = epoch

    def batches(self) -> list[list[int]]:
        """List this epoch's batches of all processes."""
        size = self.batch_size
        order = np.arange(len(self.lengths))
        random = np.random.default_rng([self.seed or 0, self.epoch])
        if self.seed is not None:
            random.shuffle(order)
            window = size * SHUFFLE_WINDOW
            chunks = [order[i : i + window].tolist() for i in range(0, len(order), window)]
            order = np.array(
                [i for chunk in chunks for i in sorted(chunk, key=self.lengths.__getitem__)]
            )
        batches = [order[i : i + size].tolist() for i in range(0, len(order), size)]
        if self.seed is not None:
            random.shuffle(batches)
            batches = list(islice(cycle(batches), len(self) * self.world))
        return batches

    def __len__(self) -> int:
        """Return the number of this process's batches."""
        total = -(-len(self.lengths) // self.batch_size)
        if self.seed is not None:
            return -(-total // self.world)
        return len(range(self.rank, total, self.world))

    def __iter__(self) -> Iterator[Request]:
        """Go through this process's batches of the epoch."""
        for batch in self.batches()[self.rank :: self.world]:
            yield self.epoch, batch
