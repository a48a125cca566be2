//! `dumont-agent`: the program that Dumont puts on hosts.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use agent::databases::Databases;
use agent::exclude::Exclude;
use agent::local_source::{LocalSource, Options};
use agent::local_target::LocalTarget;
use agent::target::Target;

const USAGE: &str =
    "usage: dumont-agent serve --root DIR [--exclude PATTERN]... [--write] [--no-databases]
       dumont-agent keep --state DIR --workspace DIR
       dumont-agent hash-self
       dumont-agent --version";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let done = match arguments.next().as_ref().and_then(|mode| mode.to_str()) {
        Some("serve") => serve(arguments),
        #[cfg(feature = "keep")]
        Some("keep") => keep(arguments),
        Some("copy-database") => copy_database(arguments),
        Some("hash-self") => hash_self(),
        Some("--version") => say(concat!("dumont-agent ", env!("CARGO_PKG_VERSION"))),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dumont-agent: {error}");
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) -> Result<(), String> {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{text}").map_err(|error| error.to_string())
}

fn serve(mut arguments: impl Iterator<Item = OsString>) -> Result<(), String> {
    let (mut root, mut exclude, mut write, mut databases) = (None, Vec::new(), false, true);
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| USAGE.to_owned());
        match argument.to_str() {
            Some("--root") => root = Some(PathBuf::from(value()?)),
            Some("--exclude") => exclude.push(value()?.into_vec()),
            Some("--write") => write = true,
            Some("--no-databases") => databases = false,
            _ => return Err(USAGE.to_owned()),
        }
    }
    let root = root.ok_or_else(|| USAGE.to_owned())?;
    options.exclude = Exclude::new(exclude);
    if databases {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        options.databases = Some(Databases::start(program));
    }
    if write {
        // Before anything else is given up: what is not there can't be granted.
        std::fs::create_dir_all(&root)
            .map_err(|error| format!("the workspace can't be made: {}: {error}", root.display()))?;
    }
    agent::confine::confine(&root, write);
    let mut target = if write {
        Some(LocalTarget::open(&root, options.resolve).map_err(|error| error.to_string())?)
    } else {
        None
    };
    let mut source = LocalSource::new(root, options);
    let target = target.as_mut().map(|target| target as &mut dyn Target);
    agent::serve::serve(std::io::stdin(), std::io::stdout(), &mut source, target)
        .map_err(|error| error.to_string())
}

/// What [`serve`] starts for each database.
fn copy_database(mut arguments: impl Iterator<Item = OsString>) -> Result<(), String> {
    let (Some(name), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err(USAGE.to_owned());
    };
    agent::databases::copy_database(&name, to.as_ref())
}

#[cfg(feature = "keep")]
fn keep(mut arguments: impl Iterator<Item = OsString>) -> Result<(), String> {
    let (mut base, mut workspace) = (None, None);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().map(PathBuf::from).ok_or_else(|| USAGE.to_owned())?;
        match argument.to_str() {
            Some("--state") => base = Some(value),
            Some("--workspace") => workspace = Some(value),
            _ => return Err(USAGE.to_owned()),
        }
    }
    let (Some(base), Some(workspace)) = (base, workspace) else { return Err(USAGE.to_owned()) };
    agent::standby::run(agent::standby::Place { base, workspace }, std::io::stdin())
        .map_err(|error| error.to_string())
}

/// Says what this very program is, so that who put it here knows that all of it arrived and runs.
fn hash_self() -> Result<(), String> {
    let program = std::fs::read("/proc/self/exe").map_err(|error| error.to_string())?;
    say(&agent::hash::Hash::of(&program).to_hex())
}
