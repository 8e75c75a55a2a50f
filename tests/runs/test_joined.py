"""Models joined from runs that were trained apart."""

import json
from pathlib import Path

import pytest
import torch
from samples import described, named, sample, tiny

from mien import MienError, Recognizer
from mien.models import build
from mien.models.pretrained.text_source import load_tokenizer
from mien.runs.config import DataConfig, RunConfig
from mien.runs.hub import save
from mien.runs.joined import JoinedRun
from mien.runs.run import Run
from mien.tasks import EmotionTask

TASK = EmotionTask(labels=("happy", "sad", "angry"), loss="ce", single_label=True)


def part(folder: Path, text: Path, modality: str, seed: int, task: EmotionTask = TASK) -> Run:
    """A run of one modality that has learnt nothing."""
    words = modality == "t"
    config = RunConfig(
        model=tiny(modalities=modality, **(named(text, {}) if words else {})),
        tasks=(task,),
        data=DataConfig(path="data", corpus=f"synthetic-{modality}", protocol="random"),
        training={},
        pretrained=described(text) if words else {},
        licence="Apache-2.0" if words else "CC-BY-NC-SA-4.0",
    )
    run = Run.create(folder, config, load_tokenizer(str(text)) if words else None)
    torch.manual_seed(seed)
    run.write_model(build(config.model, {"emotion": len(task.labels)}, config.pretrained))
    return run


def join(folder: Path, *names: object) -> Path:
    out = folder / "both"
    out.mkdir()
    (out / "joined.json").write_text(json.dumps({"parts": names}))
    return out


@pytest.fixture
def both(tmp_path: Path, tiny_text: Path) -> JoinedRun:
    part(tmp_path / "words", tiny_text, "t", 1)
    part(tmp_path / "sound", tiny_text, "a", 2)
    return JoinedRun(join(tmp_path, "words", "sound"))


def logits(run: Run, letters: str) -> torch.Tensor:
    recognizer = Recognizer(run, "cpu")
    return recognizer.forward([sample(3, letters)])[1].logits["emotion"][0].detach()


def test_one_modality_gives_the_logits_of_its_part_and_both_their_mean(both: JoinedRun) -> None:
    words, sound = both.parts
    torch.testing.assert_close(logits(both, "t"), logits(words, "t"))
    torch.testing.assert_close(logits(both, "a"), logits(sound, "a"))
    mean = (logits(words, "t") + logits(sound, "a")) / 2
    torch.testing.assert_close(logits(both, "ta"), mean)
    assert both.config.licence == "Apache-2.0 AND CC-BY-NC-SA-4.0"
    assert both.config.data.corpus == "synthetic-t+synthetic-a"


def test_a_copy_is_a_run_of_its_own(both: JoinedRun, tmp_path: Path) -> None:
    copy = Run(save(both, tmp_path / "copy"))
    for letters in ("t", "a", "ta"):
        assert torch.equal(logits(copy, letters), logits(both, letters))
    card = (copy.folder / "README.md").read_text()
    assert "license: other\nlicense_name: Apache-2.0 AND CC-BY-NC-SA-4.0" in card
    assert "Apache-2.0 AND CC-BY-NC-SA-4.0" in card.partition("## Licence")[2]


def test_parts_that_do_not_fit_together_are_refused(tmp_path: Path, tiny_text: Path) -> None:
    part(tmp_path / "words", tiny_text, "t", 1)
    part(tmp_path / "again", tiny_text, "t", 2)
    other = EmotionTask(labels=("happy", "calm"), loss="ce", single_label=True)
    part(tmp_path / "other", tiny_text, "a", 3, other)
    for names, why in (
        (("words", "again"), "two of them have the same modality"),
        (("words", "other"), "they predict other tasks or labels"),
    ):
        folder = join(tmp_path, *names)
        with pytest.raises(MienError, match=f"do not fit together: {why}"):
            JoinedRun(folder)
        (folder / "joined.json").unlink()
        folder.rmdir()


@pytest.mark.parametrize("names", [[], ["../outside"], ["/etc"], [".."], [3], [""], ["a/b"]])
def test_parts_are_named_and_no_paths(tmp_path: Path, names: list[object]) -> None:
    with pytest.raises(MienError, match=r"joined\.json is damaged"):
        JoinedRun(join(tmp_path, *names))
