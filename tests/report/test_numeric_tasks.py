"""Tables, page and plot of the tasks that predict numbers."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from mien.metrics.concordance import evaluate_dimensions
from mien.metrics.regression import evaluate_sentiment, step_counts
from mien.report.html import html
from mien.report.plots import plot_metrics
from mien.report.tables import table
from mien.tasks.affect_metrics import AffectMetrics
from mien.tasks.sentiment_metrics import SentimentMetrics


def affect() -> dict[str, Any]:
    """Metrics of 60 made-up utterances of 11 speakers, a quarter of them without arousal."""
    random = np.random.default_rng(0)
    truth = random.normal(3, 1, (60, 2))
    predicted = truth + random.normal(0, 0.3, (60, 2))
    truth[::4, 1] = np.nan
    speakers = [f"P{i % 11}" for i in range(60)]
    names = ("valence", "arousal")
    return evaluate_dimensions(predicted, truth, names, (3.0, 2.5), groups=speakers)


def sentiment() -> dict[str, Any]:
    """Metrics of 60 made-up utterances of 6 recordings."""
    random = np.random.default_rng(0)
    truth = np.round(random.uniform(-3, 3, 60), 1)
    predicted = np.clip(truth + random.normal(0, 1, 60), -3, 3)
    counts = step_counts(np.array([0.0, 1.0, 1.2, 2.0]))
    videos = [f"video {i % 6}" for i in range(60)]
    return evaluate_sentiment(predicted, truth, train_counts=counts, groups=videos, by="dialogue")


def test_affect_is_shown_in_table_page_and_plot(tmp_path: Path, pixels) -> None:
    found = affect()
    metrics = AffectMetrics.model_validate(found)
    assert metrics.model_dump(mode="json") == json.loads(json.dumps(found, allow_nan=False))
    text = table(metrics)
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line}
    valence = found["per_dimension"]["valence"]
    shown = [f"{valence[metric]:.3f}" for metric in ("ccc", "pearson", "mae")]
    assert rows["valence"] == ["valence", "60", *shown]
    assert rows["always"][3:] == [
        "0.000",
        "–",
        f"{found['baselines']['constant']['average']['mae']:.3f}",
    ]
    assert "Means of the training split: valence 3.00, arousal 2.50." in text
    assert "each drawn by person" in text
    out = tmp_path / "results.png"
    plot_metrics({"affect": metrics}, out, "Some results", synthetic=False)
    assert pixels(out).std() > 10
    assert "Affect, 60 utterances" in html("Some results", {"affect": metrics}, {"Results": out})


def test_sentiment_is_shown_in_table_page_and_plot(tmp_path: Path, pixels) -> None:
    block = sentiment()
    metrics = SentimentMetrics.model_validate(block)
    text, found = table(metrics), block["sentiment"]
    rows = {line.split("  ")[0]: line.split() for line in text.splitlines() if line}
    shown = [f"{found[name]:.3f}" for name in ("mae", "correlation", "acc2", "f1")]
    assert rows["this model"][2:6] == shown
    assert rows["always 1"][3] == "–"  # a constant has no correlation
    assert rows["-3"][1:] == [
        str(found["per_step"]["-3"]["support"]),
        f"{found['per_step']['-3']['mae']:.3f}",
    ]
    assert "each drawn by dialogue" in text
    assert max(map(len, text.splitlines())) <= 110
    out = tmp_path / "results.png"
    plot_metrics({"sentiment": metrics}, out, "Some results", synthetic=False)
    assert pixels(out).std() > 10
    page = html("Some results", {"sentiment": metrics}, {"Results": out})
    assert "Sentiment, 60 utterances" in page
    assert f"{found['acc7']:.3f}" in page
