"""The model of a published command."""

from collections.abc import Mapping
from typing import Any

from mien.cli.recipe import merged
from mien.modality import Modality
from mien.models.encoders.naming import kind_of
from mien.models.presets import places_of, plain, with_settings


def model_content(values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the settings of a published command to those of mien's model.

    A published command sets every option, whatever its model uses: settings that none of its
    encoders has are left out.

    Parameters
    ----------
    values : mapping of str to object
        ``model`` and ``modalities``, and settings by flat names.

    Raises
    ------
    ValueError
        The modalities are not some of t, a, v.

    Examples
    --------
    >>> model_content({"model": "lf-rnn", "modalities": "t", "rnn_layers": 2, "width": 0.5})
    {'encoders': {<Modality.TEXT: 'text'>: {'kind': 'rnn', 'rnn_layers': 2}}}
    """
    own = dict(values)
    content = plain(own.pop("model", "mme2e"), own.pop("modalities", "tav"))
    if "feature_sizes" in own:
        sizes = zip(Modality, own.pop("feature_sizes"), strict=True)
        own |= {f"{modality}_feature_size": size for modality, size in sizes}
    if own.get("rnn_layers") == 1:  # between layers, of which there is one
        own.pop("dropout", None)
    return with_settings(content, {n: v for n, v in own.items() if places_of(content, n)})


def overridden(
    content: dict[str, Any], recipe: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Override the model of a command with that of a recipe, as far as they fit.

    An encoder of the recipe that names its kind replaces the command's. Another one changes the
    settings of the command's encoder that this has.

    Returns
    -------
    content : dict
    lost : list of str
        Settings that the model does not have.
    """
    encoders: dict[str, Any] = {}
    lost: list[str] = []
    for modality, values in recipe.get("encoders", {}).items():
        if not isinstance(values, Mapping) or "kind" in values:
            encoders[modality] = values
            continue
        own = content["encoders"].get(modality)
        known = {} if own is None else kind_of(Modality(modality), own).model_fields
        encoders[modality] = {name: value for name, value in values.items() if name in known}
        lost += [f"{modality}.{name}" for name in values if name not in known]
        if own is None:
            del encoders[modality]
    return merged(content, {**recipe, "encoders": encoders}), lost
