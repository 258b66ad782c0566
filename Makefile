# The commands that matter: `make demo` and `make test`.

CARGO_FLAGS ?= --locked

.PHONY: demo test lint unit e2e bench soak parts deny

## Everything in one process on this computer; needs Rust and a C compiler only (no SAML).
demo:
	cargo run $(CARGO_FLAGS) -p wicketgate -- demo $(DEMO_FLAGS)

## Installs what the tests need, then lint, unit, integration and end-to-end tests.
test: parts
	scripts/test.sh

## Only installs what the tests need.
parts:
	scripts/install-test-parts.sh

lint:
	scripts/lint.sh

## The benchmark tables, beside nginx and a direct call.
bench:
	scripts/bench.sh

## Ten minutes of a steady mix: no lost event, flat memory.
soak:
	scripts/bench.sh soak
