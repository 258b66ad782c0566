# The servers of the benchmarks and their configurations, for scripts/bench.sh, which sets the
# addresses, `bin`, `root` and `peer`.
# shellcheck shell=bash

pids=()
work=
stop() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait
  [ -z "$work" ] || rm -rf "$work"
}
trap stop EXIT

# Databases belong on a real disk, where a commit costs what it costs.
make_room() { work=$(mktemp -d "$(dirname "$bin")/bench.XXXXXX"); }

# With everything on but some parts, whose cost is to be seen.
write_gateway_config() { # NAME ADDRESS [workers=N|log|record|metrics]...
  local level=INFO recorded=true metrics=127.0.0.1:$((${2##*:} + 20)) workers=${BENCH_WORKERS:-}
  local part
  for part in "${@:3}"; do
    case $part in
      workers=*) workers=${part#*=} ;;
      log) level=WARN ;;
      record) recorded=false ;;
      metrics) metrics= ;;
    esac
  done
  cat >"$work/$1.toml" <<TOML
public_url = "http://$2"

[server]
listen = "$2"
${workers:+workers = $workers}

[telemetry]
metrics_listen = "$metrics"

[database]
url = "sqlite://$work/$1.db"

[oauth]
authorizations_per_minute = 100000
tokens_per_minute = 1000000
key_encryption_key = { file = "$work/key" }
bridge_token_signing_secret = { file = "$work/bridge" }

[oauth.registration]
per_minute = 100000

# Whose id, url and key are in bench/src/portal.rs.
[[sign_in.provider]]
id = "bench"
kind = "portal"
url = "http://127.0.0.1:9/portal"
algorithm = "HS256"
key = "whoever-knows-this-may-be-anybody"

[[oauth.client]]
id = "sidecar"
sidecar = true
secret = { file = "$work/sidecar" }

# Whose ids and secrets are in bench/src/machine.rs and introspection.rs.
[[oauth.client]]
id = "machine"
secret = "whoever-knows-this-may-be-the-machine"
grant_types = ["client_credentials"]
servers = ["default"]
scopes = ["mcp:read"]

[[oauth.client]]
id = "resource-server"
secret = "whoever-knows-this-may-ask-about-tokens"
introspects = ["default"]

[mcp]
diagnostic_log_level = "$level"
audit_calls = $recorded
TOML
  write_server "$1" default /mcp both
  write_server "$1" big /big both
  write_server "$1" modern /modern modern
  write_server "$1" legacy /legacy legacy
  write_server "$1" modern-news /modern/news modern
  write_server "$1" legacy-news /legacy/news legacy
}

# A sidecar for the same resource, whose tokens the measured gateway issues.
write_sidecar_config() { # NAME ADDRESS
  cat >"$work/$1.toml" <<TOML
public_url = "http://$2"

[server]
listen = "$2"
${BENCH_WORKERS:+workers = $BENCH_WORKERS}

[telemetry]
metrics_listen = "127.0.0.1:$((${2##*:} + 20))"

[mcp]
issuer = "http://$gateway"
authority = { url = "http://$gateway", client_id = "sidecar", client_secret = { file = "$work/sidecar" } }
TOML
  write_server "$1" default /mcp both "http://$gateway/mcp"
}

write_server() { # CONFIG NAME PATH ERAS [RESOURCE]
  cat >>"$work/$1.toml" <<TOML

[[mcp.server]]
name = "$2"
resource_uri = "${5:-}"
upstream = { url = "http://$upstream$3", eras = "$4" }
upstream_auth = { kind = "none" }
rules = [{ tools = ["*"], scope = "mcp:read" }]
TOML
}

