"""One spelling of a name, and how bytes become text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.encoding import decode_text
from mien.names import canonical_name, normalise_name, strip_invisible


@pytest.mark.parametrize(
    "name",
    [
        *("Zo\u00eb Lang", "Zoe\u0308 Lang", " Zo\u00eb  Lang\t", "Zo\u00eb\u00a0Lang"),
        *("\ufeffZo\u00eb Lang", "Zo\u200b\u00eb Lang", "\u202aZo\u00eb Lang\u202c"),
        *("Zo\u200d\u00eb Lang\u200f", "Zo\u00eb\u2060 Lang", "Zo\u00eb \u200c Lang"),
    ],
)
def test_spellings_of_one_name(name: str) -> None:
    assert normalise_name(name) == "Zo\u00eb Lang"


def test_a_gallery_spells_a_name_without_dropping_what_it_must_refuse() -> None:
    assert canonical_name(" Zoe\u0308\u200b ") == "Zo\u00eb\u200b"
    assert canonical_name("a  b") == "a  b"


def test_capital_letters_make_another_name() -> None:
    assert normalise_name("ANNA") != normalise_name("Anna")


def test_a_joiner_within_a_word_is_spelling() -> None:
    family = "\U0001f468\u200d\U0001f469"
    assert strip_invisible(f"{family} \u200d1\u200c") == f"{family} 1"


@given(st.text())
def test_a_name_is_normalised_once_and_for_all(name: str) -> None:
    once = normalise_name(name)
    assert normalise_name(once) == once


@given(st.text(st.characters(codec="utf-8", exclude_characters="\ufeff\0")))
def test_marks_tell_the_encoding(text: str) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        assert decode_text(text.encode(encoding)) == text
