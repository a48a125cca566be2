# Runs on any host: sees that dumont-agent is there, under the name of its content, in a folder where
# programs run. Arguments: the hash of its content, the folder to look in first. Where it is missing, it is
# asked for with "need=program" and taken from the input.
hash=$1 first=$2
name=dumont-agent-$hash
folders=("$first" "$state/bin" /opt/dumont "${HOME:-/root}/.dumont" /dev/shm/dumont /tmp/dumont)
is_it() { [ "$("$1" hash-self 2>/dev/null </dev/null)" = "$hash" ]; }
# A folder that nobody else may write into, and that lets programs run.
able() {
  local probe=$1/.dumont-probe-$$ able=1
  mkdir -p -- "$1" 2>/dev/null && [ -O "$1" ] && [ ! -L "$1" ] || return 1
  printf '#!/bin/sh\nexit 0\n' 2>/dev/null >"$probe" && chmod 700 "$probe" && "$probe" 2>/dev/null && able=0
  rm -f -- "$probe"
  return "$able"
}
for folder in "${folders[@]}"; do
  [ -n "$folder" ] && [ -O "$folder" ] && [ ! -L "$folder" ] && is_it "$folder/$name" || continue
  say program "$folder/$name"
  stop ok ""
done
for folder in "${folders[@]}"; do
  [ -n "$folder" ] && able "$folder" || continue
  new=$folder/.$name.$$
  say need program
  cat <&3 >"$new" || { rm -f -- "$new"; stop failed "the program can't be written to $folder; is the disk full?"; }
  chmod 700 "$new"
  words=$("$new" --version 2>&1 </dev/null)
  is_it "$new" || { rm -f -- "$new"; stop unfit "the program does not run here: $(printf %s "$words" | flat)"; }
  mv -f -- "$new" "$folder/$name" || stop failed "the program can't be put into $folder"
  # What older versions left.
  find "$folder" -maxdepth 1 -name 'dumont-agent-*' ! -name "$name" -mtime +7 -delete 2>/dev/null
  say program "$folder/$name"
  stop ok ""
done
stop unfit "no folder of this host lets programs run: ${folders[*]}"
