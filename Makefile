# caisson. `make` alone builds; every other target is one of the commands below.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

FUZZ_SECONDS ?= 20
.NOTPARALLEL:

SOURCES := $(shell find src -name '*.ts' ! -name '*.test.ts' 2>/dev/null)

.PHONY: build
build: deps-build dist/caisson ## dist/caisson, the single executable

# Everything that the executable reads is inside it: --no-compile-autoload-* keeps the files of whatever directory it
# is run in from being read as its configuration.
dist/caisson: $(SOURCES) native/build/caisson-native package.json package-lock.json tsconfig.json Makefile
	rm -rf dist/parts && mkdir -p dist/parts
	bun build --compile --minify --splitting --bytecode --format=esm --sourcemap \
	  --no-compile-autoload-bunfig --no-compile-autoload-dotenv --outfile=dist/parts/caisson src/main.ts
	mv dist/parts/caisson dist/caisson && rm -rf dist/parts

.PHONY: FORCE
native/build/caisson-native: FORCE
	@$(MAKE) --silent -C native

.PHONY: deps deps-build deps-test deps-bench deps-vm deps-conformance
deps: deps-build deps-test ## install what building and testing need and is missing
deps-build deps-test deps-bench deps-vm deps-conformance:
	@tools/deps.sh $(@:deps-%=%)

.PHONY: test test-unit
test: deps build ## every test; the last line is `N passed, N failed, N skipped`
	bun tools/run-tests.ts

test-unit: deps-build native/build/caisson-native ## the tests that need no root, in seconds
	bun test src

.PHONY: lint fmt-check oxlint layers types knip docs-check
lint: fmt-check oxlint layers types knip docs-check ## format, lint, layers, types, dead code, generated pages

fmt-check: deps-build
	bun fmt --check
oxlint: deps-build
	oxlint --type-aware --deny-warnings
layers: deps-build
	bun node_modules/.bin/depcruise --config dependency-cruiser.config.cjs --output-type err src
	bun tools/check-source.ts
types: deps-build native/build/caisson-native
	bun check
knip: deps-build
	bun node_modules/.bin/knip
docs-check: deps-build
	bun tools/generate-docs.ts --check

.PHONY: format docs
format: deps-build ## format everything
	bun fmt
docs: deps-build ## write the generated pages
	bun tools/generate-docs.ts

.PHONY: fuzz
fuzz: deps-test ## fuzz the native decoder for FUZZ_SECONDS
	$(MAKE) -C native fuzz FUZZ_SECONDS=$(FUZZ_SECONDS)

.PHONY: demo bench conformance vm-test
demo: build ## an engine, an image, a container, and how long it took
	tools/demo.sh

bench: deps build deps-bench ## the benchmarks, each against its peer; ARGS="--quick start"
	bun bench/run.ts $(ARGS)

conformance: deps deps-conformance build ## every client of Docker, and every answer of its API beside dockerd's where it is installed
	bun tools/run-tests.ts test/conformance

vm-test: deps-vm build ## tests in a virtual machine: cgroup v2, systemd, AppArmor, Linux 6.1; ARGS="--kernel=debian test/vm"
	bun tools/vm/run.ts $(ARGS)

.PHONY: clean help
clean: ## remove what was built
	rm -rf dist native/build

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
