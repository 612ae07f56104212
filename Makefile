# Every target first creates the environment it needs, in .venv, once: that takes minutes.
# Any supported Python will do: make test PYTHON=python3.12

PYTHON ?= python3
# leaves TensorFlow Data Validation out, as is done by itself where it has no package
WITHOUT_TFDV ?= $(shell $(PYTHON) tools/tfdv_packages.py >/dev/null 2>&1; [ $$? = 3 ] && echo 1)
# passed on to pytest: make test ARGS="tests/models -k gru"
ARGS ?=

# Two processes, a file's tests in one of them: TensorFlow loads and each fixture is made once. The
# same examples of hypothesis in every run, and no deadline, which a busy machine would miss.
PYTEST := -n 2 --dist loadfile --hypothesis-profile=ci

# Where byte code is not to be written, each process of a test would compile TensorFlow again, which
# makes its import take three times as long.
export PYTHONDONTWRITEBYTECODE :=

VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
LOCK := constraints/py$(VERSION).txt
BIN := .venv/bin
INSTALLED := .venv/installed-$(VERSION)$(if $(WITHOUT_TFDV),-without-tfdv)

.PHONY: help quickstart test test-long lint bench fuzz clean
.DELETE_ON_ERROR:

help:
	@echo "make quickstart   train two small networks on simulated ECGs and write a report"
	@echo "make test         run the tests"
	@echo "make test-long    run those that take long, too"
	@echo "make lint         check style and types"
	@echo "make bench        measure speed"
	@echo "make fuzz         damage files for some minutes, guided by coverage"
	@echo "make clean        remove .venv and caches; data, shards and runs stay"

quickstart: $(INSTALLED)
	$(BIN)/ecg-keras train recipes/quickstart.yaml
	@echo "Open the report: $(CURDIR)/runs/quickstart/report.html"

test: $(INSTALLED)
	$(BIN)/python -m pytest $(PYTEST) -m "not long" $(ARGS)

# What takes long beside quicker tests of the same: a Ray cluster, the deepest networks, tools that
# measure. Run it after a change of what they are about, and before a release.
test-long: $(INSTALLED)
	$(BIN)/python -m pytest $(PYTEST) -m long $(ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(INSTALLED)
	$(BIN)/python tools/benchmark.py

# slow by nature, and atheris has wheels for Linux alone: the tests damage fewer files without it
fuzz: $(INSTALLED)
	$(BIN)/python -m pip install --quiet atheris
	$(BIN)/python tools/fuzz.py $(ARGS)

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info

# The pins are complete, so pip has nothing to resolve and installs exactly these. Byte code is
# written when a module is first used: for all of them it would double the time.
$(INSTALLED): setup.cfg pyproject.toml $(LOCK)
	@$(PYTHON) tools/tfdv_packages.py || [ $$? = 3 ]
	$(BIN)/python$(VERSION) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(if $(WITHOUT_TFDV),grep -Ev '^(tensorflow-data-validation|tfx-bsl|pyfarmhash)==' $(LOCK),cat $(LOCK)) \
		> .venv/pins.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-compile --requirement .venv/pins.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

constraints/py.txt:
	@echo "$(PYTHON) does not run: install Python 3.10 to 3.13, or name yours with PYTHON=..." >&2
	@exit 1

constraints/py%.txt:
	@echo "Python $* is not supported: use 3.10 to 3.13, such as PYTHON=python3.11" >&2
	@exit 1
