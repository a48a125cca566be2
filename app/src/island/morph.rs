//! Makes the content of an element like fresh HTML while keeping what is the same: focus, selection,
//! opened details and typed values stay.

use wasm_bindgen::JsCast as _;
use web_sys::{Document, Element, HtmlTemplateElement, Node};

/// Marks an element that stays the same one when its neighbours change.
const KEY: &str = "data-key";
/// The name of an island's element.
const ISLAND: &str = "LEPTOS-ISLAND";

/// Makes the content of `live` like `html`. Scripts in it do not run.
pub(crate) fn morph(document: &Document, live: &Element, html: &str) {
    let Ok(template) = document.create_element("template") else { return };
    let Ok(template) = template.dyn_into::<HtmlTemplateElement>() else { return };
    template.set_inner_html(html);
    children(live, &template.content());
}

fn children(live: &Node, fresh: &Node) {
    let mut here = live.first_child();
    let mut wanted = fresh.first_child();
    while let Some(next) = wanted {
        wanted = next.next_sibling();
        match find(here.as_ref(), &next) {
            Some(found) => {
                if here.as_ref().is_some_and(|here| here.is_same_node(Some(&found))) {
                    here = found.next_sibling();
                } else {
                    _ = live.insert_before(&found, here.as_ref());
                }
                node(&found, &next);
            }
            None => _ = live.insert_before(&next, here.as_ref()),
        }
    }
    while let Some(left) = here {
        here = left.next_sibling();
        _ = live.remove_child(&left);
    }
}

/// The node that may become `wanted`: one with the same key, else this one if it is of the same kind
/// and keyless.
fn find(here: Option<&Node>, wanted: &Node) -> Option<Node> {
    let here = here?;
    if let Some(key) = key(wanted) {
        let mut candidate = Some(here.clone());
        while let Some(found) = candidate {
            if self::key(&found).as_ref() == Some(&key) && same_kind(&found, wanted) {
                return Some(found);
            }
            candidate = found.next_sibling();
        }
        return None;
    }
    (key(here).is_none() && same_kind(here, wanted)).then(|| here.clone())
}

fn key(node: &Node) -> Option<String> {
    node.dyn_ref::<Element>()?.get_attribute(KEY)
}

fn same_kind(a: &Node, b: &Node) -> bool {
    a.node_type() == b.node_type() && a.node_name() == b.node_name()
}

fn node(live: &Node, fresh: &Node) {
    // What lives in the browser is not made again by the server.
    if live.node_name() == ISLAND {
        return;
    }
    match (live.dyn_ref::<Element>(), fresh.dyn_ref::<Element>()) {
        (Some(live), Some(fresh)) => {
            attributes(live, fresh);
            children(live, fresh);
        }
        _ => {
            if live.node_value() != fresh.node_value() {
                live.set_node_value(fresh.node_value().as_deref());
            }
        }
    }
}

/// `open` is the reader's: of details and dialogs it stays as it is.
fn attributes(live: &Element, fresh: &Element) {
    for name in live.get_attribute_names().iter().filter_map(|name| name.as_string()) {
        if name != "open" && !fresh.has_attribute(&name) {
            _ = live.remove_attribute(&name);
        }
    }
    for name in fresh.get_attribute_names().iter().filter_map(|name| name.as_string()) {
        let value = fresh.get_attribute(&name);
        if name != "open" && value != live.get_attribute(&name) {
            _ = live.set_attribute(&name, value.as_deref().unwrap_or_default());
        }
    }
}
