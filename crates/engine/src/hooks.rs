//! The user's commands, each begun once for each start of its host.
//!
//! A step that was cut off is done again, and must not start a second trainer in the same workspace. So a
//! command is claimed on its host before it begins, under a name of its own and the host's present start:
//! whoever comes again finds it claimed, and after a restart of the host, which ended what the command had
//! started, it is claimed anew.

use std::time::Duration;

use domain::association::Association;
use domain::failover::HookResult;
use providers::ssh::{Shell, quote};

use crate::data::{self, Begun, DataError};

/// What is printed where it could not be claimed, and so was not begun.
const NOT_BEGUN: &str = "dumont: not begun";
/// What is printed in place of a command's output where it was begun before and its end is not known.
const BEGUN: &str = "dumont: it was begun before; how it ended is not known";

/// Claims the command, then runs it and keeps how it ended. `@` stands for its name, `%` for itself. A host whose
/// disk is full or can't be written to keeps the claim in memory: it is about its present start alone.
const CLAIM: &str = r#"start=$(cat /proc/sys/kernel/random/boot_id)-$(sed 's/.*) //' /proc/1/stat | cut -d' ' -f20)
places='/var/lib/dumont/begun /run/dumont-begun /dev/shm/dumont-begun'
claim=
for d in $places; do
  [ -d "$d/@-$start" ] && claim=$d/@-$start
done
if [ -z "$claim" ]; then
  for d in $places; do
    mkdir -p -m 700 -- "$d" 2>/dev/null
    c=$d/@-$start
    if mkdir -- "$c" 2>/dev/null; then
      bash -c % hook
      s=$?
      printf %s "$s" 2>/dev/null > "$c/status"
      exit "$s"
    fi
    # Another was quicker.
    [ -d "$c" ] && claim=$c && break
  done
fi
if [ -z "$claim" ]; then
  echo 'dumont: not begun: nothing can be written on this host that says so'
  exit 125
fi
if [ -s "$claim/status" ]; then
  echo 'dumont: it ran before'
  exit "$(cat "$claim/status")"
fi
"#;

/// Runs a command of the user's on a host, unless it was begun there before since the host started. `name`
/// says which command of which move it is: letters, digits, `-` and `_`.
///
/// # Errors
/// When the host can't be talked to; a command that ends badly is no error.
pub async fn run_once(
    shell: &Shell,
    name: &str,
    command: &str,
    env: &[(String, String)],
    deadline: Duration,
) -> Result<HookResult, DataError> {
    let name = plain(name);
    let quoted = String::from_utf8_lossy(&quote(command.as_bytes())).into_owned();
    let claimed = CLAIM.replace('@', &name);
    let claimed = claimed.replacen("bash -c % hook", &format!("bash -c {quoted} hook"), 1);
    let claimed = format!("{claimed}echo '{BEGUN}'\n");
    let ended = data::run_hook(shell, &claimed, env, deadline).await?;
    if ended.output.starts_with(NOT_BEGUN) {
        tracing::error!(name, "a command of the user's could not be begun");
    }
    if ended.output.starts_with(BEGUN) {
        return Ok(HookResult { status: None, ..ended });
    }
    Ok(ended)
}

/// The same, where it was begun in an earlier start of the host alone; otherwise nothing is done, and nothing
/// is left on the host. Whether it was.
///
/// # Errors
/// As [`run_once`].
pub async fn run_again(
    shell: &Shell,
    name: &str,
    command: &str,
    env: &[(String, String)],
    deadline: Duration,
) -> Result<Option<HookResult>, DataError> {
    if data::begun(shell, &plain(name)).await? != Begun::Before {
        return Ok(None);
    }
    run_once(shell, name, command, env, deadline).await.map(Some)
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        .collect()
}

/// Starts the user's work on the standby that takes over: once, however often the step is done.
pub(crate) async fn on_standby(
    shell: &Shell,
    association: &Association,
    deadline: Duration,
) -> Result<Option<HookResult>, DataError> {
    let Some(command) = &association.hooks.on_standby else { return Ok(None) };
    let env = data::hook_env(association, "standby");
    run_once(shell, &name(association), command, &env, deadline).await.map(Some)
}

/// Starts it again where the standby was started anew since.
pub(crate) async fn on_standby_again(
    shell: &Shell,
    association: &Association,
    deadline: Duration,
) -> Result<(), DataError> {
    let Some(command) = &association.hooks.on_standby else { return Ok(()) };
    let env = data::hook_env(association, "standby");
    run_again(shell, &name(association), command, &env, deadline).await.map(drop)
}

fn name(association: &Association) -> String {
    format!("on_standby-{}-{}", association.id, association.epoch)
}
