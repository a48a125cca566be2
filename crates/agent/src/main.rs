//! `dumont-agent`: the program that Dumont puts on hosts.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use agent::exclude::Exclude;
use agent::local_source::{LocalSource, Options};
use agent::local_target::LocalTarget;
use agent::target::Target;

const USAGE: &str = "usage: dumont-agent serve --root DIR [--exclude PATTERN]... [--write]
       dumont-agent --version";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let done = match arguments.next().as_ref().and_then(|mode| mode.to_str()) {
        Some("serve") => serve(arguments),
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
    let (mut root, mut exclude, mut write) = (None, Vec::new(), false);
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| USAGE.to_owned());
        match argument.to_str() {
            Some("--root") => root = Some(PathBuf::from(value()?)),
            Some("--exclude") => exclude.push(value()?.into_vec()),
            Some("--write") => write = true,
            _ => return Err(USAGE.to_owned()),
        }
    }
    let root = root.ok_or_else(|| USAGE.to_owned())?;
    options.exclude = Exclude::new(exclude);
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
