"""mien tells how a person feels and who they are from words, voice and face."""

import logging
from importlib.metadata import version

__version__ = version("mien")

# a library says nothing until the program that uses it sets logging up
logging.getLogger(__name__).addHandler(logging.NullHandler())
