# On a fresh machine with Python ≥ 3.11 and make: `make reports` or `make test`. `make help` lists all.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# Tests import few of the modules that pip would compile: half of its time, which imports take less of.
AS_IMPORTED := --no-compile
# What git tracks of the code: a finished set-up stays valid while these do not change.
INPUTS := pyproject.toml
# Spark is large and needs Java: it is set up where Java is, and its tests are skipped elsewhere.
ENGINES := $(if $(shell command -v java),.venv/.spark)

# The tests' matrices are too small for threads, which would wait for each other.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

# Processes that tests start read compiled modules, also where the environment forbids to write them.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help reports lab docs test slow nightly check style types house format bench lock lowest clean

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

reports: .venv/.run retention.toml ## Set up, build the demonstration project, make its pages
	$(BIN)/retention run retention.toml

lab: .venv/.run retention.toml ## Open JupyterLab on notebooks/start_here.ipynb
	$(BIN)/jupyter lab notebooks/start_here.ipynb

docs: .venv/.dev ## Build the documentation as a site, dist/site/index.html, with every notebook executed
	$(BIN)/python docs/site/build.py dist/site

test: .venv/.dev $(ENGINES) ## Set up and run the tests
	$(ONE_THREAD) $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder -m "not slow and not nightly"

slow: .venv/.dev $(ENGINES) ## Run the slow tests: whole runs, pages in a browser, simulations
	$(ONE_THREAD) $(BIN)/python -m pytest -n 4 --dist loadscope --no-loadscope-reorder --durations 10 -m "slow and not nightly"

nightly: .venv/.dev $(ENGINES) ## Run simulations and faults at full size; their figures go to docs/nightly.md
	$(ONE_THREAD) RETENTION_MODELS_NIGHTLY=1 $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder -m "nightly or sized"

# What the oldest versions must do: read all kinds of files, fit, draw, and make a page.
LOWEST := .venv-lowest
SMOKE := tests/data/test_any_table.py tests/data/test_transactions.py tests/models/test_fitters.py tests/pages/test_notebook.py

lowest: .venv/.dev ## Run a part of the tests with the oldest versions that pyproject.toml allows
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(LOWEST)
	$(BIN)/uv pip compile pyproject.toml --quiet --resolution lowest-direct --extra demo --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links -o $(LOWEST)/requirements.txt
	$(BIN)/uv pip install --quiet --python $(LOWEST) -r $(LOWEST)/requirements.txt pytest pytest-xdist hypothesis hatchling editables
	$(BIN)/uv pip install --quiet --python $(LOWEST) --no-deps --no-build-isolation -e .
	$(LOWEST)/bin/retention demo $(LOWEST)/cdnow --data cdnow
	$(LOWEST)/bin/retention run $(LOWEST)/cdnow/retention.toml
	$(ONE_THREAD) $(LOWEST)/bin/python -m pytest -q -W ignore -p no:cacheprovider -m "not slow and not nightly" $(SMOKE)

check: style types house ## Lint, format, types, import contract, notebooks, lock and environment.yml

style: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

house: .venv/.dev
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/house

format: .venv/.dev ## Format the code and mend what lint can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.dev ## Time us against lifetimes, as ratios in one run
	$(BIN)/python benchmarks/run.py

lock: .venv/.dev ## Resolve the dependencies anew: all lock files
	$(BIN)/uv pip compile pyproject.toml $(RESOLVE) --group test --group style --group docs --group build --extra lab --extra demo -o requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml $(RESOLVE) --group build --extra spark -c requirements-dev.lock -o requirements-spark.lock
	$(BIN)/uv pip compile pyproject.toml $(RESOLVE) --group build --extra lab --extra demo -c requirements-dev.lock -o requirements.lock

# One lock for every Python from 3.11 on and every system; names, versions and hashes, no address.
RESOLVE := --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet

clean: ## Remove what make made, but not the reports
	rm -rf .venv .venv-lowest .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

retention.toml: | .venv/.run
	$(BIN)/retention demo .

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Say which with: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@echo "creating .venv"
	@$(PYTHON) -m venv .venv

.venv/.run: requirements.lock $(INPUTS) | .venv/bin/python
	@echo "installing what runs need, from requirements.lock"
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# It holds all that runs need, at the same versions: nothing is installed twice.
.venv/.dev: requirements-dev.lock requirements.lock $(INPUTS) | .venv/bin/python
	@echo "installing what runs, tests and checks need, from requirements-dev.lock"
	$(PIP) install $(AS_IMPORTED) --require-hashes -r requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch .venv/.run $@

.venv/.spark: requirements-spark.lock .venv/.dev
	@echo "installing Spark, from requirements-spark.lock"
	$(PIP) install $(AS_IMPORTED) --require-hashes -r requirements-spark.lock
	@touch $@
