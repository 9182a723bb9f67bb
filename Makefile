PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Processes that share the tests, a file each: auto is one per core, 0 is none but pytest itself (for --pdb and -s).
PROCESSES ?= auto
DATA ?= data
OUT ?= build/bench-gpu

.PHONY: run quick test test-long bench bench-check bench-baseline bench-gpu lint types dev clean

# The main job on a fresh machine: makes the environment, installs, runs every method. make run ARGS="--seeds 2"
run: $(VENV)/.installed
	$(BIN)/harness run --methods all --dataset isic $(ARGS)

test: export OMP_NUM_THREADS ?= 1
test: $(VENV)/.installed-test
	$(BIN)/pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

# While working: what takes long (marked slow) is left out.
quick: export OMP_NUM_THREADS ?= 1
quick: $(VENV)/.installed-test
	$(BIN)/pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder -m "not slow and not long" $(ARGS)

test-long: $(VENV)/.installed-ray
	$(BIN)/pytest -m long -o addopts="--import-mode=importlib --strict-markers --strict-config" --timeout 3600 $(ARGS)

# Ratios of two things timed in turn; what they were goes to build/bench.json. make bench ARGS="-k training"
bench: $(VENV)/.installed-test
	mkdir -p build
	OMP_NUM_THREADS=1 $(BIN)/pytest tests/benchmarks --benchmark-only --benchmark-json build/bench.json --timeout 900 \
	    -o addopts="--import-mode=importlib --strict-markers --strict-config" $(ARGS)

# Fails where a ratio is worse than tests/benchmarks/baseline.json beyond the noise of both.
bench-check: bench
	$(BIN)/python tests/benchmarks/baseline.py check build/bench.json

bench-baseline: bench
	$(BIN)/python tests/benchmarks/baseline.py keep build/bench.json

# On a machine with a GPU: DATA is a folder with isic/, OUT gets bench-gpu.json. --limit is its seconds, 450 by default.
bench-gpu: $(VENV)/.installed
	$(BIN)/python tests/cuda/bench.py $(DATA) $(OUT) $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy cannot follow the editable install's map of folders, so it gets the same tree as links.
types: export MYPY_NUM_WORKERS ?= auto
types: $(VENV)/.installed-dev
	rm -rf build/types && mkdir -p build/types && cp -rs "$(CURDIR)/harness" build/types/
	for d in methods datasets reports configs; do ln -s "$(CURDIR)/$$d" build/types/harness/$$d; done
	$(BIN)/mypy

dev: $(VENV)/.installed-dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-ray: $(VENV)/.installed-test
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[ray]'
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@ $(VENV)/.installed $(VENV)/.installed-test

clean:
	rm -rf $(VENV) build dist *.egg-info
