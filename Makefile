# make run | demo | test | test-all | test-levers | bench | clean
#
# Everything is built into a virtual environment of its own; nothing else is installed or changed. Variables:
#   PYTHON      the interpreter to build for (python3)
#   VENV        the environment (.venv); one per interpreter, so that several live side by side
#   SETUP_ARGS  more arguments for meson setup, for example SETUP_ARGS='-Dbuildtype=debug -Dtests=true'
#   TESTS       what pytest runs (tests), for example TESTS='tests/package -k undo'
#   PORT        the arena's port in make run (4000)
#   BENCH       arguments of the benchmark, for example BENCH=--quick
#   PYTHONS     a folder with more interpreters for make test-all and test-levers (.pythons)
#   LEVERS      those of make test-levers, for example LEVERS='identity fail_alloc=all'

PYTHON ?= python3
VENV ?= .venv
SETUP_ARGS ?= -Dtests=true -Dlevers=true
TESTS ?= tests
PORT ?= 4000
PYTHONS ?= .pythons
LEVERS ?= identity force_rollback every=2 every=3 repeat=2 repeat=3 fail_step=all fail_alloc=all

ENV := $(abspath $(VENV))
BIN := $(ENV)/bin
SOURCES := $(shell find src include tests/cmodule -type f \( -name '*.[ch]' -o -name '*.py' -o -name '*.pyi' -o -name meson.build \) 2>/dev/null) \
	meson.build meson.options pyproject.toml README.md

# Another interpreter asked for than the environment has: build it anew.
ifneq ($(origin PYTHON),file)
version = $(shell $(1) -c 'import sys; print(sys.version, sys.abiflags)' 2>/dev/null)
ifneq ($(wildcard $(BIN)/python),)
ifneq ($(call version,$(PYTHON)),$(call version,$(BIN)/python))
$(ENV)/.tools: other-interpreter
endif
endif
endif

.PHONY: other-interpreter run demo test test-all test-levers levers-run sanitize bench clean
.DELETE_ON_ERROR:

run: $(ENV)/.installed
	@echo "The arena starts under midflight on port $(PORT). Play in a second terminal:"
	@echo
	@echo "    $(PYTHON) examples/arena/client.py --port $(PORT)"
	@echo
	@echo "Then edit and save any file of examples/arena: the game goes on with the new code. Ctrl-C ends it."
	@$(BIN)/python -m midflight run examples/arena/server.py --port $(PORT)

demo: $(ENV)/.installed
	@$(BIN)/python examples/demo.py

test: $(ENV)/.installed
	@$(TEST_ENV) $(BIN)/python -m pytest -q $(TESTS)

# Measures what an update costs, beside the peers of pyproject.toml's extra `bench`. BENCH=--quick: under a minute.
bench: $(ENV)/.installed $(ENV)/.peers
	@$(BIN)/python bench/run.py $(BENCH)

$(ENV)/.peers: $(ENV)/.tools
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bench"], sep="\n")' \
		> $(ENV)/peers.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r $(ENV)/peers.txt
	@touch $@

# Every interpreter that .ci/pythons finds, release and debug builds, then once more under the sanitizers.
test-all: export MIDFLIGHT_TEST_ALL = 1
test-all:
	@failed=; for python in $$(bash .ci/pythons --debug '$(PYTHONS)'); do \
		name=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2] + ("d" if hasattr(sys, "gettotalrefcount") else ""))'); \
		echo "== $$name: $$python"; \
		$(MAKE) --no-print-directory test PYTHON="$$python" VENV=".venv-$$name" || failed="$$failed $$name"; \
	done; \
	echo "== sanitizers"; $(MAKE) --no-print-directory sanitize || failed="$$failed sanitizers"; \
	if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi; echo "all passed"

# Each case under each lever and each leak test, in a debug build of the engine, for the newest debug build of Python that .ci/pythons finds, or
# PYTHON. It takes hours: what has passed does not run again until the engine is built anew.
DEBUG_PYTHON = $(shell for python in $$(bash .ci/pythons --debug '$(PYTHONS)'); do \
	"$$python" -c 'import sys; sys.exit(not hasattr(sys, "gettotalrefcount"))' && echo "$$python"; done | tail -1)
test-levers:
	@$(MAKE) --no-print-directory levers-run VENV=$(if $(filter file,$(origin VENV)),.venv-levers,$(VENV)) \
		PYTHON=$(if $(filter file,$(origin PYTHON)),$(or $(DEBUG_PYTHON),$(PYTHON)),$(PYTHON)) SETUP_ARGS='-Dbuildtype=debug -Dtests=true'

levers-run: $(ENV)/.installed
	@$(BIN)/python -c 'import sys; print("Python", sys.version.split()[0] + (", a debug build" if hasattr(sys, "gettotalrefcount") else ""))'
	@[ $(ENV)/passed -nt $(ENV)/.installed ] || rm -f $(ENV)/passed
	@$(BIN)/python tests/runner.py -j 2 $(addprefix --lever ,$(LEVERS)) --passed $(ENV)/passed
	@MIDFLIGHT_TEST_ALL=levers $(BIN)/python -m pytest -q tests/test_leaks.py

sanitize:
	@libs="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)"; \
	$(MAKE) --no-print-directory test VENV=.venv-sanitize \
		SETUP_ARGS='-Dbuildtype=debug -Dtests=true -Dsanitize=address,undefined' \
		TEST_ENV="env LD_PRELOAD='$$libs' ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 PYTHONMALLOC=malloc"

define HEADERS
import os, sys, sysconfig
if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    sys.exit("No C headers of Python for %s. On Debian: apt install python3-dev" % sys.executable)
endef
export HEADERS

# The environment with what building and testing need: the list is pyproject.toml's extra `test`. An interpreter
# without ensurepip gets its environment from virtualenv, which python3 fetches. Before 23.1 pip takes only the last
# of several --config-settings of one name.
$(ENV)/.tools: pyproject.toml
	@command -v $${CC:-cc} >/dev/null || { echo "No C compiler. On Debian: apt install gcc libc6-dev" >&2; exit 1; }
	@$(PYTHON) -c "$$HEADERS"
	@rm -rf $(ENV)
	@$(PYTHON) -m venv $(ENV) 2>/dev/null || { rm -rf $(ENV); \
		python3 -m venv $(ENV).maker && $(ENV).maker/bin/pip install -q virtualenv && \
		$(ENV).maker/bin/virtualenv -q -p $(PYTHON) $(ENV); rc=$$?; rm -rf $(ENV).maker; \
		[ $$rc = 0 ] || { echo "No virtual environment for $(PYTHON). On Debian: apt install python3-venv python3-dev gcc make" >&2; exit 1; }; }
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["test"], sep="\n")' \
		> $(ENV)/tools.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check 'pip>=23.1' -r $(ENV)/tools.txt
	@touch $@

# A regular install. The build folder stays in the environment: only what changed is compiled again.
$(ENV)/.installed: $(ENV)/.tools $(SOURCES)
	@PATH="$(BIN):$$PATH" $(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps --force-reinstall \
		--config-settings=build-dir=$(ENV)/build $(foreach argument,$(SETUP_ARGS),--config-settings=setup-args=$(argument)) .
	@touch $@

clean:
	rm -rf .venv .venv-* build dist
	find . -path ./.git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
