import numpy as np
import pytest

from mien.metrics import evaluate_labels
from mien.report.plots import plot_metrics
from mien.tasks.label_metrics import LabelMetrics

SPEAKERS = [f"speaker {i:02d}" for i in range(24)]


@pytest.mark.parametrize(
    "labels", [["no", "yes"], ["neutral", "happy", "sad", "angry"], SPEAKERS], ids=len
)
def test_plot_is_drawn(tmp_path, evaluated, pixels, labels):
    out = tmp_path / "results.png"
    plot_metrics({"task": evaluated(labels)}, out, "Some results", synthetic=False)
    assert pixels(out).std() > 10
    assert [path.name for path in tmp_path.iterdir()] == ["results.png"]


def test_two_tasks_make_a_taller_plot_and_synthetic_data_are_marked(
    tmp_path, evaluated, pixels, emotion
):
    people = evaluated(SPEAKERS[:10], several=False)
    for name, tasks, synthetic in [
        ("one", {"emotion": emotion}, False),
        ("marked", {"emotion": emotion}, True),
        ("two", {"emotion": emotion, "person": people}, False),
    ]:
        plot_metrics(tasks, tmp_path / f"{name}.png", "Results", synthetic)
    one, marked, two = (pixels(tmp_path / f"{name}.png") for name in ("one", "marked", "two"))
    assert two.shape[0] > 1.5 * one.shape[0]
    corner = np.s_[:60, -250:]
    assert (one[corner] == 255).all()
    assert (marked[corner] != 255).any()


def test_plot_of_several_labels_at_once_with_an_absent_one(tmp_path, pixels):
    truth = np.tile([1, 1, 0], (4, 1))
    found = evaluate_labels(
        np.full((4, 3), 0.6), truth, ["a", "b", "c"], thresholds=np.full(3, 0.5)
    )
    plot_metrics(
        {"emotion": LabelMetrics.model_validate(found)},
        tmp_path / "results.png",
        "Results",
        synthetic=True,
    )
    assert pixels(tmp_path / "results.png").std() > 10


def test_names_are_text_and_not_formulas(tmp_path, evaluated, pixels):
    labels = ["$\\nonsense{$", "a very long name of a speaker"]
    plot_metrics(
        {"person": evaluated(labels)}, tmp_path / "results.png", "$\\frac$", synthetic=False
    )
    assert pixels(tmp_path / "results.png").std() > 10
