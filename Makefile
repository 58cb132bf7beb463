# SPDX-License-Identifier: Apache-2.0
# make demo, make test: each sets up all it needs. See README.md.

PYTHON ?= python3
VENV := .venv
JUDGES := .venv-judges
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test lint vectors fuzz differ exhaustive faults mutation bench setup packages clean
help:
	@echo "make demo     the main job, end to end, on software devices"
	@echo "make test     linters, types, all tests"
	@echo "make vectors  write test-vectors/ anew"
	@echo "make fuzz     long fuzzing (MINUTES=10 for each target)"
	@echo "make differ   two verifiers judge changed vectors alike (MINUTES=10, SEED=1)"
	@echo "make exhaustive  every flipped bit, every mix of two ceremonies, everything kept back: hours"
	@echo "make faults   every command that writes, killed or failed at every call: five minutes"
	@echo "make mutation one thing wrong in the code at a time: does a test notice (MINUTES=60)"
	@echo "make bench    benchmarks: ratios within one run; writes bench-output/"
	@echo "make clean    remove what the other targets made"

demo: setup
	$(BIN)/python -m demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint $(JUDGES)/.stamp
	$(BIN)/python -m pytest -n 2 --dist loadgroup

vectors: setup
	$(BIN)/python -m tests.vectorgen

fuzz: setup
	$(BIN)/python -m pip install --quiet --constraint constraints.txt atheris
	$(BIN)/python -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS),--minutes $(or $(MINUTES),10))

differ: setup
	$(BIN)/python -m tests.interop.differing --minutes $(or $(MINUTES),10) --seed $(or $(SEED),1)

exhaustive: setup
	$(BIN)/python -m tests.attacks

faults: setup
	$(BIN)/python -m tests.faults

mutation: setup
	$(BIN)/python -m tests.mutation --minutes $(or $(MINUTES),60)

bench: setup
	$(BIN)/python -m tests.bench

setup: packages $(VENV)/.stamp

# On Debian and its children what is missing is installed; elsewhere it is named.
packages:
	@wanted=$$(sed 's/ *#.*//' system-packages.txt); \
	if ! command -v dpkg-query >/dev/null; then echo "needed, by Debian's names:" $$wanted; exit 0; fi; \
	missing=$$(for name in $$wanted; do \
		dpkg-query -W -f='$${db:Status-Status}' $$name 2>/dev/null | grep -qx installed || echo $$name; done); \
	if [ -n "$$missing" ]; then echo "installing:" $$missing; \
		sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$sudo apt-get update -q && \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; fi

$(VENV)/.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[tools,batch,dask,ray,dev]'
	touch $@

# pycose and cwt need an older cbor2 than the project: an environment of their own.
$(JUDGES)/.stamp: constraints-judges.txt
	$(PYTHON) -m venv $(JUDGES)
	$(JUDGES)/bin/python -m pip install --quiet --requirement constraints-judges.txt
	touch $@

clean:
	rm -rf $(VENV) $(JUDGES) demo-output bench-output build .mypy_cache .ruff_cache .hypothesis *.egg-info tools/*.egg-info
