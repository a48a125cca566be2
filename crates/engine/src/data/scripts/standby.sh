# Common ground of the scripts on a standby: the lock, the epoch, the way to the GPU.

# When a process began, as the kernel counts; tells two processes with one number apart.
began() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- $stat
  printf %s "${20}"
}

# Kills the cycle that holds the lock, with all that it started.
kill_cycle() {
  local pid start
  { read -r pid start <"$state/cycle.pid"; } 2>/dev/null || return 0
  [ "$(began "$pid")" = "$start" ] || return 0
  kill -KILL -- "-$pid" 2>/dev/null
}

# Takes the lock under which the copy and its epoch change: waits $1 seconds for it, then, if $2 is
# "kill", ends the cycle that holds it.
take_lock() {
  local tries
  [ -d "$state" ] || stop unprepared "this standby is not prepared"
  exec 9>>"$state/lock"
  flock -n 9 && return
  flock -w "$1" 9 && return
  if [ "$2" = kill ]; then
    for tries in 1 2 3 4 5 6 7 8 9 10; do
      kill_cycle
      flock -w 1 9 && return
    done
  fi
  stop busy "something else works on the standby's copy"
}

recorded() {
  local epoch=
  { read -r epoch <"$state/epoch"; } 2>/dev/null
  case $epoch in
    '' | *[!0-9]*) printf %s -1 ;;
    *) printf %s "$epoch" ;;
  esac
}

refuse_stale() {
  local now
  now=$(recorded)
  [ "$epoch" -ge "$now" ] && return
  say recorded "$now"
  stop stale "the standby is at epoch $now"
}

record_epoch() {
  [ "$epoch" -gt "$(recorded)" ] || return 0
  printf '%s\n' "$epoch" >"$state/epoch.new" && sync "$state/epoch.new" && mv -f "$state/epoch.new" "$state/epoch" && sync "$state"
  [ "$(recorded)" = "$epoch" ] || stop failed "the epoch can't be recorded; is the disk full?"
}

# Writes how the SSH client reaches one host and the only key that it accepts there.
# Arguments: name of the files, host, port, key.
pin() {
  case $2 in '' | -* | *[!A-Za-z0-9.:-]*) stop failed "not a host: $2" ;; esac
  case $3 in '' | *[!0-9]*) stop failed "not a port: $3" ;; esac
  case $4 in '' | *[!A-Za-z0-9@.+/=\ -]*) stop failed "not a host key" ;; esac
  printf 'dumont-gpu %s\n' "$4" >"$state/$1.known.new"
  printf '%s\n' 'Host gpu' "HostName $2" "Port $3" 'User root' 'HostKeyAlias dumont-gpu' \
    "IdentityFile $state/id_ed25519" 'IdentitiesOnly yes' 'IdentityAgent none' \
    "UserKnownHostsFile $state/$1.known" 'GlobalKnownHostsFile /dev/null' 'StrictHostKeyChecking yes' \
    'UpdateHostKeys no' 'BatchMode yes' 'ConnectTimeout 10' 'ServerAliveInterval 4' 'ServerAliveCountMax 3' \
    'LogLevel ERROR' 'RequestTTY no' 'ForwardAgent no' >"$state/$1.conf.new"
  mv -f "$state/$1.known.new" "$state/$1.known" && mv -f "$state/$1.conf.new" "$state/$1.conf" ||
    stop failed "the way to the GPU can't be written; is the disk full?"
}

# Files and links, and their bytes, in a folder.
count() {
  find "$1" -mindepth 1 ! -type d -printf '%s\n' 2>/dev/null |
    awk '{ files += 1; bytes += $1 } END { printf "files=%.0f\nbytes=%.0f\n", files, bytes }'
}

# Removes what a cycle that was cut off left beside the files it was about to replace.
sweep() {
  find "$1" -type d -name .dumont-partial -prune -print0 2>/dev/null | xargs -0 -r rm -rf --
}
