"""The dense model against the published system's own numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from rule import assert_close, build, compare_gradients, golden_batch, loss_of, step

from mien.modality import Modality
from mien.models.published_weights import rename


@pytest.mark.parametrize("modalities", ["tav", "ta", "tv", "t", "a", "v"])
def test_logits_of_every_subset(golden: Path, modalities: str) -> None:
    model = build(golden, modalities).eval()
    with torch.no_grad():
        output = model(golden_batch(golden))
    expected = np.load(golden / "mme2e_mods_C6.npz")
    assert_close(output.logits["emotion"], expected[f"fused_{modalities}"], 1e-4)
    for modality, logits in output.modality_logits["emotion"].items():
        assert_close(logits, expected[f"{modalities}_logits_{modality.letter}"], 1e-4)


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
        for modality in (Modality.VIDEO, Modality.AUDIO):
            letter, given = modality.letter, batch.inputs[modality]
            encoder = model.encoders[modality]
            images = encoder.images(given.values)
            if letter == "v":
                assert_close(images, expected["faces_normalized"], 1e-5)
            x = encoder.cnn.stem(images)
            assert_close(x, expected[f"{letter.upper()}3"], 1e-4)
            for block, name in zip(encoder.cnn.blocks, (None, 5, 7, 9, 11), strict=True):
                x = block(x)
                if name:
                    assert_close(x, expected[f"{letter.upper()}{name}"], 1e-4)
            flat = encoder.cnn.project(x.flatten(1))
            assert_close(flat, expected[f"{letter}_flat"], 1e-4)
            assert_close(encoder.temporal(flat, given.counts), expected[f"{letter}_cls"], 1e-4)


def test_one_training_step(golden: Path) -> None:
    expected = np.load(golden / "train_mme2e_C6.npz")
    model, loss, output, adam = step(golden, build(golden, "tav", dropout=0), torch.float32)
    assert loss.item() == pytest.approx(float(expected["loss"]), rel=1e-5)
    assert_close(output, expected["logits"], 1e-4)
    state = model.state_dict()
    for key in expected.files:
        if key.startswith("buf:"):
            assert_close(state[rename(key[4:])], expected[key], 1e-4)
    assert compare_gradients(model, expected, 1e-3) > 150

    adam.step()
    after = loss_of(golden, model)[0]
    assert after.item() == pytest.approx(float(expected["loss_after_step"]), rel=2e-3)


def test_gradient_norms_without_rounding(golden: Path) -> None:
    """In float32 the sums of batch norm cancel so far that they differ by their order alone."""
    expected = np.load(golden / "train_mme2e_C6.npz")
    model = step(golden, build(golden, "tav", dropout=0), torch.float64)[0]
    assert compare_gradients(model, expected, 1e-3) > 150
