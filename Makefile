# Two commands for a fresh machine: `make scan FILE=picture.jpg` and `make test`.
PYTHON ?= python3
FILE ?= examples/astronaut.jpg
# Where torch comes from, e.g. TORCH_INDEX=https://download.pytorch.org/whl/cpu for the small build.
TORCH_INDEX ?=
BIN := .venv/bin

.PHONY: scan app test check clean

scan: .venv/installed
	@$(BIN)/unmask scan --exit-zero "$(FILE)"

app: .venv/installed-app
	$(BIN)/python -m unmask.app.launch

test: .venv/installed-dev check
	$(BIN)/pytest

check: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

clean:
	rm -rf .venv build *.egg-info

.venv/python:
	$(PYTHON) -m venv .venv
	$(if $(TORCH_INDEX),$(BIN)/pip install -q torch --index-url $(TORCH_INDEX))
	@touch $@

.venv/installed: .venv/python pyproject.toml
	@echo "Installing unmask into .venv (once; torch is large) ..."
	@$(BIN)/pip install -q -e .
	@touch $@

.venv/installed-app: .venv/installed
	@$(BIN)/pip install -q -e '.[app]'
	@touch $@

.venv/installed-dev: .venv/installed
	@$(BIN)/pip install -q -e '.[dev]'
	@touch $@
