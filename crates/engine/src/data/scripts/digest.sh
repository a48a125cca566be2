# Runs on both sides of a proof: what is in a folder. Argument: the folder.
# Prints records that end with NUL. First each entry as path//type//rights//size or target, then
# "=contents", then each file as path//hash, then "=end"; both parts sorted by bytes. A path has no
# "//", so nothing can be mistaken. A record that begins with "." and has no "//" is a sign of life:
# "." alone, or ".hashed/files" once it hashes; hashes are written some at a time.
end_with_channel
cd -- "$1" || exit 1
scratch=$(mktemp -d) || exit 1
trap 'kill -KILL "$guard" "${pulse-}" 2>/dev/null; rm -rf "$scratch"' EXIT
export TMPDIR=$scratch
# Hashes written so far; each ends with NUL.
hashed() { find "$scratch/parts" -type f -exec cat {} + | tr -dc '\0' | wc -c; }
beat() {
  local files
  if { read -r files <"$scratch/files"; } 2>/dev/null; then
    printf '.%s/%s\0' "$(hashed)" "$files"
  else
    printf '.\0'
  fi
}
{ while sleep 1 >/dev/null; do beat; done; } 2>/dev/null &
pulse=$!
still() { { kill "$pulse" && wait "$pulse"; } 2>/dev/null; }

find . -mindepth 1 \( -type d -printf '%P//d//%m//\0' \) -o \( -type l -printf '%P//l////%l\0' \) -o \
  \( -type f -printf '%P//f//%m//%s\0' \) -o -printf '%P//%y//%m//\0' >"$scratch/tree" || exit 1
sort -z -o "$scratch/tree" "$scratch/tree" || exit 1
# Each process writes to a file of its own: what several write to one would be cut up.
mkdir "$scratch/parts" || exit 1
grep -zac '//f//' "$scratch/tree" >"$scratch/files.new"
mv "$scratch/files.new" "$scratch/files" || exit 1
find . -mindepth 1 -type f -print0 |
  xargs -0 -r -n 256 -P "$(nproc)" bash -c 'sha256sum -z -- "$@" >>"$0/$$"' "$scratch/parts" || exit 1
find "$scratch/parts" -type f -exec cat {} + |
  sed -z 's,^\(.\{64\}\) [ *]\./\(.*\)$,\2//\1,' | sort -z >"$scratch/hashes" || exit 1
still
cat "$scratch/tree" || exit 1
printf '=contents\0'
cat "$scratch/hashes" || exit 1
printf '=end\0'
