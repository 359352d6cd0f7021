# `make help` lists the targets. Variables: PYTHON=/path/to/python3.12, TORCH_INDEX=URL of one more package index,
# ARGS=more words for pytest, LESSONS="00 05" for some lessons only, LOGS="online-retail ../gowalla-sample.inter" for the
# tables of these logs, JOBS=8 for as many trainings side by side.

PY := .venv/bin/python
BASE := .venv/.installed
DEV := .venv/.installed-dev
LOCKS := pyproject.toml constraints.txt tools/venv.sh
LOGS := online-retail planted-200-4 planted-200-1 planted-60-4 $(if $(wildcard data/*),movielens)
JOBS := 2
FIRST := notebooks/00_see_one_customer_as_four.ipynb

# Processes that share a few cores are many times slower with a thread for each core.
export OMP_NUM_THREADS := 1
# Where bytecode is not to be kept, each of a hundred processes would compile the package and the tests anew.
export PYTHONDONTWRITEBYTECODE :=
export PYTHON
export TORCH_INDEX

.DEFAULT_GOAL := help
.PHONY: help lab test check notebooks solutions results results-check bench data clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

$(BASE): $(LOCKS)
	@tools/venv.sh '.[dask]' $(BASE)

# The development packages come on top of the base, so that both stamps hold afterwards.
$(DEV): $(LOCKS)
	@tools/venv.sh '.[dev]' $(BASE) $(DEV)

lab: $(BASE) ## open the course in JupyterLab, on lesson 00
	@$(PY) -m jupyterlab $(FIRST)

test: $(DEV) ## run the tests, the doctests and every notebook
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(DEV) ## style, types, spelling, links, line counts, notebooks in step with their sources
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m pyright
	@$(PY) -m codespell_lib
	@$(PY) -m tools.check_links
	@$(PY) -m tools.check_lines
	@$(PY) -m tools.notebooks check $(LESSONS)

notebooks: $(DEV) ## rebuild and execute the student notebooks (needs Chromium, for their pictures)
	@$(PY) -m tools.notebooks build $(LESSONS)

solutions: $(DEV) ## build and execute the solved notebooks into notebooks/solved
	@$(PY) -m tools.notebooks solutions $(LESSONS)

results: $(DEV) ## make every table of notebooks/results again, for the logs in LOGS; stop it, and it goes on later
	@$(PY) -m tools.evidence all --log $(LOGS) --jobs $(JOBS)

results-check: $(DEV) ## make a part of the tables again, and compare
	@$(PY) -m tools.evidence check --jobs $(JOBS)

bench: $(DEV) ## measure speed ratios, each beside its floor
	@$(PY) -m tools.bench
	@$(PY) -m tools.bench_panels

data: $(BASE) ## fetch MovieLens-100k (it names the licence first), and list the logs
	@$(PY) -m mtmi_lite.datasets

clean: ## remove what these targets made, .venv too
	rm -rf .venv build notebooks/solved *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
