# The commands that matter: `make demo` and `make test`.

CARGO_FLAGS ?= --locked

.PHONY: demo test parts lint unit e2e bench soak agents

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

## The Rust tests, against SQLite and a private PostgreSQL.
unit:
	scripts/unit.sh

## The end-to-end stories, against the binary with SAML.
e2e:
	cargo build $(CARGO_FLAGS) -p wicketgate --features saml
	scripts/e2e.sh

## The benchmark tables, beside nginx and a direct call.
bench:
	scripts/bench.sh

## What is too long or too big for every run: the agents, ten minutes of a steady mix with no lost
## event and flat memory, a longer flood, and a hundred kills with two hundred requests on their way.
soak: agents
	scripts/bench.sh soak
	WICKETGATE_FLOOD_SECONDS=120 scripts/e2e.sh flood
	WICKETGATE_KILL_ROUNDS=100 scripts/unit.sh two_hundred_at_once

## Codex, Claude Code and opencode sign in, list and refresh; a gigabyte, kept outside the clone.
agents: parts
	cargo build $(CARGO_FLAGS) -p wicketgate --features saml
	scripts/agents.sh
