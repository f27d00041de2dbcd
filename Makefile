# The scripts hold the logic; this names it.
.DEFAULT_GOAL := help
.PHONY: help check test lint build demo

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: ## all that must be well before a change goes in: format, vet, lint, known holes, tests
	.ci/run

test: ## the tests, with servers of their own
	scripts/test

lint: ## golangci-lint, as tools/go.mod pins it
	go tool -modfile=tools/go.mod golangci-lint run ./...

build: ## bin/worker and bin/coordinator
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/worker ./cmd/coordinator

demo: ## a harvest of a few thousand items on this machine
	scripts/demo
