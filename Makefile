# usher: everything a contributor types. `make` lists it.

GO            ?= go
VERSION       ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS       := -s -w -X main.version=$(VERSION)
GOFUMPT       := mvdan.cc/gofumpt@v0.12.0
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
PKG           ?= ./...
FUZZTIME      ?= 20s

.DEFAULT_GOAL := help
.PHONY: help run build test race cover lint fmt bench fuzz crash clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## serve in development mode: no outside service, mail and SMS at /dev/inbox
	$(GO) run ./cmd/usher serve --dev

build: ## build ./bin/usher, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/usher ./cmd/usher

test: ## all tests, SQLite and a real PostgreSQL (PKG=./internal/x for some); CI=true fails on a skip
	$(GO) run ./scripts/test $(PKG)

race: ## all tests under the race detector (needs a C compiler)
	@command -v $${CC:-gcc} >/dev/null || { echo "make race needs a C compiler (gcc)" >&2; exit 1; }
	CGO_ENABLED=1 $(GO) run ./scripts/test -race $(PKG)

cover: ## all tests, with coverage over all packages in cover.out
	$(GO) run ./scripts/test -coverprofile=cover.out -coverpkg=./internal/... $(PKG)
	$(GO) tool cover -func=cover.out | tail -n 1

lint: ## go vet, then golangci-lint (staticcheck, gosec, gofumpt, …; .golangci.yml)
	$(GO) vet ./...
	$(GO) run $(GOLANGCI_LINT) run ./...

fmt: ## format with gofumpt
	$(GO) run $(GOFUMPT) -w .

bench: ## measure: results as tables, the method in docs/ (about four minutes)
	$(GO) run ./bench
	$(GO) run ./bench -enumerate 100

fuzz: ## run every fuzz target, FUZZTIME=20s each (about ten minutes), and report as a table
	$(GO) run ./scripts/fuzz -time $(FUZZTIME)

crash: ## kill -9 200 times with 50 writers, each failpoint 20 times, PostgreSQL stopped 50 times (over an hour)
	USHER_CRASH_ROUNDS=200 USHER_CRASH_WRITERS=50 USHER_CRASH_STOPS=50 USHER_CRASH_DEATHS=20 USHER_CRASH_FAULTS=20 USHER_CRASH_DRAINS=50 $(GO) test -count=1 -timeout=3h -v ./test/crash

clean: ## remove what these targets made
	rm -rf bin cover.out
