# On a fresh machine with Python ≥ 3.11 and make: `make reports` or `make test`. `make help` lists all.
PYTHON ?= python3
BIN := .venv/bin
PIP_INSTALL := python -m pip --disable-pip-version-check --no-input install
PIP := $(BIN)/$(PIP_INSTALL)
# A lock names all that is needed: pip need not look for it. `make house` holds that against what is installed.
FROM_LOCK := --no-deps --require-hashes -r
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

# What the oldest versions must do: read all kinds of files, fit, draw, execute and publish a page with its lists.
LOWEST := .venv-lowest
READS := tests/data/test_any_table.py::test_
FITS := tests/models/test_fitters.py::test_
SMOKE := $(READS)one_log_is_read_from_every_kind_of_file $(READS)frames_of_every_library_are_read \
	$(FITS)published_results_carry_lifetimes_names $(FITS)conditional_expectation_equals_that_of_lifetimes \
	$(FITS)plots_of_lifetimes_accept_the_model

lowest: $(LOWEST)/.run ## Run a part of the tests with the oldest versions that pyproject.toml allows
	rm -rf $(LOWEST)/cdnow
	$(LOWEST)/bin/retention demo $(LOWEST)/cdnow --data cdnow
	$(LOWEST)/bin/retention run $(LOWEST)/cdnow/retention.toml
	$(ONE_THREAD) $(LOWEST)/bin/python -m pytest -q -W ignore -p no:cacheprovider $(SMOKE)

check: style types house ## Lint, format, types, import contract, notebooks, lock and environment.yml

style: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

house: .venv/.dev
	$(BIN)/python -m pip check
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
	$(BIN)/uv pip compile pyproject.toml $(RESOLVE) --resolution lowest-direct --group smoke --group build -o requirements-lowest.lock

# One lock for every Python from 3.11 on and every system; names, versions and hashes, no address.
RESOLVE := --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet

clean: ## Remove what make made, but not the reports
	rm -rf .venv .venv-lowest .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

retention.toml: | .venv/.run
	$(BIN)/retention demo .

.venv/bin/python $(LOWEST)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Say which with: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@echo "creating $(@D:/bin=)"
	@$(PYTHON) -m venv $(@D:/bin=)

.venv/.run: requirements.lock $(INPUTS) | .venv/bin/python
	@echo "installing what runs need, from requirements.lock"
	$(PIP) $(FROM_LOCK) requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

# It holds all that runs need, at the same versions: nothing is installed twice.
.venv/.dev: requirements-dev.lock requirements.lock $(INPUTS) | .venv/bin/python
	@echo "installing what runs, tests and checks need, from requirements-dev.lock"
	$(PIP) $(AS_IMPORTED) $(FROM_LOCK) requirements-dev.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch .venv/.run $@

.venv/.spark: requirements-spark.lock .venv/.dev
	@echo "installing Spark, from requirements-spark.lock"
	$(PIP) $(AS_IMPORTED) $(FROM_LOCK) requirements-spark.lock
	@touch $@

# For Python 3.11 to 3.13, as the oldest NumPy is.
$(LOWEST)/.run: requirements-lowest.lock $(INPUTS) | $(LOWEST)/bin/python
	@echo "installing the oldest versions allowed, from requirements-lowest.lock"
	$(LOWEST)/bin/$(PIP_INSTALL) $(AS_IMPORTED) $(FROM_LOCK) requirements-lowest.lock
	$(LOWEST)/bin/$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@
