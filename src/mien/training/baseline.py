"""What a run of a two-phase baseline takes over from the features that it reads."""

from pathlib import Path

from mien.dataset.store import Store
from mien.errors import MienError
from mien.features.extractor import FeatureSettings
from mien.features.store import FeatureStore, fit_sizes
from mien.models import ModelConfig
from mien.models.presets import name_of
from mien.training.config import TrainConfig


def settings_of(store: Store) -> FeatureSettings | None:
    """Give how the features of data were made, if it is these that are read."""
    return store.settings if isinstance(store, FeatureStore) else None


def words_of(store: Store) -> Path | None:
    """Give the table of word vectors that the run is to keep, if there is one."""
    return store.table if isinstance(store, FeatureStore) and store.table.is_file() else None


def settle(
    model: ModelConfig, config: TrainConfig, features: FeatureSettings
) -> tuple[ModelConfig, TrainConfig]:
    """Take over what the features have settled, and refuse another length.

    Raises
    ------
    MienError
        Utterances are to be cut to another length than the features were.
    """
    if "max_seconds" in config.model_fields_set and config.max_seconds != features.max_seconds:
        raise MienError(
            f"has no effect for {name_of(model)}: `mien features` has already cut the utterances;"
            " leave it out",
            parameter="max_seconds",
        )
    config = config.model_copy(update={"max_seconds": features.max_seconds})
    return fit_sizes(model, features), config
