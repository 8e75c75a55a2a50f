"""Settings that a two-phase baseline takes from its hand-crafted features."""

from pathlib import Path

from mien.dataset.store import Store
from mien.errors import MienError
from mien.features.extractor import FeatureSettings
from mien.features.store import FeatureStore, fit_sizes
from mien.models import ModelConfig
from mien.models.presets import name_of
from mien.training.config import TrainConfig


def settings_of(store: Store) -> FeatureSettings | None:
    """Return the settings of hand-crafted features, None for a store of other data."""
    return store.settings if isinstance(store, FeatureStore) else None


def word_vectors_of(store: Store) -> Path | None:
    """Return the file of word vectors that the run should store, if there is one."""
    return store.table if isinstance(store, FeatureStore) and store.table.is_file() else None


def settle(
    model: ModelConfig, config: TrainConfig, features: FeatureSettings
) -> tuple[ModelConfig, TrainConfig]:
    """Set the feature sizes and the maximum length to those of the features.

    Raises
    ------
    MienError
        The settings ask for another maximum length.
    """
    if "max_seconds" in config.model_fields_set and config.max_seconds != features.max_seconds:
        raise MienError(
            f"has no effect for {name_of(model)}: `mien features` has already cut the utterances;"
            " leave it out",
            parameter="max_seconds",
        )
    config = config.model_copy(update={"max_seconds": features.max_seconds})
    return fit_sizes(model, features), config
