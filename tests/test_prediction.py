"""What is said of a clip, as JSON and for reading."""

import json
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from mien.inference.prediction import Prediction, Segment
from mien.task_prediction import TaskPrediction

SCHEMA = Path(__file__).parents[1] / "docs" / "prediction.schema.json"


def prediction(**fields: object) -> Prediction:
    emotion = TaskPrediction(decision=["sad"], scores={"happy": 0.125, "sad": 0.75})
    person = TaskPrediction(decision=[], scores={f"synthetic-{i:02}": i / 20 for i in range(12)})
    answers = {"emotion": emotion, "person": person}
    segment = Segment(
        start=0, end=1.5, text="No.", modalities=["text", "audio", "video"], answers=answers
    )
    own = {
        "source": "synthetic.mp4",
        "run": "runs/synthetic",
        "modalities": ["text", "audio", "video"],
        "seconds": 3,
        "answers": answers,
        "segments": [segment, segment.model_copy(update={"start": 1.5, "end": 3.0})],
        "embedding": [0.6, 0.8],
        "faces": 6,
        "faces_found": 5,
    }
    return Prediction.model_validate(own | fields)


def test_the_documented_schema_is_the_real_one() -> None:
    documented = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert documented == Prediction.model_json_schema(), "write the new schema there, indent 2"


def test_the_schema_explains_every_field_but_the_parts() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for part in (schema, *schema["$defs"].values()):
        for name, field in part.get("properties", {}).items():
            assert field.get("description"), name


def test_json_and_back() -> None:
    said = prediction(warnings=["video: no picture"], synthetic_training=True)
    assert Prediction.model_validate_json(said.model_dump_json()) == said


def test_names_that_are_no_utf_8_make_valid_json() -> None:
    name = os.fsdecode(b"caf\xe9 \xc3\xa9.wav")
    said = prediction(source=name, run=name, warnings=[f"{name}: no sound", "half \ud800"])
    shown = "caf\\xe9 \u00e9.wav"
    assert (said.source, said.run) == (shown, shown)
    assert said.warnings == [f"{shown}: no sound", "half \\ud800"]
    assert Prediction.model_validate_json(said.model_dump_json()) == said
    assert said.table().encode("utf-8").startswith(shown.encode())


def test_modalities_are_written_by_name_in_their_order() -> None:
    document = json.loads(prediction().model_dump_json())
    assert document["modalities"] == ["text", "audio", "video"]
    assert document["segments"][0]["modalities"] == ["text", "audio", "video"]
    with pytest.raises(ValidationError):
        prediction(modalities=["t"])


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError):
        prediction(colour="red")


def test_the_table_shows_decisions_and_ranked_scores() -> None:
    lines = prediction().table().splitlines()
    assert lines[0] == "synthetic.mp4"
    assert lines[1] == "  3.0 s; from text, audio, video; 5/6 faces found"
    assert lines[2] == "  emotion: sad"
    assert lines[3].split() == ["sad", "0.75", "█" * 15]
    assert lines[4].split() == ["happy", "0.12", "█" * 2]
    assert lines[5] == "  person: no label above its threshold (highest: synthetic-11 0.55)"
    ranked = [line.split()[0] for line in lines[6:16]]
    assert ranked == [f"synthetic-{i:02}" for i in range(11, 1, -1)], "the ten best"
    assert lines[16:] == [
        "  by time:",
        "        0.0 –     1.5 s  sad; -",
        "        1.5 –     3.0 s  sad; -",
    ]


@pytest.mark.parametrize(
    ("above", "second"),
    [
        (["happy"], "    above their threshold: happy"),
        ([], "    above their threshold: none"),
        (["sad"], None),
        (None, None),
    ],
)
def test_the_table_has_a_second_line_where_thresholds_say_something_else(above, second) -> None:
    scores = {"happy": 0.5, "sad": 0.75}
    answer = TaskPrediction(decision=["sad"], scores=scores, above_threshold=above)
    lines = prediction(answers={"emotion": answer}).table().splitlines()
    assert lines[2] == "  emotion: sad"
    assert lines[3:-3] == [
        *([second] if second else []),
        f"    sad    0.75 {15 * '█'}",
        f"    happy  0.50 {10 * '█'}",
    ]


def test_labels_with_the_same_score_keep_their_order() -> None:
    scores = {"happy": 0.5, "angry": 0.5, "sad": 0.75, "calm": 0.5}
    table = prediction(answers={"emotion": TaskPrediction(decision=["sad"], scores=scores)}).table()
    ranked = [line.split()[0] for line in table.splitlines()[3:7]]
    assert ranked == ["sad", "happy", "angry", "calm"]


def test_the_table_names_who_speaks_in_a_segment() -> None:
    segments = prediction().segments
    named = [segments[0].model_copy(update={"speaker": "ANNA"}), segments[1]]
    lines = prediction(segments=named).table().splitlines()
    assert "        0.0 –     1.5 s  ANNA: sad; -" in lines
    assert "        1.5 –     3.0 s  sad; -" in lines


def test_the_table_tells_what_was_amiss() -> None:
    one = prediction().segments[:1]
    table = prediction(segments=one, warnings=["audio: no sound"], synthetic_training=True).table()
    assert "by time" not in table
    assert table.splitlines()[-2:] == [
        "  note: audio: no sound",
        "  note: the model was trained on synthetic data",
    ]


@pytest.mark.parametrize(
    ("modalities", "faces", "grounds"),
    [
        (["text"], 0, "text"),
        (["video"], 6, "video; 5/6 faces found"),
        (["audio"], 6, "audio; 5/6 faces found"),  # counted, though the model does not look at them
    ],
)
def test_the_table_names_its_grounds(modalities: list[str], faces: int, grounds: str) -> None:
    table = prediction(modalities=modalities, faces=faces).table()
    assert table.splitlines()[1].endswith(f"from {grounds}")
