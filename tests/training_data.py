"""A small synthetic data set to train on, written straight as shards, and a small text encoder."""

from pathlib import Path

import numpy as np
import torch
from samples import store

from mien.utterance import SAMPLE_RATE, Sample, Utterance

EMOTIONS = ("happy", "sad", "angry")


def synthetic_sample(number: int) -> Sample:
    """Tone, colour and words that depend on emotion and person; some parts are missing."""
    random = np.random.default_rng(number)
    emotion, person = number % 3, number // 3 % 4
    seconds = 0.5 + random.random()
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = np.sin(2 * np.pi * (200 + 300 * emotion + 70 * person) * time) * 8000
    faces = random.integers(0, 60, (2 + number % 3, 48, 48, 3))
    faces[..., emotion] += 150
    faces[:, :12, :, :] = 20 * person
    words = ("how lovely", "so very sad", "go away now")[emotion]
    utterance = Utterance(
        id=f"synthetic{number:03d}",
        corpus="synthetic",
        person=f"P{person}",
        session=f"S{person // 2}",
        dialogue=f"S{person // 2}D{number // 12 % 6}",
        emotions=(EMOTIONS[emotion],),
        text=None if number % 7 == 1 else f"{words} {number}",
        synthetic=True,
    )
    has_faces = number % 5 != 2
    return Sample(
        utterance=utterance,
        faces=faces.astype(np.uint8) if has_faces else None,
        face_times=np.arange(len(faces), dtype=np.float32) / 2 if has_faces else None,
        face_found=np.ones(len(faces), bool) if has_faces else None,
        waveform=None
        if number % 11 == 3
        else (wave + random.normal(0, 300, len(wave))).astype("i2"),
    )


def write_data(folder: Path) -> Path:
    """Write 72 synthetic utterances of 4 persons, 3 emotions and 12 dialogues."""
    store(folder, [synthetic_sample(number) for number in range(72)])
    return folder


def write_text_encoder(folder: Path) -> Path:
    """Write a text encoder of 2 layers and random weights, with MiniLM's tokenizer."""
    from transformers import AutoTokenizer, BertConfig, BertModel

    from mien.models.pretrained.text_source import PACKAGED, source

    tokenizer = AutoTokenizer.from_pretrained(source(PACKAGED))
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
    )
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
