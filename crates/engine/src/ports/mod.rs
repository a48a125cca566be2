//! What the engine asks of the outside: two providers, hosts, time, chance, and a place to run its tasks.
//!
//! Nothing else in the engine reaches past these. The product answers them with the clients of
//! `providers`, the system's clock and its randomness (`adapters`); a simulated world answers them from a
//! seed. The database is not among them: it is the same SQL everywhere, on another database.

mod chance;
mod gpus;
mod hosts;
mod outside;
pub mod task;
pub mod time;
mod vms;
pub mod watch;

pub use chance::{Chance, SystemChance};
pub use gpus::Gpus;
pub use hosts::Hosts;
pub use outside::{Outside, Ports};
pub use vms::Vms;

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }

    /// One that isn't draws which branch it looks at first from a generator of the thread, which no seed
    /// reaches.
    #[test]
    fn every_select_is_biased() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let (mut all, mut unbiased) = (0, Vec::new());
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let opens = concat!("tokio::sel", "ect! {");
            for rest in text.split(opens).skip(1) {
                all += 1;
                if !rest.trim_start().starts_with("biased;") {
                    unbiased.push(file.clone());
                }
            }
        }
        assert!(all > 15, "{all} found");
        assert!(unbiased.is_empty(), "{unbiased:?}");
    }
}
