"""Training states survive being written without pickle."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mien.training.checkpoint import SafeCheckpointIO, flatten, restore

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
keys = st.text() | st.integers()
states = st.recursive(
    plain,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(keys, inner),
    max_leaves=20,
)


@given(states)
def test_plain_states_come_back_as_they_were(state: object) -> None:
    import json

    tensors: dict[str, torch.Tensor] = {}
    assert restore(json.loads(json.dumps(flatten(state, tensors))), tensors) == state


def test_a_checkpoint_comes_back_and_replaces_the_one_before(tmp_path: Path) -> None:
    io, path = SafeCheckpointIO(), tmp_path / "state" / "last.safetensors"
    for epoch in (0, 1):
        state = {"epoch": epoch, "state_dict": {"w": torch.full((2, 3), float(epoch))}}
        io.save_checkpoint(state, path)
    back = io.load_checkpoint(path)
    assert back["epoch"] == 1
    assert torch.equal(back["state_dict"]["w"], torch.ones(2, 3))
    assert sorted(p.name for p in path.parent.iterdir()) == ["last.safetensors"]


def test_what_can_not_be_written_without_pickle_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        flatten({"a": object()}, {})
