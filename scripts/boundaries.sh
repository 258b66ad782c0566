#!/usr/bin/env bash
# Which crate may import which: the table in crates/README.md, checked against the manifests; and
# inside `mcp`, that what speaks to an upstream knows nothing of what stands above it.
set -euo pipefail
cd "$(dirname "$0")/.."

allowed() {
  case "$1" in
    kernel | demo) echo "" ;;
    protocol) echo "kernel" ;;
    net) echo "kernel protocol" ;;
    model) echo "kernel net protocol" ;;
    store) echo "kernel net model protocol" ;;
    sso | pages | mcp) echo "kernel net protocol" ;;
    auth) echo "kernel net protocol model store sso pages" ;;
    testkit | wicketgate) echo "kernel net protocol model store sso pages auth mcp demo" ;;
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

# Modules of mcp that import only themselves and these. Tests may use `testing`.
below() { # MODULE ALLOWED...
  local module=$1 allowed
  allowed=$(IFS='|' && echo "$*")
  local upward
  upward=$(grep -srnE 'crate::[a-z_]+' "crates/mcp/src/$module.rs" "crates/mcp/src/$module" |
    grep -vE "crate::($allowed|testing)\b" || true)
  if [ -n "$upward" ]; then
    echo "$upward"
    echo "mcp::$module must not import what stands above it" && failed=1
  fi
}
below config
below tally
below upstream config
below verify authority config tally upstream
below policy config verify
exit $failed
