"""Pretrained encoders: layers combined and pooled, what learns and what is frozen, references."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pretrained_models import (
    AUDIO,
    STAGED,
    VISION,
    WIDTH,
    modality_of,
    write_network,
    write_whisper,
)
from pydantic import ValidationError
from torch import Tensor

from mien.batch import Ragged, RaggedGroup, References
from mien.errors import MienError
from mien.modality import Modality
from mien.models.encoders.pooling import AttentiveStatistics, statistics
from mien.models.encoders.pretrained import PretrainedEncoder, describe_all
from mien.models.encoders.pretrained_settings import PretrainedAudioConfig, PretrainedVideoConfig

LENGTHS = (5_000, 16_000, 1_700)
POOLINGS = ("mean", "mean+std", "attentive", "temporal")


def encoder_of(model: Path | str, modality: Modality = Modality.AUDIO, **settings: Any) -> Any:
    kind = PretrainedAudioConfig if modality is Modality.AUDIO else PretrainedVideoConfig
    sizes = {
        "temporal_dim": 8,
        "temporal_heads": 2,
        "temporal_layers": 1,
        "temporal_feedforward": 16,
    }
    config = kind(model=str(model), **sizes | settings)
    torch.manual_seed(0)
    encoder = config.build(modality, pretrained=describe_all(modality, config.model))
    assert isinstance(encoder, PretrainedEncoder)
    encoder.load_pretrained(config.model)
    return encoder


def clips(modality: Modality = Modality.AUDIO, lengths: tuple[int, ...] = LENGTHS) -> list[Tensor]:
    random = torch.Generator().manual_seed(3)
    if modality is Modality.AUDIO:
        return [torch.rand(n, generator=random) - 0.5 for n in lengths]
    shapes = ((1 + n // 5_000, 3, 32, 32) for n in lengths)
    return [torch.randint(0, 256, s, generator=random, dtype=torch.uint8) for s in shapes]


@pytest.fixture(scope="module")
def wavlm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("wavlm"), "wavlm")


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whisper(tmp_path_factory.mktemp("whisper"))


def test_mean_and_deviation_over_time() -> None:
    states = torch.rand(7, 3, 5, generator=torch.Generator().manual_seed(0))
    found, values = statistics(states, "mean+std").numpy(), states.numpy()
    assert np.allclose(found[:, :5], values.mean(axis=0), atol=1e-6)
    assert np.allclose(found[:, 5:], values.std(axis=0), atol=1e-6)
    assert np.allclose(statistics(states, "mean"), values.mean(axis=0), atol=1e-6)
    assert not statistics(states[:1], "mean+std")[:, 5:].any()


def test_attentive_statistics() -> None:
    torch.manual_seed(0)
    pool = AttentiveStatistics(4)
    first, second = pool.score[0], pool.score[2]
    values = torch.randn(9, 4)
    found = pool(values, torch.tensor([6, 3])).detach().numpy()
    for row, states in enumerate((values[:6].numpy(), values[6:].numpy())):
        hidden = np.tanh(states @ first.weight.detach().numpy().T + first.bias.detach().numpy())
        scores = (hidden @ second.weight.detach().numpy().T)[:, 0]
        shares = np.exp(scores) / np.exp(scores).sum()
        mean = shares @ states
        deviation = np.sqrt(shares @ (states - mean) ** 2 + 1e-8)
        assert np.allclose(found[row], [*mean, *deviation], atol=1e-5)


def test_a_weighted_sum_begins_with_equal_weights(wavlm: Path) -> None:
    weighted = encoder_of(wavlm, layer_states="weighted", pooling="mean")
    states = clips()
    with torch.no_grad():
        layers = torch.stack([weighted.trunks[0](steps).mean(dim=0) for steps in states])
        found = weighted.pooled(Ragged.join(states))
    assert layers.shape == (3, 4, WIDTH)  # of the input and of three layers
    assert torch.allclose(found, layers.mean(dim=1), atol=1e-6)
    with torch.no_grad():
        weighted.branches[0].weights.copy_(torch.tensor([0.0, 0, 0, 100]))
        assert torch.allclose(weighted.pooled(Ragged.join(states)), layers[:, 3], atol=1e-6)


def test_all_layers_are_side_by_side(wavlm: Path, whisper: Path) -> None:
    both = encoder_of(f"{wavlm}+{whisper}", layer_states="all", layers=2, pooling="mean+std")
    (steps,) = clips(lengths=(6_000,))
    with torch.no_grad():
        expected = [statistics(trunk(steps), "mean+std").flatten() for trunk in both.trunks]
        found = both.pooled(Ragged.join([steps]))[0]
    assert both.dim == 2 * 2 * 2 * WIDTH
    assert torch.equal(found, torch.cat(expected))


@pytest.mark.parametrize("kind", [*AUDIO, *VISION, *STAGED, "whisper"])
def test_a_state_does_not_depend_on_the_other_utterances(kind: str, tmp_path: Path) -> None:
    write_whisper(tmp_path) if kind == "whisper" else write_network(tmp_path, kind)
    modality = modality_of(kind)
    encoder = encoder_of(tmp_path, modality).eval()
    inputs = clips(modality)
    with torch.no_grad():
        together, _ = encoder(Ragged.join(inputs))
        for row, steps in enumerate(inputs):
            alone, _ = encoder(Ragged.join([steps]))
            assert torch.equal(alone[0], together[row])
        swapped, _ = encoder(Ragged.join(inputs[::-1]))
        assert torch.equal(swapped.flip(0), together)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_poolings_do_not_depend_on_the_other_utterances(pooling: str, wavlm: Path) -> None:
    encoder = encoder_of(wavlm, pooling=pooling, layer_states="weighted").eval()
    inputs = clips()
    with torch.no_grad():
        together, _ = encoder(Ragged.join(inputs))
        for row, steps in enumerate(inputs):
            alone, _ = encoder(Ragged.join([steps]))
            assert torch.allclose(alone[0], together[row], atol=1e-5)


def learning(encoder: Any) -> set[str]:
    return {name for name, weight in encoder.trunks.named_parameters() if weight.requires_grad}


def gradients(encoder: Any, modality: Modality = Modality.AUDIO) -> None:
    """Check that every weight that learns gets a gradient."""
    encoder.train()
    head = encoder.head(3)
    states, _ = encoder(Ragged.join(clips(modality)))
    head(states).square().sum().backward()
    for name, weight in encoder.named_parameters():
        assert (weight.grad is not None) == weight.requires_grad, name


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("layer_states", ["last", "weighted", "all"])
@pytest.mark.parametrize("freeze", ["all", "none", 2])
def test_what_learns_gets_a_gradient(
    freeze: Any, layer_states: str, pooling: str, wavlm: Path
) -> None:
    encoder = encoder_of(wavlm, freeze=freeze, layer_states=layer_states, pooling=pooling)
    gradients(encoder)
    layers = {name.split(".")[4] for name in learning(encoder) if ".layers." in name}
    assert layers == {"all": set(), "none": {"0", "1", "2"}, 2: {"2"}}[freeze]
    assert (len(list(encoder.pretrained_parameters())) == 0) == (freeze == "all")


@pytest.mark.parametrize("kind", [*AUDIO, *VISION, "whisper"])
def test_adapters_learn_in_every_layer(kind: str, tmp_path: Path) -> None:
    write_whisper(tmp_path) if kind == "whisper" else write_network(tmp_path, kind)
    modality = modality_of(kind)
    adapted = encoder_of(tmp_path, modality, lora=2)
    frozen = encoder_of(tmp_path, modality)
    inputs = Ragged.join(clips(modality))
    with torch.no_grad():  # they begin as zero
        assert torch.equal(adapted.eval()(inputs)[0], frozen.eval()(inputs)[0])
    names = learning(adapted)
    assert all(".lora_" in name for name in names)
    assert len(names) == 3 * 2 * 2  # of three layers: two projections, each two matrices
    gradients(adapted, modality)


@pytest.mark.parametrize("kind", STAGED)
def test_networks_without_attention_refuse_adapters_and_frozen_layers(
    kind: str, tmp_path: Path
) -> None:
    write_network(tmp_path, kind)
    with pytest.raises(MienError, match="no attention that could be adapted") as raised:
        encoder_of(tmp_path, Modality.VIDEO, lora=2)
    assert raised.value.parameter == "lora"
    with pytest.raises(MienError, match="computes 0 layers") as raised:
        encoder_of(tmp_path, Modality.VIDEO, freeze=2)
    assert raised.value.parameter == "freeze"


def test_as_many_frozen_layers_as_are_computed_are_refused(wavlm: Path) -> None:
    with pytest.raises(MienError, match="computes 2 layers, so that none is above 2 frozen ones"):
        encoder_of(wavlm, layers=2, freeze=2)
    with pytest.raises(MienError, match="has 3 layers: choose 3 or fewer, not 4"):
        encoder_of(wavlm, layers=4)


def test_what_is_frozen_stays_in_eval_mode(wavlm: Path) -> None:
    frozen = encoder_of(wavlm).train()
    assert frozen.training
    assert not any(part.training for part in frozen.trunks[0].modules())
    partly = encoder_of(wavlm, freeze=2).train().trunks[0].model
    modes = [any(part.training for part in layer.modules()) for layer in partly.encoder.layers]
    assert modes == [False, False, True]
    assert not any(part.training for part in partly.feature_projection.modules())
    assert partly.encoder.layers[2].dropout.training


def test_lower_precision_does_not_change_frozen_states(wavlm: Path) -> None:
    inputs = Ragged.join(clips())
    for settings, exact in (({}, True), ({"freeze": "none"}, False)):
        encoder = encoder_of(wavlm, **settings).eval()
        with torch.no_grad():
            expected = encoder.pooled(inputs)
            with torch.autocast("cpu", torch.bfloat16):
                assert torch.equal(encoder.pooled(inputs), expected) == exact


def test_full_precision_is_kept_without_autocast(wavlm: Path) -> None:
    inputs = Ragged.join(clips())
    with torch.no_grad():
        expected = encoder_of(wavlm).eval().pooled(inputs)
        assert torch.equal(encoder_of(wavlm, lora=2).eval().pooled(inputs), expected)
        trained = encoder_of(wavlm, freeze="none").eval().pooled(inputs)
        assert torch.allclose(trained, expected, atol=1e-6)


def test_weights_that_equal_their_source_are_named(wavlm: Path) -> None:
    everything = {name for name in encoder_of(wavlm).state_dict() if name.startswith("trunks.")}
    assert set(encoder_of(wavlm).fixed_names()) == everything
    assert set(encoder_of(wavlm, freeze="none").fixed_names()) == set()
    partly = set(encoder_of(wavlm, freeze=2).fixed_names())
    assert {name for name in everything if ".layers.2." in name} == everything - partly
    adapted = encoder_of(wavlm, lora=2)
    others = {name for name in adapted.state_dict() if ".lora_" in name}
    trunk = {name for name in adapted.state_dict() if name.startswith("trunks.")}
    assert set(adapted.fixed_names()) == trunk - others


def test_statistics_of_batch_norm_learn_with_their_layer(tmp_path: Path) -> None:
    write_network(tmp_path, "wav2vec2-conformer")
    encoder = encoder_of(tmp_path, freeze=2).train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    gradients(encoder)
    changed = {n for n, value in encoder.state_dict().items() if not torch.equal(value, before[n])}
    assert changed
    assert all(".layers.2." in name for name in changed)
    assert not changed & set(encoder.fixed_names())


def references(inputs: list[Tensor], rows: list[int], weights: list[float]) -> References:
    return References(Ragged.join(inputs), torch.tensor(rows), torch.tensor(weights))


def test_the_mean_of_references_is_shrunk_and_subtracted(wavlm: Path) -> None:
    encoder = encoder_of(wavlm, references=True).eval()
    inputs, others = clips(), clips(lengths=(4_000, 9_000, 3_000, 2_000))
    encoder.observe(Ragged.join(inputs))
    encoder.fit()
    with torch.no_grad():
        plain, _ = encoder(Ragged.join(inputs))
        mean = torch.stack([encoder(Ragged.join([other]))[0][0] for other in others])
        # the first utterance has three references, the second none, the third one
        given = references(others, [0, 0, 0, 2], [1, 1, 1, 1])
        found, _ = encoder(Ragged.join(inputs), None, given)
        assert torch.allclose(found[0], plain[0] - mean[:3].mean(dim=0) * 3 / 5, atol=1e-5)
        assert torch.equal(found[1], plain[1])
        assert torch.allclose(found[2], plain[2] - mean[3] / 3, atol=1e-5)
        # one that stands for four clips
        found, _ = encoder(Ragged.join(inputs), None, references(others[:1], [1], [4.0]))
        assert torch.allclose(found[1], plain[1] - mean[0] * 4 / 6, atol=1e-5)


def test_references_of_utterances_without_the_modality_are_ignored(wavlm: Path) -> None:
    encoder = encoder_of(wavlm, references=True).eval()
    inputs, others = clips(), clips(lengths=(4_000, 9_000))
    present = torch.tensor([False, True, True])
    given = references(others, [0, 2], [1, 1]).of(present)
    with torch.no_grad():
        some = Ragged.join(inputs[1:])
        plain, _ = encoder(some)
        found, _ = encoder(some, None, given)
        alone, _ = encoder(Ragged.join(others[1:]))
    assert torch.equal(found[0], plain[0])
    assert torch.allclose(found[1], plain[1] - alone[0] / 3, atol=1e-5)


def test_stored_states_give_the_same_numbers(wavlm: Path, whisper: Path) -> None:
    for pooling in POOLINGS:
        encoder = encoder_of(f"{wavlm}+{whisper}", pooling=pooling, layer_states="weighted").eval()
        inputs = clips()
        stored = RaggedGroup.join([encoder.constant(steps) for steps in inputs])
        with torch.no_grad():
            assert torch.equal(encoder(Ragged.join(inputs))[0], encoder(stored)[0])
        assert encoder.widths == [part.values.shape[1] for part in stored.parts]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"lora": 2, "freeze": "none"}, "lora adapts a frozen network"),
        ({"references": True, "freeze": "none"}, "references need a frozen network"),
        ({"references": True, "lora": 4}, "references need a frozen network"),
        ({"references": True, "pooling": "attentive"}, "a pooling without weights"),
        ({"temporal_dim": 30, "temporal_heads": 4}, "not a multiple of"),
        ({"freeze": 0}, "greater than 0"),
        ({"layers": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    settings: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValidationError, match=why):
        PretrainedAudioConfig(**settings)
