# Runs on a GPU: lets the standby in and makes it able to send and receive. Changes nothing the second
# time. Arguments: the standby's public key, the workspace to be made where it is missing; empty where a
# missing one must stay so. No key is ever put here but public ones.
key=$1 workspace=$2
cd || stop failed "no home folder"
mkdir -p .ssh && chmod 700 .ssh || stop failed "the .ssh folder can't be made"
keys=.ssh/authorized_keys
touch "$keys" .no_auto_tmux && chmod 600 "$keys" || stop failed "$keys can't be written"
if ! grep -qF -- "$key" "$keys"; then
  [ -z "$(tail -c 1 "$keys")" ] || echo >>"$keys"
  printf 'restrict %s\n' "$key" >>"$keys" || stop failed "$keys can't be written; is the disk full?"
fi
[ -z "$workspace" ] || [ -d "$workspace" ] || (umask 022 && mkdir -p -- "$workspace") || stop failed "the workspace can't be made"
export DEBIAN_FRONTEND=noninteractive
if ! command -v rsync >/dev/null; then
  log=$(mktemp)
  { apt-get -o DPkg::Lock::Timeout=90 update -q && apt-get -o DPkg::Lock::Timeout=90 install -y -q rsync; } >"$log" 2>&1 3<&-
  command -v rsync >/dev/null || stop unprepared "the GPU lacks rsync and it can't be installed: $(flat <"$log")"
fi
# Nice to have, and nothing waits for it: without it changes are found by looking.
if ! command -v inotifywait >/dev/null && command -v apt-get >/dev/null; then
  setsid bash -c 'apt-get -o DPkg::Lock::Timeout=300 update -q; apt-get -o DPkg::Lock::Timeout=300 install -y -q inotify-tools' >/dev/null 2>&1 3<&- &
fi
say outcome ok
