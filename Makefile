# `make help` lists the targets. Variables: PYTHON=/path/to/python3.12, TORCH_INDEX=URL of one more package index,
# JUPYTER="--no-browser --port=8888" for JupyterLab, ARGS=more words for pytest, LESSONS="00 05" for some lessons only,
# LOGS="online-retail ../gowalla-sample.inter" for the tables of these logs, JOBS=8 for as many trainings side by side,
# TESTERS=8 for as many processes that test.

PY := .venv/bin/python
LOWEST := build/lowest/bin/python
LOGS := online-retail planted-200-4 planted-200-1 planted-60-4 $(if $(wildcard data/*),movielens)
JOBS := 2
# Three on two cores: a browser and its kernel often wait for each other.
TESTERS := 3

# Processes that share a few cores are many times slower with a thread for each core.
export OMP_NUM_THREADS := 1
# Where bytecode is not to be kept, each of a hundred processes would compile the package and the tests anew.
export PYTHONDONTWRITEBYTECODE :=
export PYTHON
export TORCH_INDEX

# Any Python runs tools/start.py, which looks for one that the course can use. A name on the PATH may lead nowhere.
start = @for python in "$$PYTHON" $(PY) python3 python3.13 python3.12 python3.11; do \
	    "$$python" -c "" </dev/null >/dev/null 2>&1 && exec "$$python" tools/start.py $(1); \
	done; \
	echo "No Python here; the course needs Python 3.11, 3.12 or 3.13." >&2; exit 1

.DEFAULT_GOAL := help
.PHONY: help base dev lab test test-lowest check notebooks lesson solutions results results-check bench data clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

base:
	$(call start,install)

# The development packages come on top of the base.
dev:
	$(call start,install dev)

lab: ## open the course in JupyterLab, on lesson 00
	$(call start,$(JUPYTER))

test: dev ## run the tests, the doctests and every notebook
	@$(PY) -m pytest -n $(TESTERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-lowest: dev ## test the library with the lowest versions that pyproject.toml allows
	@$(PY) tools/versions.py lowest
	@$(PY) -m venv --clear build/lowest
	@$(LOWEST) -m pip install --quiet --disable-pip-version-check --editable ".[dev]" --constraint build/versions.txt
	@$(LOWEST) -m pytest -n $(TESTERS) --dist loadfile --library --ignore=tests/test_start.py $(ARGS)

check: dev ## style, types, spelling, links, notebooks in step with their sources; and how long everything is
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m pyright
	@$(PY) -m codespell_lib
	@$(PY) -m tools.check_links
	@$(PY) -m tools.sizes
	@$(PY) -m tools.notebooks check $(LESSONS)

notebooks: dev ## rebuild and execute the student notebooks (needs Chromium, for their pictures)
	@$(PY) -m tools.notebooks build $(LESSONS)

lesson: dev ## begin a lesson: make lesson NAME=serve_it_twice
	@$(PY) -m tools.new_lesson $(NAME)

solutions: dev ## build and execute the solved notebooks into notebooks/solved
	@$(PY) -m tools.notebooks solutions $(LESSONS)

results: dev ## make every table of notebooks/results again, for the logs in LOGS; stop it, and it goes on later
	@$(PY) -m tools.evidence all --log $(LOGS) --jobs $(JOBS)

results-check: dev ## make a part of the tables again, and compare
	@$(PY) -m tools.evidence check --jobs $(JOBS)

bench: dev ## measure speed ratios, each beside its floor
	@$(PY) -m tools.bench
	@$(PY) -m tools.bench_panels

data: base ## fetch MovieLens-100k (it names the licence first), and list the logs
	@$(PY) -m mtmi_lite.data.datasets

clean: ## remove what these targets made, .venv too
	rm -rf .venv build notebooks/solved *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
