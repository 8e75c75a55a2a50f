"""What `mien compare` prints and writes: tables, everything as JSON, and a figure."""

import csv
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from constructed import BETTER, WORSE, constructed

from mien.cli import main
from mien.inference.predictions_file import write_predictions
from mien.report.comparison_plot import plot_comparison
from mien.report.comparison_tables import pair_table, system_table
from mien.report.table_formats import comma_separated, escaped, latex, markdown
from mien.studies.comparison import Comparison, compare
from mien.studies.system import System
from mien.tasks.display import UNDEFINED, Table

ODD = r"50%_of|{a}&<b>#$~^\ "


@pytest.fixture(scope="module")
def found() -> Comparison:
    worse = constructed({0: WORSE, 1: WORSE}, synthetic=True)
    return compare([System("better", constructed(BETTER)), System(ODD, worse)])


@pytest.fixture(scope="module")
def tables(found: Comparison) -> list[Table]:
    return [system_table(found), pair_table(found)]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    for name, decided in (("better", BETTER), ("worse", WORSE)):
        write_predictions(tmp_path / f"{name}.parquet", constructed(decided))
    return [str(tmp_path / "worse.parquet"), str(tmp_path / "better.parquet")]


def test_tables_of_a_comparison(tables: list[Table]) -> None:
    systems, pairs = tables
    title = "emotion: average recall (UA) of 8 utterances of 4 speakers; higher is better"
    assert systems.title == title
    assert [row[:4] for row in systems.labels] == [
        ("better", "0.750", UNDEFINED, "1"),
        (ODD, "0.500", "0.000", "2"),
    ]
    assert [row[:2] for row in systems.summary] == [
        ("best constant prediction", "0.500"),
        ("chance", "0.500"),
    ]
    assert systems.notes == [
        "Synthetic data: these metrics say nothing of real people.",
        "Intervals: bootstrap of speakers, then of their utterances.",
        "The intervals cover these 4 speakers only: others may do better or worse.",
    ]
    ((names, difference, _, *rest),) = pairs.labels
    assert (names, difference, rest) == (
        f"better – {ODD}",
        "+0.250",
        ["0.500", "0.500", UNDEFINED],
    )
    assert "for one speaker at a time; adjusted over all pairs (Holm)." in pairs.notes[0]
    assert pairs.notes[2] == "With so few speakers no p can be below 0.125."


def test_what_the_command_prints_and_writes(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    endings = ("txt", "md", "csv", "tex", "json", "svg", "png")
    outs = [str(tmp_path / f"out.{ending}") for ending in endings]
    assert main(["compare", *files, "--metric", "wa", "--out", *outs]) == 0
    shown = capsys.readouterr().out
    assert "accuracy (WA) of 8 utterances of 4 speakers; higher is better" in shown
    assert re.search(r"worse – better +−0\.250 +−0\.\d{3} to \+0\.000 +0\.500 +0\.500 +0\.5", shown)
    written = {path.name for path in tmp_path.iterdir() if path.suffix != ".parquet"}
    assert written == {f"out.{ending}" for ending in endings} | {"out-differences.csv"}
    assert (tmp_path / "out.txt").read_text().split() == shown.split()
    read = Comparison.model_validate_json((tmp_path / "out.json").read_text())
    assert [(system.name, system.value) for system in read.systems] == [
        ("worse", 0.5),
        ("better", 0.75),
    ]
    assert read.pairs[0].difference == -0.25
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


def test_wrong_commands(files: list[str], tmp_path: Path, refused, capsys) -> None:
    told = refused("compare", *files, "--out", tmp_path / "x.pdf")
    assert "the ending is one of .txt, .md, .csv, .tex, .json, .svg, .png" in told
    assert main(["compare", files[0]]) == 1
    assert "mien: SYSTEMS: give two systems or more to compare" in capsys.readouterr().err
    assert main(["compare", files[0], files[0]]) == 1
    assert "is given twice" in capsys.readouterr().err
    assert main(["compare", *files, "--out", str(tmp_path / "none" / "x.md")]) == 1
    assert "can't be written" in capsys.readouterr().err


def test_json_reads_back(found: Comparison) -> None:
    assert Comparison.model_validate_json(found.model_dump_json()) == found


def test_markdown_has_a_cell_for_each_column(tables: list[Table]) -> None:
    for table in tables:
        lines = markdown(table).splitlines()
        rows = [line for line in lines if line.startswith("|")]
        columns = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
        assert columns == {len(table.header) + 1}
        assert len(rows) == 2 + len(table.labels) + len(table.summary)
        assert lines[0] == f"**{table.title}**"
        assert lines[-len(table.notes) :] == table.notes


def test_csv_is_read_as_numbers(tables: list[Table]) -> None:
    systems, pairs = (list(csv.DictReader(comma_separated(table).splitlines())) for table in tables)
    assert [row["system"] for row in systems] == [
        "better",
        ODD,
        "best constant prediction",
        "chance",
    ]
    assert [float(row["average recall (UA)"]) for row in systems] == [0.75, 0.5, 0.5, 0.5]
    assert [row["SD over seeds"] for row in systems] == ["", "0.000", "", ""]
    assert (float(pairs[0]["difference"]), pairs[0]["McNemar p"]) == (0.25, "")
    minus = comma_separated(Table("", ("x",), [("−0.1",)], [], []))
    assert float(minus.split()[1]) == -0.1


def test_latex_is_balanced_and_escaped(tables: list[Table]) -> None:
    for table in tables:
        lines = latex(table).splitlines()
        text = [line for line in lines if not line.startswith("%")]
        body = "\n".join(text)
        assert len(lines) - len(text) == 1 + len(table.notes)
        plain = re.sub(r"\\[\\&%$#_{}]", "", body)
        assert not set("%#_~^<>|") & set(
            plain.replace("$<$", "").replace("$>$", "").replace("$|$", "")
        )
        assert plain.count("$") % 2 == 0
        assert plain.count("{") == plain.count("}")
        (begun,) = re.findall(r"\\begin\{tabular\}\{([lr]+)\}", body)
        assert begun == "l" + "r" * (len(table.header) - 1)
        assert body.count(r"\begin{tabular}") == body.count(r"\end{tabular}") == 1
        rows = [line for line in text if line.endswith(r" \\")]
        assert len(rows) == 1 + len(table.labels) + len(table.summary)
        for row in rows:
            assert len(re.findall(r"(?<!\\)&", row)) == len(begun) - 1
        assert all(ord(sign) < 128 for sign in body), "so that any LaTeX sets it"


def test_what_latex_would_read_is_escaped() -> None:
    assert escaped("p <0.001") == "p $<$0.001"
    assert escaped(ODD) == (
        r"50\%\_of$|$\{a\}\&$<$b$>$\#\$\textasciitilde{}\textasciicircum{}\textbackslash{} "
    )
    assert escaped("−0.1–0.2 ± 0.3") == r"$-$0.1--0.2 $\pm$ 0.3"


def test_the_figure_is_valid_and_the_same_each_time(found: Comparison, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        plot_comparison(found, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    text = (tmp_path / "a.svg").read_text()
    for words in ("better", "constant prediction 0.500", "chance 0.500", "synthetic data"):
        assert f"<!-- {words} -->" in text or words in text, words
