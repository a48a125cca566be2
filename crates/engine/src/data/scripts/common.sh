# Common ground of the scripts that Dumont runs on a host. Comes before each of them.
# Prints lines "key=value"; the last one is "outcome=…". Its input is only used to tell that someone
# still waits for it.
set -u
export LC_ALL=C
umask 077
state=/var/lib/dumont
exec 3<&0 </dev/null

say() { printf '%s=%s\n' "$1" "$2"; }

# Ends with an outcome and words for a person.
stop() {
  say word "$2"
  say outcome "$1"
  exit 0
}

# The end of some output as one line.
flat() { tail -c 2000 | tr '\n\r\t' '   ' | tr -d '\000-\037' | tail -c 600; }

# One word for any POSIX shell.
quoted() {
  local quote="'" escape="'\\''"
  printf "'%s'" "${1//$quote/$escape}"
}

# From here on all that this script started ends when the other side closes the channel. The script
# leads its process group: an SSH server starts each command in one of its own.
end_with_channel() {
  {
    trap '' TERM
    while IFS= read -r -n 1 -u 3 _; do :; done
    kill -TERM -- "-$$"
    sleep 2
    kill -KILL -- "-$$"
  } >/dev/null 2>&1 9>&- &
  guard=$!
  trap 'kill -KILL "$guard" 2>/dev/null' EXIT
}
