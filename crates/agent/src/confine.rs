//! Giving up what a serving side doesn't need, before it reads anything of a stranger's.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
    path_beneath_rules,
};

use crate::spool::FOLDERS;

/// What the kernel granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confined {
    /// Only the workspace and the spool can be opened.
    Yes,
    /// The kernel has no means, or a filter refuses them: what keeps us inside are the descriptors alone.
    No,
}

/// Leaves no core dump, which would hold what was read, and opens nothing but the workspace and the
/// places of the spool from now on. `write` is for who brings a workspace back.
pub fn confine(root: &Path, write: bool) -> Confined {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    // Where it is refused, the host decides of dumps.
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    match restrict(root, write) {
        Ok(true) => Confined::Yes,
        Ok(false) | Err(_) => Confined::No,
    }
}

fn restrict(root: &Path, write: bool) -> Result<bool, landlock::RulesetError> {
    let abi = ABI::V3;
    let all = AccessFs::from_all(abi);
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    let on_root = if write { all & !AccessFs::Execute } else { reading };
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .create()?
        .add_rules(path_beneath_rules([root], on_root))?
        .add_rules(path_beneath_rules(["/proc", "/dev/urandom"], reading))?
        .add_rules(path_beneath_rules(
            FOLDERS,
            reading
                | AccessFs::WriteFile
                | AccessFs::MakeReg
                | AccessFs::RemoveFile
                | AccessFs::Truncate,
        ))?
        .restrict_self()?;
    Ok(status.ruleset != landlock::RulesetStatus::NotEnforced)
}
