# The project's commands. Each is a script in scripts/, which can be run by itself.

.DEFAULT_GOAL := help
.PHONY: help run reset dev build test clients e2e lighthouse check bench simulate setup

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Install, build and run everything against the provider sandbox
	@scripts/run

reset: ## Forget what make run and make dev have stored
	@scripts/reset

dev: ## The same with a debug build that follows the sources
	@scripts/dev

build: ## Release binaries and the browser's bundle
	@scripts/setup --build
	@scripts/build

test: ## Install, then every test there is; ends with "N passed, N failed"
	@scripts/test

clients: ## The providers' own clients against the sandbox; gcloud too where it is installed
	@scripts/clients

e2e: ## Only the browser tests (ARGS="…" goes to Playwright)
	@scripts/e2e $(ARGS)

lighthouse: ## Lighthouse over the main pages; fails below 95, 100, 100
	@scripts/lighthouse

check: ## Formatting and lints, for the server and for the browser
	@scripts/check

bench: ## Figures: failover times, overhead, memory, pages
	@scripts/bench
	@scripts/bench-pages

simulate: ## The engine in simulated worlds (SEEDS=, FROM=, SECONDS=; SEED= shows one)
	@scripts/simulate

setup: ## Only install what is missing
	@scripts/setup
