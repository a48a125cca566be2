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
    within(&[root], write, &FOLDERS)
}

/// The same for who works in several folders, and writes there.
pub fn confine_to(folders: &[&Path]) -> Confined {
    within(folders, true, &[])
}

fn within(folders: &[&Path], write: bool, spool: &[&str]) -> Confined {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    // Where it is refused, the host decides of dumps.
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    match restrict(folders, write, spool) {
        Ok(true) => Confined::Yes,
        Ok(false) | Err(_) => Confined::No,
    }
}

fn restrict(
    folders: &[&Path],
    write: bool,
    spool: &[&str],
) -> Result<bool, landlock::RulesetError> {
    let abi = ABI::V3;
    let all = AccessFs::from_all(abi);
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    let on_root = if write { all & !AccessFs::Execute } else { reading };
    let mut ruleset = Ruleset::default();
    if write {
        // The first version of Landlock knows no renaming from one folder into another and refuses all of
        // it: there nothing is given up.
        ruleset = ruleset
            .set_compatibility(CompatLevel::SoftRequirement)
            .handle_access(AccessFs::Refer)?;
    }
    let status = ruleset
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .create()?
        .add_rules(path_beneath_rules(folders, on_root))?
        .add_rules(path_beneath_rules(["/proc", "/dev/urandom"], reading))?
        .add_rules(path_beneath_rules(
            spool,
            reading
                | AccessFs::WriteFile
                | AccessFs::MakeReg
                | AccessFs::RemoveFile
                | AccessFs::Truncate,
        ))?
        .restrict_self()?;
    Ok(status.ruleset != landlock::RulesetStatus::NotEnforced)
}
