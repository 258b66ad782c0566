#!/usr/bin/env bash
# Runs a command with a Cargo target directory outside the clone, so that a fresh clone compiles
# our own crates only:
#
#   scripts/with-build-cache.sh COMMAND [ARGUMENT…]
#
# The cache is one directory for each Cargo.lock, toolchain and set of profiles, below
# $XDG_CACHE_HOME/wicketgate (~/.cache/wicketgate); what was not used for two weeks is removed. Only
# dependencies stay in it. Where it is taken by another run, or cannot be written, and where
# CARGO_TARGET_DIR is set, the command runs without it.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/wicketgate/build
key=$({ cat "$root/Cargo.lock" "$root/Cargo.toml"; rustc -vV; } | sha256sum | cut -c1-16)
place=$cache/$key

run_plainly() {
  [ -z "$1" ] || echo "with-build-cache: $1; building without a cache" >&2
  shift
  exec "$@"
}

[ -z "${CARGO_TARGET_DIR:-}" ] || run_plainly '' "$@"
mkdir -p "$place" 2>/dev/null && [ -w "$place" ] || run_plainly "$place cannot be written" "$@"
command -v flock >/dev/null || run_plainly 'there is no flock' "$@"
# The lock ends with this process, however it ends.
exec 9>"$place.lock"
flock --nonblock 9 || run_plainly 'another run uses the cache' "$@"
touch "$place"
find "$cache" -mindepth 1 -maxdepth 1 -type d -mtime +14 -exec rm -rf {} +

export CARGO_TARGET_DIR=$place CARGO_INCREMENTAL=0
# What another clone made of our own crates fits nobody else and would only pile up.
forget_our_crates() { (cd "$root" && cargo clean --locked --workspace --quiet) || rm -rf "${place:?}"/*; }
forget_our_crates
code=0
"$@" 9>&- || code=$?
forget_our_crates
exit "$code"
