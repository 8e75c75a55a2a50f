"""A run's figures and curves as pictures and as one page."""

from pathlib import Path

from mien.errors import MienError
from mien.evaluation.curves import curves
from mien.evaluation.pictures import picture
from mien.evaluation.report import html
from mien.files import write_text
from mien.run import Run


def write_report(folder: str | Path, out: str | Path | None = None) -> Path:
    """Write a run's page, with its pictures beside the run's log.

    Parameters
    ----------
    folder : path
        A run folder that `mien evaluate` has measured.
    out : path, optional
        The page (default: report.html in the folder).

    Returns
    -------
    Path
        The page, which holds its pictures and needs no other file.

    Raises
    ------
    MienError
        The run has not been evaluated.
    """
    run = Run(folder)
    metrics = run.read("metrics.json")
    if not metrics:
        raise MienError(f"{folder} has no figures yet: run `mien evaluate {folder}` first")
    title = f"{run.folder.name}: {metrics['part']} part, protocol {metrics['protocol']}"
    results = run.folder / "results.png"
    picture(metrics["tasks"], results, title, metrics["synthetic"])
    pictures = {"Results": results}
    log = run.folder / "log" / "metrics.csv"
    if log.is_file():
        curves(log, run.folder / "curves.png")
        pictures["Training"] = run.folder / "curves.png"
    page = Path(out) if out else run.folder / "report.html"
    write_text(page, html(title, metrics["tasks"], pictures, synthetic=metrics["synthetic"]))
    return page
