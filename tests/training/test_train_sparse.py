"""Training the sparse model: it learns, its attention too, and it repeats exactly."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from samples import SMALL, revised

from mien.inference.evaluate import evaluate_run
from mien.inference.recognizer import Recognizer
from mien.models import ModelConfig, preset
from mien.runs.run import Run
from mien.training import TrainConfig, train


@pytest.fixture
def sparse(small: ModelConfig) -> ModelConfig:
    text = small.encoders["text"].model
    return preset("mme2e-sparse", text_model=text, sparse_threshold=0.5, **SMALL)


def attention(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: w for name, w in weights.items() if ".cnn.attention." in name}


def weights(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.folder / "model.safetensors")


@pytest.mark.slow
def test_it_learns(
    tiny_data: Path, tmp_path: Path, sparse: ModelConfig, quick: TrainConfig
) -> None:
    config = quick.model_copy(update={"epochs": 10, "modality_loss": 0.5})
    run = train(tiny_data, tmp_path / "run", sparse, config, progress=False)
    assert evaluate_run(run.folder, progress=False).tasks["emotion"].singlelabel.ua > 0.67


def test_its_attention_learns_and_the_published_one_does_not(
    tiny_data: Path, tmp_path: Path, sparse: ModelConfig, quick: TrainConfig
) -> None:
    published = revised(sparse, attention="published")
    longer = quick.model_copy(update={"epochs": quick.epochs + 1})
    learned, fresh, later = (
        attention(weights(train(tiny_data, tmp_path / name, model, config, progress=False)))
        for name, model, config in (
            ("learned", sparse, quick),
            ("published", published, quick),
            ("later", published, longer),
        )
    )
    assert len(fresh) == 2 * 3 * 4
    for name, start in fresh.items():
        assert torch.equal(start, later[name]), name
        assert (start - learned[name]).abs().max() > 1e-4, name


@pytest.mark.parametrize("sparsity", ["sites", "frames", "both"])
def test_it_repeats_exactly_and_answers_for_words_alone(
    tiny_data: Path, tmp_path: Path, sparse: ModelConfig, quick: TrainConfig, sparsity: str
) -> None:
    model = revised(sparse, sparsity=sparsity)
    runs = [train(tiny_data, tmp_path / name, model, quick, progress=False) for name in "ab"]
    first, second = map(weights, runs)
    assert all(torch.equal(first[name], second[name]) for name in first)
    prediction = Recognizer.load(runs[0].folder)(None, text="I am glad that you came.")
    assert prediction.answers["emotion"].decision


def test_bf16_trains(
    tiny_data: Path, tmp_path: Path, sparse: ModelConfig, quick: TrainConfig
) -> None:
    config = quick.model_copy(update={"precision": "bf16"})
    run = train(tiny_data, tmp_path / "run", sparse, config, progress=False)
    assert all(w.isfinite().all() for w in weights(run).values())
