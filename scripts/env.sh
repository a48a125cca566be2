# shellcheck shell=bash
# Where things are and how scripts speak: sourced first by every script here.
#
# Tools and build output stay in the clone (.tools/, target/). With CI=true or
# DUMONT_CACHE set they live in a cache outside it, so that a fresh clone on a
# machine that has built before is quick.

set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

if [[ "${CI:-}" == "true" || -n "${DUMONT_CACHE:-}" ]]; then
  CACHE="${DUMONT_CACHE:-$HOME/.cache/dumont}"
  TOOLS="$CACHE/tools"
  : "${CARGO_TARGET_DIR:=$CACHE/target}"
else
  TOOLS="$ROOT/.tools"
  : "${CARGO_TARGET_DIR:=$ROOT/target}"
fi
export ROOT TOOLS CARGO_TARGET_DIR
export PATH="$TOOLS/bin:$PATH"
[[ -d "$HOME/.cargo/bin" ]] && PATH="$PATH:$HOME/.cargo/bin"

# Nothing here may ask a question or phone home.
export DEBIAN_FRONTEND=noninteractive
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
export npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false

say() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Seconds since the epoch, for "took N s" lines and deadlines.
now() { date +%s; }

# locked_version CRATE: the version that Cargo.lock holds.
locked_version() {
  awk -v name="$1" '
    $1 == "name" { found = ($3 == "\"" name "\"") }
    $1 == "version" && found { gsub(/"/, "", $3); print $3; exit }
  ' "$ROOT/Cargo.lock"
}
