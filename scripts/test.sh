#!/usr/bin/env bash
# Lint, unit, integration and end-to-end tests. Starts a private PostgreSQL for the run.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/lint.sh

postgres=$(mktemp -d "${TMPDIR:-/tmp}/wicketgate-pg.XXXXXX")
cleanup() {
  scripts/postgres.sh stop "$postgres" >/dev/null 2>&1 || true
  rm -rf "$postgres"
}
trap cleanup EXIT
WICKETGATE_TEST_POSTGRES=$(scripts/postgres.sh start "$postgres")
export WICKETGATE_TEST_POSTGRES

echo "== unit and integration tests"
cargo nextest run --locked --workspace --features wicketgate/saml --no-fail-fast
echo "== documentation tests"
cargo test --locked --workspace --features wicketgate/saml --doc --quiet
# The integration tests have just built the binary; building it by itself would compile most
# dependencies once more, with other features.
echo "== end-to-end tests"
scripts/e2e.sh all
