"""Comparisons of constructed predictions, whose differences are computed by hand."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from constructed import BETTER, TRUTH, WORSE, constructed

from mien.errors import MienError
from mien.inference.predictions import Predictions
from mien.inference.predictions_file import write_predictions
from mien.metrics.paired import holm
from mien.report.comparison_tables import pair_table, system_table
from mien.studies.comparison import Comparison, compare
from mien.studies.study import Study
from mien.studies.system import System, open_system, open_systems


def compared(*systems: Predictions, **choice: str) -> Comparison:
    names = ("better", "worse", "third", "fourth")
    return compare([System(*each) for each in zip(names, systems, strict=False)], **choice)


@pytest.mark.parametrize(
    ("metric", "values"),
    [("ua", (0.75, 0.5)), ("wa", (0.75, 0.5)), ("macro_f1", (11 / 15, 7 / 15))],
)
def test_a_difference_computed_by_hand(metric: str, values: tuple[float, float]) -> None:
    """The first is right once more for Ann, and for Ben: of 16 exchanges 8 are as extreme."""
    found = compared(constructed(BETTER), constructed(WORSE), metric=metric)
    assert [system.value for system in found.systems] == pytest.approx(values)
    (pair,) = found.pairs
    assert (pair.first, pair.second) == ("better", "worse")
    assert pair.difference == pytest.approx(values[0] - values[1])
    assert pair.low is not None
    assert pair.high is not None
    assert pair.low <= pair.difference <= pair.high
    assert (pair.p, pair.adjusted_p, pair.smallest_p) == (0.5, 0.5, 1 / 8)
    assert pair.mcnemar_p == 0.5, "two utterances that the first alone predicts correctly"
    assert (found.n, found.by, found.units) == (8, "person", 4)


def test_the_usual_metric_beside_a_constant_prediction_and_chance() -> None:
    found = compared(constructed(BETTER), constructed(WORSE))
    assert (found.task, found.metric, found.sign) == ("emotion", "ua", 1)
    assert (found.constant, found.chance) == (0.5, 0.5)
    wa = compared(constructed(BETTER, "aaababab"), constructed(WORSE, "aaababab"), metric="wa")
    assert (wa.constant, wa.chance) == (5 / 8, 0.5)


def test_identical_systems_do_not_differ() -> None:
    found = compared(constructed(BETTER), constructed(BETTER))
    (pair,) = found.pairs
    assert (pair.difference, pair.low, pair.high) == (0, 0, 0)
    assert (pair.p, pair.adjusted_p, pair.mcnemar_p) == (1, 1, 1)
    assert found.systems[0].interval == found.systems[1].interval


def test_the_order_of_labels_and_of_utterances_does_not_matter() -> None:
    other = constructed(BETTER, labels="ba")
    assert not np.array_equal(other.scores["emotion"], constructed(BETTER).scores["emotion"])
    found = compared(constructed(BETTER), other.select(reversed(range(8))))
    assert found.systems[1].value == 0.75
    assert (found.pairs[0].difference, found.pairs[0].p) == (0, 1)


def test_systems_of_different_numbers_of_seeds() -> None:
    """What is compared is the mean over the seeds, of which one system has three."""
    three = constructed({0: BETTER, 1: WORSE, 2: BETTER})
    two = constructed({0: WORSE, 7: TRUTH})
    found = compared(three, two, constructed(WORSE))
    first, second, third = found.systems
    assert (first.value, second.value) == (pytest.approx(2 / 3), 0.75)
    assert first.deviation == pytest.approx(np.std([0.75, 0.5, 0.75], ddof=1))
    assert ([s.seeds for s in found.systems], third.deviation) == ([3, 2, 1], None)
    differences = {(p.first, p.second): p.difference for p in found.pairs}
    assert differences == {
        ("better", "worse"): pytest.approx(-1 / 12),
        ("better", "third"): pytest.approx(1 / 6),
        ("worse", "third"): pytest.approx(1 / 4),
    }
    assert [p.mcnemar_p for p in found.pairs] == [None] * 3
    assert [p.adjusted_p for p in found.pairs] == holm([p.p for p in found.pairs])
    assert found.pairs[2].adjusted_p > found.pairs[2].p


def test_a_system_of_single_labels_and_one_with_thresholds() -> None:
    """They are compared by what both have: the label with the highest score."""
    found = compared(constructed(WORSE, loss="bce"), constructed(BETTER))
    assert (found.metric, found.pairs[0].difference) == ("ua", -0.25)
    with pytest.raises(MienError, match="no metric 'average_f1': choose from ua, wa, macro_f1"):
        compared(constructed(WORSE, loss="bce"), constructed(BETTER), metric="average_f1")


def test_what_one_system_did_not_predict_is_left_out() -> None:
    truth = [*TRUTH[:6], "c", "c"]
    knowing = constructed("ababaacb", truth, labels="abc")
    found = compared(constructed("aabbaaaa", truth), knowing)
    assert (found.n, found.units) == (6, 3)
    assert "Left out, since not all systems predicted them: 2 utterances." in found.notes
    assert found.pairs[0].difference == pytest.approx(1 / 2 - 5 / 6)
    later = constructed(BETTER, first=6)
    assert compared(constructed(BETTER[:6] + "ab"), later, metric="wa").n == 2


def test_utterances_without_known_labels_are_left_out_of_all() -> None:
    truth = [*TRUTH[:4], None, None, None, None]
    found = compared(constructed(BETTER, truth), constructed(WORSE, truth))
    assert (found.n, found.units) == (4, 2)
    assert [system.value for system in found.systems] == [1.0, 0.5]


def test_other_truth_is_refused() -> None:
    with pytest.raises(MienError, match=r"^worse and better were evaluated against different") as e:
        compared(constructed(BETTER), constructed(WORSE, "abababaa"))
    assert "of 'u7' for instance: evaluate both on the same data" in str(e.value)


def test_systems_that_cannot_be_compared() -> None:
    better, worse = constructed(BETTER), constructed(WORSE)
    with pytest.raises(MienError, match="no utterance was predicted by all systems"):
        compared(better, constructed(WORSE, first=8))
    with pytest.raises(MienError, match="give two systems or more"):
        compared(better)
    with pytest.raises(MienError, match="twin is given twice"):
        compare([System("twin", better), System("twin", worse)])
    with pytest.raises(MienError, match="task: not all systems have the task 'person'"):
        compared(better, worse, task="person")
    with pytest.raises(MienError, match="metric: the task 'emotion' has no metric 'f1'"):
        compared(better, worse, metric="f1")


def test_notes_say_what_limits_a_comparison() -> None:
    found = compared(
        constructed(BETTER), constructed(WORSE, protocol="emobox", split="all", synthetic=True)
    )
    assert found.synthetic
    assert found.notes == [
        "The systems were trained by different protocols (emobox, random), so that they differ in"
        " more than the system.",
        "Some predictions are not of a test split.",
        "The intervals cover these 4 speakers only: others may do better or worse.",
    ]
    many = [f"P{number}" for number in range(20)]
    truth = "ab" * 10
    found = compared(constructed(truth, truth, many), constructed("aa" * 10, truth, many))
    assert (found.notes, found.units) == ([], 20)
    nobody = compared(constructed(BETTER, TRUTH, [None] * 8), constructed(WORSE, TRUTH, [None] * 8))
    assert (nobody.by, nobody.units, nobody.notes) == ("utterance", None, [])
    assert "of 8 utterances; higher" in system_table(nobody).title
    assert nobody.pairs[0].p == 0.5, "of 2**8 exchanges, the two that matter both one way"


def test_utterances_are_drawn_where_one_speaker_says_them_all() -> None:
    alone = compared(
        constructed(BETTER, TRUTH, ["Ann"] * 8), constructed(WORSE, TRUTH, ["Ann"] * 8)
    )
    assert (alone.by, alone.units) == ("utterance", 1)
    assert alone.notes == [
        "The intervals cover this one speaker only: others may do better or worse."
    ]
    systems, pairs = system_table(alone), pair_table(alone)
    assert systems.title.endswith("of 8 utterances of one speaker; higher is better")
    assert "Intervals: bootstrap of utterances." in systems.notes
    assert "for one utterance at a time" in pairs.notes[0]
    assert alone.pairs[0].smallest_p == 2 / 2**8


def test_one_dialogue_of_unknown_speakers_is_no_speaker() -> None:
    def talk(decided: str) -> Predictions:
        made = constructed(decided, TRUTH, [None] * 8)
        return replace(made, origins=[replace(o, dialogue="D") for o in made.origins])

    found = compared(talk(BETTER), talk(WORSE))
    assert (found.by, found.units) == ("utterance", None)
    assert found.notes == [
        "The intervals cover this one dialogue only: others may do better or worse."
    ]


def test_systems_are_read_from_runs_studies_and_files(study: Path, tmp_path: Path) -> None:
    write_predictions(tmp_path / "a.parquet", constructed(BETTER))
    (tmp_path / "other").mkdir()
    write_predictions(tmp_path / "other" / "a.parquet", constructed(WORSE))
    systems = open_systems([tmp_path / "a.parquet", tmp_path / "other" / "a.parquet", study])
    assert [system.name for system in systems] == [
        str(tmp_path / "a.parquet"),
        str(tmp_path / "other" / "a.parquet"),
        "study",
    ]
    assert compare(systems[:2]).pairs[0].difference == 0.25
    assert (len(systems[2].predictions), systems[2].seeds) == (96, [0, 1])
    assert open_system(study / "runs" / "..").name == "study"
    run = study / "runs" / "fold-1-seed-0"
    with pytest.raises(
        MienError, match=f"no predictions yet: make them with 'mien evaluate {run}'"
    ):
        open_system(run)
    with pytest.raises(MienError, match="is neither a run, nor a study, nor a file of predictions"):
        open_system(tmp_path)


def test_a_study_to_which_a_seed_is_added_is_not_finished(study: Path, tmp_path: Path) -> None:
    """Its old predictions are not taken for those of all seeds."""
    copy = Path(shutil.copytree(study, tmp_path / "copy", ignore=lambda *_: ["runs"]))
    assert len(open_system(copy).predictions) == 96
    with Study.open(copy, Study(study).config.model_copy(update={"seeds": (7,)}), "a test"):
        pass
    assert (copy / "predictions.parquet").is_file()
    with pytest.raises(MienError, match="is not finished, 2 of 6 trainings are missing"):
        open_system(copy)
