"""The declared options of each corpus are those that its functions take."""

import inspect
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pytest

from mien.corpora import CORPORA, Corpus, CorpusOptions, register_corpus
from mien.corpora.synthetic import generate, make
from mien.errors import MienError

EXPLICIT = [("iemocap", CORPORA["iemocap"].read, CORPORA["iemocap"].options)]
EXPLICIT += [("synthetic", generate.write, CORPORA["synthetic"].make_options)]


@pytest.mark.parametrize(("name", "function", "options"), EXPLICIT)
def test_options_are_those_that_the_function_takes(name: str, function, options) -> None:
    taken = {
        parameter.name: parameter.default
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.name != "progress"
    }
    assert options().model_dump() == taken
    assert {k: v for k, v in get_type_hints(function).items() if k in taken} == {
        field: info.annotation for field, info in options.model_fields.items()
    }


@pytest.mark.parametrize("name", CORPORA)
def test_every_option_is_described_and_has_a_default(name: str) -> None:
    for options in (CORPORA[name].options, CORPORA[name].make_options):
        options()  # all have defaults
        for info in options.model_fields.values():
            assert info.description
            plain = info.annotation in (str, int, float, bool, Path)
            assert plain or (get_origin(info.annotation) and get_args(info.annotation))


def test_corpora_without_options_read_a_source_alone() -> None:
    for name in ("mosei", "ravdess", "meld", "cremad", "goemotions", "manifest"):
        assert CORPORA[name].options is CorpusOptions
        assert list(inspect.signature(CORPORA[name].read).parameters) == ["source"]


def test_a_name_is_taken_once() -> None:
    with pytest.raises(MienError, match="there is a corpus 'meld' already"):
        register_corpus("meld", Corpus(about="another", read=CORPORA["meld"].read))


def test_the_synthetic_corpus_is_made_where_it_is_not_there(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    make(folder, dialogues=1, turns=1)
    written = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(written) == 1 + 5 * 4
    before = [path.stat().st_mtime_ns for path in written]
    make(folder)
    assert [path.stat().st_mtime_ns for path in written] == before
    with pytest.raises(MienError, match=r"generated already: leave dialogues and seed out"):
        make(folder, dialogues=1, seed=2)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(MienError, match="something else than a synthetic corpus"):
        make(tmp_path / "other")
