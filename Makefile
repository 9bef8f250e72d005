# make demo      solve the Texas example and write its report
# make test      linters, type checks, import contract and the tests that take seconds
# make test-all  the same with the long examples, the fuzzing and the kill tests
# make bench     the benchmarks, timed
# make lock      choose the versions in constraints.txt anew, where pyproject.toml asks for others
# make clean     remove the environment, the results and every cache
#
# Everything happens in .venv: nothing is installed elsewhere.

VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
LOCKER := uv==0.13.8

PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST := $(BIN)/python -m pytest -q

DEMO_STUDY := examples/texas/study.toml
DEMO_OUT := out/texas

.PHONY: demo test test-all check bench lock clean
.DELETE_ON_ERROR:

demo: $(VENV)/installed
	$(BIN)/gridsite solve $(DEMO_STUDY) --out $(DEMO_OUT)
	@echo
	@echo "Open the report in a browser: $(CURDIR)/$(DEMO_OUT)/report.html"

test: check
	$(PYTEST) -n $(JOBS) --dist loadfile -m "not slow"

test-all: check
	$(PYTEST) -n $(JOBS) --dist loadfile --hypothesis-profile long

check: $(VENV)/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# One process: benchmarks that share the machine with each other time nothing.
bench: $(VENV)/installed
	$(PYTEST) -m bench --durations=0 --durations-min=0

# The project itself has no hash, so it comes second, and brings nothing with it.
$(VENV)/installed: $(VENV)/locked pyproject.toml
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	$(PIP) check
	@touch $@

$(VENV)/locked: constraints.txt | $(BIN)/python
	@echo "Installing the versions in constraints.txt"
	$(PIP) install --quiet --require-hashes --no-deps --only-binary :all: --requirement constraints.txt
	@touch $@

$(BIN)/python:
	@for python in python3.13 python3.12 python3.11 python3 python; do \
		$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		echo "Creating $(VENV) with $$($$python --version)"; \
		$$python -m venv $(VENV); exit; \
	done; \
	echo "No Python 3.11 or newer with its venv module was found: install one, on Debian or Ubuntu with" >&2; \
	echo "    apt-get install python3 python3-venv" >&2; \
	exit 1

lock: | $(BIN)/python
	$(PIP) install --quiet --target $(VENV)/locker --upgrade $(LOCKER)
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(VENV)/locker/bin/uv pip compile pyproject.toml --quiet --all-extras \
		--universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-annotate \
		--no-emit-index-url --no-emit-find-links --output-file constraints.txt

clean:
	rm -rf $(VENV) out build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
