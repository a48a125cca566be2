//! The frame of the page, and the sentence that says how things are.

use crate::admin::bills::Bills;
use crate::admin::state::{Process, Shown};
use crate::world::World;

use super::text::{dollars, html};

/// The whole page around its live part.
pub(crate) fn whole(world: &World, error: Option<&str>, live: &str, form: &str) -> String {
    let profile = world.profile();
    let profile = match profile.name {
        crate::profile::ProfileName::Instant => "instant".to_owned(),
        crate::profile::ProfileName::Reference => "reference".to_owned(),
        crate::profile::ProfileName::Typical => format!("typical × {}", profile.scale),
    };
    let limits = if world.options().rate_limits { "rate limits on" } else { "no rate limits" };
    let error = error.map_or(String::new(), |error| {
        format!("<p class=\"error\" role=\"alert\"><strong>Not done.</strong> {}</p>", html(error))
    });
    let url = html(world.url());
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>Provider sandbox</title>\
         <link rel=\"icon\" href=\"data:,\">\
         <link rel=\"stylesheet\" href=\"/console/style.css\">\
         <script src=\"/console/script.js\" defer></script></head><body>\
         <header><p class=\"brand\"><strong>Dumont</strong> provider sandbox</p>\
         <p class=\"where\"><code>{url}</code> <span>profile {profile}</span> <span>{limits}</span></p></header>\
         <main><h1>Hosts, faults and bills</h1>{error}\
         <div id=\"live\">{live}</div>{form}</main>\
         <footer>Play money, real hosts. The same by API: \
         <a href=\"/_sandbox/state\">state</a>, <a href=\"/_sandbox/ledger\">ledger</a>, \
         <a href=\"/_sandbox/faults\">faults</a>.</footer></body></html>\n"
    )
}

/// One sentence in words.
pub(crate) fn sentence(hosts: &[Shown], bills: &Bills) -> String {
    let count =
        |wanted: &[Process]| hosts.iter().filter(|host| wanted.contains(&host.process)).count();
    let up = count(&[Process::Up]);
    let mut parts = vec![match up {
        0 => "No host is up".to_owned(),
        1 => "1 host is up".to_owned(),
        more => format!("{more} hosts are up"),
    }];
    for (word, process) in [
        ("dead", Process::Dead),
        ("frozen", Process::Frozen),
        ("cut off", Process::Cut),
        ("refusing", Process::Refusing),
        ("halted", Process::Halted),
    ] {
        match count(&[process]) {
            0 => {}
            number => parts.push(format!("{number} {word}")),
        }
    }
    let (rate, total) = (dollars(bills.usd_per_hour), dollars(bills.total_usd));
    format!(
        "<p class=\"sentence\">{}. The bill grows by {rate} an hour; {total} since the start.</p>",
        parts.join(", ")
    )
}
