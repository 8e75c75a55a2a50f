"""mien tells how a person feels and who they are from words, voice and face."""

from importlib.metadata import version

__version__ = version("mien")
