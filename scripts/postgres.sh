#!/usr/bin/env bash
# A private PostgreSQL cluster for tests: on loopback, trusted there, gone when it is stopped.
#
#   scripts/postgres.sh start [DIR]        makes and starts it; stdout is its URL and nothing else
#   scripts/postgres.sh standby DIR URL    makes and starts a standby of the one at URL, likewise
#   scripts/postgres.sh promote DIR        makes a primary of a standby
#   scripts/postgres.sh demote DIR URL     stops a primary, and starts it as a standby of URL
#   scripts/postgres.sh halt DIR           stops it and keeps it
#   scripts/postgres.sh resume DIR         starts one that was halted, at its address
#   scripts/postgres.sh encrypt DIR CERTIFICATE KEY
#                                          starts it again with TLS, and without anything else
#   scripts/postgres.sh stop DIR           stops and removes it
#
# Without DIR `start` makes one under /tmp and names it on stderr. As root the server runs as the
# user `postgres`, who must be able to reach DIR (so not below /root). POSTGRES_FSYNC=off trades
# the durability that is part of what we test for speed.
set -euo pipefail

usage() {
  echo "usage: $0 start [DIR] | standby DIR URL | promote DIR | demote DIR URL | halt DIR | resume DIR | encrypt DIR CERTIFICATE KEY | stop DIR" >&2
  exit 2
}
fail() { echo "postgres: $*" >&2; exit 1; }

# The newest installed version; Debian keeps these programs out of PATH.
programs() {
  local newest
  newest=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1 || true)
  if [ -n "$newest" ]; then
    echo "$newest"
  elif command -v initdb >/dev/null; then
    dirname "$(command -v initdb)"
  else
    fail 'PostgreSQL is not installed; run scripts/install-test-parts.sh'
  fi
}

# PostgreSQL refuses to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then
    (cd / && setpriv --reuid=postgres --regid=postgres --init-groups -- "$@")
  else
    "$@"
  fi
}

free_port() {
  python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

settings() {
  cat <<SETTINGS
listen_addresses = '127.0.0.1'
port = $1
unix_socket_directories = '$2'
max_connections = 200
fsync = ${POSTGRES_FSYNC:-on}
SETTINGS
}

make_reachable() {
  local dir=$1
  mkdir -p "$dir"
  [ "$(id -u)" != 0 ] || chown postgres "$dir"
  as_postgres test -w "$dir" || fail "the user postgres cannot write to $dir; choose a place below /tmp"
}

start() {
  local dir=${1:-} bin
  if [ -z "$dir" ]; then
    dir=$(mktemp -d /tmp/wicketgate-postgres.XXXXXX)
    echo "postgres: in $dir" >&2
  fi
  [ ! -e "$dir/data" ] || fail "$dir already holds a cluster; stop it first"
  bin=$(programs)
  make_reachable "$dir"
  dir=$(cd "$dir" && pwd)
  as_postgres "$bin/initdb" --pgdata="$dir/data" --username=postgres --auth=trust \
    --encoding=UTF8 --locale=C --no-instructions >"$dir/initdb.log" 2>&1 \
    || { cat "$dir/initdb.log" >&2; fail 'initdb failed'; }
  run "$dir"
}

control() { # DIR COMMAND...
  local dir=$1
  shift
  as_postgres "$(programs)/pg_ctl" --pgdata="$dir/data" --log="$dir/data/server.log" --wait --silent "$@" >&2
}

# Another program may take the free port before the server does. Of settings that are there twice
# the last one counts.
run() {
  local dir=$1 port
  for _ in 1 2 3; do
    port=$(free_port)
    settings "$port" "$dir" >>"$dir/data/postgresql.auto.conf"
    if control "$dir" start; then
      echo "postgres://postgres@127.0.0.1:$port/postgres"
      return
    fi
  done
  cat "$dir/data/server.log" >&2
  fail 'the server did not start'
}

standby() {
  local dir=$1 primary=$2
  [ ! -e "$dir/data" ] || fail "$dir already holds a cluster; stop it first"
  make_reachable "$dir"
  dir=$(cd "$dir" && pwd)
  as_postgres "$(programs)/pg_basebackup" --pgdata="$dir/data" --dbname="$primary" \
    --write-recovery-conf --checkpoint=fast >&2
  run "$dir"
}

# A fast shutdown waits until the standbys have everything.
demote() {
  local dir=$1 primary=$2
  control "$dir" --mode=fast stop
  as_postgres touch "$dir/data/standby.signal"
  echo "primary_conninfo = '$primary'" >>"$dir/data/postgresql.auto.conf"
  control "$dir" start
}

encrypt() {
  local dir=$1 certificate=$2 key=$3
  control "$dir" --mode=fast stop
  install -m 600 "$certificate" "$dir/data/server.crt"
  install -m 600 "$key" "$dir/data/server.key"
  [ "$(id -u)" != 0 ] || chown postgres "$dir/data/server.crt" "$dir/data/server.key"
  echo "hostssl all all 127.0.0.1/32 trust" >"$dir/data/pg_hba.conf"
  echo "ssl = on" >>"$dir/data/postgresql.auto.conf"
  control "$dir" start
}

stop() {
  local dir=$1
  [ -d "$dir/data" ] || fail "$dir holds no cluster"
  if [ -e "$dir/data/postmaster.pid" ]; then
    control "$dir" --mode=immediate stop
  fi
  # Only what `start` made: DIR may hold other things.
  rm -rf "$dir/data" "$dir/initdb.log" "$dir"/.s.PGSQL.*
  rmdir "$dir" 2>/dev/null || true
}

case ${1:-} in
  start) start "${2:-}" ;;
  standby) [ -n "${3:-}" ] || usage; standby "$2" "$3" ;;
  promote) [ -n "${2:-}" ] || usage; control "$2" promote ;;
  demote) [ -n "${3:-}" ] || usage; demote "$2" "$3" ;;
  halt) [ -n "${2:-}" ] || usage; control "$2" --mode=fast stop ;;
  resume) [ -n "${2:-}" ] || usage; control "$2" start ;;
  encrypt) [ -n "${4:-}" ] || usage; encrypt "$2" "$3" "$4" ;;
  stop) [ -n "${2:-}" ] || usage; stop "$2" ;;
  *) usage ;;
esac
