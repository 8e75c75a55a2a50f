"""From samples to batches: what is read, in which order, and how it is laid out."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import TEXTS, sample, store, tiny, tiny_model, utterance

from mien.batch import Batch
from mien.dataset.batch_sampler import SHUFFLE_WINDOW, BucketSampler
from mien.dataset.collate import collate
from mien.dataset.cut import cut
from mien.dataset.torch_dataset import BatchDataset
from mien.modality import Modality
from mien.models import MultimodalModel, preset
from mien.models.encoders.spectrogram import chunks
from mien.models.pretrained.text_source import load_tokenizer
from mien.resize import resize_faces
from mien.tasks import EmotionTask, PersonTask

EMOTION = EmotionTask(labels=("neutral", "calm", "happy"), loss="bce")
TEXT, AUDIO, VIDEO = Modality
PERSON = PersonTask(labels=("person-0", "person-1"), loss="ce")


@pytest.fixture(scope="module")
def tokenizer(tiny_text: Path) -> Any:
    return load_tokenizer(str(tiny_text))


@pytest.fixture(scope="module")
def model(tiny_text: Path) -> MultimodalModel:
    return tiny_model(tiny_text).eval()


def tensors(batch: Batch) -> list[torch.Tensor]:
    return [t for part in batch.inputs.values() for t in (part.values, part.counts)]


def same(one: Batch, other: Batch) -> bool:
    pairs = zip(tensors(one), tensors(other), strict=True)
    return one.ids == other.ids and all(torch.equal(a, b) for a, b in pairs)


def test_collate_lays_features_out_and_nothing_else() -> None:
    random = np.random.default_rng(0)

    def steps(length: int, size: int) -> np.ndarray:
        return random.normal(size=(length, size)).astype(np.float32)

    parts: list[dict[str, np.ndarray]] = [
        {"t": steps(3, 6), "a": steps(2, 144), "v": steps(1, 5)},
        {},
        {"a": steps(4, 144)},
    ]
    samples = [replace(sample(i), features=part) for i, part in enumerate(parts)]
    sizes = {"text_feature_size": 6, "audio_feature_size": 34, "audio_feature_type": 3}
    batch = collate(samples, preset("lf-rnn", modalities="ta", **sizes).readers(), [EMOTION])
    assert {m: part.counts.tolist() for m, part in batch.inputs.items()} == {
        TEXT: [3, 0, 0],
        AUDIO: [2, 0, 4],
    }
    assert torch.equal(batch.inputs[TEXT].values, torch.from_numpy(parts[0]["t"]))
    voice = np.concatenate([parts[0]["a"], parts[2]["a"]])[:, :34]
    assert torch.equal(batch.inputs[AUDIO].values, torch.from_numpy(voice))
    assert batch.ids == [s.utterance.id for s in samples]


def test_collate_lays_samples_out(tokenizer: Any) -> None:
    samples = [sample(0, faces=3), sample(1, "a", seconds=0.4), sample(2, "tv", faces=1)]
    batch = collate(samples, tiny().readers(tokenizer), [EMOTION, PERSON])
    assert batch.ids == [s.utterance.id for s in samples]
    faces, audio, text = (batch.inputs[m] for m in (VIDEO, AUDIO, TEXT))
    assert faces.counts.tolist() == [3, 0, 1]
    assert audio.counts.tolist() == [2, 2, 0]
    assert faces.values.shape == (4, 3, 48, 48)
    assert audio.values.shape == (4, 1, 128, 32)
    assert samples[0].faces is not None
    assert samples[0].waveform is not None
    assert torch.equal(faces.values[2], torch.from_numpy(samples[0].faces[2]).permute(2, 0, 1))
    sound = torch.from_numpy(samples[0].waveform / np.float32(32768))
    assert torch.equal(audio.values[:2], chunks(sound, "log"))
    words = [tokenizer(TEXTS[i])["input_ids"] for i in (0, 2)]
    assert text.counts.tolist() == [len(words[0]), 0, len(words[1])]
    assert text.values.tolist() == words[0] + words[1]
    assert batch.targets["emotion"].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert batch.targets["person"][:2].tolist() == [[1, 0], [0, 1]]
    assert batch.targets["person"][2].isnan().all()


def test_collate_scales_crops_to_what_the_model_reads(tokenizer: Any) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3), dtype=np.uint8)
    large = replace(sample(0, "v"), faces=crops)
    batch = collate([large, sample(1, "v")], tiny(modalities="v").readers(tokenizer))
    assert batch.inputs[VIDEO].values.shape == (4, 3, 48, 48)
    scaled = torch.from_numpy(resize_faces(crops, 48)).permute(0, 3, 1, 2)
    assert torch.equal(batch.inputs[VIDEO].values[:2], scaled)


@pytest.mark.parametrize("modalities", ["t", "a", "v", "av"])
def test_collate_reads_only_the_models_modalities(tokenizer: Any, modalities: str) -> None:
    batch = collate([sample(0), sample(1)], tiny(modalities=modalities).readers(tokenizer))
    assert set(batch.inputs) == {Modality.of(letter) for letter in modalities}
    for modality in batch.inputs:
        assert batch.present(modality).tolist() == [True, True]
    assert batch.targets == {}


def test_collate_takes_the_spectrogram_from_the_model(tokenizer: Any) -> None:
    one = sample(0, "a")
    assert one.waveform is not None
    sound = torch.from_numpy(one.waveform / np.float32(32768))
    for kind in ("log", "published"):
        batch = collate([one], tiny(audio_spectrogram=kind).readers(tokenizer))
        assert torch.equal(batch.inputs[AUDIO].values, chunks(sound, kind))


@pytest.mark.parametrize("absent", ["t", "a", "v"])
def test_collate_where_nobody_has_a_modality(
    tokenizer: Any, model: MultimodalModel, absent: str
) -> None:
    rest = "tav".replace(absent, "")
    batch = collate([sample(0, rest), sample(1, rest)], tiny().readers(tokenizer))
    assert not batch.present(Modality.of(absent)).any()
    with torch.no_grad():
        output = model(batch)
    assert all(logits.isfinite().all() for logits in output.logits.values())


@pytest.mark.parametrize("text", ["", " \n", None])
def test_empty_words_are_no_words(tokenizer: Any, text: str | None) -> None:
    batch = collate([sample(0, text=text), sample(1)], tiny().readers(tokenizer))
    assert batch.present(TEXT).tolist() == [False, True]


def test_long_texts_are_cut(tokenizer: Any) -> None:
    batch = collate([sample(0, text="no " * 300)], tiny(text_max_len=12).readers(tokenizer))
    tokens = batch.inputs[TEXT].values
    assert tokens.shape == (12,)
    assert tokens[-1] == tokenizer.sep_token_id


KINDS = st.lists(
    st.tuples(st.sampled_from(["tav", "ta", "tv", "av", "t", "a", "v"]), st.integers(1, 3)),
    min_size=1,
    max_size=4,
)


@given(kinds=KINDS, data=st.data())
@settings(max_examples=15, deadline=None)
def test_an_answer_does_not_depend_on_batch_mates(
    model: MultimodalModel, tokenizer: Any, kinds: list[tuple[str, int]], data: st.DataObject
) -> None:
    samples = [
        sample(i, m, faces=size, seconds=0.35 * size, text=TEXTS[i])
        if "t" in m
        else sample(i, m, faces=size, seconds=0.35 * size)
        for i, (m, size) in enumerate(kinds)
    ]
    order = data.draw(st.permutations(range(len(samples))))
    with torch.no_grad():
        alone = [model(collate([s], tiny().readers(tokenizer))) for s in samples]
        joined = model(collate([samples[i] for i in order], tiny().readers(tokenizer)))
    for place, i in enumerate(order):
        close = {"atol": 1e-5, "rtol": 1e-5}
        torch.testing.assert_close(joined.embedding[place], alone[i].embedding[0], **close)
        for task, logits in joined.logits.items():
            torch.testing.assert_close(logits[place], alone[i].logits[task][0], **close)


def test_cut_keeps_what_lies_between_two_times() -> None:
    whole = sample(0, faces=6, seconds=3, start=10.1)  # a picture each half second
    part = cut(whole, 0.5, 1.5)
    assert part.waveform is not None
    assert whole.waveform is not None
    assert np.array_equal(part.waveform, whole.waveform[8000:24_000])
    assert part.face_times is not None
    assert part.face_found is not None
    assert part.face_times.tolist() == pytest.approx([10.6, 11.1])
    assert np.array_equal(part.faces, whole.faces[1:3])  # type: ignore[arg-type,index]
    assert part.face_found.tolist() == whole.face_found[1:3].tolist()  # type: ignore[index]
    assert part.utterance is whole.utterance


def test_cut_makes_absent_what_is_nothing() -> None:
    whole = sample(0, faces=2, seconds=1)
    assert cut(whole, 0.98, 5).modalities == "t"
    assert cut(whole, 0.0, 0.5).modalities == "tav"
    for modalities in ("t", "a", "v"):
        assert cut(sample(0, modalities), 0, 60).modalities == modalities


@given(start=st.floats(0, 10_000), faces=st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_cut_from_the_beginning_loses_no_frame_to_rounding(start: float, faces: int) -> None:
    whole = sample(0, faces=faces, start=start)
    part = cut(whole, 0.0, 60.0)
    assert part.faces is not None
    assert len(part.faces) == faces


def made(folder: Path, tokenizer: Any, **options: Any) -> BatchDataset:
    samples = [sample(i, ("tav", "ta", "v")[i % 3], seconds=1.3) for i in range(6)]
    stored = store(folder / "data", samples)
    return BatchDataset(stored, [4, 0, 2, 1], tiny().readers(tokenizer), [EMOTION], **options)


def test_examples_read_rows_by_position(tmp_path: Path, tokenizer: Any) -> None:
    examples = made(tmp_path, tokenizer)
    assert len(examples) == 4
    read = examples[0, [0, 3]]
    expected = collate(
        [sample(i, ("tav", "ta", "v")[i % 3], seconds=1.3) for i in (4, 1)],
        tiny().readers(tokenizer),
        [EMOTION],
    )
    assert same(read, expected)
    targets = examples.targets()["emotion"]
    assert torch.equal(targets[[0, 3]], read.targets["emotion"])
    assert torch.equal(targets, torch.stack([EMOTION.target(utterance(i)) for i in (4, 0, 2, 1)]))


def test_lengths_in_characters_and_in_tokens(tmp_path: Path, tokenizer: Any) -> None:
    examples = made(tmp_path, tokenizer)
    assert examples.lengths() == [24, 24, 0, 3]
    assert examples.lengths(tokens=True) == [9, 9, 0, 4]
    assert examples[0, [0, 1, 2, 3]].inputs[TEXT].counts.tolist() == [9, 9, 0, 4]


def test_examples_cut_long_utterances(tmp_path: Path, tokenizer: Any) -> None:
    batch = made(tmp_path, tokenizer, max_seconds=0.5)[0, [1]]
    assert batch.inputs[VIDEO].counts.tolist() == [1]
    assert batch.inputs[AUDIO].counts.tolist() == [2]  # 41 columns


def test_augmentation_depends_on_seed_epoch_and_row_alone(tmp_path: Path, tokenizer: Any) -> None:
    examples = made(tmp_path, tokenizer, augment_seed=3)
    first = examples[0, [1]]
    assert same(first, examples[0, [1]])
    joined = examples[0, [3, 1]]
    alone = first.inputs[AUDIO].values
    assert torch.equal(joined.inputs[AUDIO].values[-len(alone) :], alone), "whatever its mates"
    assert torch.equal(joined.inputs[VIDEO].values, first.inputs[VIDEO].values)
    assert not same(first, examples[1, [1]]), "another epoch"
    examples.rows[3] = examples.rows[1]
    assert not same(first, examples[0, [3]]), "another place"
    examples.augment_seed = 4
    assert not same(first, examples[0, [1]]), "another seed"
    examples.augment_seed = None
    assert not same(first, examples[0, [1]])
    assert same(examples[0, [1]], examples[1, [1]])


def test_augmentation_changes_no_voice_where_persons_are_learnt(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.models.encoders.augment.SPEEDS", (0.5, 0.5))
    plain = made(tmp_path, tokenizer)
    counts = [
        BatchDataset(plain.store, [0], tiny().readers(tokenizer), tasks, augment_seed=0)[0, [0]]
        for tasks in ([EMOTION], [EMOTION, PERSON])
    ]
    faster, kept, before = (int(batch.inputs[AUDIO].counts) for batch in (*counts, plain[0, [0]]))
    assert faster > before >= kept


def test_augmented_batches_are_whole(tmp_path: Path, tokenizer: Any) -> None:
    plain = made(tmp_path, tokenizer)
    augmented = BatchDataset(
        plain.store, range(6), tiny().readers(tokenizer), [EMOTION], augment_seed=0
    )
    for epoch in range(3):
        batch = augmented[epoch, list(range(6))]
        for m, having in ((TEXT, (0, 1, 3, 4)), (AUDIO, (0, 1, 3, 4)), (VIDEO, (0, 2, 3, 5))):
            assert batch.present(m).nonzero().flatten().tolist() == list(having)
        assert batch.inputs[VIDEO].values.dtype == torch.uint8
        assert batch.inputs[AUDIO].values.dtype == torch.float32
        assert batch.inputs[AUDIO].values.isfinite().all()


# Which rows in which batch.

lengths = st.lists(st.integers(0, 50), min_size=1, max_size=60)


@given(
    lengths=lengths,
    size=st.integers(1, 9),
    world=st.integers(1, 4),
    seed=st.one_of(st.none(), st.integers(0, 5)),
    epoch=st.integers(0, 5),
)
def test_the_shares_of_several_processes_are_the_batches_of_one(
    lengths: list[int], size: int, world: int, seed: int | None, epoch: int
) -> None:
    def requests(rank: int, world: int) -> list[list[int]]:
        buckets = BucketSampler(lengths, size, seed, rank, world)
        buckets.set_epoch(epoch)
        found = list(buckets)
        assert {e for e, _ in found} == {epoch}
        assert len(found) == len(buckets) == math.ceil(len(lengths) / size)
        return [batch for _, batch in found]

    alone = requests(0, 1)
    rows = [row for batch in alone for row in batch]
    assert rows == list(range(len(lengths))) if seed is None else sorted(rows) == sorted(set(rows))
    assert all(1 <= len(batch) <= size for batch in alone)
    shares = [requests(rank, world) for rank in range(world)]
    for batch, *parts in zip(alone, *shares, strict=True):
        sizes = [len(part) for part in parts]
        assert max(sizes) - min(sizes) <= 1
        assert sorted(row for part in parts for row in part) == sorted(batch)


def test_an_empty_share_is_an_utterance_with_nothing(tmp_path: Path, tokenizer: Any) -> None:
    data = store(tmp_path / "data", [sample(0, "tav"), sample(1, "tav")])
    examples = BatchDataset(data, [0, 1], tiny().readers(tokenizer), (EMOTION, PERSON))
    batch = examples[3, []]
    assert (len(batch), batch.ids) == (1, [])
    assert not any(batch.present(modality).any() for modality in batch.inputs)
    assert all(targets.isnan().all() for targets in batch.targets.values())


def test_order_by_seed_and_epoch() -> None:
    def order(seed: int | None, epoch: int) -> list[list[int]]:
        buckets = BucketSampler(list(range(40)), 4, seed)
        buckets.set_epoch(epoch)
        return [batch for _, batch in buckets]

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)
    assert order(None, 0) == order(None, 1)


def test_texts_of_a_batch_are_alike_in_length() -> None:
    lengths = np.random.default_rng(0).integers(0, 1000, 4 * SHUFFLE_WINDOW).tolist()
    spreads = [
        max(lengths[i] for i in batch) - min(lengths[i] for i in batch)
        for _, batch in BucketSampler(lengths, 4, seed=0)
    ]
    assert sum(spreads) <= 1000, "as within one sorted window"
