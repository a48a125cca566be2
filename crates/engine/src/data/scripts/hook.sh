# Runs a command of the user's. Arguments: seconds that it may take, the command, NAME=value for its
# environment. What it leaves running in the background goes on, and is known by a mark in its
# environment. Prints status and whether it was cut off, an empty line, and the end of its output.
limit=$1 command=$2
shift 2
mkdir -p "$state" 2>/dev/null
[ -w "$state" ] || state=$(mktemp -d) || stop failed "no place for the command's output"
ls -tr "$state"/hook-*.log 2>/dev/null | head -n -4 | xargs -r rm -f --
log=$state/hook-$$.log
[ "$#" -eq 0 ] || export -- "$@"
cd -- "${DUMONT_WORKSPACE:-/}" 2>/dev/null || cd || exit 1
umask 022
SECONDS=0
DUMONT_JOB=1 setsid -w timeout -k 3 "$limit" bash -c "$command" hook </dev/null >"$log" 2>&1 3<&-
status=$?
case $status in
  124 | 137) [ "$SECONDS" -ge "$limit" ] && say cut 1 ;;
esac
say status "$status"
say outcome ok
echo
tail -c 16000 "$log"
