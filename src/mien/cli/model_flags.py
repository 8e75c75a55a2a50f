"""The flags of a model, made from the settings of the encoders that there are."""

import argparse
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from mien.cli.recipe import read_recipe
from mien.cli.settings import add_field, explain, flags_of, validated, validated_recipe
from mien.modality import Modality, parse_modalities
from mien.models.config import ModelConfig
from mien.models.encoders.base import ENCODERS
from mien.models.encoders.naming import with_kind
from mien.models.presets import (
    OWN,
    PRESETS,
    plain,
    preset_of,
    with_settings,
)


@dataclass(frozen=True)
class ModelFlag:
    """A flag for a setting of a model.

    Parameters
    ----------
    name : str
        Its flat name, such as ``width`` or ``text_model``.
    field : FieldInfo
        Its values, default and meaning.
    hidden : bool
        Whether `--help` leaves it out: one encoder's own form of a flag that sets several.
    """

    name: str
    field: FieldInfo
    hidden: bool = False


def model_flags() -> list[ModelFlag]:
    """List the flags for all settings of models, those of the model itself first.

    A setting that encoders of several modalities have is a flag for all of them (--width), and one
    for each (--video-width).
    """
    having: dict[str, dict[Modality, FieldInfo]] = {}
    for modality, kinds in ENCODERS.items():
        for config in kinds.values():
            for name, field in config.model_fields.items():
                if name != "kind":
                    having.setdefault(name, {}).setdefault(modality, field)
    flags = [ModelFlag(name, ModelConfig.model_fields[name]) for name in OWN]
    for name, fields in having.items():
        # --model chooses a preset, so a pretrained model is always that of one modality
        alike = len({repr(field.annotation) for field in fields.values()}) == 1
        shared = len(fields) > 1 and alike and name != "model"
        if shared and name not in OWN:
            flags.append(ModelFlag(name, _common(list(fields.values()))))
        flags += [ModelFlag(f"{m}_{name}", field, shared) for m, field in fields.items()]
    return flags


def _common(fields: list[FieldInfo]) -> FieldInfo:
    """Describe a setting of several encoders, without a default if theirs differ."""
    common = copy(fields[0])
    if any(field.default != common.default for field in fields):
        common.default = None
    return common


def add_model_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a model to a parser."""
    group = parser.add_argument_group(
        "model",
        "A flag such as --width sets every encoder that has it; --audio-width and --video-width,"
        " which are not listed, set one.",
    )
    nothing: dict[str, Any] = {"default": argparse.SUPPRESS}
    group.add_argument(
        "--model",
        choices=list(PRESETS),
        help="encoders and fusion of a published model: mme2e (dense); mme2e-sparse, which computes"
        " only where an attention selects; or a baseline on the features of mien features (default:"
        " mme2e)",
        **nothing,
    )
    group.add_argument(
        "--modalities",
        metavar="VALUE",
        help="modalities used, letters out of t, a, v (default: tav)",
        **nothing,
    )
    for modality, kinds in ENCODERS.items():
        group.add_argument(
            f"--{modality}-encoder",
            metavar="NAME",
            help=f"another encoder for {modality}: {', '.join(kinds)}; or a pretrained model by its"
            " name or folder",
            **nothing,
        )
    for flag in model_flags():
        add_field(group, flag.name, flag.field, explain(flag.field), hidden=flag.hidden)


def model_names() -> list[str]:
    """List the names of all flags of a model in a parser's result."""
    kinds = [f"{modality}_encoder" for modality in Modality]
    return ["model", "modalities", *kinds, *(flag.name for flag in model_flags())]


def model_settings(args: argparse.Namespace) -> tuple[ModelConfig, list[str]]:
    """Read the model of --config, overridden by the flags.

    Returns
    -------
    config : ModelConfig
    notes : list of str
        A sentence for each encoder of the recipe whose settings the flags discard.

    Raises
    ------
    MienError
        The recipe can't be used, or a flag sets what the model does not have.
    SystemExit
        A flag has an invalid value.
    """
    recipe = None if args.config is None else read_recipe(args.config).get("model")
    notes: list[str] = []
    content = plain(getattr(args, "model", "mme2e"))
    if recipe is not None:
        valid = validated_recipe(args.config, "model", ModelConfig, recipe)
        content = {**recipe, "encoders": _replaced(args, valid, recipe, notes)}
    if hasattr(args, "modalities"):
        content["encoders"] = _chosen(args, content["encoders"], notes if recipe else [])
    _change_kinds(args, content["encoders"], notes if recipe else [])
    given = {
        flag.name: getattr(args, flag.name) for flag in model_flags() if hasattr(args, flag.name)
    }
    content = with_settings(content, given)
    return validated(args.parser, "model", ModelConfig, content, flags_of(given)), notes


Encoders = dict[Modality, dict[str, Any]]


def _replaced(
    args: argparse.Namespace, valid: ModelConfig, recipe: Mapping[str, Any], notes: list[str]
) -> Encoders:
    """Return the recipe's encoders, of the kinds of --model if that is given."""
    written = recipe.get("encoders", {})
    encoders = {
        m: {"kind": encoder.kind} | dict(written.get(m.value, {}))
        for m, encoder in valid.encoders.items()
    }
    if hasattr(args, "model"):
        for modality, kind in PRESETS[args.model].items():
            if modality in encoders:
                encoders[modality] = _of_kind(modality, kind, encoders[modality], notes)
    return encoders


def _chosen(args: argparse.Namespace, encoders: Encoders, notes: list[str]) -> Encoders:
    """Keep the encoders of --modalities, and add those that are missing."""
    try:
        wanted = parse_modalities(args.modalities)
    except ValueError as error:
        args.parser.error(f"--modalities: {error}")
    for modality in [m for m in Modality if m in encoders and m not in wanted]:
        notes.append(f"the {modality} encoder is left out: --modalities {args.modalities}")
    usual = PRESETS[preset_of({m: encoder["kind"] for m, encoder in encoders.items()}) or "mme2e"]
    return {m: encoders.get(m, {"kind": usual[m]}) for m in wanted}


def _change_kinds(args: argparse.Namespace, encoders: Encoders, notes: list[str]) -> None:
    """Replace encoders by the kinds that --text-encoder and the like name."""
    for modality in Modality:
        kind = getattr(args, f"{modality}_encoder", None)
        if kind is None:
            continue
        if hasattr(args, "modalities") and modality not in encoders:
            args.parser.error(f"--{modality}-encoder: --modalities leaves {modality} out")
        try:
            encoders[modality] = _of_kind(modality, kind, encoders.get(modality, {}), notes)
        except PydanticCustomError as error:
            args.parser.error(f"--{modality}-encoder: {error.message()}")


def _of_kind(
    modality: Modality, kind: str, settings: Mapping[str, Any], notes: list[str]
) -> dict[str, Any]:
    """Return an encoder's settings for another kind, as far as that has them."""
    named = with_kind(modality, {"kind": kind})
    known = ENCODERS[modality][named["kind"]].model_fields
    if lost := [name for name in settings if name not in known]:
        notes.append(f"the {modality} encoder is {kind}, which has no {', '.join(lost)}")
    return {name: value for name, value in settings.items() if name in known} | named
