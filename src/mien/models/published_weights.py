"""Conversion of state dicts of the published code to those of mien's model.

After `convert`, a state dict of the published `mme2e` or `mme2e_sparse` loads into a model of the
preset `mme2e` or `mme2e-sparse`; one of `lf_rnn` or `lf_transformer` into that preset with the
published `rnn_state`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor

from mien.modality import Modality

LABELS: tuple[tuple[str, ...], ...] = (
    ("angry", "excited", "frustrated", "happy", "neutral", "sad"),
    ("angry", "disgusted", "fearful", "happy", "sad", "surprised"),
    tuple(f"Ses0{session}{sex}" for session in range(1, 6) for sex in "FM"),
)
"""Labels of the published code and its fork, in their order: the six emotions of IEMOCAP, those of
CMU-MOSEI, and the ten speakers of IEMOCAP."""

OUTPUT = re.compile(r"(?:[tva]_out|affines\.[tva]\.2)\.(?:weight|bias)")
"""Published names of the layer that computes the logits of a modality."""

CNN = r"^([VA])\.(?:low_level\.)?"

LETTER = re.compile(r"^(encoders\.|heads\.[^.]+\.)([tavTAV])\.")
"""Names that the rules leave with the letter of a modality."""

RULES: tuple[tuple[str, str], ...] = (
    (r"^T\.albert\.pooler\..*", ""),
    (r"^T\.albert\.", "encoders.text.encoder."),
    (r".*\.attn_weight_affine\.bias", ""),  # it cancels in the softmax
    (r"\.bn([12])\.", r".norm\1."),
    (CNN + r"0\.", r"encoders.\1.cnn.stem.conv."),
    (CNN + r"1\.", r"encoders.\1.cnn.stem.norm."),
    (CNN + r"4\.", r"encoders.\1.cnn.blocks.0."),
    (CNN + r"5\.", r"encoders.\1.cnn.blocks.1."),
    (CNN + r"6\.", r"encoders.\1.cnn.blocks.2."),
    (CNN + r"8\.", r"encoders.\1.cnn.blocks.3."),
    (CNN + r"10\.", r"encoders.\1.cnn.blocks.4."),
    (r"^([VA])\.sparse_layers\.(\d)\.0\.0\.", r"encoders.\1.cnn.stages.\2.conv1."),
    (r"^([VA])\.sparse_layers\.(\d)\.0\.1\.", r"encoders.\1.cnn.stages.\2.norm1."),
    (r"^([VA])\.sparse_layers\.(\d)\.0\.2\.", r"encoders.\1.cnn.stages.\2.conv2."),
    (r"^([VA])\.sparse_layers\.(\d)\.0\.3\.", r"encoders.\1.cnn.stages.\2.norm2."),
    (r"^([VA])\.attn_layers\.(\d)\.channel_affine\.", r"encoders.\1.cnn.attention.\2.features."),
    (r"^([VA])\.attn_layers\.(\d)\.y_affine\.", r"encoders.\1.cnn.attention.\2.text."),
    (r"^([VA])\.attn_layers\.(\d)\.attn_weight_affine\.", r"encoders.\1.cnn.attention.\2.score."),
    (r"^([va])_flatten\.0\.", r"encoders.\1.cnn.project.1."),
    (r"^([va])_flatten\.2\.", r"encoders.\1.cnn.project.4."),
    (r"^([va])_transformer\.cls_emb\.weight", r"encoders.\1.temporal.cls"),
    (r"^([va])_transformer\.", r"encoders.\1.temporal."),
    (r"^([tva])_out\.", r"heads.{task}.\1."),
    (r"^rnns\.([tav])\.", r"encoders.\1.rnn."),
    (r"^transformers\.([tav])\.cls_emb\.weight", r"encoders.\1.temporal.cls"),
    (r"^transformers\.([tav])\.", r"encoders.\1.temporal."),
    (r"^affines\.([tav])\.", r"heads.{task}.\1."),
    (r"^weighted_fusion\.weight", "fusion.{task}.weight"),
)


def rename(name: str, task: str = "emotion") -> str | None:
    """Return mien's name of a published weight, or None for one that mien does not use.

    Examples
    --------
    >>> rename("V.10.conv1.weight")
    'encoders.video.cnn.blocks.4.conv1.weight'
    >>> rename("A.sparse_layers.1.0.2.weight")
    'encoders.audio.cnn.stages.1.conv2.weight'
    >>> rename("affines.v.2.bias")
    'heads.emotion.video.2.bias'
    >>> rename("T.albert.pooler.bias") is None
    True
    """
    for pattern, new in RULES:
        name = re.sub(pattern, new.replace("{task}", task), name)
    return LETTER.sub(lambda m: f"{m[1]}{Modality.of(m[2].lower())}.", name) or None


def convert(
    published: Mapping[str, Tensor],
    task: str = "emotion",
    modalities: Iterable[Modality] = tuple(Modality),
) -> dict[str, Tensor]:
    """Convert a published state dict into one for `load_state_dict` of mien's model.

    Parameters
    ----------
    published : mapping of str to Tensor
        The published model's weights.
    task : str
        Name of the task of the heads in mien's model.
    modalities : iterable of Modality
        Those of mien's model; weights of others, which the published baselines have, are left out.
    """
    parts = ("encoders", f"heads.{task}")
    others = tuple(f"{part}.{m}." for part in parts for m in set(Modality) - set(modalities))
    converted = {}
    for name, tensor in published.items():
        new = rename(name, task)
        if new is not None and not new.endswith("position_ids") and not new.startswith(others):
            converted[new] = _shaped(new, tensor)
    return converted


def label_count(published: Mapping[str, Tensor]) -> int | None:
    """Return the number of labels of a published state dict, None if it has no heads."""
    heads = (tensor for name, tensor in published.items() if OUTPUT.fullmatch(name))
    return next((len(tensor) for tensor in heads), None)


def reorder(
    published: Mapping[str, Tensor], have: Sequence[str], want: Sequence[str]
) -> dict[str, Tensor]:
    """Reorder the logits of a published state dict from the labels `have` to the order `want`.

    Examples
    --------
    >>> import torch
    >>> reorder({"t_out.bias": torch.tensor([0.0, 1.0])}, ("sad", "happy"), ("happy", "sad"))
    {'t_out.bias': tensor([1., 0.])}
    """
    order = [list(have).index(label) for label in want]
    return {n: t[order] if OUTPUT.fullmatch(n) else t for n, t in published.items()}


def _shaped(name: str, tensor: Tensor) -> Tensor:
    if name.endswith(".cls") or name.startswith("fusion."):
        return tensor.flatten()
    if ".stages." in name and ".conv" in name:
        return tensor[:, 0].transpose(1, 2).contiguous()  # (9, 1, in, out) to (9, out, in)
    return tensor
