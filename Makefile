# Everything that is typed while working on Fieldbook. `make` alone lists it.
# A fresh machine needs Python 3.11 or newer and make; the rest goes into .venv.

.DEFAULT_GOAL := help
.PHONY: help run migrate schema vendor test test-slow test-all faults lint format bench coverage clean

VENV := .venv
BIN := $(VENV)/bin
# The first Python on the machine that is new enough; PYTHON=/path/to/python3 overrides it.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

PYTHON_TESTS := $(BIN)/python -m pytest
# Two workers, and a file's tests on one of them: a file may share one database.
PYTEST := $(PYTHON_TESTS) -n 2 --dist loadfile
# One after the other: they break things, or watch a screen.
SLOW_TESTS := $(wildcard tests/faults/test_*.py tests/browser/test_*.py)
# The official JavaScript client, for the tests that use it.
JAVASCRIPT := tests/acceptance/js
JAVASCRIPT_READY := $(if $(wildcard $(JAVASCRIPT)/package-lock.json),$(JAVASCRIPT)/node_modules/.ready)
# What checks the dashboard.
DASHBOARD_READY := public/node_modules/.ready
BIOME := public/node_modules/.bin/biome

help: ## List what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUNTIME) ## Start the server on http://localhost:3000, with its own database
	@exec $(BIN)/python -m server serve

migrate: $(RUNTIME) ## Bring the database of DATABASE_URL (or the embedded one) up to date
	@$(BIN)/python -m server migrate

schema: $(RUNTIME) ## Write sql/schema.sql and docs/DATA_MODEL.md anew, after a change in sql/
	@$(BIN)/python -m server dump-schema
	@$(BIN)/python -m server data-model

vendor: ## Fetch the dashboard's libraries anew, in the versions of public/package.json
	node public/vendor.mjs

test: $(DEVELOPMENT) $(JAVASCRIPT_READY) ## Unit, integration and acceptance tests
	$(PYTEST) tests/unit tests/integration tests/acceptance

test-slow: $(DEVELOPMENT) $(JAVASCRIPT_READY) $(DASHBOARD_READY) ## Integration on Postgres 15, faults, browser, a small benchmark
	TEST_POSTGRES=15 $(PYTEST) tests/integration
	$(if $(SLOW_TESTS),$(PYTHON_TESTS) --timeout 300 $(SLOW_TESTS))
	BENCH_SIZE=small $(BIN)/python -m tests.bench

test-all: test test-slow ## All of these tests

faults: $(DEVELOPMENT) ## Break everything by a seed, and see that nothing is lost (SEEDS=20 SEED=1)
	$(BIN)/python -m tests.faults.simulation --seeds $(or $(SEEDS),5) $(if $(SEED),--seed $(SEED))

lint: $(DEVELOPMENT) $(DASHBOARD_READY) ## Style, types, and which module may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIOME) ci --error-on-warnings .

format: $(DEVELOPMENT) $(DASHBOARD_READY) ## Put the code into its standard form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIOME) check --write .

bench: $(DEVELOPMENT) ## Measure, and print a table (BENCH_SIZE=small for a short run)
	$(BIN)/python -m tests.bench

coverage: $(DEVELOPMENT) $(JAVASCRIPT_READY) ## Which lines the tests reach, and whether that is enough
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

$(DASHBOARD_READY): public/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing, and the dashboard is checked with it. On Debian or Ubuntu: apt-get install nodejs npm" >&2; exit 1; }
	npm ci --prefix public --no-audit --no-fund
	@touch $@

# Without npm the other tests still run; those that need the client say what to install.
$(JAVASCRIPT)/node_modules/.ready: $(JAVASCRIPT)/package-lock.json
	@if command -v npm >/dev/null; then \
		npm ci --prefix $(JAVASCRIPT) --no-audit --no-fund && touch $@; \
	else \
		echo "npm is missing, so the JavaScript client's tests will fail. On Debian or Ubuntu: apt-get install nodejs npm" >&2; \
	fi
