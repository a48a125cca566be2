# Runs on the standby: makes it able to follow a GPU. Changes nothing the second time.
mkdir -p "$state/versions" || stop failed "$state can't be made"
chmod 700 "$state"
missing() {
  local program
  for program in bwrap rsync ssh ssh-keygen flock perl awk find xargs setsid; do
    command -v "$program" >/dev/null || printf '%s ' "$program"
  done
}
if [ -n "$(missing)" ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  { apt-get -o DPkg::Lock::Timeout=90 update -q && apt-get -o DPkg::Lock::Timeout=90 install -y -q bubblewrap rsync openssh-client util-linux; } >"$state/apt.log" 2>&1 3<&-
fi
lacks=$(missing)
[ -z "$lacks" ] || stop unprepared "the standby lacks ${lacks% } and it can't be installed"
if [ ! -s "$state/id_ed25519" ] || [ ! -s "$state/id_ed25519.pub" ]; then
  rm -f "$state/id_ed25519" "$state/id_ed25519.pub"
  words=$(ssh-keygen -q -t ed25519 -N '' -C dumont-standby -f "$state/id_ed25519" 2>&1) || stop failed "no key can be made: $(printf %s "$words" | flat)"
fi
say public_key "$(head -n 1 "$state/id_ed25519.pub")"
say outcome ok
