#!/usr/bin/env bash
# Command-line agents that people have (Codex, Claude Code, opencode) against the built binary.
#
#   scripts/agents.sh            fetch them where they are missing, then tell their story
#   scripts/agents.sh fetch      only fetch them
#
# They are a gigabyte, so they stay out of the clone and out of `make test`: one directory for each
# version of tests/e2e/agents/package-lock.json below $WICKETGATE_AGENTS_CACHE, which is
# ~/.cache/wicketgate unless told. Old ones may be removed at any time. Nothing of theirs is run while
# they are fetched. The rest is as with scripts/e2e.sh: WICKETGATE_BIN names the binary, and a part
# that is missing is a failure.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pins=$root/tests/e2e/agents

fail() { echo "agents: $*" >&2; exit 1; }

case ${1:-} in
  '' | fetch) ;;
  *) fail "usage: $0 [fetch]" ;;
esac
[ "$(uname -sm)" = 'Linux x86_64' ] || fail 'the pinned programs are for Linux on x86_64'

cache=${WICKETGATE_AGENTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/wicketgate}
E2E_AGENTS=$cache/agents-$(sha256sum <"$pins/package-lock.json" | cut -c1-16)
export E2E_AGENTS

# Half an installation never has the name of a whole one, however many fetch at once.
fetch() {
  [ ! -d "$E2E_AGENTS" ] || return 0
  echo "agents: fetching them into $E2E_AGENTS" >&2
  mkdir -p "$cache"
  half=$(mktemp -d "$cache/half.XXXXXX")
  trap 'rm -rf "$half"' EXIT
  cp "$pins/package.json" "$pins/package-lock.json" "$half"
  npm ci --prefix "$half" --ignore-scripts --no-audit --no-fund >/dev/null
  mv -T "$half" "$E2E_AGENTS" 2>/dev/null || [ -d "$E2E_AGENTS" ] || fail "cannot write to $cache"
}

fetch
[ "${1:-}" = fetch ] || "$root/scripts/e2e.sh" agents
