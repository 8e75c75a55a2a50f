"""The commands of the published system, unchanged: see docs/published-code.md."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYTHON = HERE / ".venv" / "bin" / "python"

if __name__ == "__main__":
    try:
        from mien.published.cli import main

        sys.exit(main())
    except ImportError as error:
        if not PYTHON.exists() or Path(sys.prefix).resolve() == (HERE / ".venv").resolve():
            sys.exit(f"main.py: {error}; run `make setup` in {HERE}")
        os.execv(PYTHON, [str(PYTHON), *sys.argv])
    except KeyboardInterrupt:
        sys.exit("main.py: interrupted")
