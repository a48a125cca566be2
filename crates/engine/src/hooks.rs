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

use crate::data::{self, DataError};

/// What is printed in place of a command's output where it was begun before and its end is not known.
const BEGUN: &str = "dumont: it was begun before; how it ended is not known";

/// Claims the command, then runs it and keeps how it ended. `@` stands for its name, `%` for itself.
const CLAIM: &str = r#"d=/var/lib/dumont/begun
start=$(cat /proc/sys/kernel/random/boot_id)-$(sed 's/.*) //' /proc/1/stat | cut -d' ' -f20)
c=$d/@-$start
mkdir -p -- "$d" || exit 125
if mkdir -- "$c" 2>/dev/null; then
  bash -c % hook
  s=$?
  printf %s "$s" > "$c/status"
  exit "$s"
fi
[ -d "$c" ] || exit 125
if [ -s "$c/status" ]; then
  echo 'dumont: it ran before'
  exit "$(cat "$c/status")"
fi
"#;

/// Ends where the command was never begun there.
const KNOWN: &str = "ls -d /var/lib/dumont/begun/@-* >/dev/null 2>&1 || exit 0\n";

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
    claimed(shell, name, "", command, env, deadline).await
}

/// The same, where it was begun in an earlier start of the host; otherwise nothing is done.
///
/// # Errors
/// As [`run_once`].
pub async fn run_again(
    shell: &Shell,
    name: &str,
    command: &str,
    env: &[(String, String)],
    deadline: Duration,
) -> Result<HookResult, DataError> {
    claimed(shell, name, KNOWN, command, env, deadline).await
}

async fn claimed(
    shell: &Shell,
    name: &str,
    first: &str,
    command: &str,
    env: &[(String, String)],
    deadline: Duration,
) -> Result<HookResult, DataError> {
    let name: String = name
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        .collect();
    let quoted = String::from_utf8_lossy(&quote(command.as_bytes())).into_owned();
    let claimed = format!("{first}{CLAIM}").replace('@', &name);
    let claimed = claimed.replacen("bash -c % hook", &format!("bash -c {quoted} hook"), 1);
    let claimed = format!("{claimed}echo '{BEGUN}'\n");
    let ended = data::run_hook(shell, &claimed, env, deadline).await?;
    if ended.output.starts_with(BEGUN) {
        return Ok(HookResult { status: None, ..ended });
    }
    Ok(ended)
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
