# Everything a person types. GNU make with a POSIX shell; the work is in scripts/.

# What the tests need from the system, as command or library:Debian package. TEN VAD needs libc++.
DEBIAN_PACKAGES ?= flite:flite chromium:chromium node:nodejs npm:npm ip:iproute2 libc++.so.1:libc++1 redis-server:redis-server
# Further arguments of pytest, for example PYTEST_ARGS="-k timer" or PYTEST_ARGS=--cov. Status 5 of
# pytest: none of its tests was asked for.
PYTEST_ARGS ?=
# LAN=1 lets a phone on the same network in.
LAN ?=

# LOCAL=1 installs the engines of the profile `local`, too.
LOCAL ?=

# RESUME=1 goes on with evals that were stopped. SPLIT: evals take dev sentences, evals-full test.
RESUME ?=
SPLIT ?=

# How often each conversation is held.
REPEAT ?=

# Folder into which `make sbom` writes.
SBOM ?= dist

# Calls with real servers have the cores for themselves.
REAL_TESTS := tests/room tests/chaos tests/browser
PYTHON := .venv/bin/python
SLOW_TESTS := tests/room/test_lost_processes.py tests/room/test_lost_servers.py tests/room/test_lost_nodes.py tests/room/test_rolling_restart.py tests/room/test_load_runs.py
PAGE := agent/web/page

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow check fix audit sbom evals evals-full conversations chaos load soak clean

help:
	@echo "make demo         start everything and print one URL; Ctrl-C stops it (LAN=1: for a phone, too)"
	@echo "make setup        prepare everything that the demo needs, start nothing (LOCAL=1: local models' engines, too)"
	@echo "make test         all tests; installs what they need"
	@echo "make test-slow    calls whose worker or LiveKit server dies or is replaced: a quarter of an hour"
	@echo "make check        linters, types, import rules, keys left in files"
	@echo "make fix          format and repair what can be repaired by itself"
	@echo "make audit        known holes in packages, asked of PyPI and npm; needs the network"
	@echo "make sbom         what is in the images and the page, as CycloneDX in dist/"
	@echo "make evals        measure Parley and a stock agent at the caller's ear, ten minutes"
	@echo "make evals-full   all sets and all baselines, hours; RESUME=1 goes on where it stopped"
	@echo "make conversations  whether callers get what they want, by voice and in writing; REPEAT=3 for three times each"
	@echo "make chaos        every fault of an engine at every stage, in calls; an hour, status 1 if one is heard"
	@echo "make load         calls a machine carries, ours and stock livekit-agents: half an hour; RESUME=1 goes on"
	@echo "make soak         240 calls that come and go in half an hour; status 1 if anything grew"
	@echo "make clean        remove what was built and installed in this folder"

setup:
	@sh scripts/setup.sh runtime $(if $(filter-out 0 no,$(LOCAL)),local) page server

# The demo looks for its server itself, so that the second start loses no time.
demo:
	@sh scripts/setup.sh runtime page-if-possible
	@exec .venv/bin/parley demo $(if $(filter-out 0 no,$(LAN)),--lan)

test:
	@sh scripts/system_packages.sh $(DEBIAN_PACKAGES)
	@sh scripts/setup.sh dev page server
	@sh scripts/evals_setup.sh
	@npm --prefix $(PAGE) test --silent
	@$(PYTHON) -m pytest -n 2 --dist worksteal $(REAL_TESTS:%=--ignore=%) $(PYTEST_ARGS) || [ $$? = 5 ]
	@$(PYTHON) -m pytest -n 2 --dist loadfile $(SLOW_TESTS:%=--ignore=%) $(REAL_TESTS) $(PYTEST_ARGS) || [ $$? = 5 ]

# Waits for servers that are gone: a quarter of an hour.
test-slow:
	@sh scripts/system_packages.sh $(DEBIAN_PACKAGES)
	@sh scripts/setup.sh dev page server
	@$(PYTHON) -m pytest $(SLOW_TESTS) $(PYTEST_ARGS)

check:
	@sh scripts/setup.sh dev page
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(PYTHON) -m bandit --quiet --configfile pyproject.toml --exclude '*/node_modules/*' --recursive agent plugins deploy scripts
	sh scripts/secrets.sh
	npm --prefix $(PAGE) run --silent check

fix:
	@sh scripts/setup.sh dev
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format

audit:
	@sh scripts/setup.sh dev
	$(PYTHON) scripts/audit.py
	npm --prefix $(PAGE) audit --package-lock-only

sbom:
	@sh scripts/setup.sh dev
	@sh scripts/sbom.sh $(SBOM)

evals evals-full:
	@sh scripts/system_packages.sh flite:flite
	@sh scripts/setup.sh runtime server
	@sh scripts/evals_setup.sh
	@exec $(PYTHON) -m evals.plans $(if $(filter evals-full,$@),full,quick) \
	  $(if $(SPLIT),--split $(SPLIT)) $(if $(RESUME),--resume)

conversations:
	@sh scripts/system_packages.sh flite:flite
	@sh scripts/setup.sh runtime server
	@exec $(PYTHON) -m evals.conversations $(if $(REPEAT),--repeat $(REPEAT))

chaos:
	@sh scripts/setup.sh dev server
	@exec $(PYTHON) -m evals.chaos $(if $(RESUME),rooms --resume)

load:
	@sh scripts/system_packages.sh flite:flite redis-server:redis-server
	@sh scripts/setup.sh dev server
	@$(PYTHON) -m evals.load calls redis $(if $(SYSTEMS),--systems $(SYSTEMS)) $(if $(RESUME),--resume)
	@$(PYTHON) -m evals.scaling --write

soak:
	@sh scripts/system_packages.sh flite:flite
	@sh scripts/setup.sh dev server
	@exec $(PYTHON) -m evals.load soak

clean:
	rm -rf .venv .venv-evals .parley $(PAGE)/node_modules $(PAGE)/dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .grimp_cache .coverage .coverage.*
	find agent deploy evals plugins tests -name __pycache__ -type d -prune -exec rm -rf {} +
