# Two commands: `make run` and `make test`. Each sets up .venv first; nothing is installed globally.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
JOBS   ?= 2
TEX    := tests/typeset/node_modules/.package-lock.json

.PHONY: run test test-slow test-accelerator lint docs bench bench-quick clean
.DEFAULT_GOAL := run

$(VENV)/.run: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check -e '.[demo]'
	@touch $@

$(VENV)/.test: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check -e '.[test,lint]'
	@touch $@

$(VENV)/.bench: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check -e '.[bench]'
	@touch $@

$(VENV)/.docs: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check -e '.[docs]'
	@touch $@

run: $(VENV)/.run
	$(BIN)/derive demo

# What reads the printed formulas: strict, where node is; without it those tests say why they are skipped.
$(TEX): tests/typeset/package-lock.json
	@if command -v npm >/dev/null; then npm ci --prefix tests/typeset --no-audit --no-fund --loglevel=error \
	  || echo "KaTeX could not be installed: formulas are read by the converter to MathML alone"; fi

test: $(VENV)/.test $(TEX)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m slow

# Runs from a checkout with whatever JAX is installed for the accelerator: make test-accelerator BIN=/path/to/bin
test-accelerator:
	$(BIN)/python -m pytest tests/accelerator -m accelerator -q

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The site, notebooks and all; a warning is an error. Open docs/_build/html/index.html: it needs no server.
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -n -W --keep-going -q -a -j $(JOBS) -b html docs docs/_build/html

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

bench-quick: $(VENV)/.bench
	$(BIN)/python -m benchmarks --quick

clean:
	rm -rf $(VENV) docs/_build docs/notebooks tests/typeset/node_modules build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
