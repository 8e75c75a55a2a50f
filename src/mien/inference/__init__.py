"""From a trained run to predictions."""

from mien.errors import MienError

BATCH_SIZE = 16
"""Segments or utterances that are computed together unless another number is given."""


def checked_batch_size(batch_size: int) -> int:
    """Give a batch size back. Raises `MienError` where it is less than 1."""
    if batch_size < 1:
        raise MienError(f"a batch holds at least 1, not {batch_size}", parameter="batch_size")
    return batch_size
