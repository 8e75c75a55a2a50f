"""The corpora: one module for each, and one table of them all."""

from mien.corpora import (
    cremad,
    goemotions,
    iemocap,
    manifest,
    meld,
    mosei,
    processed,
    ravdess,
    synthetic,
)
from mien.corpora.base import CORPORA, Corpus, CorpusOptions, register_corpus

__all__ = ["CORPORA", "Corpus", "CorpusOptions", "register_corpus"]

for _name, _module in {
    "iemocap": iemocap,
    "mosei": mosei,
    "processed": processed,
    "ravdess": ravdess,
    "meld": meld,
    "cremad": cremad,
    "goemotions": goemotions,
    "manifest": manifest,
    "synthetic": synthetic,
}.items():
    register_corpus(_name, _module.CORPUS)
