"""Protocols: which utterances train, which choose (validation), which are reported (test)."""

from mien.dataset.protocols import folds, rules  # register those of mien
from mien.dataset.protocols.base import PROTOCOLS, Protocol, Rule, register_protocol

__all__ = ["PROTOCOLS", "Protocol", "Rule", "folds", "register_protocol", "rules"]
