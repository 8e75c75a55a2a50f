"""Two thousand damaged files, each the same at every run, and proof that the fuzzers notice."""

from pathlib import Path
from random import Random

import pytest

from fuzz import table, watch
from fuzz.__main__ import shares
from fuzz.broken import EXPECTED
from fuzz.cases import FAMILIES, Bench, build
from fuzz.mutate import damage, edit_csv, edit_json, edit_text

CASES = 2000


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_no_damaged_file_does_harm(family: str, tmp_path: Path) -> None:
    cases = range(shares(CASES, list(FAMILIES))[family])
    originals = build(family, tmp_path / "originals")
    results = watch.run(family, originals, cases, failures=tmp_path / "failures")
    assert len(results) == len(cases)
    assert {result.target for result in results} == {path.name for path in originals.iterdir()}
    assert any(result.outcome == "refused" for result in results), "no file was damaged enough"
    bad = table.faults(results)
    assert not bad, f"\n{bad}"


def test_every_kind_of_failure_is_noticed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(watch, "WAITING", 3.0)
    originals = build("broken", tmp_path / "originals")
    results = watch.run(
        "broken", originals, range(len(EXPECTED)), seconds=1, megabytes=100, failures=tmp_path
    )
    found = {result.target: result.outcome for result in results}
    assert found == {name: outcome for name, (_, outcome) in EXPECTED.items()}
    for result in results:
        if result.fault:
            assert (Path(result.saved) / result.target / "file").read_text() == "damaged"
            assert f"broken/{result.target}: 1 x {result.outcome}" in table.faults(results)
    (row, total) = table.rows(results)
    assert row[:5] == ("broken", len(EXPECTED), 1, 1, 1)
    assert total[1:] == row[1:]


def test_a_case_is_the_same_at_every_run(tmp_path: Path) -> None:
    contents = []
    for turn in ("first", "second"):
        originals = build("parsers", tmp_path / turn)
        bench = Bench("parsers", originals, tmp_path / f"{turn}-work")
        folders = [bench.damage(case) for case in range(60)]
        files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
        contents.append([path.read_bytes() for path in files])
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("mutate", "healthy"),
    [
        (damage, bytes(range(256)) * 4),
        (edit_text, b"one 1\ntwo 2\n"),
        (edit_csv, b"a,b\n1,2\n3,4\n"),
        (edit_json, b'{"a": [1, 2, {"b": "c"}]}'),
    ],
)
def test_most_files_are_changed_and_in_many_ways(mutate, healthy: bytes) -> None:
    found = [mutate(healthy, Random(seed)) for seed in range(200)]
    assert sum(each != healthy for each in found) > 150
    assert len(set(found)) > 100
    assert any(len(each) < len(healthy) for each in found)
    assert any(len(each) > len(healthy) for each in found)


def test_the_table_has_its_place_in_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{table.BEGIN}old{table.END}\n\nafter\n")
    table.write([], page)
    once = page.read_text()
    assert once.startswith("before")
    assert once.endswith("after\n")
    assert "old" not in once
    table.write([], page)
    assert page.read_text() == once
