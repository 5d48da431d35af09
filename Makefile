# make run: everything a stranger needs. Each target makes .venv first when it is missing.
.DEFAULT_GOAL := help
.PHONY: help install run test check bench lock clean browser

PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

help:
	@echo "make run      start the desk (no account, no config needed)"
	@echo "make test     all tests"
	@echo "make check    ruff, mypy --strict, lock files"
	@echo "make bench    the benchmarks of the README"
	@echo "make install  only set up .venv · make lock  pin again · make clean  remove what was built"

.venv/run: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Sokbo needs Python 3.11 or newer; set PYTHON=…") if sys.version_info < (3, 11) else 0'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing what Sokbo runs on (once) …"
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	@touch $@

.venv/dev: requirements-dev.lock .venv/run
	@echo "installing what its tests run on (once) …"
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

install: .venv/run

run: .venv/run
	@exec $(BIN)/python bot.py run $(ARGS)

browser:
	@command -v chromium >/dev/null && command -v chromedriver >/dev/null && fc-list 2>/dev/null | grep -q CJK || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing a browser for the page's tests (once) …"; \
		apt-get update -qq >/dev/null && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver fonts-noto-cjk >/dev/null; \
	else \
		echo "browser tests need: sudo apt-get install chromium chromium-driver fonts-noto-cjk"; \
	fi

test: .venv/dev browser
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/house

.venv/bench: requirements-bench.lock .venv/dev
	@echo "installing what its benchmarks compare with (once) …"
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-bench.lock
	@touch $@

bench: .venv/bench
	@$(BIN)/python -m benchmarks $(ARGS)

lock: .venv/dev
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url -c requirements.lock --group dev -o requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url -c requirements.lock -c requirements-dev.lock --group bench -o requirements-bench.lock

clean:
	rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
