"""Attention maps of a sparse model, and the shares that it selected."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from media_files import murmur, write_video
from samples import tiny_run

from mien.errors import MienError
from mien.inference.recognizer import Recognizer
from mien.report.explain import Explanation, explain


def sparse(folder: Path, text: Path, **changes: Any) -> Recognizer:
    """A model whose weights are random, and whose attention is guided by the text."""
    run = tiny_run(folder, text, no_face="centre", model="mme2e-sparse", **changes)
    recognizer = Recognizer(run, device="cpu")
    with torch.no_grad():
        for name, parameter in recognizer.model.named_parameters():
            if ".attention." in name:
                parameter.mul_(5)
    return recognizer


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Recognizer:
    return sparse(tmp_path_factory.mktemp("explain") / "run", tiny_text)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic video of 2 s with sound; nobody is in it."""
    folder = tmp_path_factory.mktemp("clip")
    time = np.arange(32_000) / 16_000
    tone = np.sin(2 * np.pi * (300 + 400 * time) * time) * np.sin(2 * np.pi * time) ** 2 / 3
    return write_video(folder / "made up.mp4", 60, size=(96, 96), sound=tone.astype(np.float32))


@pytest.mark.parametrize("sparsity", ["sites", "frames", "both"])
def test_the_shares_are_those_of_the_selection(
    tmp_path: Path, tiny_text: Path, clip: Path, sparsity: str
) -> None:
    recognizer = sparse(tmp_path / "run", tiny_text, sparsity=sparsity)
    out = tmp_path / "out"
    explanation = explain(recognizer, clip, out, text="I am glad")
    written = json.loads((out / "explain-made up.json").read_text())
    assert explanation == Explanation.model_validate(written)
    assert sorted(path.name for path in out.iterdir()) == sorted(explanation.files)
    assert explanation.files[:2] == ["explain-made up-1-video.png", "explain-made up-1-audio.png"]
    (segment,) = explanation.segments
    recording = recognizer.read(clip, text="I am glad")
    _, output = recognizer.forward([recording.segments[0][2]])
    for modality in ("video", "audio"):
        selection, look = output.selections[modality], segment.looks[modality]
        assert (look.sparsity, look.threshold) == (sparsity, 0.5)
        assert look.steps == len(selection.images)
        assert look.selected == pytest.approx(selection.images.float().mean().item(), abs=1e-6)
        assert (look.selected == 1) == (sparsity == "sites")
        expected = [kept.float().mean().item() for kept in selection.kept]
        assert look.kept == pytest.approx(expected, abs=1e-6)
        assert len(look.kept) == (0 if sparsity == "frames" else 3)
    prediction = recognizer(clip, text="I am glad")
    assert segment.decision == {t: a.decision for t, a in prediction.segments[0].answers.items()}
    assert explanation.synthetic_training


def test_the_text_changes_what_is_selected(tmp_path: Path, tiny_text: Path, clip: Path) -> None:
    recognizer = sparse(tmp_path / "run", tiny_text)
    for name, weight in recognizer.model.named_parameters():
        if ".attention." in name and ".text." in name:  # before training the text has no effect
            torch.nn.init.normal_(weight)
    kept = []
    for words in ("I am so glad", "Where have you been all this time?", None):
        recording = recognizer.read(clip, text=words)
        _, output = recognizer.forward([recording.segments[0][2]])
        kept.append({m: selection.kept[0] for m, selection in output.selections.items()})
    for modality in ("video", "audio"):
        assert not torch.equal(kept[0][modality], kept[1][modality])
        assert not torch.equal(kept[0][modality], kept[2][modality])


def test_each_segment_has_its_attention_maps(
    recognizer: Recognizer, clip: Path, tmp_path: Path
) -> None:
    words = tmp_path / "words.srt"
    words.write_text(
        "1\n00:00:00,000 --> 00:00:01,000\nI am so glad\n\n"
        "2\n00:00:01,100 --> 00:00:01,400\nreally\n"
    )
    explanation = explain(recognizer, clip, tmp_path, transcript=words)
    assert [(s.start, s.end, s.text) for s in explanation.segments] == [
        (0.0, 1.0, "I am so glad"),
        (1.1, 1.4, "really"),
    ]
    assert [list(s.looks) for s in explanation.segments] == [["video", "audio"], ["audio"]]
    assert explanation.segments[1].looks["audio"].file == "explain-made up-2-audio.png"
    assert explanation.notes == ["no attention map of video for segment 2: it has none"]
    assert all((tmp_path / name).is_file() for name in explanation.files)


def test_a_clip_without_video_and_one_without_audio(recognizer: Recognizer, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "heard.wav", murmur(8000), 16_000)
    write_video(tmp_path / "seen.mp4", 20)
    for name, has, lacks in (("heard.wav", "audio", "video"), ("seen.mp4", "video", "audio")):
        explanation = explain(recognizer, tmp_path / name, tmp_path / "out")
        assert list(explanation.segments[0].looks) == [has]
        assert explanation.notes == [f"no attention map of {lacks}: the clip has none"]
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_a_modality_that_the_model_does_not_use_is_not_drawn(
    tmp_path: Path, tiny_text: Path, clip: Path
) -> None:
    recognizer = sparse(tmp_path / "run", tiny_text, modalities="tv")
    explanation = explain(recognizer, clip, tmp_path / "out")
    assert explanation.files == ["explain-made up-1-video.png", "explain-made up.json"]
    assert explanation.notes == ["no attention map of audio: the model does not use it"]


def test_power_spectrograms_are_drawn_too(tmp_path: Path, tiny_text: Path, clip: Path) -> None:
    recognizer = sparse(tmp_path / "run", tiny_text, modalities="ta", audio_spectrogram="published")
    explanation = explain(recognizer, clip, tmp_path / "out")
    assert "explain-made up-1-audio.png" in explanation.files


def test_a_dense_model_is_refused(tmp_path: Path, tiny_text: Path, clip: Path) -> None:
    recognizer = Recognizer(tiny_run(tmp_path / "run", tiny_text), device="cpu")
    with pytest.raises(MienError, match=r"run: its model is dense.* the model mme2e-sparse"):
        explain(recognizer, clip, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_that_cannot_be_read_or_written_are_errors(
    recognizer: Recognizer, clip: Path, tmp_path: Path
) -> None:
    with pytest.raises(MienError, match=r"gone\.mp4 does not exist"):
        explain(recognizer, tmp_path / "gone.mp4", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(MienError, match=r"taken can't be made .*choose another"):
        explain(recognizer, clip, tmp_path / "taken")
