#!/usr/bin/env bash
# A job to protect: behaves on disk as a training run does, and needs only bash.
#
#   job.sh start    continues from the newest checkpoint, or from nothing
#   job.sh stop     ends it after the step it is in
#   job.sh status   says whether it runs, and its last step
#
# Twice a second it appends to a log and replaces its checkpoint; every 30 steps it
# writes a shard of 1 to 4 MB. Each step's state follows from the one before, so a
# continued run shows whether a checkpoint was lost: `state` for a given step is the
# same on every machine. What it keeps is bounded: about 40 MB.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
home="${JOB_HOME:-$here/job}"
pid_file="${TMPDIR:-/tmp}/sample-job.pid" # of this machine, so outside the workspace
keep_checkpoints=20
keep_shards=12
log_bytes=2000000

running() {
  local pid
  pid="$(cat "$pid_file" 2>/dev/null)" && [[ -n "$pid" ]] || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q 'job\.sh run'
}

# replace FILE: its content from standard input, whole or not at all.
replace() {
  cat >"$1.part"
  mv "$1.part" "$1"
}

newest_checkpoint() {
  local found=("$home"/checkpoints/step-*.txt)
  [[ -e "${found[-1]}" ]] && printf '%s' "${found[-1]}"
}

# prune KEEP FILE…: removes the oldest by name.
prune() {
  local keep="$1"
  shift
  (($# > keep)) && rm -f "${@:1:$#-keep}"
  return 0
}

run() {
  local step=0 state=1 ending="" checkpoint shard megabytes
  trap 'ending=yes' TERM INT
  mkdir -p "$home/checkpoints" "$home/shards"
  if checkpoint="$(newest_checkpoint)"; then
    read -r step state <"$checkpoint"
  fi
  echo "$(date -u +%FT%TZ) started at step $step on $(hostname)" >>"$home/train.log"
  while [[ -z "$ending" ]]; do
    step=$((step + 1))
    state=$(((state * 48271) % 2147483647))
    printf '%s step %d state %d\n' "$(date -u +%FT%TZ)" "$step" "$state" >>"$home/train.log"
    printf '%d %d\n' "$step" "$state" | replace "$home/checkpoints/step-$(printf %09d "$step").txt"
    prune "$keep_checkpoints" "$home"/checkpoints/step-*.txt
    if ((step % 30 == 0)); then
      megabytes=$((1 + state % 4))
      shard="$home/shards/shard-$(printf %09d "$step").bin"
      head -c "${megabytes}000000" /dev/urandom | replace "$shard"
      prune "$keep_shards" "$home"/shards/shard-*.bin
    fi
    if (($(stat -c %s "$home/train.log") > log_bytes)); then
      mv "$home/train.log" "$home/train.log.1"
    fi
    sleep 0.5
  done
  echo "$(date -u +%FT%TZ) stopped after step $step" >>"$home/train.log"
}

case "${1:-}" in
  start)
    if running; then
      echo "runs already"
      exit 0
    fi
    setsid bash "$here/job.sh" run </dev/null >/dev/null 2>&1 &
    echo $! >"$pid_file"
    echo "started"
    ;;
  stop)
    if running; then
      pid="$(cat "$pid_file")"
      kill -TERM "$pid"
      for _ in $(seq 100); do
        running || break
        sleep 0.1
      done
    fi
    running && { echo "still runs" >&2; exit 1; }
    echo "stopped"
    ;;
  status)
    if running; then state="runs"; else state="does not run"; fi
    if checkpoint="$(newest_checkpoint)"; then
      read -r step _ <"$checkpoint"
      echo "$state, last checkpoint is step $step"
    else
      echo "$state, no checkpoint"
    fi
    ;;
  run) run ;;
  *)
    echo "usage: job.sh start|stop|status" >&2
    exit 2
    ;;
esac
