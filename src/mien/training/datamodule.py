"""The data loaders of training."""

from typing import Any

import lightning as L
from torch.utils.data import DataLoader

from mien.dataset.torch_dataset import BatchDataset
from mien.runs.data import loader
from mien.training.config import TrainConfig


class Loaders(L.LightningDataModule):
    """Data loaders of this process's share of each batch."""

    def __init__(
        self, training: BatchDataset, validation: BatchDataset, config: TrainConfig
    ) -> None:
        super().__init__()
        self.training, self.validation, self.config = training, validation, config

    def _loader(self, examples: BatchDataset, seed: int | None) -> DataLoader[Any]:
        trainer = self.trainer
        assert trainer is not None
        return loader(
            examples,
            self.config.batch_size * trainer.world_size,
            seed,
            self.config.workers,
            trainer.global_rank,
            trainer.world_size,
            pin=trainer.strategy.root_device.type == "cuda",
            by_tokens=self.config.group_by == "tokens",
        )

    def train_dataloader(self) -> DataLoader[Any]:
        """Load the training split, shuffled by seed and epoch."""
        return self._loader(self.training, self.config.seed)

    def val_dataloader(self) -> DataLoader[Any]:
        """Load the validation split in order."""
        return self._loader(self.validation, None)
