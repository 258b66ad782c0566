# To be sourced: WICKETGATE_TEST_POSTGRES is the URL of a PostgreSQL for tests. Where none is given, a
# private one is started that is gone when the sourcing script ends.
# shellcheck shell=bash
if [ -z "${WICKETGATE_TEST_POSTGRES:-}" ]; then
  postgres=$(mktemp -d "${TMPDIR:-/tmp}/wicketgate-pg.XXXXXX")
  stop_private_postgres() {
    scripts/postgres.sh stop "$postgres" >/dev/null 2>&1 || true
    rm -rf "$postgres"
  }
  trap stop_private_postgres EXIT
  WICKETGATE_TEST_POSTGRES=$(scripts/postgres.sh start "$postgres")
  export WICKETGATE_TEST_POSTGRES
fi
