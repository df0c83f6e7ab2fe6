# Rowport's targets; `make help` lists them.  All paths are relative: any folder will do.

PYTHON ?=
FILE ?=
JOBS ?= auto
TESTS ?= tests
BENCH ?=
STORM ?=
SIMULATE ?=
BIN := .venv/bin

# Through the environment, so that no blank or quote in a path is ever read by a shell.
export PYTHON
export UPGRADE
export ROWPORT_DEMO_FILE = $(FILE)

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-feeds test conformance unit lint format bench engine storm simulate schema lock hooks clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

setup: ## make .venv/ with everything in it (a second time it is instant)
	@tools/setup.sh

demo: setup ## import examples/contacts.csv twice and tell what became of each row; FILE=path takes yours
	@$(BIN)/python tools/demo.py

demo-feeds: setup ## start an S3 and an SFTP server, let feeds import from them, and tell what MoEngage sees
	@$(BIN)/python tools/demo_feeds.py

test: lint ## every check and every test; JOBS=n processes, TESTS=path for some of them
	$(BIN)/pytest -q -n $(JOBS) --dist worksteal $(TESTS)

conformance: setup ## what each dialect promises and keeps: endpoints, states, golden files, clients
	@$(BIN)/python tools/conformance.py

unit: setup ## the fast tests: no database, no processes
	$(BIN)/pytest -q -n $(JOBS) tests/unit tests/architecture

lint: setup ## style, types, layers, sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/measure.py

format: setup ## let ruff lay the code out and mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## import, read and validate a million rows beside what is bare; BENCH="--rows N" changes it
	$(BIN)/python bench/importing.py $(BENCH)
	$(BIN)/python bench/reading.py $(BENCH)
	$(BIN)/python bench/workbooks.py

engine: setup ## how fair, how soon, what the engine costs beside bare commits; BENCH="--chunks N"
	$(BIN)/python bench/engine.py $(BENCH)

storm: setup ## kill workers, server and database under load; STORM="--kills N --crashes N" changes it
	@$(BIN)/python tools/storm.py $(STORM)

simulate: setup ## simulate the chunk protocol, seed by seed, and see that planted faults are caught
	@$(BIN)/python tools/simulation.py $(SIMULATE)

schema: setup ## write down the schema that the migrations make
	$(BIN)/python tools/schema.py

lock: setup ## make requirements.lock anew; UPGRADE=1 takes the newest versions
	@tools/lock.sh

hooks: setup ## run the checks before each git commit
	$(BIN)/pre-commit install

clean: ## remove all that these targets made inside this folder
	rm -rf .venv .demo .demo-feeds .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} +
