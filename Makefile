# `make` alone prints this list. Everything runs in .venv, from hash-locked requirements.
.DEFAULT_GOAL := help
.SUFFIXES:
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-peers
RELEASE := .venv-release
SEED := $(or $(SEED),$(shell od -An -N4 -tu4 /dev/urandom | tr -d ' '))
AZ := .venv-az
SITE := .venv-site
# What Node and Azure CLI are needed for, which take long to install.
LATE_TESTS := tests/peers/test_node.py tests/peers/test_oidc_provider.py tests/peers/test_exec_node.py tests/peers/test_azure_cli.py
# Python keeps what it compiles: three workers import the same fifteen hundred tests.
export PYTHONDONTWRITEBYTECODE :=
# uv does not read pip's settings: trust the system's certificates, as pip does here.
UV := UV_SYSTEM_CERTS=1 UV_COMPILE_BYTECODE=1 $(BIN)/uv
UV_LAZY := UV_SYSTEM_CERTS=1 $(BIN)/uv
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

# What a daemon may need: the container image has it all.
IMAGE_EXTRAS := --extra daemon --extra fast --extra otel --extra postgres --extra redis --extra socks --extra zstd

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

quickstart: $(VENV)/.ready ## set up, then list the users of a pretend tenant, step by step
	@$(BIN)/graphdaemon quickstart

test: $(VENV)/.ready-dev ## set up, check the code, run every test
	@$(MAKE) --no-print-directory --jobs=2 lint compiled-tests $(PEERS)/.ready
	@$(MAKE) --no-print-directory test-peers-python
	$(BIN)/pytest --numprocesses=3 --dist=worksteal --ignore=tests/peers

# One process compiles the tests, with pytest's own reading of `assert`, before the workers do.
compiled-tests: $(VENV)/.ready-dev
	@$(BIN)/pytest --collect-only --quiet --ignore=tests/peers > /dev/null

coverage: $(VENV)/.ready-dev ## run every test, and list what no test runs
	$(BIN)/pytest --numprocesses=2 --dist=worksteal --cov --cov-report=term --ignore=tests/peers

test-nightly: $(VENV)/.ready-dev $(PEERS)/.ready ## random cases of every property, 20,000 listings, 1,500 kills; SEED=… repeats them
	@echo "SEED=$(SEED)" >&2
	LISTING_CASES=20000 LISTING_KILLS=1000 SYNC_KILLS=500 EMULATOR_KILLS=25 LISTING_SEED=$(SEED) GRAPHDAEMON_FUZZ_SEED=$(SEED) $(BIN)/pytest -s -m "hypothesis or nightly" --hypothesis-profile=nightly --hypothesis-seed=$(SEED) --ignore=tests/peers
	# The forms in Python of what is compiled, by the tests of both.
	GRAPHDAEMON_COMPILED=0 $(BIN)/pytest --numprocesses=2 tests/graphdaemon/graph tests/graphdaemon/listing tests/graphdaemon/output tests/graphdaemon/sync
	# Spark, with its driver, executors and workers killed, on a cluster too.
	SPARK_CLUSTER=1 LISTING_SEED=$(SEED) $(PEERS)/bin/pytest -W default tests/peers/test_spark_killed.py

soak: $(VENV)/.ready-dev ## an hour of a daemon over a living directory, while requests fail
	SOAK_SECONDS=3600 $(BIN)/pytest tests/process/test_soak.py

soak-short: $(VENV)/.ready-dev ## the same for two minutes
	SOAK_SECONDS=120 $(BIN)/pytest tests/process/test_soak.py

mutation: $(VENV)/.ready-dev ## change the client's code in 500 small ways; count what the tests notice
	$(BIN)/python -m tools.run_mutations

test-peers: test-peers-python tests/peers/node/node_modules/.ready $(AZ)/.ready ## run other people's clients (Python, Node, Azure CLI) against the emulator
	$(PEERS)/bin/pytest --quiet -W default $(LATE_TESTS)

test-peers-python: $(PEERS)/.ready
	# Other people's deprecation warnings are theirs: -W default. By file, for all of Spark's share one session.
	$(PEERS)/bin/pytest --quiet -W default --numprocesses=2 --dist=loadfile tests/peers $(LATE_TESTS:%=--ignore=%)

bench: $(VENV)/.ready-dev ## measure how fast a directory is listed, beside other clients (half an hour)
	$(BIN)/python -m bench.listing

bench-peers: $(VENV)/.ready-dev ## install the other clients to measure (1 GB)
	$(BIN)/python -m bench.listing.peers

lint: $(VENV)/.ready-dev ## format, lint, types, import directions
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.ready-dev ## rewrite the code as the formatter wants it
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format --quiet .

docs: $(VENV)/.ready-dev ## write the generated reference pages anew
	$(BIN)/python -m tools.write_reference

