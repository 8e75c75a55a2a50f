"""A task is one class and its registration: nothing else of mien needs to know it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self

import pytest
import torch
from samples import VoiceTask, store, tiny

from mien.dataset.store import Store
from mien.errors import MienError
from mien.inference.evaluate import evaluate
from mien.inference.recognizer import Recognizer
from mien.models import ModelConfig
from mien.report.run_report import write_report
from mien.tasks import TASKS, LabelTask, PersonTask, register_task
from mien.training import TrainConfig, train
from mien.utterance import Utterance


class StanceTask(LabelTask):
    """Whether the speaker is for or against; from a list's column ``label:stance``."""

    name: Literal["stance"] = "stance"

    @classmethod
    def from_training(cls, utterances: Iterable[Utterance], loss: str | None = None) -> Self:
        return cls.of(sorted({str(u.labels["stance"]) for u in utterances}), loss, True)

    def true_labels(self, utterance: Utterance) -> set[str] | None:
        return {str(utterance.labels["stance"])} if "stance" in utterance.labels else None


@pytest.fixture
def voice() -> Iterator[None]:
    register_task(VoiceTask)
    yield
    del TASKS["voice"]


def test_a_task_of_speakers_by_another_name_learns_an_embedding(
    voice: None, tiny_data: Path, tmp_path: Path, quick: TrainConfig
) -> None:
    model = tiny(modalities="a", embedding_size=6)
    values = quick.model_dump(exclude_unset=True) | {"task": "emotion+voice", "epochs": 1}
    run = train(tiny_data, tmp_path / "run", model, TrainConfig(**values), progress=False)
    weights = run.weights()
    assert weights["persons.prototypes"].shape == (4, 6)
    assert weights["persons.project.audio.weight"].shape == (6, 16)
    values |= {"init": str(run.folder), "embedding_loss": 0.0, "lr": 1e-30}
    begun = train(tiny_data, tmp_path / "begun", model, TrainConfig(**values), progress=False)
    again = begun.weights()
    assert torch.equal(again["persons.prototypes"], weights["persons.prototypes"])
    assert torch.equal(again["heads.voice.audio.weight"], weights["heads.voice.audio.weight"])


@pytest.fixture
def registered() -> Iterator[None]:
    register_task(StanceTask)
    yield
    del TASKS["stance"]


def test_a_task_of_somebody_else_trains_and_answers(
    registered: None, tiny_data: Path, tmp_path: Path, small: ModelConfig, quick: TrainConfig
) -> None:
    stances = ("for", "against")
    samples = [
        replace(s, utterance=replace(s.utterance, labels={"stance": stances[i % 2]}))
        for i, s in enumerate(Store(tiny_data))
    ]
    data = store(tmp_path / "data", samples).folder
    values = quick.model_dump(exclude_unset=True) | {"task": "stance+person", "epochs": 1}
    run = train(data, tmp_path / "run", small, TrainConfig(**values), progress=False)
    metrics = evaluate(run.folder, progress=False)
    assert metrics.tasks["stance"].labels == ["against", "for"]
    run.write("metrics.json", metrics.model_dump(mode="json"))
    assert "Stance, " in write_report(run.folder).read_text()
    prediction = Recognizer.from_pretrained(run.folder)(samples[0])
    assert set(prediction.answers["stance"].scores) == set(stances)


def test_a_name_is_given_once_and_is_one_word() -> None:
    with pytest.raises(MienError, match="a task 'person' already"):
        register_task(type("Again", (PersonTask,), {}))
    with pytest.raises(ValueError, match="needs a lower-case name"):
        register_task(LabelTask)
