//! Hosts that are not as the ordinary one: by their image, their disk, their files, their logins.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "../rig/mod.rs"]
mod rig;

mod disk;
mod files;
mod image;
mod kernel;
mod login;

use rig::{Rig, output};
use sandbox::host::{Endpoint, HostSpec};

/// A host of an image.
async fn host(rig: &Rig, id: &str, image: &str) -> Endpoint {
    let spec = HostSpec { image: image.into(), ..rig.spec(id) };
    rig.hosts.create(spec).await.unwrap();
    match rig.hosts.boot(id).await {
        Ok(at) => at,
        Err(error) => panic!("{image}: {error}"),
    }
}

/// What a script prints, whatever its status.
async fn says(rig: &Rig, at: Endpoint, script: &str) -> String {
    let done = output(rig.ssh(at).arg(script)).await;
    String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
}
