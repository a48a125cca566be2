# shellcheck shell=bash
# Virtual environments of Python, for clients that tests run. Sourced; env.sh comes first.

# make_venv FOLDER REQUIREMENTS: an environment with exactly these packages. Does nothing
# where it is there already, in the place that it was made for (its programs name it), by the
# python3 of now, and the list has not changed; one that was broken off is made anew.
make_venv() {
  local folder requirements="$2" made
  folder="$(realpath -m "$1")"
  made="$(printf '# %s, %s\n' "$folder" "$(python3 --version 2>&1)"; cat "$requirements")"
  [[ "$made" == "$(cat "$folder/made-from" 2>/dev/null)" ]] && "$folder/bin/python" -c '' && return 0
  python3 -c 'import ensurepip, venv' 2>/dev/null ||
    die "python3 can't make virtual environments; install the Debian package python3-venv"
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    die "python3 is older than 3.10, which the clients need"
  say "installing $(basename "$requirements" .txt) into $folder (about 30 s)"
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    --only-binary :all: --no-deps --requirement "$requirements"
  # Last, so that it is only there when all the rest is.
  printf '%s\n' "$made" >"$folder/made-from"
}
