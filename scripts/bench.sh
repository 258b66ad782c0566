#!/usr/bin/env bash
# The benchmark tables: a hop through Wicketgate beside a direct call, nginx and the least that a hop
# can do, and its token endpoint beside oidc-provider. See bench/README.md for the method.
#
#   scripts/bench.sh           everything: some twenty minutes, after two builds
#   scripts/bench.sh G1 A2     only these goals; also rate, uneven, parts, allocations
#   scripts/bench.sh quick [GOAL...]  one short round, to see that everything works
#   scripts/bench.sh debug [GOAL...]  the same with debug builds; its figures mean nothing
#   scripts/bench.sh soak [MINUTES]   a steady mix at $BENCH_RATE requests a second (1000), ten
#                              minutes unless told
#   scripts/bench.sh peers     beside the crate mcp-proxy, which it builds first (many minutes)
#
# BENCH_ROUNDS (5) and BENCH_SPAN (1500 ms) say how much is measured, BENCH_ROWS how many refresh
# tokens are in the large table (5000000), and BENCH_WORKERS sets server.workers of the gateways.
# BENCH_PROFILE=dev tries the last two commands with debug builds.
#
# Installs nginx, Node and the peer where they are missing (apt on Debian and Ubuntu, as root or
# with passwordless sudo). Everything listens on loopback, from port $BENCH_PORT (17310) on: below
# the ports that the system gives to outgoing connections. The tables go to standard output.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
case ${1:-} in quick | debug | soak | peers) mode=$1 && shift ;; *) mode=full ;; esac
measure=(--rounds "${BENCH_ROUNDS:-5}" --span "${BENCH_SPAN:-1500}") profile=release goals=("$@")
case $mode in
  full) measure+=(--table-rows "${BENCH_ROWS:-5000000}") ;;
  quick)
    measure=(--rounds 1 --span "${BENCH_SPAN:-400}" --crowds 1000)
    measure+=(--table-rows "${BENCH_ROWS:-100000}")
    ;;
  debug)
    measure=(--rounds 1 --span 300 --crowds 100,1000 --table-rows "${BENCH_ROWS:-10000}") profile=dev
    ;;
  soak)
    minutes=${1:-10} profile=${BENCH_PROFILE:-release} goals=()
    [[ $minutes =~ ^[0-9]+$ ]] || { echo "usage: $0 soak [MINUTES]" >&2; exit 2; }
    ;;
  peers)
    profile=${BENCH_PROFILE:-release}
    [ "$profile" = release ] || measure=(--rounds 1 --span 300)
    ;;
esac

for goal in "${goals[@]}"; do
  [[ $goal =~ ^(G[1-9]|G1[0-3]|A[1-9]|F[1-3]|rate|uneven|parts|allocations)$ ]] && continue
  echo "usage: $0 [quick|debug] [GOAL...] | soak [MINUTES] | peers" >&2
  echo "GOAL: G1 to G13, A1 to A9, F1 to F3, rate, uneven, parts or allocations" >&2
  exit 2
