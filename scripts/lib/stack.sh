# shellcheck shell=bash
# Starts the provider sandbox and Dumont, and stops what it started.
#
# The caller sets RUN (a folder) and calls open_run first. Every process is known by
# its pid and its start time, so that a reused pid is never signalled. Each gets a
# session of its own: Ctrl-C reaches only the script, which then stops the server
# before the sandbox.

STARTED=()

# open_run: makes $RUN, refuses a second run in it, ends what a killed run left.
open_run() {
  (umask 077 && mkdir -p "$RUN")
  exec 8>"$RUN/.lock"
  flock --nonblock 8 || die "already running: see $RUN/access.json, stop it with Ctrl-C"
  rm -f "$RUN/access.json"
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap stop_all EXIT
  local pid since
  if [[ -f "$RUN/pids" ]]; then
    while read -r pid since; do
      [[ "$(started_at "$pid")" == "$since" ]] || continue
      note "stopping process $pid, left by a run that was killed"
      stop_one "$pid"
    done < <(tac "$RUN/pids")
  fi
  : >"$RUN/pids"
}

# started_at PID: its start time in ticks since boot; nothing when there is none.
started_at() { awk '{ print $22 }' "/proc/$1/stat" 2>/dev/null || true; }

alive() { [[ -n "$(started_at "$1")" && "$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null)" != Z ]]; }

# start OUT LOG COMMAND…: in the background; sets PID.
start() {
  local out="$1" log="$2"
  shift 2
  setsid "$@" </dev/null >"$out" 2>>"$log" 8>&- &
  PID=$!
  STARTED+=("$PID")
  echo "$PID $(started_at "$PID")" >>"$RUN/pids"
}

# stop_one PID: asks, waits up to 15 s, then insists.
stop_one() {
  local pid="$1" since deadline
  since="$(started_at "$pid")"
  [[ -n "$since" ]] || return 0
  kill -TERM "$pid" 2>/dev/null || return 0
  deadline=$(($(now) + 15))
  while alive "$pid" && [[ "$(started_at "$pid")" == "$since" ]]; do
    if (($(now) >= deadline)); then
      warn "process $pid did not stop within 15 s and is killed"
      kill -KILL "$pid" 2>/dev/null || true
      return 0
    fi
    sleep 0.1
  done
}

stop_all() {
  local index
  trap '' INT TERM HUP
  ((${#STARTED[@]} == 0)) || say "stopping"
  for ((index = ${#STARTED[@]} - 1; index >= 0; index--)); do
    stop_one "${STARTED[index]}"
  done
  STARTED=()
  rm -f "$RUN/access.json" "$RUN/pids"
}

# wait_until SECONDS PID LOG WHAT COMMAND…: polls until the command succeeds.
wait_until() {
  local deadline=$(($(now) + $1)) pid="$2" log="$3" what="$4"
  shift 4
  until "$@"; do
    if ! alive "$pid"; then
      tail -n 20 "$log" >&2 || true
      die "$what ended at its start; its log is $log"
    fi
    if (($(now) >= deadline)); then
      tail -n 20 "$log" >&2 || true
      die "$what was not ready in time; its log is $log"
    fi
    sleep 0.2
  done
}

# port PREFERRED: that port of 127.0.0.1 if it is free, else one that is.
port() {
  node -e '
    const net = require("node:net");
    const probe = (port) => {
      const server = net.createServer();
      server.on("error", () => probe(0));
      server.listen(port, "127.0.0.1", () => {
        console.log(server.address().port);
        server.close();
      });
    };
    probe(Number(process.argv[1]));
  ' "$1"
}

# start_sandbox PROGRAM PORT: sets SANDBOX_URL and SANDBOX_PID, exports what aims
# Dumont at it, and writes its credentials to files that the CLI reads.
start_sandbox() {
  umask 077 # from here on secrets are written
  local ready="$RUN/sandbox.ready" log="$RUN/sandbox.log"
  : >"$ready"
  start "$ready" "$log" "$1" --listen "127.0.0.1:$2" --data "$RUN/sandbox" \
    --profile "${DUMONT_SANDBOX_PROFILE:-reference}"
  SANDBOX_PID="$PID"
  wait_until 60 "$PID" "$log" "the provider sandbox" test -s "$ready"
  SANDBOX_URL="$(jq -er .url "$ready")"
  export DUMONT_VAST_URL="$SANDBOX_URL" DUMONT_GCP_ENDPOINT="$SANDBOX_URL"
  DUMONT_STANDBY_SSH_PORT="$(jq -er .standby_port "$ready")"
  export DUMONT_STANDBY_SSH_PORT

  local secrets="$RUN/sandbox/credentials.json"
  jq -ej .vast_api_key "$secrets" >"$RUN/vast.key"
  jq -e .gcp_service_account "$secrets" >"$RUN/gcp.json"
}

# server_env PORT: exports where Dumont listens and keeps its things.
server_env() {
  DUMONT_URL="http://127.0.0.1:$1"
  export DUMONT_LISTEN="127.0.0.1:$1"
  export DUMONT_DATABASE_URL="sqlite://$RUN/dumont.db"
  export DUMONT_MASTER_KEY_FILE="$RUN/master.key"
  export LEPTOS_OUTPUT_NAME=dumont LEPTOS_SITE_ROOT="$ROOT/target/site"
}

# both_run: ends the script when one of the two has ended by itself.
both_run() {
  alive "$SERVER_PID" || { tail -n 20 "$RUN/server.log" >&2; die "Dumont has ended; its log is $RUN/server.log"; }
  alive "$SANDBOX_PID" || { tail -n 20 "$RUN/sandbox.log" >&2; die "the provider sandbox has ended; its log is $RUN/sandbox.log"; }
}

server_ready() { curl --silent --fail --max-time 2 --output /dev/null "$DUMONT_URL/readyz"; }

# start_server PROGRAM: after server_env; sets SERVER_PID.
start_server() {
  start "$RUN/server.out" "$RUN/server.log" "$1" serve
  SERVER_PID="$PID"
  wait_until 60 "$PID" "$RUN/server.log" "Dumont" server_ready
}
