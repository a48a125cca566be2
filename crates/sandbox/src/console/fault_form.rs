//! What is armed, and the form that arms more.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::admin::Error;
use crate::admin::faults::Order;
use crate::fault::{Armed, Fault};
use crate::world::HostRow;

use super::text::{duration, html, moment};

/// The section with what is armed now.
pub(crate) fn armed(faults: &[Armed], now_ms: i64) -> String {
    let body = if faults.is_empty() {
        "<p class=\"empty\">No fault is armed.</p>".to_owned()
    } else {
        let rows: String = faults.iter().map(|fault| armed_row(fault, now_ms)).collect();
        format!(
            "<table><thead><tr><th>Fault</th><th>For</th><th>Parameters</th><th>Strikes</th>\
             <th>Armed</th><th></th></tr></thead><tbody>{rows}</tbody></table>"
        )
    };
    format!("<section aria-labelledby=\"armed\"><h2 id=\"armed\">Armed faults</h2>{body}</section>")
}

fn armed_row(fault: &Armed, now_ms: i64) -> String {
    let target = fault
        .target
        .as_deref()
        .map_or("everyone".to_owned(), |target| format!("<code>{}</code>", html(target)));
    let params = match fault.params.as_object() {
        Some(params) if !params.is_empty() => {
            format!("<code>{}</code>", html(&fault.params.to_string()))
        }
        _ => "none".to_owned(),
    };
    let strikes = match (fault.count, fault.until_ms) {
        (Some(count), None) => format!("{count} more"),
        (Some(count), Some(until)) => format!("{count} more, for {}", duration(until - now_ms)),
        (None, Some(until)) => format!("for {}", duration(until - now_ms)),
        (None, None) => "until cleared".to_owned(),
    };
    format!(
        "<tr><td data-name=\"Fault\"><code>{name}</code><small>{about}</small></td>\
         <td data-name=\"For\">{target}</td><td class=\"params\" data-name=\"Parameters\">{params}</td>\
         <td data-name=\"Strikes\">{strikes}</td><td data-name=\"Armed\">{at}</td>\
         <td class=\"actions\" data-name=\"Clear\"><form method=\"post\" action=\"/console/faults/clear\">\
         <input type=\"hidden\" name=\"id\" value=\"{id}\">\
         <button aria-label=\"Clear {name}\">Clear</button></form></td></tr>",
        name = fault.name,
        about = html(fault.name.about()),
        at = moment(fault.armed_ms),
        id = fault.id,
    )
}

/// The form, outside the live part so that nothing typed is lost.
pub(crate) fn form(hosts: &[HostRow]) -> String {
    let option = |fault: &Fault| {
        format!("<option value=\"{fault}\" title=\"{}\">{fault}</option>", html(fault.about()))
    };
    let options: String = Fault::ALL.iter().map(option).collect();
    let targets: String =
        hosts.iter().map(|host| format!("<option value=\"{}\">", html(&host.id))).collect();
    let meanings: String = Fault::ALL
        .iter()
        .map(|fault| format!("<dt><code>{fault}</code></dt><dd>{}</dd>", html(fault.about())))
        .collect();
    format!(
        "<section aria-labelledby=\"arm\"><h2 id=\"arm\">Arm a fault</h2>\
         <form class=\"arm\" method=\"post\" action=\"/console/faults\">\
         <label>Fault<select name=\"name\" required>{options}</select></label>\
         <label>For <input name=\"target\" list=\"targets\" placeholder=\"everyone\" autocomplete=\"off\"></label>\
         <datalist id=\"targets\">{targets}</datalist>\
         <label>How often <input name=\"count\" type=\"number\" min=\"1\" placeholder=\"until cleared\"></label>\
         <label>For seconds <input name=\"seconds\" type=\"number\" min=\"0\" step=\"any\" placeholder=\"no limit\"></label>\
         <label class=\"wide\">Other parameters, JSON <input name=\"params\" placeholder='{{\"resume_after_s\": 60}}' autocomplete=\"off\" spellcheck=\"false\"></label>\
         <button>Arm</button></form>\
         <details><summary>What each fault does</summary><dl>{meanings}</dl></details></section>"
    )
}

/// The form as a browser sends it: what is left empty is an empty text.
#[derive(Debug, Deserialize)]
pub(crate) struct Filled {
    name: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    count: String,
    #[serde(default)]
    seconds: String,
    #[serde(default)]
    params: String,
}

impl Filled {
    /// The order that it means.
    pub(crate) fn order(self) -> Result<Order, Error> {
        let invalid = |what: &str| Error::Invalid(what.to_owned());
        let mut params: Map<String, Value> = match self.params.trim() {
            "" => Map::new(),
            text => serde_json::from_str(text)
                .map_err(|_| invalid("the parameters are not a JSON object"))?,
        };
        match self.seconds.trim() {
            "" => {}
            text => {
                let seconds: f64 =
                    text.parse().map_err(|_| invalid("the seconds are not a number"))?;
                params.insert("seconds".into(), seconds.into());
            }
        }
        let count = match self.count.trim() {
            "" => None,
            text => Some(text.parse().map_err(|_| invalid("how often is not a whole number"))?),
        };
        let target = Some(self.target.trim()).filter(|target| !target.is_empty());
        Ok(Order {
            name: self.name,
            target: target.map(|target| Value::String(target.to_owned())),
            params: Some(Value::Object(params)),
            count,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(target: &str, count: &str, seconds: &str, params: &str) -> Filled {
        Filled {
            name: "outbid".into(),
            target: target.into(),
            count: count.into(),
            seconds: seconds.into(),
            params: params.into(),
        }
    }

    #[test]
    fn empty_fields_say_nothing() {
        let order = filled(" ", "", "", "").order().unwrap();
        assert_eq!((order.target, order.count), (None, None));
        assert_eq!(order.params, Some(json!({})));
    }

    #[test]
    fn seconds_join_the_parameters_and_bad_ones_are_named() {
        let order = filled("17", "2", "1.5", r#"{"resume_after_s": 4}"#).order().unwrap();
        assert_eq!(order.params, Some(json!({"resume_after_s": 4, "seconds": 1.5})));
        assert_eq!((order.target, order.count), (Some(json!("17")), Some(2)));
        assert!(filled("", "x", "", "").order().is_err());
        assert!(filled("", "", "", "[1]").order().is_err());
    }
}
