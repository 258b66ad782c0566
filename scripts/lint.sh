#!/usr/bin/env bash
# Formatting, lints, documentation, dependency rules, crate boundaries, requirement ids and the map.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "== fmt"
cargo fmt --all --check
echo "== clippy"
cargo clippy --locked --workspace --features wicketgate/saml --all-targets -- -D warnings
# `make demo` and default builds have no SAML; the crates that know the feature must do without.
echo "== clippy, without SAML"
cargo clippy --locked -p sso -p auth -p wicketgate --all-targets -- -D warnings
echo "== doc"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --features wicketgate/saml --no-deps --quiet
echo "== crate boundaries"
scripts/boundaries.sh
echo "== requirement ids"
scripts/requirements.py
echo "== the map"
scripts/map.py
echo "== deny (bans, licences, sources)"
cargo deny --log-level error check bans licenses sources
