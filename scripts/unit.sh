#!/usr/bin/env bash
# The Rust tests, against SQLite and PostgreSQL: the one that WICKETGATE_TEST_POSTGRES names, or a
# private one for the run. Arguments go to `cargo nextest run`.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/private-postgres.sh

cargo nextest run --locked --workspace --features wicketgate/saml --no-fail-fast "$@"
[ $# -gt 0 ] || cargo test --locked --workspace --features wicketgate/saml --doc --quiet
