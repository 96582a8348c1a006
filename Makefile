# Firstline: `make help` lists what there is.
PYTHON ?= python3
PORT ?= 8000
ARTICLES ?= articles
DATA ?= data
EVAL ?=
# Processes of the tests. Each takes 1 to 3 GB, so that one for every core is not always better.
WORKERS ?= 2

# How long `make load` goes on asking. 0: a short look at asks, typeaheads and overload.
MINUTES ?= 0

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install run test test-articles check fix words bench cluster load start scale quality lighthouse screenshots wheel size clean browser wrk faults fuzz pages

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Make .venv with everything, at pinned versions

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Firstline needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) --version`. Name another: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[build,mcp,postgres,dev]'
	@touch $(STAMP)

run: $(STAMP) ## Index ARTICLES= and serve them on PORT=
	$(BIN)/firstline index $(ARTICLES) --data $(DATA)
	@exec $(BIN)/firstline serve --data $(DATA) --port $(PORT)

test: $(STAMP) browser ## Run all tests, those in a browser too
	@# Compiled code is kept, even where the environment says not to: else every worker and server compiles all anew.
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-articles: $(STAMP) ## Test that the questions of ARTICLES= find their articles
	$(BIN)/firstline test $(ARTICLES) --data $(DATA) --k 3

browser: # Debian's Chromium, where it can be installed
	@.ci/chromium

check: $(STAMP) ## Format, lint, types, generated docs, translations, articles
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m docs.generate --check
	$(BIN)/python -m deploy.pins --check
	$(BIN)/python -m web.locales --check
	$(BIN)/firstline check articles --strict

fix: $(STAMP) ## Mend format and lint, write the generated docs
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m docs.generate
	$(BIN)/python -m deploy.pins

words: $(STAMP) ## Bring the catalogs of the interface up to date with the code
	$(BIN)/python -m web.locales

bench: $(STAMP) build/peers/.installed ## One table beside txtai and sentence-transformers + FAISS, on the data in EVAL=
	@test -n "$(EVAL)" || { echo "Name the folder of development data (docs/quality.md): make bench EVAL=…"; exit 1; }
	$(BIN)/python -m bench.peers $(EVAL)

build/peers/.installed: bench/peers/requirements.txt
	@mkdir -p build/peers
	$(PYTHON) -m venv build/peers/.venv
	build/peers/.venv/bin/pip install --quiet --disable-pip-version-check -r bench/peers/requirements.txt
	@touch $@

pages: $(STAMP) ## How long the pages of ARTICLES= take, beside one call of the encoder
	$(BIN)/firstline index $(ARTICLES) --data $(DATA)
	$(BIN)/python -m bench.pages $(DATA)

start: $(STAMP) ## From the start of a process to the first answer, on the snapshot in DATA=
	$(BIN)/python -m bench.start $(DATA)

scale: $(STAMP) ## A thousand to a million passages, from the snapshot in DATA= and the questions in EVAL=
	nice -n 10 $(BIN)/python -m bench.scale $(DATA) $(EVAL)

cluster: $(STAMP) ## PostgreSQL and three replicas under load, with parts of them killed
	$(BIN)/python -m bench.cluster

faults: $(STAMP) ## The tests of faults, and the cluster for longer and at other moments each time
	$(BIN)/python -m pytest tests/faults
	$(BIN)/python -m bench.cluster 300 $$(date +%s)

load: $(STAMP) wrk ## How much load the server stands; MINUTES=10 also looks at its memory
	$(BIN)/firstline index $(ARTICLES) --data $(DATA)
	$(BIN)/python -m bench.load --data $(DATA) --minutes $(MINUTES)

wrk: # What makes the load, where it can be installed
	@.ci/wrk

quality: $(STAMP) ## hit@k and honesty on the development data in EVAL=
	$(BIN)/python -m bench.quality $(EVAL)

fuzz: $(STAMP) ## Thousands of hostile requests to every route, for about ten minutes
	$(BIN)/python -m tests.security.fuzzing --examples 60

lighthouse: $(STAMP) browser build/lighthouse/.installed ## Lighthouse on home, article, search and ticket form
	$(BIN)/python -m bench.lighthouse

build/lighthouse/.installed: bench/lighthouse/package.json bench/lighthouse/package-lock.json
	@mkdir -p build/lighthouse
	cp bench/lighthouse/package.json bench/lighthouse/package-lock.json build/lighthouse/
	npm ci --prefix build/lighthouse --no-audit --no-fund --loglevel=error
	@touch $@

screenshots: $(STAMP) browser ## Pictures of all pages into screenshots/
	$(BIN)/python -m bench.screenshots screenshots

wheel: $(STAMP) ## Build the wheel into build/wheel
	@# What an earlier build left there would be in the wheel too.
	@rm -rf build/wheel build/lib build/bdist.*
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheel .

size: wheel ## Install the wheel as a server has it, into a clean environment, and assert what it weighs
	.ci/size build/wheel/*.whl

clean: ## Remove .venv, data and everything built
	rm -rf $(VENV) $(DATA) build screenshots *.egg-info
