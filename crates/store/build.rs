//! Rebuilds the crate when a migration is added or changed: they are embedded.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
    // `domain::text_enum!` names a feature of `domain`'s, which this crate does not have.
    println!("cargo:rustc-check-cfg=cfg(feature, values(\"openapi\"))");
}
