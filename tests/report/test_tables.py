import re

import numpy as np

from mien.metrics import evaluate_labels
from mien.report.tables import table
from mien.tasks.label_metrics import LabelMetrics


def test_table_has_every_label_average_interval_and_baselines(emotion):
    text = table(emotion)
    for label in emotion.labels:
        row = emotion.multilabel.per_label[label]
        line = rf"^{label} +{row.support} +0\.500 +{row.accuracy:.3f} "
        assert re.search(line, text, re.MULTILINE)
    spread = emotion.intervals.ua
    assert f"{spread.low:.2f}–{spread.high:.2f}" in text
    assert f"{emotion.singlelabel.wa:.3f}  {emotion.singlelabel.ua:.3f}" in re.sub(" +", "  ", text)
    no, frequent = emotion.baselines.always_no, emotion.baselines.most_frequent
    assert re.search(rf"^always no +{no.average.accuracy:.3f} ", text, re.MULTILINE)
    assert re.search(rf"^most frequent label +{frequent.wa:.3f} ", text, re.MULTILINE)
    assert f"training split: {frequent.label}." in text
    assert "top-5" not in text
    assert "drawn by utterance" in text


def test_table_fits_a_terminal_and_its_columns_line_up(emotion):
    for part in table(emotion).split("\n\n"):
        lines = part.splitlines()
        rule = next(line for line in lines if set(line) == {"-"})
        assert len(rule) <= 100
        start = lines.index(rule)
        for line in lines[1:start] + lines[start + 1 : start + 5]:
            assert len(line) <= len(rule)


def test_undefined_metrics_are_dashes_not_none():
    truth = np.array([[1, 0], [1, 0]])
    found = evaluate_labels(np.eye(2), truth, ["here", "absent"], thresholds=np.full(2, 0.5))
    text = table(LabelMetrics.model_validate(found))
    absent = [line for line in text.splitlines() if line.startswith("absent")]
    assert absent[0].split() == ["absent", "0", "–", "–", "–"]
    assert absent[1].split() == ["absent", "0", "0.500", "0.500", "–", "–", "–", "–", "–"]
    assert "None" not in text
    assert "most frequent" not in text


def test_top_five_of_speakers_is_shown(evaluated):
    people = evaluated([f"speaker {i:02d}" for i in range(24)], several=False)
    text = table(people)
    assert "(top-5)" in text
    assert f"{people.singlelabel.top5:.3f}" in text
    assert "always no" not in text
