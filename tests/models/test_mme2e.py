"""The models: every utterance on its own, whatever is missing."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from samples import tiny, tiny_model

from mien.batch import Batch, Ragged
from mien.errors import MienError
from mien.modality import Modality, letters
from mien.models import ModelConfig, MultimodalModel, Output, preset
from mien.models.person_head import margin_loss

SUBSETS = ["tva", "tv", "ta", "va", "t", "v", "a"]
TASKS = ("emotion", "person")
SPARSE: dict[str, dict[str, Any]] = {
    f"sparse {sparsity}": {"model": "mme2e-sparse", "sparsity": sparsity, "sparse_threshold": 0.6}
    for sparsity in ("sites", "frames", "both")
}
FUSED: dict[str, dict[str, Any]] = {
    "concat": {"fusion": "concat"},
    "attention": {"fusion": "attention"},
    "two of three": {"fusion": "attention", "modalities": "ta"},
}
CHANGED = SPARSE | FUSED


def one(number: int, modalities: str, length: int = 3) -> Batch:
    """A batch of a single utterance of noise, longer with `length`."""
    generator = torch.Generator().manual_seed(number)

    def count(modality: str) -> int:
        return length if modality in modalities else 0

    tokens = torch.randint(1000, 30_000, (2 * length + 1,), generator=generator)
    return Batch(
        inputs={
            Modality.TEXT: Ragged.join([tokens if "t" in modalities else tokens[:0]]),
            Modality.VIDEO: Ragged.join(
                [256 * torch.rand(count("v"), 3, 48, 48, generator=generator)]
            ),
            Modality.AUDIO: Ragged.join([torch.randn(count("a"), 1, 128, 32, generator=generator)]),
        },
        targets={
            "emotion": torch.eye(3)[[number % 3]],
            "person": torch.eye(4)[[number % 4]],
        },
        ids=[f"synthetic-{number}"],
    )


def together(batches: list[Batch]) -> Batch:
    """Join utterances."""
    return Batch(
        inputs={m: Ragged.join([b.inputs[m].values for b in batches]) for m in Modality},
        targets={task: torch.cat([b.targets[task] for b in batches]) for task in TASKS},
        ids=[b.ids[0] for b in batches],
    )


def numbers(output: Output) -> torch.Tensor:
    """All that an output says of each utterance, side by side."""
    parts = [output.embedding, *output.modality_embeddings.values()]
    for task in TASKS:
        parts += [output.logits[task], *output.modality_logits[task].values()]
    return torch.cat(parts, dim=1)


@pytest.fixture(scope="module")
def models(tiny_text: Path) -> dict[str, MultimodalModel]:
    named = {m: tiny_model(tiny_text, modalities=m).eval() for m in SUBSETS}
    named["positions"] = tiny_model(tiny_text, positions=True).eval()
    for name, changes in CHANGED.items():
        named[name] = tiny_model(tiny_text, **changes).eval()
    return named


UTTERANCES = st.lists(
    st.tuples(st.sets(st.sampled_from("tav")), st.integers(1, 4)), min_size=1, max_size=5
)


@pytest.mark.parametrize("name", [*SUBSETS, "positions", *CHANGED])
@given(utterances=UTTERANCES, data=st.data())
@settings(max_examples=12, deadline=None)
def test_an_answer_depends_on_its_utterance_alone(
    models: dict[str, MultimodalModel],
    name: str,
    utterances: list[tuple[set[str], int]],
    data: st.DataObject,
) -> None:
    singles = [one(i, "".join(m), length) for i, (m, length) in enumerate(utterances)]
    order = data.draw(st.permutations(range(len(singles))))
    with torch.no_grad():
        alone = torch.cat([numbers(models[name](single)) for single in singles])
        joined = models[name](together([singles[i] for i in order]))
    assert alone.isfinite().all()
    torch.testing.assert_close(numbers(joined), alone[order], atol=1e-5, rtol=1e-5)


def test_the_tests_utterances_differ(models: dict[str, MultimodalModel]) -> None:
    """Otherwise the invariance above would show nothing."""
    with torch.no_grad():
        output = numbers(models["tva"](together([one(i, "tav") for i in range(4)])))
    assert torch.pdist(output).min() > 1e-2


@pytest.mark.parametrize("modality", ["t", "a", "v"])
@pytest.mark.parametrize("name", ["tva", "concat", "attention"])
def test_each_modality_has_an_effect(
    models: dict[str, MultimodalModel], name: str, modality: str
) -> None:
    rest = "tav".replace(modality, "")
    with torch.no_grad():
        whole, less = models[name](one(0, "tav")), models[name](one(0, rest))
    for task in TASKS:
        assert (whole.logits[task] - less.logits[task]).abs().max() > 1e-3
        assert not less.modality_logits[task][Modality.of(modality)].any()
        for other in map(Modality.of, rest):
            torch.testing.assert_close(
                less.modality_logits[task][other], whole.modality_logits[task][other]
            )
    assert not less.present[Modality.of(modality)].any()


@pytest.mark.parametrize("name", ["concat", "attention"])
def test_a_modality_answers_as_if_it_were_alone(
    models: dict[str, MultimodalModel], name: str
) -> None:
    batch = together([one(0, "tav"), one(1, "tav")])
    with torch.no_grad():
        whole = models[name](batch)
        for modality in "tav":
            alone = models[name](together([one(0, modality), one(1, modality)]))
            torch.testing.assert_close(
                whole.modality_logits["emotion"][Modality.of(modality)], alone.logits["emotion"]
            )


def test_embeddings_have_unit_length(models: dict[str, MultimodalModel]) -> None:
    batch = together([one(0, "tav"), one(1, "a"), one(2, "tv"), one(3, "")])
    with torch.no_grad():
        output = models["tva"](batch)
    torch.testing.assert_close(output.embedding.norm(dim=1), torch.tensor([1.0, 1.0, 1.0, 0.0]))
    for modality, vectors in output.modality_embeddings.items():
        torch.testing.assert_close(vectors.norm(dim=1), output.present[modality].float())
    torch.testing.assert_close(output.embedding[1], output.modality_embeddings[Modality.AUDIO][1])


def test_without_persons_to_learn_states_lie_side_by_side(tiny_text: Path) -> None:
    model = tiny_model(tiny_text, embedding_size=0).eval()
    with torch.no_grad():
        output = model(one(0, "tav"))
    widths = [model.encoders[m].dim for m in ("text", "video", "audio")]
    shares = torch.stack([part.square().sum() for part in output.embedding[0].split(widths)])
    torch.testing.assert_close(shares, torch.full((3,), 1 / 3))
    assert output.modality_embeddings == {}


def loss_of(model: MultimodalModel, output: Output, batch: Batch) -> torch.Tensor:
    losses = [
        torch.nn.functional.cross_entropy(output.logits[task], batch.targets[task].argmax(dim=1))
        for task in TASKS
    ]
    persons = batch.targets["person"].argmax(dim=1)
    for vectors in (output.embedding, *output.modality_embeddings.values()):
        losses.append(margin_loss(model.persons.cosines(vectors), persons))
    return torch.stack(losses).sum()


@pytest.mark.parametrize("missing", [False, True], ids=["whole", "missing"])
@pytest.mark.parametrize(
    "settings",
    [*({"modalities": subset} for subset in SUBSETS), *CHANGED.values()],
    ids=[*SUBSETS, *CHANGED],
)
def test_every_parameter_that_should_learn_receives_a_gradient(
    tiny_text: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], missing: bool
) -> None:
    monkeypatch.setattr(
        "mien.models.encoders.sparse_vgg.TEXT_DROPOUT", 0.0
    )  # few utterances: words for all
    model = tiny_model(tiny_text, **settings).train()
    modalities = model.config.letters
    present = ["tav", "a", "tv", "t", "va", "v", ""] if missing else ["tav"] * 4
    batch = together([one(i, m) for i, m in enumerate(present)])
    output = model(batch)
    loss_of(model, output, batch).backward()
    assert numbers(output).isfinite().all()
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            assert name.startswith("fusion.") or name == "persons.weight"
            assert len(modalities) == 1
            continue
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("absent", ["t", "a", "v", "ta", "tv", "av", "tav"])
@pytest.mark.parametrize(
    "settings",
    [{}, *SPARSE.values(), FUSED["concat"], FUSED["attention"]],
    ids=["dense", *SPARSE, "concat", "attention"],
)
def test_a_batch_where_nobody_has_a_modality(
    tiny_text: Path, absent: str, settings: dict[str, Any]
) -> None:
    model = tiny_model(tiny_text, **settings).train()
    rest = "".join(m for m in "tav" if m not in absent)
    before = {n: b.clone() for n, b in model.named_buffers()}
    batch = together([one(i, rest) for i in range(3)])
    output = model(batch)
    loss_of(model, output, batch).backward()
    assert numbers(output).isfinite().all()
    for name, parameter in model.named_parameters():
        letter = name.split(".")[1][0]
        if (name.startswith("encoders") and letter in absent) or (
            "t" in absent and ".cnn.attention." in name and ".text." in name
        ):
            assert parameter.grad is None or not parameter.grad.any(), name
        else:
            assert parameter.grad is None or parameter.grad.isfinite().all(), name
    for name, buffer in model.named_buffers():
        if name.startswith(tuple(f"encoders.{Modality.of(m)}." for m in absent)):
            assert torch.equal(buffer, before[name]), f"{name} moved without data"


def test_faces_may_be_bytes(models: dict[str, MultimodalModel]) -> None:
    batch = one(0, "v")
    faces = batch.inputs[Modality.VIDEO].values
    rounded = Batch(inputs={Modality.VIDEO: Ragged.join([faces.floor()])})
    as_bytes = Batch(inputs={Modality.VIDEO: Ragged.join([faces.to(torch.uint8)])})
    with torch.no_grad():
        assert torch.equal(numbers(models["v"](rounded)), numbers(models["v"](as_bytes)))


def test_text_needs_the_encoders_configuration() -> None:
    with pytest.raises(ValueError, match="description of its text encoder"):
        MultimodalModel(tiny(), {"emotion": 2})


def test_modalities_are_put_in_the_published_order() -> None:
    published = (Modality.TEXT, Modality.VIDEO, Modality.AUDIO)
    assert ModelConfig().modalities == preset(modalities="avt").modalities == published
    shuffled = {m: {} for m in reversed(published)}
    assert ModelConfig(encoders=shuffled).modalities == published, "or weights would be swapped"
    assert preset("lf-rnn").modalities == tuple(Modality)
    assert ModelConfig().letters == letters(published) == "tav"


@pytest.mark.parametrize(
    "wrong",
    [
        {"encoders": {}},
        {"encoders": {"smell": {}}},
        {"encoders": {"audio": {"kind": "transformer"}}},
        {"encoders": {"audio": {"kind": "rnn"}, "video": {"kind": "vgg"}}},
        {"encoders": {"audio": {"kind": "rnn", "dropout": 0.3}}},
        {"temporal_dim": 10, "temporal_heads": 4},
        {"width": 0},
        {"text_max_len": 3},
        {"dropout": 1.0},
        {"text_pooling": "last"},
        {"no_such_option": 1},
    ],
    ids=str,
)
def test_impossible_dimensions_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError if "no_such_option" not in wrong else MienError):
        ModelConfig(**wrong) if "encoders" in wrong else preset(**wrong)


@pytest.mark.parametrize("width", [0.05, 0.3, 1.5])
def test_width_scales_the_channels(width: float) -> None:
    model = MultimodalModel(tiny(modalities="v", width=width), {"emotion": 3, "person": 4})
    wide = model.encoders["video"].cnn.blocks[4].conv2.out_channels
    assert wide == max(8, round(512 * width / 8) * 8)
    with torch.no_grad():
        assert model(one(0, "v")).logits["emotion"].shape == (1, 3)
