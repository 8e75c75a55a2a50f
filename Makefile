PYTHON ?= python3
BIN := .venv/bin
TORCH := $(shell sed -n 's/^torch==//p' requirements.lock)
GPU := $(shell command -v nvidia-smi 2>/dev/null)

.PHONY: setup demo test fuzz lint bench graph lock clean
.DEFAULT_GOAL := setup

setup: .venv/done

# Without a GPU torch's CPU build is taken where the package index offers one: the usual Linux build
# brings gigabytes of CUDA libraries. The rest is installed exactly as locked.
.venv/done: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("mien needs Python 3.11 or later: make setup PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(if $(GPU),,$(BIN)/pip install -q -c requirements.lock "torch==$(TORCH)+cpu" ||) \
		$(BIN)/pip install -q -c requirements.lock "torch==$(TORCH)"
	$(BIN)/pip install -q --no-deps -r requirements.lock
	$(BIN)/pip install -q --no-deps -e .
	@touch $@

demo: setup
	$(BIN)/mien demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n 2 --dist loadscope

# Damaged files by the hundred thousand; the table goes into the page.
fuzz: setup
	PYTHONPATH=tests $(BIN)/python -m fuzz --cases 100000 --page docs/reliability.md

bench: setup
	$(BIN)/mien bench

# The picture of the packages in docs/architecture.md.
graph: setup
	PYTHONPATH=tests $(BIN)/python docs/images/packages.py

lock:
	$(BIN)/pip freeze --exclude-editable | sed 's/+cpu//' > requirements.lock

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