site: $(VENV)/.ready-dev $(SITE)/.ready ## build the documentation as a site, in two languages, and check it
	$(BIN)/python -m tools.build_site --zensical $(CURDIR)/$(SITE)/bin/zensical
	$(BIN)/pytest -q tests/browser/test_site.py

site-serve: $(VENV)/.ready-dev $(SITE)/.ready ## build the site, and show it on this machine
	$(BIN)/python -m tools.build_site --zensical $(CURDIR)/$(SITE)/bin/zensical --serve

screenshots: $(VENV)/.ready-dev ## write the pictures of the portal anew (needs Chromium)
	$(BIN)/python -m tools.write_screenshots
	$(BIN)/python -m tools.figures listing

test-pythons: $(VENV)/.ready-dev ## run the tests on every Python from 3.11 on that is installed
	@sh tools/test_pythons.sh

release: $(RELEASE)/.ready ## build all that is shipped into dist/, try it, say what cannot be done here
	@$(RELEASE)/bin/python -m tools.release

lock: $(BIN)/uv ## pin the newest allowed dependencies, with hashes and without hosts
	UV_SYSTEM_CERTS=1 $(LOCK) --upgrade --extra emulator --group build pyproject.toml -o requirements/emulator.txt
	UV_SYSTEM_CERTS=1 $(LOCK) --upgrade --extra emulator --group dev -c requirements/emulator.txt pyproject.toml -o requirements/dev.txt
	UV_SYSTEM_CERTS=1 $(LOCK) --upgrade --extra emulator --group peers -c requirements/dev.txt pyproject.toml -o requirements/peers.txt
	UV_SYSTEM_CERTS=1 $(LOCK) --upgrade $(IMAGE_EXTRAS) --group build -c requirements/dev.txt pyproject.toml -o requirements/image.txt
	UV_SYSTEM_CERTS=1 $(LOCK) --upgrade $(IMAGE_EXTRAS) --extra emulator -c requirements/dev.txt pyproject.toml -o requirements/package.txt
	UV_SYSTEM_CERTS=1 $(LOCK) --upgrade --group release -c requirements/dev.txt pyproject.toml -o requirements/release.txt
	echo zensical | UV_SYSTEM_CERTS=1 $(LOCK) --upgrade - -o requirements/site.txt
	echo azure-cli | UV_SYSTEM_CERTS=1 $(LOCK) --upgrade - -o requirements/az.txt
	echo uv | UV_SYSTEM_CERTS=1 $(LOCK) --upgrade - -o requirements/uv.txt

clean: ## remove the environment and everything built
	rm -rf $(VENV) .venv-* .graphdaemon bench/.data build dist .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/uv: requirements/uv.txt
	@sh tools/make_venv.sh $(VENV)

$(VENV)/.ready: $(BIN)/uv requirements/emulator.txt pyproject.toml hatch_build.py $(wildcard src/graphdaemon/graph/*.c)
	@echo "setting up: the program and its pretend tenant" >&2
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/emulator.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements/dev.txt
	@echo "setting up: the tools of development" >&2
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

$(PEERS)/.ready: $(VENV)/.ready-dev requirements/peers.txt
	@echo "setting up: other people's clients" >&2
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(PEERS)
	@# Most of its 20,000 modules are never imported: Python compiles those that are.
	@$(UV_LAZY) pip install --quiet --python $(PEERS)/bin/python --require-hashes -r requirements/peers.txt
	@$(UV) pip install --quiet --python $(PEERS)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

$(RELEASE)/.ready: $(VENV)/.ready-dev requirements/release.txt
	@echo "setting up: what packages are made with" >&2
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(RELEASE)
	@$(UV) pip install --quiet --python $(RELEASE)/bin/python --require-hashes -r requirements/release.txt
	@$(UV) pip install --quiet --python $(RELEASE)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

$(SITE)/.ready: $(VENV)/.ready-dev requirements/site.txt
	@echo "setting up: what builds the site" >&2
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(SITE)
	@$(UV) pip install --quiet --python $(SITE)/bin/python --require-hashes -r requirements/site.txt
	@touch $@

$(AZ)/.ready: $(VENV)/.ready-dev requirements/az.txt
	@echo "setting up: Azure CLI" >&2
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python $(AZ)
	@$(UV) pip install --quiet --python $(AZ)/bin/python --require-hashes -r requirements/az.txt
	@touch $@

tests/peers/node/node_modules/.ready: tests/peers/node/package-lock.json
	@cd tests/peers/node && npm ci --silent --no-audit --no-fund
	@touch $@

.PHONY: help quickstart test compiled-tests coverage test-nightly soak soak-short mutation test-peers test-peers-python bench bench-peers lint format docs site site-serve screenshots test-pythons release lock clean
