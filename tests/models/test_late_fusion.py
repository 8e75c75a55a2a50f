"""The two-phase baselines: each utterance on its own, whatever is missing, whatever the options."""

import re
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from samples import had

from mien.batch import Batch, Ragged
from mien.modality import Modality
from mien.models import MultimodalModel, Output, preset
from mien.models.person_head import margin_loss
from mien.models.published_weights import convert

SIZES = {Modality.TEXT: 12, Modality.AUDIO: 16, Modality.VIDEO: 10}
TEXT, AUDIO, VIDEO = Modality
TASKS = {"emotion": 3, "person": 4}
KINDS: dict[str, dict[str, Any]] = {
    "lstm": {"model": "lf-rnn"},
    "gru": {"model": "lf-rnn", "rnn": "gru", "rnn_layers": 2, "rnn_hidden": 4},
    "published": {"model": "lf-rnn", "text_rnn_state": "published"},
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
    counts = {m: length + n if m.letter in modalities else 0 for n, m in enumerate(Modality)}
    steps = {m: torch.randn(counts[m], SIZES[m], generator=generator) for m in Modality}
    return Batch(inputs={m: Ragged.join([part]) for m, part in steps.items()})


def together(batches: list[Batch]) -> Batch:
    return Batch(inputs={m: Ragged.join([b.inputs[m].values for b in batches]) for m in Modality})


def build(kind: str = "lstm", **changes: Any) -> MultimodalModel:
    """A small model whose every number matters: no weight at its neutral start."""
    torch.manual_seed(0)
    settings = KINDS[kind] | changes
    name, modalities = settings["model"], settings.get("modalities", "tav")
    sizes = {f"{m}_feature_size": size for m, size in SIZES.items()}
    own = had(name, modalities, **sizes, temporal_layers=1, temporal_feedforward=16)
    model = MultimodalModel(preset(**({"name": name} | own | without_model(settings))), TASKS)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.startswith("fusion.") or ".scale." in name:
                value.add_(0.3 * torch.rand_like(value))
    return model.eval()


def without_model(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name != "model"}


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
        for m in model.config.modalities:
            for step in range(int(batch.inputs[m].counts)):
                steps = batch.inputs[m].values.clone()
                steps[step] += 1
                changed = Batch(inputs={**batch.inputs, m: Ragged.join([steps])})
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
        "published": {"encoders.text.rnn.weight_hh_l0_reverse"},
    }
    assert idle == expected.get(kind, set())


def test_a_missing_modality_counts_for_nothing_and_the_rest_for_more() -> None:
    model = build()
    with torch.no_grad():
        whole, less = model(one(0, "tav")), model(one(0, "ta"))
        hidden = model(one(0, "tav").without(VIDEO, torch.tensor([True])))
    assert less.present[VIDEO].tolist() == [False]
    torch.testing.assert_close(numbers(hidden), numbers(less))
    assert not less.modality_logits["emotion"][VIDEO].any()
    weight = model.fusion["emotion"].weight[:2]
    each = torch.stack([whole.modality_logits["emotion"][m][0] for m in (TEXT, AUDIO)])
    torch.testing.assert_close(less.logits["emotion"][0], 1.5 * weight @ each)


def test_the_scale_is_that_of_the_training_part() -> None:
    model = build("standardized")
    batches = [one(i, m, 9) for i, m in enumerate(["tav", "ta", "v", "tav"])]
    for batch in batches:
        voice = batch.inputs[AUDIO].values
        voice *= 50
        voice += 7
        voice[:, 0] = 3.0
    assert model.needs_fit
    model.fit(iter(batches), model.needs_fit)
    for m in Modality:
        steps = torch.cat([b.inputs[m].values for b in batches])
        scaled = model.encoders[m].scale(steps)
        torch.testing.assert_close(scaled.mean(dim=0), torch.zeros(SIZES[m]), atol=1e-4, rtol=0)
        varied = steps.std(dim=0) > 0
        deviation = scaled.std(dim=0, correction=0)
        torch.testing.assert_close(deviation, varied.float(), atol=1e-4, rtol=0)
    assert model.encoders["audio"].scale.sd[0] == 1


def test_without_standardize_there_is_no_scale() -> None:
    assert not [name for name in build().state_dict() if ".scale." in name]
    assert not build().needs_fit


def test_heads_divide_the_size() -> None:
    sizes = {"text_feature_size": 301, "audio_feature_size": 34, "video_feature_size": 12}
    assert heads_of(**sizes) == {"text": 1, "audio": 2, "video": 4}
    assert heads_of() == {"text": 4, "audio": 2, "video": 5}, "as published"


def heads_of(**settings: int) -> dict[str, int]:
    model = MultimodalModel(preset("lf-transformer", temporal_layers=1, **settings), TASKS)
    layers = {m: e.temporal.encoder.layers[0] for m, e in model.encoders.items()}
    return {m: layer.self_attn.num_heads for m, layer in layers.items()}


def test_a_published_checkpoint_of_two_modalities_loads() -> None:
    own = build().state_dict()
    names = {"encoders.": "rnns.", "heads.emotion.": "affines."}
    published = {
        re.sub("text|audio|video", lambda m: m[0][0], new + name.removeprefix(old)): value
        for name, value in own.items()
        for old, new in names.items()
        if name.startswith(old)
    }
    published = {name.replace("rnn.", ""): value for name, value in published.items()}
    published["weighted_fusion.weight"] = torch.rand(1, 2)
    config = preset("lf-rnn", modalities="tv", text_feature_size=12, video_feature_size=10)
    model = MultimodalModel(config, {"emotion": 3})
    model.load_state_dict(convert(published, modalities=(TEXT, VIDEO)))
    expected = own["encoders.video.rnn.weight_ih_l0"]
    assert torch.equal(model.encoders["video"].rnn.weight_ih_l0, expected)


@pytest.mark.parametrize("size", [0, "many", 2.5])
def test_a_size_that_features_cannot_have_is_refused(size: object) -> None:
    with pytest.raises(ValidationError):
        preset("lf-rnn", audio_feature_size=size)
