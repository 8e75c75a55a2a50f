"""Initial weights: what is taken, what stays random, and what is refused."""

import pickle
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest
import torch
from checkpoints import published
from safetensors.torch import load_file
from samples import TASKS, revised, tiny_model, tiny_run
from torch import Tensor

from mien.errors import MienError
from mien.modality import parse_modalities
from mien.models import ModelConfig, MultimodalModel, build, preset
from mien.runs.run import Run
from mien.tasks import EmotionTask
from mien.training import TrainConfig, train
from mien.training.initial import initialise, read_weights

SIX = ("angry", "excited", "frustrated", "happy", "neutral", "sad")


def weights(model: MultimodalModel) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def alike(a: dict[str, Tensor], b: dict[str, Tensor]) -> set[str]:
    """Name the weights that are the same in both, of those with a value of their own."""
    return {n for n in a if not n.endswith("num_batches_tracked") and torch.equal(a[n], b[n])}


def started(model: MultimodalModel, letters: str) -> set[str]:
    """Name what a model takes from a run of the same tasks."""
    parts = tuple(f".{modality}." for modality in parse_modalities(letters))
    names = (n for n in model.state_dict() if not n.endswith("num_batches_tracked"))
    shared = ("fusion.", "persons.prototypes", "persons.weight")
    return {n for n in names if any(p in n for p in parts) or n.startswith(shared)}


