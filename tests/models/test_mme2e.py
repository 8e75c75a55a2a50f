"""The models: every utterance on its own, whatever is missing."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from samples import tiny, tiny_model

from mien.batch import Batch
from mien.models import MME2E, ModelConfig, Output
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

    return Batch(
        tokens=torch.randint(1000, 30_000, (1, 2 * length + 1), generator=generator),
        token_mask=torch.full((1, 2 * length + 1), int("t" in modalities)),
        faces=256 * torch.rand(count("v"), 3, 48, 48, generator=generator),
        face_counts=torch.tensor([count("v")]),
        pieces=torch.randn(count("a"), 1, 128, 32, generator=generator),
        piece_counts=torch.tensor([count("a")]),
        targets={
            "emotion": torch.eye(3)[[number % 3]],
            "person": torch.eye(4)[[number % 4]],
        },
        ids=[f"synthetic-{number}"],
    )


def together(batches: list[Batch], padding: int = 0) -> Batch:
    """Join utterances; `padding` adds meaningless tokens on the right of the longest text."""
    longest = max(b.tokens.shape[1] for b in batches) + padding

    def padded(tokens: torch.Tensor, value: int) -> torch.Tensor:
        return torch.nn.functional.pad(tokens, (0, longest - tokens.shape[1]), value=value)

    return Batch(
        tokens=torch.cat([padded(b.tokens, 17) for b in batches]),
        token_mask=torch.cat([padded(b.token_mask, 0) for b in batches]),
        faces=torch.cat([b.faces for b in batches]),
        face_counts=torch.cat([b.face_counts for b in batches]),
        pieces=torch.cat([b.pieces for b in batches]),
        piece_counts=torch.cat([b.piece_counts for b in batches]),
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
def models(tiny_text: Path) -> dict[str, MME2E]:
    named = {m: tiny_model(tiny_text, modalities=m).eval() for m in SUBSETS}
    named["positions"] = tiny_model(tiny_text, positions=True).eval()
    for name, changes in CHANGED.items():
        named[name] = tiny_model(tiny_text, **changes).eval()
    return named


UTTERANCES = st.lists(
    st.tuples(st.sets(st.sampled_from("tav")), st.integers(1, 4)), min_size=1, max_size=5
)


@pytest.mark.parametrize("name", [*SUBSETS, "positions", *CHANGED])
@given(utterances=UTTERANCES, padding=st.integers(0, 3), data=st.data())
@settings(max_examples=12, deadline=None)
def test_an_answer_depends_on_its_utterance_alone(
    models: dict[str, MME2E],
    name: str,
    utterances: list[tuple[set[str], int]],
    padding: int,
    data: st.DataObject,
) -> None:
    singles = [one(i, "".join(m), length) for i, (m, length) in enumerate(utterances)]
    order = data.draw(st.permutations(range(len(singles))))
    with torch.no_grad():
        alone = torch.cat([numbers(models[name](single)) for single in singles])
        joined = models[name](together([singles[i] for i in order], padding))
    assert alone.isfinite().all()
    torch.testing.assert_close(numbers(joined), alone[order], atol=1e-5, rtol=1e-5)


def test_the_tests_utterances_differ(models: dict[str, MME2E]) -> None:
    """Otherwise the invariance above would show nothing."""
    with torch.no_grad():
        output = numbers(models["tva"](together([one(i, "tav") for i in range(4)])))
    assert torch.pdist(output).min() > 1e-2


@pytest.mark.parametrize("modality", ["t", "a", "v"])
@pytest.mark.parametrize("name", ["tva", "concat", "attention"])
def test_each_modality_has_an_effect(models: dict[str, MME2E], name: str, modality: str) -> None:
    rest = "tav".replace(modality, "")
    with torch.no_grad():
        whole, less = models[name](one(0, "tav")), models[name](one(0, rest))
    for task in TASKS:
        assert (whole.logits[task] - less.logits[task]).abs().max() > 1e-3
        assert not less.modality_logits[task][modality].any()
        for letter in rest:
            torch.testing.assert_close(
                less.modality_logits[task][letter], whole.modality_logits[task][letter]
            )
    assert not less.present[modality].any()


@pytest.mark.parametrize("name", ["concat", "attention"])
def test_a_modality_answers_as_if_it_were_alone(models: dict[str, MME2E], name: str) -> None:
    batch = together([one(0, "tav"), one(1, "tav")])
    with torch.no_grad():
        whole = models[name](batch)
        for modality in "tav":
            alone = models[name](together([one(0, modality), one(1, modality)]))
            torch.testing.assert_close(
                whole.modality_logits["emotion"][modality], alone.logits["emotion"]
            )


def test_embeddings_have_unit_length(models: dict[str, MME2E]) -> None:
    batch = together([one(0, "tav"), one(1, "a"), one(2, "tv"), one(3, "")])
    with torch.no_grad():
        output = models["tva"](batch)
    torch.testing.assert_close(output.embedding.norm(dim=1), torch.tensor([1.0, 1.0, 1.0, 0.0]))
    for modality, vectors in output.modality_embeddings.items():
        torch.testing.assert_close(vectors.norm(dim=1), output.present[modality].float())
    torch.testing.assert_close(output.embedding[1], output.modality_embeddings["a"][1])


def test_without_persons_to_learn_states_lie_side_by_side(tiny_text: Path) -> None:
    model = tiny_model(tiny_text, embedding_size=0).eval()
    with torch.no_grad():
        output = model(one(0, "tav"))
    widths = [model.encoders[m].dim for m in "tva"]
    shares = torch.stack([part.square().sum() for part in output.embedding[0].split(widths)])
    torch.testing.assert_close(shares, torch.full((3,), 1 / 3))
    assert output.modality_embeddings == {}


def loss_of(model: MME2E, output: Output, batch: Batch) -> torch.Tensor:
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
    modalities = model.config.modalities
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
        letter = name.split(".")[1]
        if (name.startswith("encoders") and letter in absent) or (
            "t" in absent and ".cnn.attention." in name and ".text." in name
        ):
            assert parameter.grad is None or not parameter.grad.any(), name
        else:
            assert parameter.grad is None or parameter.grad.isfinite().all(), name
    for name, buffer in model.named_buffers():
        if name.startswith(tuple(f"encoders.{m}" for m in absent)):
            assert torch.equal(buffer, before[name]), f"{name} moved without data"


def test_a_batch_of_texts_without_a_token_column(models: dict[str, MME2E]) -> None:
    """What `collate` makes where no utterance has words."""
    batch = one(0, "av")
    nothing = torch.zeros(1, 0, dtype=torch.long)
    wordless = Batch(**{**vars(batch), "tokens": nothing, "token_mask": nothing})
    with torch.no_grad():
        torch.testing.assert_close(
            numbers(models["tva"](wordless)), numbers(models["tva"](batch)), atol=1e-6, rtol=0
        )


def test_faces_may_be_bytes(models: dict[str, MME2E]) -> None:
    batch = one(0, "v")
    rounded = Batch(**{**vars(batch), "faces": batch.faces.floor()})
    as_bytes = Batch(**{**vars(batch), "faces": batch.faces.to(torch.uint8)})
    with torch.no_grad():
        assert torch.equal(numbers(models["v"](rounded)), numbers(models["v"](as_bytes)))


def test_text_needs_the_encoders_configuration() -> None:
    with pytest.raises(ValueError, match="text_config"):
        MME2E(tiny(), {"emotion": 2})


def test_modalities_are_put_in_the_published_order() -> None:
    assert ModelConfig(modalities="avt").modalities == "tva"
    assert ModelConfig().modalities == "tva", "or saving and loading would swap fusion weights"


@pytest.mark.parametrize(
    "wrong",
    [
        {"modalities": ""},
        {"modalities": "tt"},
        {"modalities": "tx"},
        {"trans_dim": 10, "trans_nheads": 4},
        {"width": 0},
        {"text_max_len": 3},
        {"dropout": 1.0},
        {"text_pooling": "last"},
        {"no_such_option": 1},
    ],
    ids=str,
)
def test_impossible_dimensions_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ModelConfig.model_validate(wrong)


@pytest.mark.parametrize("width", [0.05, 0.3, 1.5])
def test_width_scales_the_channels(width: float) -> None:
    model = MME2E(tiny(modalities="v", width=width), {"emotion": 3, "person": 4})
    wide = model.encoders["v"].cnn.blocks[4].conv2.out_channels
    assert wide == max(8, round(512 * width / 8) * 8)
    with torch.no_grad():
        assert model(one(0, "v")).logits["emotion"].shape == (1, 3)
