//! Writes each page, in both languages and themes, as a file to look at: no server, no provider.
//!
//! `cargo run -p app --features ssr --example gallery -- <folder> <style sheet's address>`

#[path = "../tests/support/mod.rs"]
mod support;

use app::control_plane::Visitor;
use app::site::Assets;
use domain::view::machine::MachinesPage;
use support::plane::{Fake, problem};
use support::{get, post, story};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = std::path::PathBuf::from(arguments.next().unwrap_or_else(|| "gallery".into()));
    let style = arguments.next();
    std::fs::create_dir_all(&folder)?;
    for lang in ["en", "pt-BR"] {
        for theme in ["light", "dark"] {
            for (name, request, plane) in pages() {
                let mut request = request;
                request.accept_language = lang.to_owned();
                request.cookies =
                    support::fields(&[("dumont_theme", theme), ("dumont_zone", "-180")]);
                let assets = Assets { style: style.clone(), islands: None, passkey: None };
                let html = support::reply_with(&request, &plane, &assets).html;
                std::fs::write(folder.join(format!("{name}.{lang}.{theme}.html")), html)?;
            }
        }
    }
    Ok(())
}

fn pages() -> Vec<(&'static str, app::site::Request, Fake)> {
    let fake = Fake::default;
    let sandbox = Visitor { user: Some(story::user()), empty: false, sandbox: true };
    let running =
        || Fake { failover: story::failover_running(), visitor: sandbox.clone(), ..fake() };
    let none = MachinesPage { machines: Vec::new(), ..story::machines() };
    let no_key = MachinesPage {
        as_of: None,
        missing: vec!["vast_api_key".into(), "gcp_credentials".into()],
        ..none.clone()
    };
    let refused = Fake {
        refusal: Some(problem(422, "invalid", &[("gcp_disk_size", "out_of_range")])),
        ..fake()
    };
    let settings = [
        ("gcp_zone", "europe-west1-b"),
        ("gcp_machine_type", "e2-medium"),
        ("gcp_disk_size", "9000"),
        ("sync_interval", "30"),
        ("max_delete_percent", "30"),
        ("silence_seconds", "20"),
        ("keep_lost_minutes", "30"),
        ("max_gpus_per_failover", "5"),
        ("max_usd_per_failover", "50"),
        ("max_gpus_per_day", "100"),
        ("max_usd_per_day", "300"),
    ];
    let empty = Visitor { user: None, empty: true, sandbox: false };
    let wrong = Fake { refusal: Some(problem(401, "wrong_password", &[])), ..Fake::nobody() };
    let gcp_gone = Fake {
        refusal: Some(problem(424, "gcp_credentials_missing", &[("gcp_credentials", "missing")])),
        ..fake()
    };
    vec![
        ("setup", get("/setup"), Fake { visitor: empty, ..fake() }),
        ("login", get("/login"), Fake::nobody()),
        ("login-wrong", post("/login", &[("username", "ana"), ("password", "x")]), wrong),
        ("machines", get("/app"), Fake { visitor: sandbox.clone(), ..fake() }),
        ("machines-none", get("/app"), Fake { machines: none, ..fake() }),
        (
            "machines-no-key",
            get("/app"),
            Fake {
                machines: no_key,
                balance: Some(Err(problem(424, "vast_api_key_missing", &[]))),
                ..fake()
            },
        ),
        ("machine", get("/app/machines/7001"), fake()),
        ("drill", get("/app/machines/7001/drill"), fake()),
        ("destroy", get("/app/machines/7001/destroy"), fake()),
        ("offers", get("/app/offers"), fake()),
        ("rent", get("/app/offers/502?gpu_name=RTX"), fake()),
        ("failovers", get("/app/failovers"), fake()),
        ("failover", get("/app/failovers/0199-done"), fake()),
        ("failover-running", get("/app/failovers/0199-now"), running()),
        (
            "failover-restoring",
            get("/app/failovers/0199-now"),
            Fake { failover: story::failover_restoring(), ..fake() },
        ),
        ("notifications", get("/app/notifications"), fake()),
        (
            "notifications-none",
            get("/app/notifications"),
            Fake { notifications: Default::default(), ..fake() },
        ),
        ("settings", get("/app/settings?said=saved"), fake()),
        ("settings-refused", post("/app/settings", &settings), refused),
        ("settings-no-gcp", post("/app/settings", &settings), gcp_gone),
        ("credentials", get("/app/settings/credentials"), fake()),
        ("account", get("/app/settings/account"), fake()),
        ("token", post("/app/settings/account/tokens", &[("name", "ci")]), fake()),
        ("balance", get("/app/balance"), Fake { balance: None, ..fake() }),
        ("nothing", get("/app/nowhere"), fake()),
    ]
}
