//! Every component in all its states.

use crate::shown;
use crate::support::plane::Fake;

/// A line for each tag, so that a change is read as such.
fn lines(html: &str) -> String {
    html.replace('<', "\n<")
}

#[test]
fn each_component_looks_as_it_did() {
    let html = shown("/app/_kit", &Fake::default());
    let main = html.split("<main").nth(1).and_then(|rest| rest.split("</main>").next());
    insta::assert_snapshot!("components", lines(main.expect("the content")));
}
