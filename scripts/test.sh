#!/usr/bin/env bash
# Lint, unit, integration and end-to-end tests, with one private PostgreSQL for the run.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/lint.sh
source scripts/private-postgres.sh
echo "== unit, integration and documentation tests"
scripts/unit.sh
# The integration tests have just built the binary; building it by itself would compile most
# dependencies once more, with other features.
echo "== end-to-end tests"
scripts/e2e.sh all
