"""The two-phase baselines: each utterance on its own, whatever is missing, whatever the options."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mien.batch import Batch
from mien.models import LateFusion, ModelConfig, Output
from mien.models.person_head import margin_loss
from mien.models.published_weights import convert

SIZES = {"t": 12, "a": 16, "v": 10}
TASKS = {"emotion": 3, "person": 4}
KINDS: dict[str, dict[str, Any]] = {
    "lstm": {"model": "lf-rnn"},
    "gru": {"model": "lf-rnn", "rnn": "gru", "rnn_layers": 2, "rnn_hidden": 4},
    "published": {"model": "lf-rnn", "rnn_state": "published"},
    "one way": {"model": "lf-rnn", "bidirectional": False},
    "transformer": {"model": "lf-transformer", "positions": True},
    "concat": {"model": "lf-rnn", "fusion": "concat"},
    "attention": {"model": "lf-transformer", "fusion": "attention"},
    "standardized": {"model": "lf-rnn", "standardize": True},
    "words and voice": {"model": "lf-rnn", "modalities": "ta"},
    "faces": {"model": "lf-transformer", "modalities": "v"},
}


def one(number: int, modalities: str = "tav", length: int = 3) -> Batch:
    """A batch of a single utterance of noise, longer with `length`."""
    generator = torch.Generator().manual_seed(number)
    counts = {m: length + n if m in modalities else 0 for n, m in enumerate("tav")}
    nothing = torch.zeros(1, 0, dtype=torch.long)
    return Batch(
        tokens=nothing,
        token_mask=nothing,
        faces=torch.zeros(0, 3, 48, 48),
        face_counts=torch.zeros(1, dtype=torch.long),
        pieces=torch.zeros(0, 1, 128, 32),
        piece_counts=torch.zeros(1, dtype=torch.long),
        features={m: torch.randn(counts[m], SIZES[m], generator=generator) for m in "tav"},
        feature_counts={m: torch.tensor([counts[m]]) for m in "tav"},
    )


def together(batches: list[Batch]) -> Batch:
    first = batches[0]
    return Batch(
        tokens=first.tokens.repeat(len(batches), 1),
        token_mask=first.token_mask.repeat(len(batches), 1),
        faces=first.faces,
        face_counts=first.face_counts.repeat(len(batches)),
        pieces=first.pieces,
        piece_counts=first.piece_counts.repeat(len(batches)),
        features={m: torch.cat([b.features[m] for b in batches]) for m in "tav"},
        feature_counts={m: torch.cat([b.feature_counts[m] for b in batches]) for m in "tav"},
    )


def build(kind: str = "lstm", **changes: Any) -> LateFusion:
    """A small model whose every number matters: no weight at its neutral start."""
    torch.manual_seed(0)
    sizes = {"feature_sizes": tuple(SIZES.values()), "trans_nlayers": 1, "trans_feedforward": 16}
    model = LateFusion(ModelConfig(**(sizes | KINDS[kind] | changes)), TASKS)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.startswith(("fusion.", "scales.")):
                value.add_(0.3 * torch.rand_like(value))
    return model.eval()


def numbers(output: Output) -> torch.Tensor:
    """All that an output says of each utterance, side by side."""
    parts = [output.embedding]
    for task in TASKS:
        parts += [output.logits[task], *output.modality_logits[task].values()]
    return torch.cat(parts, dim=1)


UTTERANCES = st.lists(
    st.tuples(st.sets(st.sampled_from("tav")), st.integers(1, 6)), min_size=1, max_size=5
)


@pytest.mark.parametrize("kind", KINDS)
@given(utterances=UTTERANCES, data=st.data())
@settings(max_examples=15, deadline=None)
def test_an_answer_depends_on_its_utterance_alone(
    kind: str, utterances: list[tuple[set[str], int]], data: st.DataObject
) -> None:
    model = build(kind)
    singles = [one(i, "".join(m), length) for i, (m, length) in enumerate(utterances)]
    order = data.draw(st.permutations(range(len(singles))))
    with torch.no_grad():
        alone = torch.cat([numbers(model(single)) for single in singles])
        joined = numbers(model(together([singles[i] for i in order])))
    assert alone.isfinite().all()
    torch.testing.assert_close(joined, alone[order], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_each_step_of_each_modality_has_an_effect(kind: str) -> None:
    model, batch = build(kind), one(0)
    with torch.no_grad():
        before = numbers(model(batch))
        for m in model.encoders:
            for step in range(int(batch.feature_counts[m])):
                steps = batch.features[m].clone()
                steps[step] += 1
                changed = Batch(**{**vars(batch), "features": batch.features | {m: steps}})
                assert (numbers(model(changed)) - before).abs().max() > 1e-5, (m, step)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_learns(kind: str) -> None:
    model = build(kind).train()
    output = model(together([one(i, "tav", 4) for i in range(12)]))
    loss = sum(logits.square().sum() for logits in output.logits.values())
    assert model.persons is not None
    for vectors in (output.embedding, *output.modality_embeddings.values()):
        loss = loss + margin_loss(model.persons.cosines(vectors), torch.arange(12) % 4)
    loss.backward()
    idle = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    expected = {
        # one modality passes as it is; at the last word nothing has gone backwards before
        "faces": {"fusion.emotion.weight", "fusion.person.weight", "persons.weight"},
        "published": {"encoders.t.rnn.weight_hh_l0_reverse"},
    }
    assert idle == expected.get(kind, set())


def test_a_missing_modality_counts_for_nothing_and_the_rest_for_more() -> None:
    model = build()
    with torch.no_grad():
        whole, less = model(one(0, "tav")), model(one(0, "ta"))
        hidden = model(one(0, "tav").without("v", torch.tensor([True])))
    assert less.present["v"].tolist() == [False]
    torch.testing.assert_close(numbers(hidden), numbers(less))
    assert not less.modality_logits["emotion"]["v"].any()
    weight = model.fusion["emotion"].weight[:2]
    each = torch.stack([whole.modality_logits["emotion"][m][0] for m in "ta"])
    torch.testing.assert_close(less.logits["emotion"][0], 1.5 * weight @ each)


def test_the_scale_is_that_of_the_training_part() -> None:
    model = build("standardized")
    batches = [one(i, m, 9) for i, m in enumerate(["tav", "ta", "v", "tav"])]
    for batch in batches:
        batch.features["a"] *= 50
        batch.features["a"] += 7
        batch.features["a"][:, 0] = 3.0
    model.fit_scales(iter(batches))
    for m, scale in model.scales.items():
        steps = torch.cat([b.features[m] for b in batches])
        scaled = scale(steps)
        torch.testing.assert_close(scaled.mean(dim=0), torch.zeros(SIZES[m]), atol=1e-4, rtol=0)
        varied = steps.std(dim=0) > 0
        deviation = scaled.std(dim=0, correction=0)
        torch.testing.assert_close(deviation, varied.float(), atol=1e-4, rtol=0)
    assert model.scales["a"].sd[0] == 1


def test_without_standardize_there_is_no_scale() -> None:
    assert not [name for name in build().state_dict() if name.startswith("scales.")]


def test_heads_divide_the_size() -> None:
    config = ModelConfig(model="lf-transformer", feature_sizes=(301, 34, 12))
    model = LateFusion(config, TASKS)
    heads = {m: e.encoder.layers[0].self_attn.num_heads for m, e in model.encoders.items()}
    assert heads == {"t": 1, "a": 2, "v": 4}
    published = LateFusion(ModelConfig(model="lf-transformer", trans_nlayers=1), TASKS)
    heads = {m: e.encoder.layers[0].self_attn.num_heads for m, e in published.encoders.items()}
    assert heads == {"t": 4, "a": 2, "v": 5}


def test_a_published_checkpoint_of_two_modalities_loads() -> None:
    own = build().state_dict()
    names = {"encoders.": "rnns.", "heads.emotion.": "affines."}
    published = {
        new + name.removeprefix(old).replace("rnn.", ""): value
        for name, value in own.items()
        for old, new in names.items()
        if name.startswith(old)
    } | {"weighted_fusion.weight": torch.rand(1, 2)}
    sizes = tuple(SIZES.values())
    config = ModelConfig(model="lf-rnn", modalities="tv", feature_sizes=sizes)
    model = LateFusion(config, {"emotion": 3})
    model.load_state_dict(convert(published, modalities="tv"))
    assert torch.equal(model.encoders["v"].rnn.weight_ih_l0, own["encoders.v.rnn.weight_ih_l0"])


def test_feature_sizes_come_as_words_too() -> None:
    assert ModelConfig(feature_sizes="256,144,35").feature_sizes == (256, 144, 35)
    for wrong in ("256,144", "256,0,35", "many"):
        with pytest.raises(ValidationError):
            ModelConfig(feature_sizes=wrong)
