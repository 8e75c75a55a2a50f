"""Ways to damage files whose insides must be opened for it: YAML, pickles, checkpoints, weights."""

import io
import json
import os
import pickle
import struct
import zipfile
from random import Random
from typing import Any

import yaml

from fuzz.mutate import SIGNS, VALUES, edit_json, edit_text, edit_tree

EXECUTED = "EXECUTED"
"""A folder that appears beside a file if what it carries has run."""

_YAML = (
    "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "base: &base {a: 1}\nmodel:\n  <<: *base\n",
    "about: 2024-99-99\n",
    "about: !!python/object/apply:os.mkdir [EXECUTED]\n",
    "? [a, b]\n: c\n",
    "about: !!timestamp 2024-01-01\n",
    "about: !!binary x\n",
    "model: !!set {a, b}\n",
    "about: " + "[" * 3000,
    "about: 0o9\nabout: 1\n",
    "--- 1\n--- 2\n",
    "about: " + "9" * 5000 + "\n",
    "&a a: *a\n",
)


def edit_yaml(data: bytes, random: Random) -> bytes:
    """Edit the values of a YAML document, or give it what YAML can do and nobody needs."""
    action = random.randrange(4)
    if action == 0:
        snippet = random.choice(_YAML)
        text = data.decode("utf-8", "replace")
        return random.choice((snippet, snippet + text, text + snippet)).encode()
    if action == 1:
        return edit_text(data, random)
    tree = edit_tree(yaml.safe_load(data), random)
    if random.randrange(10) == 0:
        bomb: Any = ["x"] * 9
        for _ in range(random.randrange(3, 9)):
            bomb = [bomb] * 9
        if isinstance(tree, dict) and tree:
            tree[random.choice(list(tree))] = bomb
    return yaml.safe_dump(tree, allow_unicode=True).encode("utf-8", "replace")


class Payload:
    """Makes a folder when it is unpickled by somebody who should not."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (EXECUTED,)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Payload":
        return self


def _knot(depth: int) -> Any:
    """Nest tuples that share their insides: short in a pickle, endless as text."""
    knot: Any = ("x", "y")
    for _ in range(depth):
        knot = (knot, knot)
    return knot


def _tied(depth: int) -> bytes:
    """Write a pickle of a dict whose key is such a knot, too deep for Python to hash."""
    return b"\x80\x02}X\x01\x00\x00\x00x" + b"2\x86" * depth + b"Ns."


def edit_pickle(data: bytes, random: Random) -> bytes:
    """Edit what a pickle of plain data holds."""
    if not random.randrange(20):
        return _tied(random.choice((3, 20, 40)))
    tree = pickle.loads(data)  # written by the fuzzer itself
    odd = (*VALUES, b"bytes", 1j, frozenset((1,)), (1, "a"), Payload(), _knot(12), Ellipsis)
    tree = edit_tree(tree, random, odd)
    if isinstance(tree, dict) and not random.randrange(3):
        keys = (_knot(12), b"\xff", 10**5000, None, (1, 2), 0.5, "\ud800", frozenset())
        tree[random.choice(keys)] = next(iter(tree.values()), None)
    try:
        return pickle.dumps(tree, protocol=random.choice((0, 2, 4)))
    except ValueError:  # protocol 0 writes numbers as text
        return pickle.dumps(tree, protocol=2)


def edit_checkpoint(data: bytes, random: Random) -> bytes:
    """Edit the tensors of a state dict that torch saved."""
    import torch

    state = torch.load(io.BytesIO(data), weights_only=True)
    name = random.choice(list(state))
    odd = (
        *(torch.zeros(0), torch.tensor(1.0), state[name].double(), state[name] * float("nan")),
        *(state[name][None], state[name].to_sparse(), state[name].to(torch.complex64), [1], None),
        *(state[name].half(), torch.ones(1, dtype=torch.bool), "text", Payload(), {}),
    )
    action = random.randrange(4)
    if action == 0:
        del state[name]
    elif action == 1:
        state[name + random.choice(SIGNS)] = state.pop(name)
    else:
        state[name] = random.choice(odd)
    file = io.BytesIO()
    torch.save(random.choice((state, state, state, list(state.items()), {"state": state})), file)
    return file.getvalue()


def edit_safetensors(data: bytes, random: Random) -> bytes:
    """Edit the header of a safetensors file: names, shapes, offsets, its own length."""
    (size,) = struct.unpack("<Q", data[:8])
    header, body = data[8 : 8 + size], data[8 + size :]
    action = random.randrange(4)
    if action == 0:
        size = random.choice((0, 1, size - 1, size + 1, 2**32, 2**63, 2**64 - 1))
        return struct.pack("<Q", size) + header + body
    if action == 1:  # values that are no numbers
        at = random.randrange(max(len(body) // 4, 1)) * 4
        body = (
            body[:at]
            + struct.pack("<f", random.choice((float("nan"), float("inf"))))
            + body[at + 4 :]
        )
    else:
        header = edit_json(header, random)
    return struct.pack("<Q", len(header)) + header + body


def edit_zip(data: bytes, random: Random) -> bytes:
    """Lose, rename or rewrite a member of a zip archive, such as an .npz."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(list(members))
    action = random.randrange(3)
    if action == 0:
        members[random.choice(("../out.npy", "x", "text.npy", name[::-1]))] = members.pop(name)
    elif action == 1:
        content = members[name]
        cut = random.randrange(len(content) + 1)
        members[name] = random.choice((b"", content[:cut], content[::-1], content * 2))
    else:
        del members[name]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for each, content in members.items():
            archive.writestr(each, content)
    return file.getvalue()


def edit_tokenizer(data: bytes, random: Random) -> bytes:
    """Edit the settings of a tokenizer, or have it name code of its author's."""
    if random.randrange(3):
        return edit_json(data, random)
    try:
        tree = json.loads(data)
    except ValueError:
        return edit_text(data, random)
    tree = {} if random.random() < 0.5 or not isinstance(tree, dict) else tree
    kind = random.choice(("evil.Evil", ["evil.Evil", "evil.Evil"], ["evil.Evil", None]))
    names = ("AutoTokenizer", "AutoConfig", "AutoModel")
    extra: dict[str, Any] = {"auto_map": dict.fromkeys(names, kind), "tokenizer_class": "Evil"}
    for name in random.sample(list(extra), random.randrange(2)):
        del extra[name]
    return json.dumps(tree | extra | random.choice(({}, {"model_type": "evil"}))).encode()
