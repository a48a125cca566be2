//! Where the built style sheet, script and WASM lie: their names carry a hash, so they are looked
//! for once at start.

use std::path::Path;
use std::time::SystemTime;

use app::site::Assets;

/// Looks for them in the `pkg` folder of the site. Of several builds the newest counts.
#[must_use]
pub fn find(root: &Path) -> Assets {
    let newest = |of: &str, ending: &str| {
        newest(&root.join("pkg"), of, ending).map(|name| format!("/pkg/{name}"))
    };
    Assets {
        style: newest("dumont.", ".css"),
        islands: newest("dumont.", ".js").zip(newest("dumont.", ".wasm")),
        passkey: newest("passkey.", ".js"),
    }
}

fn newest(folder: &Path, of: &str, ending: &str) -> Option<String> {
    let listed = std::fs::read_dir(folder).ok()?;
    let found = listed.filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name().into_string().ok()?;
        let made = entry.metadata().ok()?.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        (name.starts_with(of) && name.ends_with(ending)).then_some((made, name))
    });
    found.max().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_their_endings_and_missing_ones_are_none() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(find(folder.path()), Assets::default());
        let pkg = folder.path().join("pkg");
        std::fs::create_dir(&pkg).expect("made");
        for name in [
            "dumont.a1.css",
            "dumont.a1.js",
            "dumont.a1.wasm",
            "dumont.a1.wasm.br",
            "passkey.b2.js",
        ] {
            std::fs::write(pkg.join(name), "x").expect("written");
        }
        let found = find(folder.path());
        assert_eq!(found.style.as_deref(), Some("/pkg/dumont.a1.css"));
        assert_eq!(found.passkey.as_deref(), Some("/pkg/passkey.b2.js"));
        let islands = found.islands.expect("there");
        assert_eq!(
            (islands.0.as_str(), islands.1.as_str()),
            ("/pkg/dumont.a1.js", "/pkg/dumont.a1.wasm")
        );
    }
}
