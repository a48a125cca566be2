//! Other file systems below a workspace.

use std::time::Duration;

use providers::ssh::Shell;

use super::DataError;
use super::wire::{checked, script};

const WHAT: &str = "looking for other file systems in the workspace";
const PATIENCE: Duration = Duration::from_secs(60);

/// Where other file systems are mounted below a GPU's workspace; its own mount is none of them. Empty, too,
/// where there is no such workspace yet.
///
/// # Errors
/// When the GPU can't be asked.
pub async fn mounts_below(gpu: &Shell, workspace: &str) -> Result<Vec<String>, DataError> {
    let script = script!("mounts").arg(checked(workspace)?);
    let output = gpu.run(&script, None, PATIENCE).await?;
    if !output.exit.success() {
        return Err(DataError::failed(WHAT, super::wire::words(&output.stderr)));
    }
    Ok(below(&output.text()))
}

/// The mounts below the root, in what the script said; a login shell may have said something before.
fn below(text: &str) -> Vec<String> {
    let root = text.lines().rev().find_map(|line| line.strip_prefix("root="));
    let Some(root) = root.filter(|root| root.starts_with('/')) else { return Vec::new() };
    let above = format!("{}/", root.trim_end_matches('/'));
    text.lines()
        .filter_map(|line| line.strip_prefix("at ")?.strip_suffix("=mount"))
        .map(plain)
        .filter(|at| at.starts_with(&above))
        .collect()
}

/// A path of `/proc/self/mountinfo`, in which blanks and backslashes are written in octal.
fn plain(at: &str) -> String {
    let mut bytes = Vec::with_capacity(at.len());
    let mut rest = at.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let octal = tail
            .get(..3)
            .filter(|_| byte == b'\\')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(octal.unwrap_or(byte));
        rest = if octal.is_some() { tail.get(3..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_mounted_below_the_workspace_is_meant() {
        let said = "root=/motd\nat /elsewhere=mount\nroot=/my work\nat /=mount\nat /my\\040work=mount\n\
            at /my\\040work/data=mount\nat /my\\040works/data=mount\nat /my\\040work/a\\134b=mount\n";
        assert_eq!(below(said), ["/my work/data", "/my work/a\\b"]);
        assert!(below("root=\nat /workspace/data=mount\n").is_empty(), "there is no workspace yet");
        assert!(below("welcome\n").is_empty());
    }
}
