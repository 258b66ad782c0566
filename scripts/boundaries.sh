#!/usr/bin/env bash
# Which crate may import which: the table in crates/README.md, checked against the manifests; which
# module may import which; that only one module sends to upstreams; and that wire names stand in
# protocol.
set -euo pipefail
cd "$(dirname "$0")/.."

allowed() {
  case "$1" in
    kernel | demo) echo "" ;;
    protocol) echo "kernel" ;;
    net) echo "kernel protocol" ;;
    model) echo "kernel net protocol" ;;
    store) echo "kernel net model protocol" ;;
    sso | pages | upstream) echo "kernel net protocol" ;;
    mcp) echo "kernel net protocol upstream" ;;
    auth) echo "kernel net protocol model store sso pages" ;;
    testkit | wicketgate) echo "kernel net protocol model store sso pages auth upstream mcp demo" ;;
    *) echo "unknown crate $1" >&2 && exit 1 ;;
  esac
}

ours=" $(ls crates | grep -v README | tr '\n' ' ') "
failed=0
for crate in $ours; do
  rules=" $(allowed "$crate") "
  used=$(sed -n '/^\[dependencies\]/,/^\[dev-dependencies\]/p' "crates/$crate/Cargo.toml" |
    sed -n 's/^\([a-z]*\)\.workspace.*/\1/p; s/^\([a-z]*\) = .*/\1/p')
  for dependency in $used; do
    case "$ours" in *" $dependency "*) ;; *) continue ;; esac
    case "$rules" in
      *" $dependency "*) ;;
      *) echo "crates/$crate must not depend on $dependency (see crates/README.md)" && failed=1 ;;
    esac
  done
done

# Inside the crates imports run downwards, and nothing goes in circles.
scripts/imports.py || failed=1

# Names of the wire are spelled out in protocol alone.
scripts/wire_names.py || failed=1

# An unjudged message has no way out: only mcp::outbound sends, and it wants a JudgedRequest or a Probe.
sends='\.http\.send\(|(connection|peer|link)\.(ask|tell|notify|answer)\('
if grep -rnE "$sends" crates/mcp/src --include='*.rs' |
  grep -vE 'crates/mcp/src/(outbound\.rs|testing)|/(tests|test_support)\.rs:'; then
  echo "only mcp::outbound may send to an upstream (see crates/README.md)" && failed=1
fi
exit $failed
