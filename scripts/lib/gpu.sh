# shellcheck shell=bash
# A GPU with a sample job on it, rented as a user would: through Dumont's REST API,
# with an SSH key of the user's own. Needs stack.sh and account.sh.

IMAGE=nvidia/cuda:12.6.3-base-ubuntu24.04
LABEL=sample

# The user's key, in the Vast.ai account before anything is rented: Vast.ai puts the
# account's keys on machines that are made afterwards.
ensure_key() {
  [[ -f "$RUN/ssh/id_ed25519" ]] && [[ -f "$RUN/ssh/registered" ]] && return
  mkdir -p "$RUN/ssh"
  [[ -f "$RUN/ssh/id_ed25519" ]] ||
    ssh-keygen -q -t ed25519 -N '' -C "dumont sample" -f "$RUN/ssh/id_ed25519"
  printf 'Authorization: Bearer %s\n' "$(cat "$RUN/vast.key")" >"$RUN/vast.header"
  jq --null-input --rawfile key "$RUN/ssh/id_ed25519.pub" '{ssh_key: ($key | rtrimstr("\n"))}' |
    curl --silent --show-error --fail --max-time 30 --header "@$RUN/vast.header" \
      --header 'Content-Type: application/json' --data @- --output /dev/null "$SANDBOX_URL/api/v0/ssh/" ||
    die "the Vast.ai account took no SSH key; see $RUN/sandbox.log"
  : >"$RUN/ssh/registered"
}

# on_gpu COMMAND…: runs it there by SSH; GPU_HOST and GPU_PORT say where. Host keys
# are remembered per run; every new host has a new one, so by id and not by address.
on_gpu() {
  ssh -i "$RUN/ssh/id_ed25519" -p "$GPU_PORT" -o BatchMode=yes -o ConnectTimeout=5 \
    -o IdentitiesOnly=yes -o LogLevel=ERROR -o StrictHostKeyChecking=accept-new \
    -o HostKeyAlias="gpu-$GPU_ID" -o UserKnownHostsFile="$RUN/ssh/known_hosts" \
    "root@$GPU_HOST" "$@"
}

# find_gpu: sets GPU_ID to the newest instance there is; fails when there is none.
find_gpu() {
  local list
  list="$(api GET /instances)" || die "the list of instances can't be read: $(api_error)"
  GPU_ID="$(jq -r '[.instances[].id] | max // empty' <<<"$list")"
  [[ -n "$GPU_ID" ]]
}

# rent_gpu: auto-standby on, then the cheapest offer there is; sets GPU_ID.
rent_gpu() {
  local offers offer wish answer
  say "turning on auto-standby"
  api POST /standby/configure '{"enabled": true, "sync_interval": 5}' >/dev/null ||
    die "auto-standby can't be turned on: $(api_error)"

  say "renting a GPU"
  offers="$(api GET '/instances/offers?num_gpus=1&order_by=dph_total&limit=5')" ||
    die "no offers: $(api_error)"
  offer="$(jq -er '.offers[0].id' <<<"$offers")" || die "no GPU is on offer"
  wish="$(jq --null-input --compact-output --argjson offer "$offer" --arg image "$IMAGE" --arg name "$LABEL" \
    '{offer_id: $offer, image: $image, disk_size: 20, label: $name, hooks: {
      on_standby: "bash /workspace/job.sh start", on_gpu: "bash /workspace/job.sh start",
      before_switch: "bash /workspace/job.sh stop"}}')"
  answer="$(api POST /instances "$wish")" ||
    die "the GPU can't be rented: $(api_error)"
  GPU_ID="$(jq -er '.id // .instance.id' <<<"$answer")" || die "the answer to the rental names no instance"
  note "$(jq -r '.offers[0] | "\(.gpu_name), $\(.dph_total) per hour"' <<<"$offers"), instance $GPU_ID"
}

# reach_gpu SECONDS: waits until it answers SSH; sets GPU_HOST and GPU_PORT.
reach_gpu() {
  local deadline=$(($(now) + $1)) instance
  while (($(now) < deadline)); do
    both_run
    if instance="$(api GET "/instances/$GPU_ID")" &&
      GPU_HOST="$(jq -er '(.instance // .) | .ssh_host' <<<"$instance")" &&
      GPU_PORT="$(jq -er '(.instance // .) | .ssh_port' <<<"$instance")" &&
      on_gpu true 2>>"$RUN/ssh.log"; then
      return 0
    fi
    sleep 0.5
  done
  return 1
}

# start_job: puts the sample job there and starts it; leaves a running one alone.
start_job() {
  local shown
  shown="$(on_gpu 'mkdir -p /workspace && cat >/workspace/job.sh.part &&
    mv /workspace/job.sh.part /workspace/job.sh && bash /workspace/job.sh start' \
    <"$ROOT/scripts/sample-job.sh" 2>>"$RUN/ssh.log")" || die "the sample job did not start; see $RUN/ssh.log"
  note "sample job in /workspace of instance $GPU_ID: $shown"
}

# await_protection SECONDS: until the standby follows; shows each state it passes.
await_protection() {
  local deadline=$(($(now) + $1)) association state shown=""
  while (($(now) < deadline)); do
    both_run
    if association="$(api GET "/standby/associations/$GPU_ID")"; then
      state="$(jq -r '(.association // .) | .state // "unknown"' <<<"$association")"
      if [[ "$state" != "$shown" ]]; then
        note "standby: $state"
        shown="$state"
      fi
      [[ "$state" == following ]] && return 0
    fi
    sleep 0.5
  done
  warn "the standby does not follow yet (${shown:-no association}): $(api_error)"
  return 1
}