@pytest.fixture(scope="module")
def source(tiny_text: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return tiny_run(tmp_path_factory.mktemp("source") / "run", tiny_text)


def test_a_model_of_the_same_kind_takes_everything(source: Run, tiny_text: Path) -> None:
    model = tiny_model(tiny_text, seed=1)
    said = initialise(source.folder, model, TASKS)
    assert alike(weights(model), weights(source.model())) == started(model, "tva")
    assert "text, audio, video from" in said
    assert "the heads of emotion and person" in said


def test_only_the_named_modalities_are_taken(source: Run, tiny_text: Path) -> None:
    model, before = (tiny_model(tiny_text, seed=1) for _ in range(2))
    initialise(source.folder, model, TASKS, "a")
    weights_of_all = ("fusion.", "persons.weight")
    took = {name for name in started(model, "a") if not name.startswith(weights_of_all)}
    assert alike(weights(model), weights(source.model())) >= took
    unchanged = alike(weights(model), weights(before))
    assert {n for n in took if n.endswith("weight") and ".norm" not in n}.isdisjoint(unchanged)
    assert unchanged | took == {n for n in weights(model) if "num_batches" not in n}


def test_other_labels_get_new_heads(source: Run, tiny_text: Path) -> None:
    other = EmotionTask(labels=("happy", "sad", "calm"), loss="bce")
    model = tiny_model(tiny_text, seed=1)
    before = weights(model)
    said = initialise(source.folder, model, [other, TASKS[1]])
    same = alike(weights(model), weights(source.model()))
    assert {n for n in before if n.startswith("heads.person.")} <= same
    assert not [n for n in same if n.startswith(("heads.emotion.", "fusion.emotion."))]
    assert said.endswith("and the heads of person")


def test_a_smaller_model_takes_its_part_and_weighs_anew(source: Run, tiny_text: Path) -> None:
    model = tiny_model(tiny_text, seed=1, modalities="ta")
    shared = ("fusion.", "persons.weight")
    fusion = {n: t for n, t in weights(model).items() if n.startswith(shared)}
    initialise(source.folder, model, TASKS)
    theirs = weights(source.model())
    for name, tensor in weights(model).items():
        if name in fusion:
            assert torch.equal(tensor, fusion[name])
        else:
            assert torch.equal(tensor, theirs[name]), name


@pytest.mark.parametrize("order", [SIX, ("neutral", "happy", "excited", "sad", "angry", SIX[2])])
@pytest.mark.parametrize(
    "config",
    [
        preset(modalities="va", width=0.125, temporal_dim=16, temporal_feedforward=32),
        preset("lf-rnn", text_feature_size=8, audio_feature_size=10, video_feature_size=4),
    ],
    ids=["dense", "baseline"],
)
def test_a_published_checkpoint_answers_in_the_order_of_the_task(
    tmp_path: Path, config: ModelConfig, order: tuple[str, ...]
) -> None:
    torch.manual_seed(0)
    task = EmotionTask(labels=order, loss="bce")
    theirs, ours = (build(config, {"emotion": 6}, None) for _ in range(2))
    initialise(published(theirs, tmp_path / "published.pt"), ours, [task])
    places = [SIX.index(label) for label in order]
    expected = weights(theirs)
    for name in [n for n in expected if n.startswith("heads.") and len(expected[n]) == 6]:
        expected[name] = expected[name][places]
    assert alike(weights(ours), expected) == {n for n in expected if "num_batches" not in n}


def test_a_published_checkpoint_of_other_labels_gives_its_encoders(
    tiny_text: Path, tmp_path: Path
) -> None:
    theirs, ours = tiny_model(tiny_text), tiny_model(tiny_text, seed=1)
    del theirs.heads["person"], theirs.fusion["person"]
    before = weights(ours)
    said = initialise(published(theirs, tmp_path / "mme2e_tav.pt"), ours, TASKS, "t")
    assert said.endswith("with new heads")
    for name, tensor in weights(ours).items():
        expected = theirs.state_dict() if name.startswith("encoders.text.") else before
        assert torch.equal(tensor, expected[name]), name


@pytest.mark.parametrize(
    ("settings", "letters", "message"),
    [
        (
            {"temporal_dim": 8},
            None,
            r"does not fit the video encoder of the model: it has encoders.video.* of size",
        ),
        (
            {"model": "mme2e-sparse"},
            None,
            r"not fit the video encoder of the model: it has no encoders.video",
        ),
        ({"modalities": "ta"}, "tv", r"the model has the modalities 'ta': it cannot use 'v'"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(
    source: Run, tiny_text: Path, settings: dict, letters: str | None, message: str
) -> None:
    model = tiny_model(tiny_text, **settings)
    before = weights(model)
    with pytest.raises(MienError, match=message):
        initialise(source.folder, model, TASKS, letters)
    assert alike(weights(model), before) == {n for n in before if "num_batches" not in n}


NO_CHECKPOINT = r"model\.pt is not a checkpoint of tensors only \("


class Harm:
    def __reduce__(self):
        return (open, ("harmed", "w"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", NO_CHECKPOINT + "it was not written by torch.save"),
        (b"nonsense", NO_CHECKPOINT + "it was not written by torch.save"),
        (pickle.dumps(Harm()), NO_CHECKPOINT + "it was not written by torch.save"),
        (pickle.dumps({"valid": [0.5]}), NO_CHECKPOINT + "it was not written by torch.save"),
        (b"PK\x03\x04 cut", NO_CHECKPOINT + "damaged"),
        (Harm(), NO_CHECKPOINT + "refused, since it names"),
        ({"f1": np.float64(0.5)}, NO_CHECKPOINT + "refused, since it names numpy"),
        ([torch.zeros(1)], NO_CHECKPOINT + "it does not hold a state dict"),
        ({"args": "x"}, NO_CHECKPOINT + "its state dict holds more than plain tensors"),
        ({"t_out.bias": torch.tensor(torch.nan)}, NO_CHECKPOINT + "its t_out.bias has numbers"),
        (None, "is neither a run folder nor a checkpoint"),
    ],
    ids=[
        *("empty", "no pickle", "pickle", "statistics", "cut", "code", "statistics by torch"),
        *("a list", "no tensors", "not finite", "no file"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_and_runs_no_code(
    tmp_path: Path, tiny_text: Path, content: object, message: str, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(MienError, match=message) as error:
        initialise(path, tiny_model(tiny_text), TASKS)
    assert not (tmp_path / "harmed").exists()
    for advice in ("weights_only", "trust", "arbitrary", "add_safe_globals"):
        assert advice not in str(error.value)


def test_a_model_that_is_to_answer_by_weights_alone_misses_none(tmp_path: Path) -> None:
    task = EmotionTask(labels=SIX, loss="bce")
    config = preset(modalities="va", width=0.125, temporal_dim=16, temporal_feedforward=32)
    both = published(build(config, {"emotion": 6}, None), tmp_path / "mme2e_va.pt")
    for letters in ("va", "v"):
        kept = {m: config.encoders[m] for m in parse_modalities(letters)}
        model = build(ModelConfig(encoders=kept), {"emotion": 6})
        names = read_weights(both, [task]).fitting(model, [task], None, complete=True)
        assert {n for n in model.state_dict() if n.startswith("heads.")} <= set(names)
    state = torch.load(both, weights_only=True)
    torch.save({n: t for n, t in state.items() if not n.startswith("weighted")}, both)
    model = build(config, {"emotion": 6}, None)
    with pytest.raises(MienError, match=r"has no fusion\.emotion\.weight that fits .* 'av'"):
        read_weights(both, [task]).fitting(model, [task], None, complete=True)


def test_training_goes_on_from_the_weights_of_a_run_even_when_that_is_gone(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, caplog
) -> None:
    caplog.set_level("INFO", "mien")
    still = {"lr": 1e-12, "epochs": 1}
    first = train(
        tiny_data, tmp_path / "first", small, quick.model_copy(update={"epochs": 1}), progress=False
    )
    config = quick.model_copy(update=still | {"init": str(first.folder), "seed": 5})
    second = train(tiny_data, tmp_path / "second", small, config, progress=False)
    assert f"initialised the encoders of text, audio, video from {first.folder}" in caplog.text
    a, b = (load_file(run.folder / "model.safetensors") for run in (first, second))
    for name in a:
        if "running" not in name and "num_batches" not in name:
            torch.testing.assert_close(a[name], b[name], msg=name)
    rmtree(first.folder)
    train(tiny_data, second.folder, resume=True, progress=False)


def test_weights_that_do_not_fit_leave_no_folder_in_the_way(
    tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig, source: Run
) -> None:
    config = quick.model_copy(update={"init": str(source.folder)})
    wide = revised(small, temporal_dim=32)
    with pytest.raises(MienError, match="does not fit the video encoder"):
        train(tiny_data, tmp_path / "run", wide, config, progress=False)
    assert not (tmp_path / "run").exists()
