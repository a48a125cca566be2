//! The user's own commands.

use std::time::Duration;

use domain::association::Association;
use domain::failover::HookResult;
use domain::id::Epoch;
use providers::ssh::Shell;

use super::DataError;
use super::wire::{Answer, script};

const WHAT: &str = "running a command of the user's";
/// Time beyond the command's own for starting it and telling how it ended.
const AROUND: Duration = Duration::from_secs(30);
/// Characters of its output that are kept.
const TAIL: usize = 4_000;

/// What a command finds in its environment: `DUMONT_SIDE` (`gpu` or `standby`), `DUMONT_WORKSPACE`,
/// `DUMONT_MACHINE`, `DUMONT_GPU`, `DUMONT_EPOCH`.
#[must_use]
pub fn hook_env(association: &Association, side: &str) -> Vec<(String, String)> {
    [
        ("DUMONT_SIDE", side.to_owned()),
        ("DUMONT_WORKSPACE", association.workspace.clone()),
        ("DUMONT_MACHINE", association.name.clone()),
        ("DUMONT_GPU", association.gpu.to_string()),
        ("DUMONT_EPOCH", association.epoch.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Runs a command line of the user's with bash, in the workspace where `env` names it. What it leaves
/// in the background goes on. After `deadline` it is ended with all that belongs to it, and has no
/// status.
///
/// # Errors
/// When the host can't be talked to; a command that ends badly is no error.
pub async fn run_hook(
    shell: &Shell,
    command: &str,
    env: &[(String, String)],
    deadline: Duration,
) -> Result<HookResult, DataError> {
    let script = script!("hook").arg(deadline.as_secs().max(1).to_string()).arg(command);
    let script =
        env.iter().fold(script, |script, (name, value)| script.arg(format!("{name}={value}")));
    let output = shell.run(&script, None, deadline + AROUND).await?;
    read(&output.text(), &output.stderr)
}

/// Whether a command of some name was begun on a host: see [`crate::hooks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// Never.
    Never,
    /// In an earlier start of the host alone.
    Before,
    /// Since it started.
    Now,
}

/// Whether a command was begun on a host. Leaves nothing there.
///
/// # Errors
/// When the host can't be talked to.
pub async fn begun(shell: &Shell, name: &str) -> Result<Begun, DataError> {
    let output = shell.run(&script!("begun").arg(name), None, AROUND).await?;
    let answer = Answer::of(&output.text()).judged(WHAT, Epoch(0), &output.stderr)?;
    Ok(match answer.some("begun").as_deref() {
        Some("now") => Begun::Now,
        Some("before") => Begun::Before,
        _ => Begun::Never,
    })
}

fn read(text: &str, errors: &str) -> Result<HookResult, DataError> {
    let (head, printed) = text.split_once("\n\n").unwrap_or((text, ""));
    let answer = Answer::of(head).judged(WHAT, Epoch(0), errors)?;
    let cut = answer.some("cut").is_some();
    let status = if cut { None } else { Some(answer.number("status", WHAT)?) };
    let skip = printed.chars().count().saturating_sub(TAIL);
    Ok(HookResult { status, output: printed.chars().skip(skip).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_output_is_kept_as_it_is() {
        let result = read("status=3\noutcome=ok\n\nline\n\noutcome=stale\n", "").unwrap();
        assert_eq!(
            result,
            HookResult { status: Some(3), output: "line\n\noutcome=stale\n".into() }
        );
        let long = format!("cut=1\nstatus=124\noutcome=ok\n\n{}é", "x".repeat(9_000));
        let result = read(&long, "").unwrap();
        assert_eq!(result.status, None);
        assert_eq!(result.output.chars().count(), TAIL);
        assert!(result.output.ends_with('é'));
        assert!(read("status=0", "killed").is_err());
    }
}
