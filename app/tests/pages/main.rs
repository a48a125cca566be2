//! Pages and forms as a browser meets them, with a control plane that tells a made-up story.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod acts;
mod deletions;
mod entrance;
mod every;
mod failover;
mod kit;
mod machine;
mod machines;
mod notifications;
mod people;
mod points;
mod report;
mod second_factor;
mod settings;
mod sharing;
#[path = "../support/mod.rs"]
mod support;

use support::plane::Fake;
use support::{get, reply, story};

/// The text of a page without its tags.
pub(crate) fn words(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            other if !inside => out.push(other),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn shown(address: &str, plane: &Fake) -> String {
    let got = reply(&get(address), plane);
    assert_eq!(got.status, 200, "{address}");
    got.html
}

/// The story's machine, changed.
pub(crate) fn machine(change: impl FnOnce(&mut domain::view::machine::MachinePage)) -> Fake {
    let mut machine = story::machine();
    change(&mut machine);
    Fake { machine, ..Fake::default() }
}