write_nginx_config() {
  local user=
  [ "$(id -u)" != 0 ] || user='user root;'
  cat >"$work/nginx.conf" <<CONF
$user
worker_processes 1;
daemon off;
pid $work/nginx.pid;
error_log $work/nginx.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path $work/nginx-body;
  proxy_temp_path $work/nginx-proxy;
  fastcgi_temp_path $work/nginx-fastcgi;
  uwsgi_temp_path $work/nginx-uwsgi;
  scgi_temp_path $work/nginx-scgi;
  keepalive_requests 1000000000;
  upstream behind {
    server $upstream;
    keepalive 128;
    keepalive_requests 1000000000;
  }
  server {
    listen $proxy;
    location / {
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_max_temp_file_size 0;
      proxy_buffer_size 64k;
      proxy_buffers 8 64k;
      proxy_busy_buffers_size 128k;
    }
  }
}
CONF
}

# Starts a server in the background and waits until it accepts connections. Sets pid.
start() { # ADDRESS LOG COMMAND...
  local address=$1 log=$work/$2
  shift 2
  "$@" >"$log" 2>&1 &
  pid=$!
  pids+=("$pid")
  for _ in $(seq 200); do
    if ! kill -0 "$pid" 2>/dev/null; then cat "$log" >&2; fail "$1 ended at its start"; fi
    if curl -s -o "$work/answer" "http://$address/"; then return 0; fi
    sleep 0.05
  done
  cat "$log" >&2
  fail "$1 does not listen on $address"
}

start_gateway() {
  start "$upstream" upstream.log "$bin/bench" upstream --port "$first_port"
  upstream_pid=$pid
  "$bin/wicketgate" secret generate >"$work/key"
  "$bin/wicketgate" secret generate >"$work/bridge"
  "$bin/wicketgate" secret generate >"$work/sidecar"
  chmod 600 "$work/key" "$work/bridge" "$work/sidecar"
  write_gateway_config gateway "$gateway"
  start "$gateway" gateway.log "$bin/wicketgate" serve --config "$work/gateway.toml"
  gateway_pid=$pid
}

# The gateways that the bench starts itself. Sets sites.
write_sites() {
  local port=$((first_port + 6)) site words write
  sites=()
  for site in starting few-rows many-rows many-grants everything 'without-log log' 'without-record record' \
    'without-metrics metrics' 'bare log record metrics' 'two-workers workers=2' \
    'four-workers workers=4' sidecar; do
    read -ra words <<<"$site"
    write=write_gateway_config
    [ "$site" != sidecar ] || write=write_sidecar_config
    "$write" "${words[0]}" "127.0.0.1:$port" "${words[@]:1}"
    sites+=(--site "${words[0]}=127.0.0.1:$port")
    port=$((port + 1))
  done
}

# What counts allocations in a gateway.
build_counter() { cc -O2 -shared -fPIC -o "$work/allocations.so" "$root/bench/allocations.c"; }

start_nginx() {
  write_nginx_config
  start "$proxy" nginx.out nginx -p "$work" -e "$work/nginx.log" -c "$work/nginx.conf"
  nginx_pid=$pid
}

start_hop() {
  start "$hop" hop.log "$bin/bench" hop --port "${hop##*:}" --upstream "$upstream" \
    --issuer "$gateway"
  hop_pid=$pid
}

# It accepts tokens for its own address only, with no path, so the provider issues them.
start_other_gateway() {
  cat >"$work/other.toml" <<TOML
[proxy]
name = "bench"

[proxy.listen]
host = "127.0.0.1"
port = ${other_gateway##*:}

[[backends]]
name = "bench"
transport = "http"
url = "http://$upstream/mcp"

[auth]
type = "jwt"
issuer = "http://$provider"
audience = "http://$other_gateway"
jwks_uri = "http://$provider/jwks"

[security]
admin_token = "$(cat "$work/bridge")"

[observability]
audit = false
log_level = "warn"
TOML
  start "$other_gateway" other.log "$root/target/peers/bin/mcp-proxy" --config "$work/other.toml"
  other_pid=$pid
}

start_provider() { # [RESOURCE]
  start "$provider" provider.log env NODE_ENV=production \
    node "$peer/server.mjs" "${provider##*:}" "$@"
  provider_pid=$pid
}
