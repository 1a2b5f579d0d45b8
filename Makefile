PYTHON ?= python3
UV := .uv/bin/uv
BIN := .venv/bin
LOCK := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet

export UV_COMPILE_BYTECODE := 1
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help setup run serve test check test-long test-real test-all bench image image-test lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/dev  ## everything for working on the project, in .venv

run: .venv/runtime  ## the main job: raw log (CLV_SOURCE, data/raw, download or simulated) to CLV table
	$(BIN)/clv run

serve: .venv/runtime  ## API, dashboard and MLflow's page; PORTS="--api-port 9000" for other ports
	$(BIN)/clv serve $(PORTS)

test: check  ## format, lint, types, import rule, and every test that fits ten minutes
	$(BIN)/pytest -n 2 --dist loadgroup -m "not slow and not real_log"

check: .venv/dev  ## format, lint, types, import rule
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-long: .venv/dev  ## the long ones: every page in a browser, PostgreSQL, a served model
	$(BIN)/pytest -m slow

test-real: .venv/dev  ## the known figures of the real log, which CLV_SOURCE names
	$(BIN)/pytest -n 2 --dist loadgroup -m real_log

test-all: test test-long test-real  ## every test

bench: .venv/dev .bench/lifetimes/ready .bench/pymc-marketing/ready  ## every benchmark, against the peers, in one run
	@for file in benchmarks/bench_*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

image:  ## docker/Dockerfile as clv-forecaster, with Docker or Podman
	docker/build.sh

image-test: image .venv/dev  ## the image and the compose file, run for real
	$(BIN)/pytest docker

lock: $(UV)  ## compute both lock files anew
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt

clean:  ## remove what can be made again, except data
	rm -rf .venv .uv .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist

.venv/runtime: requirements.txt pyproject.toml | $(BIN)/python
	$(UV) pip install --quiet --python .venv --require-hashes -r requirements.txt
	$(UV) pip install --quiet --python .venv --no-deps --editable .
	@touch $@

.venv/dev: requirements-dev.txt pyproject.toml | $(BIN)/python
	$(UV) pip sync --quiet --python .venv --require-hashes requirements-dev.txt
	$(UV) pip install --quiet --python .venv --no-deps --editable .
	@touch $@ .venv/runtime

.bench/%/ready: benchmarks/%.txt | $(UV)
	$(UV) venv --quiet --clear --python $(PYTHON) .bench/$*
	$(UV) pip install --quiet --python .bench/$* -r $<
	@touch $@

$(BIN)/python: | $(UV)
	$(UV) venv --quiet --python $(PYTHON) .venv

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is %d.%d: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --target .uv uv