done
wanted() { # GOAL
  [ ${#goals[@]} -eq 0 ] || [[ " ${goals[*]} " == *" $1 "* ]]
}

peer=$root/bench/oidc-provider
first_port=${BENCH_PORT:-17310}
upstream=127.0.0.1:$first_port
proxy=127.0.0.1:$((first_port + 1))
gateway=127.0.0.1:$((first_port + 2))
provider=127.0.0.1:$((first_port + 3))
other_gateway=127.0.0.1:$((first_port + 4))
hop=127.0.0.1:$((first_port + 5))

say() { echo "bench: $*" >&2; }
fail() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# --- Parts -----------------------------------------------------------------------------------

PATH=$PATH:/usr/sbin

install_parts() {
  local packages=()
  has curl || packages+=(curl)
  if [ "$mode" != soak ]; then
    has nginx || packages+=(nginx-light)
    has node && has npm || packages+=(nodejs npm)
    has sqlite3 || packages+=(sqlite3)
  fi
  if [ ${#packages[@]} -gt 0 ]; then
    has apt-get || fail "install these by hand: ${packages[*]}"
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo -n)
    "${as_root[@]}" apt-get -q update >/dev/null || say 'the package lists could not be renewed'
    # RUNLEVEL=1: a package must not start a public server.
    "${as_root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
      apt-get -q install -y --no-install-recommends "${packages[@]}" >/dev/null \
      || fail "install these by hand: ${packages[*]}"
  fi
  [ "$mode" != soak ] || return 0
  if ! cmp -s "$peer/package-lock.json" "$peer/node_modules/.installed"; then
    (cd "$peer" && npm ci --ignore-scripts --no-audit --no-fund >/dev/null 2>&1) \
      || fail 'npm could not install bench/oidc-provider'
    cp "$peer/package-lock.json" "$peer/node_modules/.installed"
  fi
}

build() {
  local target=${CARGO_TARGET_DIR:-$root/target}
  bin=$target/${profile/dev/debug}
  build_with_saml
  say "building ($profile)"
  cargo build --locked --profile "$profile" -p wicketgate -p bench
}

# Only its size counts, so it is not built where its libraries are missing.
saml=()
build_with_saml() {
  [ "$mode" = full ] && wanted F3 || return 0
  if ! { has pkg-config && pkg-config --exists xmlsec1 libxml-2.0 openssl; }; then
    say 'libxmlsec1-dev is missing: the binary with SAML is not built'
    return 0
  fi
  say "building with SAML ($profile)"
  cargo build --locked --profile "$profile" -p wicketgate -p bench --features wicketgate/saml || {
    say 'the binary with SAML could not be built'
    return 0
  }
  cp "$bin/wicketgate" "$bin/wicketgate-saml"
  saml=(--saml-binary "$bin/wicketgate-saml")
}

# What the call needs and nothing else: fewer features cost the peer nothing.
build_other_gateway() {
  say "building mcp-proxy ($profile)"
  local kind=()
  [ "$profile" = release ] || kind=(--debug)
  CARGO_TARGET_DIR=$root/target/peers/build cargo install mcp-proxy --version =0.6.0 --locked \
    --no-default-features --features oauth "${kind[@]}" --root "$root/target/peers" --quiet
}

# shellcheck source=../bench/servers.sh
source "$root/bench/servers.sh"

# A build that has just ended still writes; its noise would be in the figures.
wait_for_quiet() {
  [ "$profile" = release ] && [ "$mode" != quick ] || return 0
  for _ in $(seq 60); do
    awk '{ exit !($1 < 0.5) }' /proc/loadavg && return 0
    sleep 5
  done
  say "the machine is not quiet (load $(cut -d' ' -f1 /proc/loadavg)); measuring anyway"
}

# --- Measuring -------------------------------------------------------------------------------

# Idle subscribers take a file each, and more where their streams pass through.
files=$(ulimit -Hn)
[ "$files" != unlimited ] || files=1000000
ulimit -n "$files"

# Of a log whose many lines are about what went well.
last_words() { grep -v ' INFO ' "$work/$1.log" | tail -n 50 >&2 || true; }

run() {
  echo "$(nproc) cores shared by driver, servers and upstream;" \
    "load before: $(cut -d' ' -f1 /proc/loadavg); $(nginx -v 2>&1); Node $(node --version)"
  echo
  "$bin/bench" run "${measure[@]}" \
    --upstream "$upstream" --upstream-pid "$upstream_pid" \
    --nginx "$proxy" --nginx-pid "$nginx_pid" \
    --wicketgate "$gateway" --wicketgate-pid "$gateway_pid" \
    --hop "$hop" --hop-pid "$hop_pid" \
    --provider "$provider" --provider-pid "$provider_pid" \
    --open-files "$files" "${saml[@]}" \
    --binary "$bin/wicketgate" --work "$work" "${sites[@]}" "${goals[@]}" || {
    last_words gateway
    fail 'nothing is printed, because a figure counts only when every answer was right'
  }
}

soak() {
  echo "$(nproc) cores shared by driver, upstream and wicketgate;" \
    "load before: $(cut -d' ' -f1 /proc/loadavg)"
  echo
  "$bin/bench" soak --seconds $((minutes * 60)) --rate "${BENCH_RATE:-1000}" \
    --wicketgate "$gateway" --wicketgate-pid "$gateway_pid" || {
    last_words gateway
    fail 'an answer or an event was not right'
  }
}

beside_other_gateway() {
  echo "$(nproc) cores shared by driver, gateways and upstream;" \
    "load before: $(cut -d' ' -f1 /proc/loadavg); $(nginx -v 2>&1); mcp-proxy 0.6.0"
  echo
  "$bin/bench" peers "${measure[@]}" --nginx "$proxy" --nginx-pid "$nginx_pid" \
    --wicketgate "$gateway" --wicketgate-pid "$gateway_pid" \
    --provider "$provider" --provider-pid "$provider_pid" \
    --peer "$other_gateway" --peer-pid "$other_pid" || {
    last_words other
    last_words gateway
    fail 'nothing is printed, because a figure counts only when every answer was right'
  }
}

install_parts
build
[ "$mode" != peers ] || build_other_gateway
make_room
wait_for_quiet
start_gateway
case $mode in
  soak) soak ;;
  peers)
    start_nginx
    start_provider "http://$other_gateway"
    start_other_gateway
    beside_other_gateway
    ;;
  *)
    start_nginx
    start_hop
    start_provider
    write_sites
    build_counter
    run
    ;;
esac
