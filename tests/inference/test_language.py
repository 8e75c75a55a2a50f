"""English is never taken for another language, and another language seldom for English."""

import pytest

from mien.inference.language import LANGUAGES, other_language, words_of

ENGLISH = (
    "I am so glad",
    "so very sad",
    "oh my god",
    "Go away now",
    "Kids are talking by the door",
    "Dogs are sitting by the door",
    "It is eleven o'clock",
    "bin red by k seven now",
)
OTHERS = {
    "German": ("Lass mich bitte in Ruhe", "Es ist mir völlig egal"),
    "French": ("Laisse-moi tranquille s'il te plaît", "Ma sœur me manque beaucoup"),
    "Spanish": ("Déjame en paz por favor", "Tengo mucho miedo de mañana"),
    "Italian": ("Lasciami in pace per favore", "Ho molta paura di domani"),
    "Dutch": ("Laat me alsjeblieft met rust", "Ik mis mijn zus heel erg"),
    "Polish": ("Zostaw mnie proszę w spokoju", "Bardzo tęsknię za siostrą"),
    "Turkish": ("Lütfen beni rahat bırak", "Hiç umurumda değil artık"),
    "Russian": ("Оставь меня в покое", "Мне совершенно всё равно"),
    "Chinese": ("请让我一个人静一静", "我一点也不在乎"),
}


@pytest.mark.parametrize("text", ENGLISH)
def test_english_is_english(text: str) -> None:
    assert other_language(text, ("en",)) is None


@pytest.mark.parametrize("name", OTHERS)
def test_another_language_is_named(name: str) -> None:
    code = next(code for code, one in LANGUAGES.items() if one == name)
    for text in OTHERS[name]:
        assert other_language(text, ("en",)) == name
        assert other_language(text, ("en", code)) is None


@pytest.mark.parametrize("text", ["", "no", "oui", "Guten Morgen", "😀 😀", "你好"])
def test_few_words_are_never_refused(text: str) -> None:
    assert other_language(text, ("en",)) is None


def test_words_without_spaces_are_counted_by_their_letters() -> None:
    assert words_of("我很害怕明天") == 3
    assert words_of("I am glad") == 3


def test_of_real_comments_fewer_than_one_in_five_hundred_is_refused(shared_data) -> None:
    lines = (shared_data / "goemotions" / "dev.tsv").read_text(encoding="utf-8").splitlines()
    texts = [line.split("\t")[0] for line in lines[:1000]]
    assert sum(other_language(text, ("en",)) is not None for text in texts) <= 2
