# shellcheck shell=bash
# A PostgreSQL server of the tests' own: a new cluster in a temporary folder, on a
# free port of 127.0.0.1, gone afterwards. Durability is off; nothing outlives it.

POSTGRES_DIR=""

# PostgreSQL refuses to run as root.
as_postgres() {
  if ((EUID != 0)); then
    "$@"
  elif id postgres >/dev/null 2>&1; then
    runuser -u postgres -- "$@"
  else
    runuser -u nobody -- "$@"
  fi
}

# start_postgres: exports DUMONT_TEST_POSTGRES_URL. The port comes as an argument.
start_postgres() {
  local port="$1" programs password
  programs="$(find /usr/lib/postgresql -maxdepth 2 -name bin -type d 2>/dev/null | sort -V | tail -n 1)"
  [[ -n "$programs" ]] || die "PostgreSQL's programs are missing (Debian package postgresql)"

  # With as_postgres, so that the folder belongs to who runs the server.
  POSTGRES_DIR="$(cd / && as_postgres mktemp -d /tmp/dumont-postgres.XXXXXX)"
  password="$(head -c 18 /dev/urandom | base64 | tr '+/' '-_')"
  # Everything below as that user; the password comes in through a pipe.
  (
    cd /
    as_postgres tee "$POSTGRES_DIR/password" >/dev/null <<<"$password"
    as_postgres "$programs/initdb" --pgdata="$POSTGRES_DIR/data" --username=dumont \
      --auth=scram-sha-256 --pwfile="$POSTGRES_DIR/password" --encoding=UTF8 --locale=C --no-sync
    as_postgres "$programs/pg_ctl" --pgdata="$POSTGRES_DIR/data" --log="$POSTGRES_DIR/log" \
      --options="-p $port -c listen_addresses=127.0.0.1 -k $POSTGRES_DIR -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300" \
      --wait --timeout=60 start
  ) >/dev/null || die "PostgreSQL did not start: $(tail -n 5 "$POSTGRES_DIR/log" 2>/dev/null)"
  POSTGRES_CTL="$programs/pg_ctl"
  export DUMONT_TEST_POSTGRES_URL="postgres://dumont:$password@127.0.0.1:$port/postgres"
}

stop_postgres() {
  [[ -n "$POSTGRES_DIR" ]] || return 0
  (cd / && as_postgres "${POSTGRES_CTL:-true}" --pgdata="$POSTGRES_DIR/data" --mode=immediate stop) >/dev/null 2>&1 || true
  rm -rf "$POSTGRES_DIR"
  POSTGRES_DIR=""
}
