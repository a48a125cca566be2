# shellcheck shell=bash
# The first account of a local run: made once, by Dumont's own command line.
#
# $RUN/account.json keeps e-mail, password and API token between runs (mode 0600).
# It is written before the account is made, so that an interrupted first run can be
# continued by the next.

ACCOUNT_EMAIL=owner@dumont.local
ACCOUNT_NAME=owner

account_field() { jq -r --arg field "$1" '.[$field] // empty' "$RUN/account.json"; }

# put_account FIELD: the value comes on standard input, never as an argument that
# other users could see in the list of processes.
put_account() {
  [[ -f "$RUN/account.json" ]] || echo '{}' >"$RUN/account.json"
  jq --arg field "$1" --rawfile value /dev/stdin '.[$field] = ($value | rtrimstr("\n"))' \
    "$RUN/account.json" >"$RUN/account.json.new"
  mv "$RUN/account.json.new" "$RUN/account.json"
}

# ensure_account PROGRAM: account, API token and the providers' credentials.
ensure_account() {
  local program="$1" outcome="" token digest
  if [[ ! -f "$RUN/account.json" ]]; then
    head -c 18 /dev/urandom | base64 | tr '+/' '-_' | put_account password
    printf '%s' "$ACCOUNT_EMAIL" | put_account email
  fi

  if [[ -z "$(account_field api_token)" ]]; then
    say "creating the first account"
    # "Exists already" is what an interrupted first run leads to; the token that
    # follows shows whether the account is really there.
    outcome="$(account_field password | "$program" user create --email "$ACCOUNT_EMAIL" \
      --username "$ACCOUNT_NAME" --password-stdin 2>&1)" || true
    token="$("$program" token create --email "$ACCOUNT_EMAIL" --name "make run" --scope admin --never-expires 2>>"$RUN/server.log")" ||
      die "the first account could not be made: $outcome"
    printf '%s' "$token" | put_account api_token
  fi
  printf 'Authorization: Bearer %s\n' "$(account_field api_token)" >"$RUN/api.header"

  # Stored again only when the sandbox has others than last time.
  digest="$(cat "$RUN/vast.key" "$RUN/gcp.json" | sha256sum)"
  if [[ "$digest" != "$(cat "$RUN/credentials.sha256" 2>/dev/null || true)" ]]; then
    say "storing the sandbox's Vast.ai key and service account"
    "$program" credentials set --email "$ACCOUNT_EMAIL" \
      --vast-key-file "$RUN/vast.key" --gcp-file "$RUN/gcp.json" >>"$RUN/server.log" ||
      die "the sandbox's credentials were refused; see $RUN/server.log and $RUN/sandbox.log"
    printf '%s\n' "$digest" >"$RUN/credentials.sha256"
  fi
}

# api METHOD PATH [BODY]: Dumont's REST API; prints the answer, fails on any other
# status than 2xx and then leaves the problem's text in API_ERROR.
api() {
  local method="$1" path="$2" answer status
  local body=()
  (($# > 2)) && body=(--header 'Content-Type: application/json' --data "$3")
  answer="$(curl --silent --show-error --max-time 60 --request "$method" --header "@$RUN/api.header" \
    --write-out '\n%{http_code}' "${body[@]}" "$DUMONT_URL/api/v1$path" 2>&1)" || true
  status="${answer##*$'\n'}"
  answer="${answer%$'\n'*}"
  if [[ "$status" == 2?? ]]; then
    printf '%s' "$answer"
  else
    printf '%s %s: %s %s\n' "$method" "$path" "$status" "$(jq -r '.detail // .' <<<"$answer" 2>/dev/null || echo "$answer")" \
      >"$RUN/api.error"
    return 1
  fi
}

api_error() { cat "$RUN/api.error" 2>/dev/null || true; }

# write_access: what another program needs to use this run.
write_access() {
  jq --arg url "$DUMONT_URL" --arg sandbox "$SANDBOX_URL" \
    '{url: $url, email, password, api_token, sandbox_url: $sandbox}' \
    "$RUN/account.json" >"$RUN/access.json.new"
  mv "$RUN/access.json.new" "$RUN/access.json"
}
