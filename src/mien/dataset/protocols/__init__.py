"""Protocols: which utterances train, which choose (validation), which are reported (test)."""

from mien.dataset.protocols.rules import PROTOCOLS

__all__ = ["PROTOCOLS"]
