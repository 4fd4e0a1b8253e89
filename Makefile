# Everything happens in .venv/, built from the locks with hashes by whatever Python >= 3.11 is there; no root.

.DEFAULT_GOAL := help
.PHONY: audit bench browser chaos clean demo distclean evaluate help lint lock setup test test15
.SUFFIXES:
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# The tests of a file stay together: some go on where the one before has ended.
PYTEST_ARGS ?= -n 2 --dist loadfile --no-loadscope-reorder

# A stamp's name says what the environment was built from: locks, pyproject.toml and the checkout's path.
LOCKS := requirements.lock requirements-build.lock requirements-dev.lock
KEY := $(firstword $(shell { pwd; cat $(LOCKS) pyproject.toml scripts/setup.sh; } | cksum))
DEV := .venv/.stamp-dev-$(KEY)
# The dev lock holds all of the runtime's, so a dev environment serves the demo too.
RUNTIME := $(if $(wildcard $(DEV)),$(DEV),.venv/.stamp-runtime-$(KEY))

help:  ## list the targets
	@sed -n 's/^\([a-z0-9]*\):.*##  *\(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r target text; do \
		printf '%-17s %s\n' "$$target" "$$text"; done

demo: $(RUNTIME)  ## a whole simulated company, from raw tables to published scores, on an embedded Postgres
	$(BIN)/churn demo

setup: $(DEV)  ## make .venv/ with everything for development

test: $(DEV)  ## run the tests (PYTEST_ARGS='-n 2')
	$(BIN)/python -m pytest $(PYTEST_ARGS)

browser:  ## get Chromium for the tests that look at pages, where this account may (Debian's package)
	@sh scripts/browser.sh

test15: $(DEV)  ## run the tests on Debian's Postgres 15
	@if [ -x /usr/lib/postgresql/15/bin/initdb ]; then \
		CHURN_TEST_POSTGRES=/usr/lib/postgresql/15/bin $(BIN)/python -m pytest $(PYTEST_ARGS); \
	else echo "no Postgres 15: apt-get install postgresql-15"; fi

lint: $(DEV)  ## check style, types, layers and SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --disable-progress-bar sql churn examples
	$(BIN)/bandit -q -r churn jobs migrations -c pyproject.toml

bench: $(DEV)  ## time every stage of a night beside its floor
	$(BIN)/python -m benchmarks.night

evaluate: $(DEV)  ## judge the models out of time, beside the true probabilities
	$(BIN)/python -m benchmarks.evaluate

chaos: $(DEV)  ## break nights at random, and compare what readers see with nights that nothing broke
	$(BIN)/python -m benchmarks.chaos

audit: $(DEV)  ## look for known vulnerabilities in the locked packages (needs the network)
	@PIP_AUDIT=$(BIN)/pip-audit sh scripts/audit.sh

lock: $(DEV)  ## solve the locks anew from pyproject.toml (UV_ARGS=--upgrade for newer versions)
	UV=$(BIN)/uv sh scripts/lock.sh $(UV_ARGS)

clean:  ## remove builds and caches; environment and data stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name .venv -prune -o -name .churn -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

distclean: clean  ## remove the environment too; data stays (churn db stop, then .churn/ may go)
	rm -rf .venv

# The dev stamp of a fresh environment is the runtime's too; each is missing exactly when out of date.
$(DEV):
	@sh scripts/setup.sh dev $@

.venv/.stamp-runtime-$(KEY):
	@sh scripts/setup.sh runtime $@
