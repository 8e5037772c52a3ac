# Works with GNU make 3.81, which macOS brings.
SHELL := /bin/bash
VENV := .venv
PYTHON_NAMES := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)
READY := $(VENV)/.ready

# The PostgreSQL versions that `make test` runs on: the newest and the oldest that is here, or `make test PG=16`, or ORTES_PG_BIN.
SYSTEM_15 := $(if $(wildcard /usr/lib/postgresql/15/bin/postgres),15)
PG ?= $(if $(ORTES_PG_BIN),$(ORTES_PG_BIN),18 $(or $(SYSTEM_15),16))

# PostgreSQL 15 where there is one: PGQ, which the hub is compared with, is a package for it.
BENCH_PG := $(or $(ORTES_PG_BIN),$(SYSTEM_15))

.PHONY: help setup replay bench test long soak lint format docs pictures scaling check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make the virtual environment .venv and install into it

$(READY): pyproject.toml
	@python=; for name in $(PYTHON_NAMES); do \
	    if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; done; \
	if [ -z "$$python" ]; then echo "ortes-db needs Python 3.11 or later: install it, or name it: make PYTHON=..." >&2; exit 1; fi; \
	if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$python cannot make virtual environments: install its venv module (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; fi; \
	[ -x $(VENV)/bin/python ] || { rm -rf $(VENV); $$python -m venv $(VENV); }
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench,board,dev]'
	@touch $@

replay: setup ## replay the document's operations and print its table with a verdict on every cell
	@$(VENV)/bin/python -m ortes_db replay

bench: setup ## measure the hub beside plain SQL (15 minutes) and write docs/benchmark.md with its chart
	@$(VENV)/bin/python -m ortes_db bench --report docs $(if $(BENCH_PG),--pg-bin $(BENCH_PG)) $(ARGS)
	@$(if $(ARGS),echo "docs/scaling.md is calculated from it: make scaling",$(VENV)/bin/python .ci/scaling.py)

test: setup ## run the tests, on the newest and the oldest PostgreSQL here (PG=16: on that one)
	@once=; for pg in $(PG); do \
	    echo "== tests on PostgreSQL $$pg"; \
	    ORTES_PG_BIN=$$pg $(VENV)/bin/python -m pytest -q -n auto --dist worksteal $${once:+-m "not once"} $(ARGS) || exit 1; once=done; done

long: setup ## run the tests that take long by nature, which make test leaves out, on the newest PostgreSQL here
	ORTES_PG_BIN=$(firstword $(PG)) $(VENV)/bin/python -m pytest -q -n auto --dist worksteal -m long $(ARGS)

soak: setup ## many clients at once for MINUTES (5), and the check of all that they were told
	@$(VENV)/bin/python -m ortes_db soak $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

lint: setup ## check the code: ruff, mypy, the layout of sql/, plpgsql_check over every function
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/python .ci/lint_sql.py
	$(VENV)/bin/python .ci/lint_functions.py

format: setup ## put the Python code in its layout
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

pictures: setup ## make the README's pictures anew (3 minutes; needs a chromium)
	$(VENV)/bin/python .ci/pictures.py

scaling: setup ## calculate docs/scaling.md and its chart anew (MEASURE=1: measure its inputs first, 3 minutes, Linux)
	$(if $(MEASURE),$(VENV)/bin/python .ci/scaling_measure.py)
	$(VENV)/bin/python .ci/scaling.py

docs: setup ## write docs/reference.md anew from the database's comments and docs/reference.sql
	$(VENV)/bin/python .ci/reference.py

check: lint test long ## all that CI checks

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find ortes_db tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +
