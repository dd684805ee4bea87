# Everything lives in .venv; `make demo` and `make test` set it up from nothing, as root on Debian 12.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := python3-venv e2fsprogs xfsprogs btrfs-progs util-linux
LAB_PACKAGES := $(PACKAGES) strace nbdkit libnbd-bin fuse3 libfuse2 postgresql user-mode-linux procps systemd openssl curl psmisc gcc libc6-dev
RUN := $(BIN)/python
# Four workers for two cores: each waits for disks and processes half of its time.
# Disks in memory come and go by the thousand: without a bound mallopt(3) learns to keep what each of them leaves.
WORKERS := 4
TESTS = MALLOC_MMAP_THRESHOLD_=131072 $(RUN) -m pytest -q -n $(WORKERS) --dist worksteal

.PHONY: demo test proof proof-part check serve docs bench bench-csi bench-scale bench-snapshots setup setup-lab storm lab-kernel lab-iscsi clean

setup: $(VENV)/.done-user

setup-lab: $(VENV)/.done-lab

$(VENV)/.packages: Makefile
	@lab/packages $(PACKAGES)
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.packages-lab: Makefile $(VENV)/.packages
	@lab/packages $(LAB_PACKAGES)
	@touch $@

$(VENV)/.done-user: requirements.lock pyproject.toml $(VENV)/.packages
	@echo "Installing the Python packages into $(VENV) …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.done-lab: $(VENV)/.done-user $(VENV)/.packages-lab $(VENV)/.sdk $(VENV)/.sanity $(VENV)/.kubernetes
	@touch $@

# A vendor's SDK, which proves a simulator of ours: large, and in nobody's way.
$(VENV)/.sdk: lab/flasharray/sdk.lock $(VENV)/.done-user
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes --upgrade \
		--target $(VENV)/sdk -r lab/flasharray/sdk.lock
	@touch $@

# The schemas of Kubernetes, which prove what is deployed there: large, and in nobody's way.
$(VENV)/.kubernetes: lab/kubernetes/validate.lock $(VENV)/.done-user
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-compile --require-hashes --upgrade \
		--target $(VENV)/kubernetes -r lab/kubernetes/validate.lock
	@touch $@

# What proves our CSI from outside; without Go it is not there, and its tests say so.
$(VENV)/.sanity: lab/csi/sanity $(VENV)/.done-user
	@lab/csi/sanity $(BIN)
	@touch $@

demo: setup
	@$(RUN) lab/demo.py

test: setup-lab
	@$(TESTS)

proof: setup-lab
	@HOLDFAST_PROOF=1 $(TESTS)

# What of the proof fits behind `make test` in continuous integration.
proof-part: setup-lab
	@HOLDFAST_PROOF=1 $(TESTS) tests/simulation/test_seeds.py tests/mutants tests/drills \
		tests/lab/test_kernel.py tests/faces/test_sessions.py

storm: setup-lab
	@HOLDFAST_STORM_SECONDS=$${HOLDFAST_STORM_SECONDS:-600} $(RUN) -m pytest -q -s tests/storm/test_storm.py

check: setup-lab
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy
	@$(BIN)/pyright

docs: setup-lab
	@$(RUN) -m lab.docs

bench: setup-lab
	@lab/packages lxd
	@$(RUN) -m bench.run

bench-snapshots: setup-lab
	@lab/packages lxd rsync
	@$(RUN) -m bench.snapshots

bench-csi: setup-lab
	@$(RUN) -m bench.csi

bench-scale: setup-lab
	@$(RUN) -m bench.scale

serve: setup
	@$(BIN)/holdfast serve

lab-kernel: setup-lab
	@$(RUN) lab/kernel/run.py

lab-iscsi: setup-lab
	@lab/packages tgt open-iscsi
	@$(RUN) lab/kernel/run.py tests/lab/guest_iscsi.py

clean:
	rm -rf $(VENV)
