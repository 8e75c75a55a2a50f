"""The dense model against the published system's own numbers."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rule import filled, golden_batch
from transformers import AlbertConfig

from mien.models import MME2E, ModelConfig
from mien.models.published import convert, rename

ALBERT_BASE_V2 = AlbertConfig(
    vocab_size=30_000,
    embedding_size=128,
    hidden_size=768,
    num_hidden_layers=12,
    num_attention_heads=12,
    intermediate_size=3072,
    hidden_act="gelu_new",
    hidden_dropout_prob=0,
    attention_probs_dropout_prob=0,
)


def published_weights(golden: Path, modalities: str) -> dict[str, torch.Tensor]:
    manifest = json.loads((golden / "manifest.json").read_text())
    entries = manifest["mme2e_C6"] | (
        {} if modalities == "tav" else manifest[f"mme2e_C6_{modalities}_fusion"]
    )
    weights = {name: filled(name, entry["shape"]) for name, entry in entries.items()}
    for name, entry in entries.items():
        assert weights[name].double().sum().item() == pytest.approx(entry["sum"], abs=1e-3), name
    return weights


def build(golden: Path, modalities: str, dropout: float = 0.1) -> MME2E:
    config = ModelConfig(modalities=modalities, front_end="published", dropout=dropout)
    model = MME2E(config, {"emotion": 6}, ALBERT_BASE_V2 if "t" in modalities else None)
    weights = convert(published_weights(golden, modalities))
    own = model.state_dict()
    counters = {name: own[name] for name in own if name.endswith("num_batches_tracked")}
    wanted = {name: weights[name] for name in own if name not in counters}
    model.load_state_dict(wanted | counters)
    return model


def assert_close(ours: torch.Tensor, theirs: np.ndarray, relative: float) -> None:
    error = np.abs(ours.detach().numpy() - theirs).max() / np.abs(theirs).max()
    assert error < relative


@pytest.mark.parametrize("modalities", ["tav", "ta", "tv", "t", "a", "v"])
def test_logits_of_every_subset(golden: Path, modalities: str) -> None:
    model = build(golden, modalities).eval()
    with torch.no_grad():
        output = model(golden_batch(golden))
    expected = np.load(golden / "mme2e_mods_C6.npz")
    assert_close(output.logits["emotion"], expected[f"fused_{modalities}"], 1e-4)
    for letter, logits in output.modality_logits["emotion"].items():
        assert_close(logits, expected[f"{modalities}_logits_{letter}"], 1e-4)


def test_every_published_weight_has_a_place(golden: Path) -> None:
    model = build(golden, "tav")
    manifest = json.loads((golden / "manifest.json").read_text())["mme2e_C6"]
    mapped = {new for name in manifest if (new := rename(name)) is not None}
    unused = {name for name in mapped if name.endswith("position_ids")}
    counters = {name for name in model.state_dict() if name.endswith("num_batches_tracked")}
    assert mapped - unused - counters == set(model.state_dict()) - counters


def test_intermediate_values(golden: Path) -> None:
    model = build(golden, "tav").eval()
    expected = np.load(golden / "mme2e_tav_C6.npz")
    batch = golden_batch(golden)
    with torch.no_grad():
        for letter, pictures in (("v", batch.faces), ("a", batch.pieces)):
            encoder = model.encoders[letter]
            if letter == "v":
                pictures = (pictures - model.face_mean) / model.face_sd
                assert_close(pictures, expected["faces_normalized"], 1e-5)
            x = encoder.cnn.stem(pictures)
            assert_close(x, expected[f"{letter.upper()}3"], 1e-4)
            for block, name in zip(encoder.cnn.blocks, (None, 5, 7, 9, 11), strict=True):
                x = block(x)
                if name:
                    assert_close(x, expected[f"{letter.upper()}{name}"], 1e-4)
            flat = encoder.cnn.project(x.flatten(1))
            assert_close(flat, expected[f"{letter}_flat"], 1e-4)
            counts = batch.face_counts if letter == "v" else batch.piece_counts
            assert_close(encoder.over_time(flat, counts), expected[f"{letter}_cls"], 1e-4)


def test_one_training_step(golden: Path) -> None:
    expected = np.load(golden / "train_mme2e_C6.npz")
    model, loss, output, adam = step(golden, torch.float32)
    assert loss.item() == pytest.approx(float(expected["loss"]), rel=1e-5)
    assert_close(output, expected["logits"], 1e-4)
    state = model.state_dict()
    for key in expected.files:
        if key.startswith("buf:"):
            assert_close(state[rename(key[4:])], expected[key], 1e-4)
    compare_gradients(model, expected, 3e-3)

    adam.step()
    batch, criterion = golden_batch(golden), weighted_loss(golden)
    after = criterion(model(batch).logits["emotion"], batch.targets["emotion"])
    assert after.item() == pytest.approx(float(expected["loss_after_step"]), rel=2e-3)


def test_gradient_norms_without_rounding(golden: Path) -> None:
    """In float32 the sums of batch norm cancel so far that they differ by their order alone."""
    expected = np.load(golden / "train_mme2e_C6.npz")
    compare_gradients(step(golden, torch.float64)[0], expected, 1e-3)


def weighted_loss(golden: Path) -> torch.nn.BCEWithLogitsLoss:
    weight = torch.from_numpy(np.load(golden / "inputs.npz")["pos_weight6"]).float()
    return torch.nn.BCEWithLogitsLoss(pos_weight=weight)


def step(
    golden: Path, precision: torch.dtype
) -> tuple[MME2E, torch.Tensor, torch.Tensor, torch.optim.Adam]:
    """Compute the loss and gradients of the golden training step."""
    model = build(golden, "tav", dropout=0).to(precision).train()
    batch = golden_batch(golden)
    batch = replace(batch, pieces=batch.pieces.to(precision))
    text = [p for n, p in model.named_parameters() if ".t." in n]
    rest = [p for n, p in model.named_parameters() if ".t." not in n]
    adam = torch.optim.Adam([{"params": text, "lr": 5e-6}, {"params": rest, "lr": 5e-5}])
    output = model(batch).logits["emotion"]
    loss = weighted_loss(golden).to(precision)(output, batch.targets["emotion"].to(precision))
    loss.backward()
    return model, loss, output, adam


def compare_gradients(model: MME2E, expected: np.lib.npyio.NpzFile, relative: float) -> None:
    ours = {name: p.grad for name, p in model.named_parameters()}
    norms = dict(zip(expected["names"], expected["grad_norm"], strict=True))
    # a bias that batch norm or softmax cancels has no gradient but rounding
    floor = 1e-5 * max(norms.values())
    checked = 0
    for name, norm in norms.items():
        new = rename(str(name))
        if new is None or norm < 0:
            continue
        assert ours[new] is not None, name
        assert ours[new].norm().item() == pytest.approx(norm, rel=relative, abs=floor), name
        checked += norm > floor
    assert checked > 150
