# Everything that is typed while working on Fieldbook. `make` alone lists it.
# A fresh machine needs Python 3.11 or newer and make; the rest goes into .venv.

.DEFAULT_GOAL := help
.PHONY: help run migrate schema test test-all lint format bench coverage clean

VENV := .venv
BIN := $(VENV)/bin
# The first Python on the machine that is new enough; PYTHON=/path/to/python3 overrides it.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

# Two workers, and a file's tests on one of them: a file may share one database.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile

help: ## List what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUNTIME) ## Start the server on http://localhost:3000, with its own database
	@exec $(BIN)/python -m server serve

migrate: $(RUNTIME) ## Bring the database of DATABASE_URL (or the embedded one) up to date
	@$(BIN)/python -m server migrate

schema: $(RUNTIME) ## Write sql/schema.sql and docs/DATA_MODEL.md anew, after a change in sql/
	@$(BIN)/python -m server dump-schema
	@$(BIN)/python -m server data-model

test: $(DEVELOPMENT) ## Unit, integration and acceptance tests
	$(PYTEST) tests/unit tests/integration tests/acceptance

test-all: $(DEVELOPMENT) ## Those, and faults, browser and a small benchmark
	$(PYTEST) tests/unit tests/integration tests/acceptance
	$(PYTEST) -n 0 --timeout 300 tests/faults tests/browser
	BENCH_SIZE=small $(BIN)/python -m tests.bench

lint: $(DEVELOPMENT) ## Style, types, and which module may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEVELOPMENT) ## Put the code into its standard form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEVELOPMENT) ## Measure, and print a table (BENCH_SIZE=small for a short run)
	$(BIN)/python -m tests.bench

coverage: $(DEVELOPMENT) ## Which lines the tests reach, and whether that is enough
	$(PYTEST) --cov --cov-report= tests/unit tests/integration tests/acceptance
	$(BIN)/coverage report
	$(BIN)/coverage report --include 'server/services/*,server/db/*' --fail-under 95 --format total
	$(BIN)/coverage report --include 'server/events/*,server/rest/*' --fail-under 85 --format total

clean: ## Remove the virtual environment and what tools left (never .data)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov
	find server tests -name __pycache__ -type d -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Fieldbook needs Python 3.11 or newer, and this machine has none. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) can't make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.txt | $(BIN)/python
	$(PIP) -r requirements.txt
	@touch $@

$(DEVELOPMENT): requirements.txt requirements-dev.txt | $(BIN)/python
	$(PIP) -r requirements-dev.txt
	@touch $@ $(RUNTIME)
