"""Protocols: which utterances are for training, for validation and for testing."""

from mien.dataset.protocols import folds, rules  # register those of mien
from mien.dataset.protocols.base import PROTOCOLS, Protocol, Rule, register_protocol

__all__ = ["PROTOCOLS", "Protocol", "Rule", "folds", "register_protocol", "rules"]
