# Runs on a GPU that its machine has left and that goes once what only it holds is saved: holds in place what
# runs here, so that nothing is written any more, and tells whether anything was written since the mark.
# Arguments: "look", or "mark" to set the mark anew; the workspace; the failover, which names the mark.
# Prints how many processes are held, and quiet=1 where all are and nothing was written since.
action=$1 workspace=$2 failover=$3
case $failover in '' | *[!A-Za-z0-9-]*) stop failed "not a failover's name" ;; esac
name=.dumont-left-$failover
mark=
for place in "$state" /run /dev/shm /tmp; do
  [ -z "$mark" ] && [ -f "$place/$name" ] && mark=$place/$name
done

# Fields of a process, into "called", "how" and "parent".
process() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  called=${stat#*(} called=${called%)*} stat=${stat##*) }
  # shellcheck disable=SC2086
  set -- $stat
  how=$1 parent=$2
}

# What this script was started by stays: it is the way in.
own=' 1 ' server='' up=$$
while process "$up"; do
  own="$own$up "
  case $called in
    bash | sh | dash | ash | zsh | ksh | fish | busybox | env | timeout | setsid) ;;
    *) [ -n "$server" ] || server=$(readlink "/proc/$up/exe") ;;
  esac
  [ "$parent" -gt 0 ] || break
  up=$parent
done

# Again until no process was born between the look and the signal.
held=' ' round=0 new=1
while [ -n "$new" ] && [ "$round" -lt 20 ]; do
  new='' round=$((round + 1))
  # Scripts of this kind and what they run; what reads the files that are fetched, and what that runs in.
  spare=" $(grep -lsa 'dumont.036' /proc/[0-9]*/cmdline | cut -d / -f 3 | tr '\n' ' ')"
  for one in /proc/[0-9]*; do
    process "${one#/proc/}" || continue
    case $called in rsync | dumont-agent) spare="$spare${one#/proc/} $parent " ;; esac
  done
  for one in /proc/[0-9]*; do
    pid=${one#/proc/}
    case $own$held in *" $pid "*) continue ;; esac
    process "$pid" || continue
    case $how in Z | X) continue ;; esac
    case $spare in *" $pid "* | *" $parent "*) continue ;; esac
    exe=$(readlink "$one/exe") && [ -n "$exe" ] && [ "$exe" != "$server" ] || continue
    # On a machine with services of its own they are its way to the network.
    case $(cat "$one/cgroup" 2>/dev/null) in */system.slice/* | */init.scope*) continue ;; esac
    kill -STOP "$pid" 2>/dev/null && held="$held$pid " new=1
  done
done
[ -z "$new" ] || held="$held?"

# One that waits for a disk stops when it has written.
moving=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  moving=
  for pid in $held; do
    process "$pid" || continue
    case $how in T | t | Z | X) ;; *) moving=1 ;; esac
  done
  [ -n "$moving" ] || break
  sleep 0.25
done
case $held in *'?') moving=1 held=${held%?} ;; esac
# shellcheck disable=SC2086
set -- $held
say held "$#"

quiet=0
if [ "$action" = mark ]; then
  for place in ${mark:+"${mark%/*}"} "$state" /run /dev/shm /tmp; do
    mkdir -p "$place" 2>/dev/null
    { : >>"$place/$name" && touch "$place/$name"; } 2>/dev/null && mark=$place/$name && break
    mark=
  done
  [ -n "$mark" ] || stop failed "nothing can be written on the GPU that marks when it was read"
elif [ ! -d "$workspace" ]; then
  # There is nothing that could be fetched.
  quiet=1
elif [ -n "$mark" ] && [ -z "$moving" ]; then
  if newer=$(find "$workspace/" -name '.dumont-*' -prune -o -cnewer "$mark" -print -quit 2>/dev/null); then
    [ -n "$newer" ] || quiet=1
  fi
fi
say quiet "$quiet"
say outcome ok
