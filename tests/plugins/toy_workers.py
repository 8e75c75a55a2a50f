"""Look a corpus up by its name in worker processes: of mien's pool, and of a loader."""

from torch.utils.data import DataLoader, Dataset

from mien.dataset.worker_pool import WorkerPool


def about(name: str) -> str:
    from mien.corpora import CORPORA

    return CORPORA[name].about


def nothing() -> None:
    """Start a worker."""


class About(Dataset[str]):
    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> str:
        return about("toy")


if __name__ == "__main__":
    with WorkerPool(1, nothing) as pool:
        print(pool.submit(about, "toy").result())
    for text in DataLoader(
        About(), batch_size=None, num_workers=1, multiprocessing_context="spawn"
    ):
        print(text)
