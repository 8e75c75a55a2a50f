"""The two-phase baselines against the published system's own numbers.

The published models read the zeros that fill up shorter utterances as if they were data. Here these
zeros are given as data, so that both see the same; mien never pads.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from rule import assert_close, filled
from samples import had
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mien.batch import Batch, Ragged
from mien.modality import Modality, parse_modalities
from mien.models import MultimodalModel, preset
from mien.models.published_weights import convert, rename

NAMES = {"lf-rnn": "lf_rnn", "lf-transformer": "lf_transformer"}
SUBSETS = ["tav", "ta", "tv", "t", "a", "v"]


def published_weights(golden: Path, model: str, modalities: str) -> dict[str, Tensor]:
    """The state dict of a published baseline: it has all encoders, whatever its modalities."""
    entries = json.loads((golden / "manifest.json").read_text())[f"{NAMES[model]}_C6"]
    weights = {name: filled(name, entry["shape"]) for name, entry in entries.items()}
    for name, entry in entries.items():
        assert weights[name].double().sum().item() == pytest.approx(entry["sum"], abs=1e-3), name
    shape = [1, len(modalities)]
    return weights | {"weighted_fusion.weight": filled("weighted_fusion.weight", shape)}


def build(golden: Path, model: str, modalities: str = "tav", **settings: float) -> MultimodalModel:
    state = had(model, modalities, text_rnn_state="published")
    config = preset(model, modalities=modalities, **state, **settings)
    network = MultimodalModel(config, {"emotion": 6})
    own = parse_modalities(modalities)
    weights = convert(published_weights(golden, model, modalities), modalities=own)
    if len(modalities) == 1:
        weights["fusion.emotion.weight"] = torch.ones(1)  # one modality passes as it is
    network.load_state_dict(weights)
    return network


def golden_batch(golden: Path, model: str) -> Batch:
    """The two utterances; for the RNN with the published padding as part of them."""
    inputs = {name: torch.from_numpy(a) for name, a in np.load(golden / "inputs.npz").items()}
    features = {"t": inputs["lf_text"].flatten(0, 1), "a": inputs["lf_audio"]}
    counts = {"t": torch.tensor([6, 6]), "a": inputs["spec_lens"], "v": inputs["imgs_lens"]}
    features["v"] = inputs["lf_img"]
    if model == "lf-rnn":
        for m in "av":
            padded = pad_sequence(features[m].split(counts[m].tolist()), batch_first=True)
            features[m] = padded.flatten(0, 1)
            counts[m] = torch.full((2,), padded.shape[1])
    return Batch(
        inputs={Modality.of(m): Ragged(features[m], counts[m]) for m in "tav"},
        targets={"emotion": inputs["y6"]},
    )


@pytest.mark.parametrize("modalities", SUBSETS)
@pytest.mark.parametrize("model", NAMES)
def test_logits_and_states(golden: Path, model: str, modalities: str) -> None:
    network = build(golden, model, modalities).eval()
    batch = golden_batch(golden, model)
    expected = np.load(golden / f"{NAMES[model]}_C6.npz")
    with torch.no_grad():
        output = network(batch)
        for m, encoder in network.encoders.items():
            state, _ = encoder(batch.inputs[m])
            assert_close(state, expected[f"{modalities}_feat_{m[0]}"], 1e-4)
    assert_close(output.logits["emotion"], expected[f"fused_{modalities}"], 1e-4)
    for m, logits in output.modality_logits["emotion"].items():
        assert_close(logits, expected[f"{modalities}_logits_{m.letter}"], 1e-4)


@pytest.mark.parametrize("model", NAMES)
def test_every_published_weight_has_a_place(golden: Path, model: str) -> None:
    weights = published_weights(golden, model, "tav")
    own = MultimodalModel(preset(model), {"emotion": 6}).state_dict()
    assert {rename(name) for name in weights} == set(own)


@pytest.mark.parametrize("model", NAMES)
def test_one_training_step(golden: Path, model: str) -> None:
    expected = np.load(golden / f"train_{NAMES[model]}_C6.npz")
    settings = {"dropout": 0.0} if model == "lf-transformer" else {}
    network = build(golden, model, **settings).train()
    batch = golden_batch(golden, model)
    weight = torch.from_numpy(np.load(golden / "inputs.npz")["pos_weight6"])
    criterion = torch.nn.BCEWithLogitsLoss(pos_weight=weight)
    loss = criterion(network(batch).logits["emotion"], batch.targets["emotion"])
    assert loss.item() == pytest.approx(float(expected["loss"]), rel=1e-5)
    loss.backward()
    ours = {name: p.grad for name, p in network.named_parameters()}
    norms = dict(zip(expected["names"], expected["grad_norm"], strict=True))
    floor = 1e-5 * max(norms.values())
    for name, norm in norms.items():
        assert ours.pop(rename(str(name))).norm().item() == pytest.approx(norm, 1e-3, floor), name
    assert not ours
