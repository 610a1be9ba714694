# `make` alone lists the targets.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 5000
JOBS ?= 2
SECONDS ?= 60
BIN := .venv/bin
PYTEST := $(BIN)/pytest -q -n $(JOBS)
# What locks, races, counts, searches or migrates, and so may do otherwise there than on SQLite. The rest passes too, and takes six minutes.
ON_POSTGRESQL := tests/models tests/admin tests/chat --ignore=tests/chat/providers --ignore=tests/chat/embedded \
	tests/test_audit.py tests/test_migrations.py tests/test_throttle.py tests/test_health.py tests/cli/test_accounts.py tests/cli/test_backups.py \
	$(addprefix tests/auth/test_,$(addsuffix .py,activity delete_account invitation login_throttle mail_email mail_reset mail_sign_in \
	passkey_settings passkey_sign_up passkey_throttle recovery recovery_codes register sessions use_link))

.DEFAULT_GOAL := help
.PHONY: help run dev setup test check e2e chaos bench fmt lock screenshots

help:
	@echo "make run          install what is missing and serve the chat on http://localhost:5000 (PORT=8080, HOST=0.0.0.0)"
	@echo "make setup        install what development needs as well"
	@echo "make dev          serve with reload, and build the front end on every change (PORT=8080)"
	@echo "make test         run the tests; no network, no browser, no server needed"
	@echo "make check        everything: format, lint, types, layers, front end, audit, all tests, those of the database on PostgreSQL too"
	@echo "make e2e          run the browser tests (needs Chromium)"
	@echo "make chaos        kill parts of a running installation at random, and see that nothing is lost (SECONDS=60)"
	@echo "make fmt          format the code"
	@echo "make lock         renew requirements.lock (UPGRADE=--upgrade takes the newest versions)"
	@echo "make bench        measure the application beside nginx (needs cc and nginx; QUICK=1 for a minute)"
	@echo "make screenshots  take the pictures of docs/ again (needs Chromium)"

run:
	@$(PYTHON) scripts/run.py --host "$(HOST)" --port "$(PORT)"

dev: setup
	@$(BIN)/flask db upgrade
	@$(BIN)/python scripts/dev.py --host "$(HOST)" --port "$(PORT)"

setup:
	@$(PYTHON) scripts/install.py dev

test: setup
	$(PYTEST)

# What continuous integration goes through. The last line is what `make test` leaves out: registries, the real model, the browser…
check: test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --strict scripts
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/python scripts/npm.py run check
	$(BIN)/python scripts/npm.py test
	$(BIN)/python scripts/audit.py
	$(PYTEST) --database=postgresql $(ON_POSTGRESQL)
	$(PYTEST) --database=postgresql -m fault tests/chat/test_processes.py tests/chat/test_crash.py
	$(PYTEST) -m "network or browser or proxy or fault or chaos"

e2e: setup
	$(PYTEST) -m browser

chaos: setup
	CHAOS_SECONDS=$(SECONDS) $(BIN)/pytest -q -s -m chaos tests/chat/test_chaos.py

fmt: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: setup
	$(BIN)/uv --no-config pip compile pyproject.toml --quiet --universal --all-extras --python-version 3.11 \
		--custom-compile-command "make lock" $(UPGRADE) --output-file requirements.lock

screenshots: setup
	$(BIN)/python scripts/screenshots.py

bench: setup
	@QUICK=$(QUICK) $(BIN)/python -m benchmarks
