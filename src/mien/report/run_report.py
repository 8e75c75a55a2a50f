"""The report of a run: its metrics and learning curves as plots and as one page."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.errors import MienError
from mien.files import check_writable, write_text
from mien.inference.metrics import Metrics
from mien.report.curves import plot_curves
from mien.report.html import html
from mien.report.plots import plot_metrics
from mien.runs.run import Run


def write_report(folder: str | Path, out: str | Path | None = None) -> Path:
    """Write the report of a run as a page, and its plots into the run folder.

    Parameters
    ----------
    folder : path
        A run folder that `mien evaluate` has measured.
    out : path, optional
        The page (default: report.html in the folder).

    Returns
    -------
    Path
        The page, which holds its plots and needs no other file.

    Raises
    ------
    MienError
        The run has not been evaluated, its metrics are damaged, or the page can't be written.
    """
    run = Run(folder)
    page = Path(out) if out else run.folder / "report.html"
    for place in (run.folder, page.parent):
        check_writable(place)
    content = run.read("metrics.json")
    if not content:
        raise MienError(f"{folder} has no metrics yet: run `mien evaluate {folder}` first")
    results, training = run.folder / "results.png", run.folder / "curves.png"
    plots = {"Results": results}
    log = run.folder / "log" / "metrics.csv"
    if log.is_file():
        with _readable(log, "training again into another folder renews it"):
            plot_curves(log, training)
        plots["Training"] = training
    with _readable(run.folder / "metrics.json", "`mien evaluate` renews it"):
        metrics = Metrics.model_validate(content)
        title = f"{run.folder.name}: {metrics.split} split, protocol {metrics.protocol}"
        plot_metrics(metrics.tasks, results, title, metrics.synthetic)
        text = html(title, metrics.tasks, plots, synthetic=metrics.synthetic)
    write_text(page, text)
    return page


@contextmanager
def _readable(path: Path, remedy: str) -> Iterator[None]:
    """Say which file is damaged, and what to do, where its content can't be used."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        why = " ".join(repr(error).split())[:200]
        raise MienError(f"{path} is damaged ({why}): {remedy}") from error
