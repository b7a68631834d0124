# One place for every task. Each target sets up what it needs, from a clean clone.
#   make help    what there is

PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/.ready
OWN    := requirements/clients.txt requirements/cumulus.txt requirements/fhirstarter.txt
LOCKS  := $(filter-out $(OWN),$(wildcard requirements/*.txt))
CLIENTS := .clients/.ready
ETL    := .clients-etl/.ready
FHIRSTARTER := .fhirstarter/.ready
RESULTS := .bench/tests.xml

# What is imported is compiled once, not anew in each of the hundreds of processes tests start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test clients etl conformance check lint types style compiled migration bench million lock faults clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## run the three journeys on bundled data and print what each party received
	$(BIN)/schoolbridge demo --once

test: $(READY) $(CLIENTS) ## run every test but the long fault runs
	$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder -m "not faults" --junitxml=$(RESULTS)
	$(BIN)/python tests/conformance/page.py --check $(RESULTS)

conformance: $(READY) $(CLIENTS) ## run the tests that meet the guides' SHALLs; writes docs/conformance.md
	$(BIN)/python -m pytest -n 2 --dist loadgroup --junitxml=$(RESULTS) \
	  $$($(BIN)/python tests/conformance/page.py --tests)
	$(BIN)/python tests/conformance/page.py $(RESULTS)

clients: $(CLIENTS) ## install clients of others (tests/contract) and judges of pages (tests/portal)

etl: $(READY) $(CLIENTS) $(ETL) ## let cumulus-etl read what smart-fetch fetched (installs 600 MB)
	$(BIN)/python -m pytest -n 0 -m faults tests/contract/test_downstream.py

check: lint ## lint, and the tests of layout and Dockerfile
	$(BIN)/python -m pytest tests/architecture tests/docker

lint: style types ## formatting, lint, types, import contracts, Dockerfile

types: $(READY) ## types alone, which take a minute of one core
	$(BIN)/mypy

style: $(READY) ## lint without types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/hadolint docker/Dockerfile
	@if command -v docker-compose >/dev/null; then \
	  SCHOOLBRIDGE_BASE_URL=x SCHOOLBRIDGE_SECRET=x POSTGRES_PASSWORD=x BRIDGE_PASSWORD=x \
	  docker-compose --file docker/compose.yaml config --quiet; fi

compiled: $(READY) ## compile what the tests import, once for the processes that run them
	-@$(BIN)/python -m pytest -n 0 --collect-only -q > /dev/null 2>&1 # make test tells of errors

migration: $(READY) ## write the next revision after a change of a table (NAME=add_something)
	$(BIN)/python -m bridge.migrations.draft $(NAME)
	-$(BIN)/ruff format --quiet bridge/migrations/versions

bench: $(READY) $(FHIRSTARTER) ## measure ours against each reference; writes docs/benchmarks.md
	$(BIN)/python -m benchmarks

million: $(READY) ## map a million referrals (9 GB of disk for a while); adds to docs/benchmarks.md
	$(BIN)/python -m benchmarks.million

faults: $(READY) $(CLIENTS) $(ETL) ## long kill and fuzz runs; each prints its seed (SEED=n repeats one)
	SCHOOLBRIDGE_KILLS=50 SCHOOLBRIDGE_TURN=long SCHOOLBRIDGE_TEST_SEED=$(SEED) \
	  $(BIN)/python -m pytest -m faults -s -p no:randomly

lock: $(READY) ## compile requirements/*.txt again, with hashes, for every platform
	set -e; for name in uv runtime dev clients cumulus fhirstarter; do \
	  $(BIN)/uv pip compile requirements/$$name.in --output-file requirements/$$name.txt \
	    --universal --python-version 3.11 --generate-hashes --upgrade --quiet --no-header \
	    --override requirements/overrides.txt; \
	done # uv writes no index address unless asked to

clean: ## remove the environment and every cache
	rm -rf .venv .clients .clients-etl .fhirstarter tests/contract/node_modules tests/portal/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .bench

# The environment: uv comes through pip, everything else through uv; all of it by hash.
$(READY): $(LOCKS) pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --require-hashes --no-deps -r requirements/uv.txt
	$(BIN)/uv pip sync --python $(BIN)/python --quiet --require-hashes requirements/dev.txt
	$(BIN)/uv pip install --python $(BIN)/python --quiet \
	  --no-deps --no-build-isolation --editable .
	@touch $@

# Clients of others: an environment beside ours, since they need other versions. Node comes with it.
$(CLIENTS): $(READY) requirements/clients.txt tests/contract/package-lock.json tests/portal/package-lock.json
	test -x .clients/bin/python || $(PYTHON) -m venv --without-pip .clients
	$(BIN)/uv pip sync --python .clients/bin/python --quiet --require-hashes requirements/clients.txt
	set -e; for folder in contract portal; do (cd tests/$$folder && \
	  PATH="$(CURDIR)/.clients/bin:$$PATH" npm ci --silent --no-audit --no-fund --ignore-scripts); \
	done # Node comes with the clients; in tests/portal it runs the judges of HTML
	@touch $@

# cumulus-etl pins others still, and Spark comes with it: beside the long runs, not in every build.
$(ETL): $(READY) requirements/cumulus.txt
	test -x .clients-etl/bin/python || $(PYTHON) -m venv --without-pip .clients-etl
	$(BIN)/uv pip sync --python .clients-etl/bin/python --quiet --require-hashes requirements/cumulus.txt
	@touch $@

# The framework the server is measured against: it needs an older FastAPI.
$(FHIRSTARTER): $(READY) requirements/fhirstarter.txt
	test -x .fhirstarter/bin/python || $(PYTHON) -m venv --without-pip .fhirstarter
	$(BIN)/uv pip sync --python .fhirstarter/bin/python --quiet --require-hashes requirements/fhirstarter.txt
	@touch $@
