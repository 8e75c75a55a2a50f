"""Printing a study."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien.report.study_report import StudyMetrics


def show_study(found: "StudyMetrics") -> None:
    """Print the tables of a study."""
    from mien.report.study_tables import fold_table, leakage_table, metric_tables
    from mien.report.tables import fixed_width

    if found.synthetic:
        print("synthetic data: these metrics say nothing of real people")
    tables = [leakage_table(found)]
    tables += [fold_table(found, task) for task in found.tasks if len(found.folds) > 1]
    for table in tables + metric_tables(found):
        print(f"\n{fixed_width(table)}")
