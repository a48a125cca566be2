//! The table of hosts, each with its plug.

use crate::admin::state::{Process, Shown};
use crate::host::HostKind;

use super::text::{bytes, dollars, html, in_url};

/// The section with every instance.
pub(crate) fn table(hosts: &[Shown]) -> String {
    if hosts.is_empty() {
        return "<section aria-labelledby=\"hosts\"><h2 id=\"hosts\">Hosts</h2><p class=\"empty\">\
                Nothing is rented yet. Create an instance through Vast.ai's API or a VM through \
                Compute Engine's, with the keys in <code>credentials.json</code>.</p></section>"
            .to_owned();
    }
    let rows: String = hosts.iter().map(row).collect();
    format!(
        "<section aria-labelledby=\"hosts\"><h2 id=\"hosts\">Hosts</h2><table><thead><tr>\
         <th>Machine</th><th>Host</th><th>The provider says</th><th>SSH</th>\
         <th class=\"number\">$/h</th><th class=\"number\">Uses</th><th>Break it</th></tr></thead>\
         <tbody>{rows}</tbody></table></section>"
    )
}

fn row(host: &Shown) -> String {
    let kind = match host.row.kind {
        HostKind::Gpu => "gpu",
        HostKind::Standby => "standby",
    };
    let label = host.row.label.as_deref().filter(|label| *label != host.row.id);
    let label = label
        .map_or(String::new(), |label| format!(" <span class=\"label\">{}</span>", html(label)));
    let endpoint = host.endpoint.filter(|_| host.process != Process::Halted);
    let endpoint =
        endpoint.map_or("none".to_owned(), |at| format!("<code>{}:{}</code>", at.addr, at.port));
    let uses = match host.usage.processes {
        0 => "none".to_owned(),
        number => format!("{number} processes<small>{}</small>", bytes(host.usage.rss_bytes)),
    };
    format!(
        "<tr><td data-name=\"Machine\"><span class=\"kind {kind}\">{kind}</span> <code>{id}</code>{label}\
         <small>{machine}, {provider}</small></td>\
         <td data-name=\"Host\">{process}</td><td data-name=\"Provider says\">{says}</td>\
         <td data-name=\"SSH\">{endpoint}</td><td class=\"number\" data-name=\"$/h\">{rate}</td>\
         <td class=\"number\" data-name=\"Uses\">{uses}</td>\
         <td class=\"actions\" data-name=\"Break it\">{actions}</td></tr>",
        id = html(&host.row.id),
        machine = html(&host.row.machine),
        provider = html(host.row.provider),
        process = process(host.process),
        says = says(host),
        rate = dollars(host.row.usd_per_hour),
        actions = actions(host),
    )
}

fn process(process: Process) -> &'static str {
    match process {
        Process::Up => "<span class=\"chip ok\">● up</span>",
        Process::Frozen => "<span class=\"chip warn\">❚❚ frozen</span>",
        Process::Cut => "<span class=\"chip warn\">⌁ cut off</span>",
        Process::Refusing => "<span class=\"chip warn\">⊘ SSH refuses</span>",
        Process::Dead => "<span class=\"chip down\">✕ dead</span>",
        Process::Halted => "<span class=\"chip idle\">■ halted</span>",
        Process::None => "<span class=\"chip idle\">○ no host</span>",
    }
}

/// The word that counts, and the others where they differ from it.
fn says(host: &Shown) -> String {
    let word = |name: &str| host.row.status.get(name).map(String::as_str);
    let main = word("actual_status").or_else(|| word("status")).unwrap_or("unknown");
    let others: Vec<String> = host
        .row
        .status
        .iter()
        .filter(|(name, value)| {
            !matches!(**name, "actual_status" | "status") && value.as_str() != main
        })
        .map(|(name, value)| format!("{} {}", html(&name.replace('_', " ")), html(value)))
        .collect();
    let others = if others.is_empty() {
        String::new()
    } else {
        format!("<small>{}</small>", others.join(", "))
    };
    format!("<span class=\"word\">{}</span>{others}", html(main))
}

fn actions(host: &Shown) -> String {
    let process = host.process;
    let running =
        matches!(process, Process::Up | Process::Frozen | Process::Cut | Process::Refusing);
    let off = "It does not run";
    let (freeze, freeze_label) =
        if process == Process::Frozen { ("thaw", "Thaw") } else { ("freeze", "Freeze") };
    let cut = if process == Process::Cut {
        Err("It is cut off already")
    } else {
        running.then_some(()).ok_or(off)
    };
    let heal = match process {
        Process::Up => Err("Nothing is wrong with it"),
        Process::Halted | Process::None => Err("The provider has to start it"),
        _ => Ok(()),
    };
    [
        ("kill", "Pull the plug", "danger", running.then_some(()).ok_or(off)),
        (freeze, freeze_label, "", running.then_some(()).ok_or(off)),
        ("cut", "Cut", "", cut),
        ("heal", "Heal", "", heal),
    ]
    .into_iter()
    .map(|(action, label, class, allowed)| button(&host.row.id, action, label, class, allowed))
    .collect()
}

fn button(id: &str, action: &str, label: &str, class: &str, allowed: Result<(), &str>) -> String {
    let why = allowed.err().map_or(String::new(), |why| format!(" disabled title=\"{why}\""));
    format!(
        "<form method=\"post\" action=\"/console/hosts/{}/{action}\">\
         <button class=\"{class}\" aria-label=\"{label}: {}\"{why}>{label}</button></form>",
        in_url(id),
        html(id)
    )
}
