//! Resource names of Compute: the full links in answers and the partial ones that requests may hold.

/// What every link in an answer begins with, whatever address the API itself is reached at.
pub(super) const BASE: &str = "https://www.googleapis.com/compute/v1";

/// `projects/P`.
pub(super) fn project_path(project: &str) -> String {
    format!("projects/{project}")
}

/// `projects/P/zones/Z`.
pub(super) fn zone_path(project: &str, zone: &str) -> String {
    format!("projects/{project}/zones/{zone}")
}

/// `projects/P/zones/Z/<collection>/<name>`.
pub(super) fn zonal_path(project: &str, zone: &str, collection: &str, name: &str) -> String {
    format!("projects/{project}/zones/{zone}/{collection}/{name}")
}

/// The full link of a path made by the functions above.
pub(super) fn link(path: &str) -> String {
    format!("{BASE}/{path}")
}

/// The region of a zone: `europe-west1` for `europe-west1-b`.
pub(super) fn region_of(zone: &str) -> &str {
    zone.rsplit_once('-').map_or(zone, |(region, _)| region)
}

/// A reference without what says which project's it is, if that is this one: `global/networks/N` for
/// `projects/P/global/networks/N` and for the full URL.
pub(super) fn own_path<'a>(value: &'a str, project: &str) -> &'a str {
    let path = match value.split_once("://") {
        Some(_) => value.find("/projects/").and_then(|at| value.get(at + 1..)).unwrap_or(value),
        None => value,
    };
    let own = path.strip_prefix("projects/").and_then(|rest| rest.strip_prefix(project));
    own.and_then(|rest| rest.strip_prefix('/')).unwrap_or(path)
}

/// Why a reference in a request can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BadLink {
    /// Not one of the forms that the API knows (a bare name is not one of them).
    Malformed,
    /// Points to another project or zone than the request's.
    Elsewhere,
}

impl BadLink {
    /// The sentence for the error message.
    pub(super) fn why(&self) -> &'static str {
        match self {
            Self::Malformed => "The URL is malformed.",
            Self::Elsewhere => "The referenced resource is in a different project or zone.",
        }
    }
}

/// Reads a reference to a zonal resource (a machine or disk type) of the request's own zone:
/// a full URL with any host, `projects/P/zones/Z/C/N` or `zones/Z/C/N`. Gives the name.
pub(super) fn zonal_name<'a>(
    value: &'a str,
    project: &str,
    zone: &str,
    collection: &str,
) -> Result<&'a str, BadLink> {
    let path = if value.starts_with("https://") || value.starts_with("http://") {
        value.find("/projects/").and_then(|at| value.get(at + 1..)).ok_or(BadLink::Malformed)?
    } else {
        value
    };
    let parts: Vec<&str> = path.split('/').collect();
    let zonal = match parts.as_slice() {
        ["projects", p, rest @ ..] if *p == project => rest,
        ["projects", ..] => return Err(BadLink::Elsewhere),
        rest => rest,
    };
    match zonal {
        ["zones", z, c, name] if *c == collection && !name.is_empty() => {
            if *z == zone {
                Ok(name)
            } else {
                Err(BadLink::Elsewhere)
            }
        }
        _ => Err(BadLink::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_name_the_same_thing() {
        for value in [
            "https://www.googleapis.com/compute/v1/projects/p/zones/z-a/machineTypes/e2-medium",
            "http://127.0.0.1:9/compute/v1/projects/p/zones/z-a/machineTypes/e2-medium",
            "projects/p/zones/z-a/machineTypes/e2-medium",
            "zones/z-a/machineTypes/e2-medium",
        ] {
            assert_eq!(zonal_name(value, "p", "z-a", "machineTypes"), Ok("e2-medium"), "{value}");
        }
    }

    #[test]
    fn a_bare_name_and_another_zone_are_refused() {
        let read = |value| zonal_name(value, "p", "z-a", "machineTypes");
        assert_eq!(read("e2-medium"), Err(BadLink::Malformed));
        assert_eq!(read("zones/z-b/machineTypes/e2-medium"), Err(BadLink::Elsewhere));
        assert_eq!(read("projects/q/zones/z-a/machineTypes/e2-medium"), Err(BadLink::Elsewhere));
        assert_eq!(read("zones/z-a/diskTypes/pd-ssd"), Err(BadLink::Malformed));
    }

    #[test]
    fn only_the_own_project_is_taken_away() {
        assert_eq!(
            own_path("https://x/compute/v1/projects/p/global/networks/n", "p"),
            "global/networks/n"
        );
        assert_eq!(own_path("projects/p/zones/z", "p"), "zones/z");
        assert_eq!(own_path("projects/pq/zones/z", "p"), "projects/pq/zones/z");
        assert_eq!(own_path("projects/q/zones/z", ""), "projects/q/zones/z");
        assert_eq!(own_path("zones/z", "p"), "zones/z");
    }

    #[test]
    fn a_zone_knows_its_region() {
        assert_eq!(region_of("southamerica-east1-a"), "southamerica-east1");
    }
}
