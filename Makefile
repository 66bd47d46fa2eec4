# `make help` lists the targets. Every target builds what it needs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all test-fast test-airflow bench bench-quality lint format audit docs package lock clean
MAKEFLAGS += --no-print-directory

# Variables: make demo LISTINGS=300 PROFILE=test WAREHOUSE=/tmp/warehouse; make setup PYTHON=/path/to/python3.11
LISTINGS ?= 3000
PROFILE ?= local
WAREHOUSE ?= demo-warehouse
BENCH ?= scoring encoding nights training
SCALE ?= 1

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
COMPILE := $(CURDIR)/$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-emit-index-url

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

setup: ## build or repair the environment in .venv, Horovod, Delta's jars, htmx and the picture encoder; takes a second if all is well
	@python=$$(scripts/system.sh) && "$$python" -m scripts.environment

demo: setup ## generate a catalogue of 3,000 listings, clean it and show the result
	@$(BIN)/catalog-cleaner demo --warehouse "$(WAREHOUSE)" --profile "$(PROFILE)" --listings $(LISTINGS)

test: setup .venv-airflow lint ## run everything but the rarest cases: lint, the tests, the DAGs in a real Airflow
	@$(PYTEST) --numprocesses 2

test-all: test ## run the rarest cases as well, and kill every command before every change that it makes to the warehouse (hours)
	@$(PYTEST) -m "crash or thorough"

test-fast: setup ## run the fast tests, which need no Spark
	@$(PYTEST) --numprocesses 2 tests/unit tests/contracts -m "not airflow and not end_to_end"

test-airflow: setup .venv-airflow ## run the DAGs in a real Airflow, in its own environment
	@$(PYTEST) -m airflow

.PHONY: .venv-airflow
.venv-airflow: setup
	@python=$$(scripts/system.sh) && "$$python" -m scripts.environment airflow

bench: setup ## measure speed and memory as ratios; BENCH="scoring encoding nights training" and SCALE=0.01 choose
	@$(BIN)/python -m benchmarks $(BENCH) --scale $(SCALE)

bench-quality: setup ## clean many catalogues, compare with other tools and write docs/quality.md; CATALOGUE=folder with known truth
	@test -n "$(CATALOGUE)" || { echo 'name a folder with listings.parquet, taxonomy.csv and truth.parquet: make bench-quality CATALOGUE=folder'; exit 2; }
	@$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .cache/peers
	@$(BIN)/uv pip sync --quiet --require-hashes --python .cache/peers/bin/python benchmarks/quality/requirements.txt
	@$(BIN)/python -m benchmarks.quality $(CATALOGUE)

lint: setup ## check style, types and imports
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --verbose | grep -E '(KEPT|BROKEN|->)' ; exit $${PIPESTATUS[0]}

format: setup ## fix the style
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

audit: setup ## look up known vulnerabilities of the locked packages; another service: make audit AUDIT="--vulnerability-service osv"
	@failed=0; for lock in dev horovod airflow; do \
		$(BIN)/uv tool run --quiet --python $(BIN)/python pip-audit@2.10.1 --strict --no-deps --disable-pip \
			--progress-spinner off $(AUDIT) --requirement requirements/$$lock.txt || failed=1; done; exit $$failed

docs: setup ## write docs/tables.md from schemas/tables.py
	@$(BIN)/python -m scripts.tables_doc

package: setup ## build dist/catalog-cleaner.zip for spark-submit --py-files
	@rm -rf build dist
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist > .cache/package.log 2>&1 || { tail -20 .cache/package.log; exit 1; }
	@$(BIN)/python -m scripts.spark_zip dist/catalog_cleaner-*.whl dist/catalog-cleaner.zip

lock: setup ## resolve requirements/*.in; newer versions: make lock UPGRADE=--upgrade
	@cd requirements && $(COMPILE) $(UPGRADE) dev.in -o dev.txt
	@cd requirements && $(COMPILE) $(UPGRADE) -c dev.txt runtime.in -o runtime.txt
	@cd requirements && $(COMPILE) $(UPGRADE) --no-deps horovod.in -o horovod.txt
	@cd requirements && $(COMPILE) $(UPGRADE) --no-deps encoders.in -o encoders.txt
	@cd requirements && $(COMPILE) bootstrap.in -o bootstrap.txt
	@cd benchmarks/quality && $(COMPILE) $(UPGRADE) -c ../../requirements/runtime.txt requirements.in -o requirements.txt
	@# Airflow publishes constraints for its release day; this lock is of that day.
	@cd requirements && $(COMPILE) $(UPGRADE) --exclude-newer 2025-11-20 airflow.in -o airflow.txt

clean: ## remove environments, the demo's warehouse and tools' caches; keep benchmark results and wheels
	@rm -rf .venv .venv-airflow .cache build dist *.egg-info demo-warehouse spark-warehouse metastore_db derby.log
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
