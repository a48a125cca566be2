//! Static files of the built site.
//!
//! What lies in `pkg` carries a hash of its content in its name and may be kept for ever; the rest
//! is asked for again after an hour. Files that were compressed when the site was built are sent as
//! they are.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tower_http::services::{ServeDir, ServeFile};

use crate::Dumont;

/// The folder of hashed files, as the builder names it.
const HASHED: &str = "/pkg/";

/// The built site.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its folder.
    pub root: PathBuf,
}

/// A route for each file and folder that the site has. A site that was not built has none.
pub fn routes(site: &Site) -> Router<Dumont> {
    let mut router = Router::new();
    for path in entries(&site.root) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if name.starts_with('.') || name.contains(['{', '}', '*']) {
            continue;
        }
        let address = format!("/{name}");
        if path.is_dir() {
            let folder = ServeDir::new(&path).append_index_html_on_directories(false);
            router = router.nest_service(&address, folder.precompressed_br().precompressed_gzip());
        } else if !is_compressed(&path) {
            router = router.route_service(
                &address,
                ServeFile::new(&path).precompressed_br().precompressed_gzip(),
            );
        }
    }
    router.layer(from_fn(keep))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(listed) = std::fs::read_dir(folder) else {
        tracing::warn!(folder = %folder.display(), "the site is not built; its styles and scripts are missing");
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.sort();
    found
}

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "gz" || kind == "br")
}

/// Says how long a file may be kept, where there is one.
async fn keep(request: Request, next: Next) -> Response {
    let hashed = request.extensions().get::<axum::extract::OriginalUri>().map_or_else(
        || request.uri().path().starts_with(HASHED),
        |whole| whole.path().starts_with(HASHED),
    );
    let mut response = next.run(request).await;
    if response.status().is_success() || response.status() == axum::http::StatusCode::NOT_MODIFIED {
        let kept =
            if hashed { "public, max-age=31536000, immutable" } else { "public, max-age=3600" };
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        // Which of a file's forms is sent depends on it.
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}
