# Ten targets at most; each does what it needs first. `make demo` and `make test` work on an untouched clone.

BIN := .venv/bin

.PHONY: help setup demo test check fmt bench soak secrets clean
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: .venv/installed ## the locked environment in .venv

.venv/installed: requirements.lock pyproject.toml .ci/setup
	@PYTHON="$(PYTHON)" .ci/setup

demo: setup ## the whole path in one command: embedded services, all roles and a simulated Cardiff
	@$(BIN)/baycast demo

test: setup ## the whole suite, with a real PostgreSQL and a real mosquitto
	@$(BIN)/pytest -q -n 3 --dist worksteal

check: setup ## lint, format, types, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fmt: setup ## put the code into its format
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: setup ## messages to rows, deltas to listeners, snapshots over HTTP: docs/benchmarks.md (ten minutes)
	@$(BIN)/baycast bench ingest --json
	@$(BIN)/baycast bench live --json
	@$(BIN)/baycast bench poll --json

SEED := 1

soak: setup ## long property, fuzz and chaos runs, hours of them: make soak SEED=2
	@$(BIN)/python -m tests.fuzz --seed $(SEED)
	@$(BIN)/python -m tests.machine_soak --seed $(SEED)
	@$(BIN)/pytest -q -n 2 --timeout 3600 --hypothesis-profile soak --hypothesis-seed $(SEED) tests/property \
		tests/integration/test_history_rows.py tests/integration/test_history_days.py \
		--deselect tests/property/test_engine_machine.py::TestTown
	@$(BIN)/pytest -q --hypothesis-profile soak --hypothesis-seed $(SEED) tests/e2e/test_openapi.py
	@BAYCAST_TEST_CANARIES=10000 $(BIN)/pytest -q tests/integration/test_gate_agent.py
	@for profile in signs broker stock poison outage long; do \
		$(BIN)/baycast chaos --profile $$profile --seed $(SEED) --json || exit 1; done

secrets: ## passwords for docker-compose.yml in .env, generated once
	@deploy/make-secrets

clean: ## everything that was made, but not the data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
