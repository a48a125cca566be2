//! The routes of `images` and `imageFamilyViews`: the public images that boot disks are made from.
//!
//! Every one is played by the machine's own programs; a name only decides what `/etc/os-release` says.
//! Names under `dumont-sandbox/` are this sandbox's own and in no list.

use axum::{
    Json,
    extract::{Path, Query},
};
use serde_json::{Value, json};

use super::{
    caller::Caller,
    catalog,
    error::ApiError,
    instances::collection,
    link,
    page::{ListQuery, Page},
};

type Answer = Result<Json<Value>, ApiError>;

/// The newest image of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Image {
    project: &'static str,
    family: &'static str,
    name: &'static str,
    about: &'static str,
}

const UBUNTU: &str = "ubuntu-os-cloud";
const DEBIAN: &str = "debian-cloud";

const fn image(
    project: &'static str,
    family: &'static str,
    name: &'static str,
    about: &'static str,
) -> Image {
    Image { project, family, name, about }
}

const IMAGES: &[Image] = &[
    image(DEBIAN, "debian-11", "debian-11-bullseye-v20260915", "Debian, Debian GNU/Linux, 11"),
    image(DEBIAN, "debian-12", "debian-12-bookworm-v20260915", "Debian, Debian GNU/Linux, 12"),
    image(DEBIAN, "debian-13", "debian-13-trixie-v20260915", "Debian, Debian GNU/Linux, 13"),
    image(UBUNTU, "ubuntu-2204-lts", "ubuntu-2204-jammy-v20260915", "Canonical, Ubuntu, 22.04 LTS"),
    image(
        UBUNTU,
        "ubuntu-2404-lts-amd64",
        "ubuntu-2404-noble-amd64-v20260915",
        "Canonical, Ubuntu, 24.04 LTS",
    ),
    image(
        UBUNTU,
        "ubuntu-minimal-2204-lts",
        "ubuntu-minimal-2204-jammy-v20260915",
        "Canonical, Ubuntu, 22.04 LTS Minimal",
    ),
    image(
        UBUNTU,
        "ubuntu-minimal-2404-lts-amd64",
        "ubuntu-minimal-2404-noble-amd64-v20260915",
        "Canonical, Ubuntu, 24.04 LTS Minimal",
    ),
];

/// Whether a boot disk can be made from what a request names.
pub(super) fn exists(value: &str, project: &str) -> bool {
    if value.starts_with(crate::host::OWN_IMAGES) {
        return true;
    }
    let (theirs, rest) = match link::own_path(value, "").strip_prefix("projects/") {
        Some(path) => path.split_once('/').unwrap_or((path, "")),
        None => (project, link::own_path(value, "")),
    };
    let parts: Vec<&str> = rest.split('/').collect();
    let mut sold = IMAGES.iter().filter(|image| image.project == theirs);
    match parts.as_slice() {
        ["global", "images", "family", family] => sold.any(|image| image.family == *family),
        ["zones", _, "imageFamilyViews", family] => sold.any(|image| image.family == *family),
        ["global", "images", name] => sold.any(|image| image.name == *name),
        _ => false,
    }
}

fn show(image: &Image) -> Value {
    let path = format!("projects/{}/global/images/{}", image.project, image.name);
    json!({
        "kind": "compute#image",
        "id": catalog::stable_id(&path),
        "creationTimestamp": catalog::CREATED,
        "name": image.name,
        "description": image.about,
        "family": image.family,
        "status": "READY",
        "architecture": "X86_64",
        "sourceType": "RAW",
        "diskSizeGb": "10",
        "archiveSizeBytes": "1073741824",
        "selfLink": link::link(&path),
    })
}

/// The images of a project: public for everyone, and none of a customer's own.
fn of(caller: &Caller, project: &str, permission: &str) -> Result<Vec<&'static Image>, ApiError> {
    let found: Vec<&Image> = IMAGES.iter().filter(|image| image.project == project).collect();
    let asked = if found.is_empty() { project } else { &caller.account.gcp_project };
    caller.permit(asked, permission, &link::project_path(project))?;
    Ok(found)
}

/// `GET /global/images`
pub(super) async fn list(
    caller: Caller,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Answer {
    let found = of(&caller, &project, "compute.images.list")?;
    let Page { items, next } = query.page(found.into_iter().map(show))?;
    let path = format!("projects/{project}/global/images");
    Ok(Json(collection("compute#imageList", &path, items.into(), next)))
}

/// `GET /global/images/{i}`
pub(super) async fn get(caller: Caller, Path((project, name)): Path<(String, String)>) -> Answer {
    let found = of(&caller, &project, "compute.images.get")?;
    let image = found.into_iter().find(|image| image.name == name);
    let missing = || ApiError::not_found(&format!("projects/{project}/global/images/{name}"));
    image.map(|image| Json(show(image))).ok_or_else(missing)
}

/// `GET /global/images/family/{f}`
pub(super) async fn family(
    caller: Caller,
    Path((project, family)): Path<(String, String)>,
) -> Answer {
    newest(&caller, &project, &family).map(|image| Json(show(image)))
}

/// `GET /zones/{z}/imageFamilyViews/{f}`
pub(super) async fn family_view(
    caller: Caller,
    Path((project, _zone, family)): Path<(String, String, String)>,
) -> Answer {
    newest(&caller, &project, &family).map(|image| Json(json!({"image": show(image)})))
}

fn newest(caller: &Caller, project: &str, family: &str) -> Result<&'static Image, ApiError> {
    let found = of(caller, project, "compute.images.getFromFamily")?;
    let path = format!("projects/{project}/global/images/family/{family}");
    let image = found.into_iter().find(|image| image.family == family);
    image.ok_or_else(|| ApiError::not_found(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_and_an_image_are_found_by_every_form_of_their_link() {
        for good in [
            "projects/ubuntu-os-cloud/global/images/family/ubuntu-2204-lts",
            "https://www.googleapis.com/compute/v1/projects/debian-cloud/global/images/family/debian-12",
            "https://compute.googleapis.com/compute/v1/projects/ubuntu-os-cloud/zones/-/imageFamilyViews/ubuntu-2204-lts",
            "projects/debian-cloud/global/images/debian-12-bookworm-v20260915",
            "dumont-sandbox/host:own-disk",
        ] {
            assert!(exists(good, "p"), "{good}");
        }
        for bad in [
            "",
            "debian-12",
            "projects/debian-cloud/global/images/family/debian-99",
            "projects/debian-cloud/global/images/family/ubuntu-2204-lts",
            "global/images/family/debian-12",
            "projects/p/global/images/mine",
        ] {
            assert!(!exists(bad, "p"), "{bad}");
        }
    }
}
