//! Settings → CPU Failover: ten controls, what a standby would cost, and what is saved now.

use domain::failover::Kind;
use domain::policy::GpuClass;
use domain::pricing::{self, MACHINE_TYPES};
use domain::view::access::SecondFactor;
use domain::view::configure::{ConfigureStandby, StandbyConfig};
use domain::view::problem::{FieldProblem, Problem};
use domain::view::report::{FailoverReport, ReportQuery};
use domain::view::settings::{SecretState, Settings};
use leptos::prelude::*;

use super::{confirm, estimate, parts};
use crate::control_plane::{Answer, ControlPlane};
use crate::form::Fields;
use crate::format;
use crate::page::failovers::summed;
use crate::page::problem::done_word;
use crate::page::{Page, done};
use crate::router::Route;
use crate::site::{Outcome, Request};
use crate::text::{self, fill};
use crate::ui::{
    Control, Field, Tone, card, field, heading, kind_badge, notice, properties, said, stat, tick,
    unknown,
};
use crate::visit::Visit;

pub(crate) async fn answer(
    visit: &Visit,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let mut refused = None;
    if request.post {
        let mut wrong = Vec::new();
        let wanted = read(&request.form, &mut wrong);
        let saved = if wrong.is_empty() {
            plane.configure(wanted).await
        } else {
            Err(visit.unreadable(wrong))
        };
        match saved {
            Ok(()) => return done(&Route::Settings, "saved"),
            Err(problem) => refused = Some(problem),
        }
    }
    let settings = plane.settings().await?;
    let report = plane
        .report(ReportQuery {
            days: Some(30),
            kind: Some(Kind::Real.to_string()),
            ..ReportQuery::default()
        })
        .await?;
    let form = confirm::typed(request);
    let typed = form.map_or_else(|| Typed::of(&settings.standby), Typed::of_form);
    // Leads back with all that was typed, none of which is a secret.
    let again = form.filter(|_| confirm::is_needed(refused.as_ref())).map(|form| {
        let names: Vec<&str> = form.0.iter().map(|(name, _)| name.as_str()).collect();
        confirm::back_with(&Route::Settings.path(), "", form, &names)
    });
    let word = request.query.get("said").map(str::to_owned);
    let factor = plane.second_factor().await?;
    Outcome::page(move |visit| {
        let told = Told {
            refused: refused.as_ref(),
            word: word.as_deref(),
            again: again.as_deref(),
            factor: &factor,
        };
        page(visit, &settings, typed, &told, &report).of(refused.as_ref())
    })
}

/// The form's fields as text: what is saved, or what was typed and refused.
#[derive(Debug, Clone)]
struct Typed {
    enabled: bool,
    zone: String,
    machine_type: String,
    disk: String,
    spot: bool,
    interval: String,
    auto_failover: bool,
    auto_recovery: bool,
    gpu_class: String,
    max_price: String,
    min_reliability: String,
    countries: String,
    max_delete: String,
    silence: String,
    keep_lost: String,
    gpus_per_failover: String,
    usd_per_failover: String,
    gpus_per_day: String,
    usd_per_day: String,
}

impl Typed {
    fn of(saved: &StandbyConfig) -> Self {
        Self {
            enabled: saved.enabled,
            zone: saved.gcp_zone.clone(),
            machine_type: saved.gcp_machine_type.clone(),
            disk: saved.gcp_disk_size.to_string(),
            spot: saved.gcp_spot,
            interval: saved.sync_interval.to_string(),
            auto_failover: saved.auto_failover,
            auto_recovery: saved.auto_recovery,
            gpu_class: saved.gpu_class.to_string(),
            max_price: saved.max_price.map(|price| price.to_string()).unwrap_or_default(),
            min_reliability: trimmed(saved.min_reliability * 100.0),
            countries: saved.countries.join(", "),
            max_delete: saved.max_delete_percent.to_string(),
            silence: saved.silence_seconds.to_string(),
            keep_lost: saved.keep_lost_minutes.to_string(),
            gpus_per_failover: saved.max_gpus_per_failover.to_string(),
            usd_per_failover: saved.max_usd_per_failover.to_string(),
            gpus_per_day: saved.max_gpus_per_day.to_string(),
            usd_per_day: saved.max_usd_per_day.to_string(),
        }
    }

    fn of_form(form: &Fields) -> Self {
        Self {
            enabled: form.ticked("enabled"),
            zone: form.text("gcp_zone"),
            machine_type: form.text("gcp_machine_type"),
            disk: form.text("gcp_disk_size"),
            spot: form.ticked("gcp_spot"),
            interval: form.text("sync_interval"),
            auto_failover: form.ticked("auto_failover"),
            auto_recovery: form.ticked("auto_recovery"),
            gpu_class: form.text("gpu_class"),
            max_price: form.text("max_price"),
            min_reliability: form.text("min_reliability"),
            countries: form.text("countries"),
            max_delete: form.text("max_delete_percent"),
            silence: form.text("silence_seconds"),
            keep_lost: form.text("keep_lost_minutes"),
            gpus_per_failover: form.text("max_gpus_per_failover"),
            usd_per_failover: form.text("max_usd_per_failover"),
            gpus_per_day: form.text("max_gpus_per_day"),
            usd_per_day: form.text("max_usd_per_day"),
        }
    }
}

/// A number without trailing zeros; percent of a stored share are no exact floats.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Every control is sent, so what is absent is an empty field or a box without a tick.
fn read(form: &Fields, wrong: &mut Vec<FieldProblem>) -> ConfigureStandby {
    let there = |name: &str, wrong: &mut Vec<FieldProblem>| {
        if form.get(name).is_none() {
            wrong.push(FieldProblem {
                field: name.to_owned(),
                code: "required".to_owned(),
                message: "is needed".to_owned(),
            });
        }
    };
    let needed = |name: &str, wrong: &mut Vec<FieldProblem>| {
        let found = form.whole(name, wrong);
        there(name, wrong);
        found.unwrap_or(0)
    };
    let amount = |name: &str, wrong: &mut Vec<FieldProblem>| {
        let found = form.number(name, wrong);
        there(name, wrong);
        found.unwrap_or(0.0)
    };
    let countries = form.text("countries");
    ConfigureStandby {
        enabled: form.ticked("enabled"),
        gcp_zone: Some(form.text("gcp_zone")),
        gcp_machine_type: Some(form.text("gcp_machine_type")),
        gcp_disk_size: Some(needed("gcp_disk_size", wrong)),
        gcp_spot: Some(form.ticked("gcp_spot")),
        sync_interval: Some(needed("sync_interval", wrong)),
        auto_failover: Some(form.ticked("auto_failover")),
        auto_recovery: Some(form.ticked("auto_recovery")),
        gpu_class: form.get("gpu_class").and_then(|word| word.parse().ok()),
        max_price: Some(form.number("max_price", wrong)),
        min_reliability: form.number("min_reliability", wrong).map(|percent| percent / 100.0),
        countries: Some(
            countries
                .split([',', ' '])
                .filter(|code| !code.is_empty())
                .map(str::to_owned)
                .collect(),
        ),
        max_delete_percent: Some(needed("max_delete_percent", wrong)),
        silence_seconds: Some(needed("silence_seconds", wrong)),
        keep_lost_minutes: Some(needed("keep_lost_minutes", wrong)),
        max_gpus_per_failover: Some(needed("max_gpus_per_failover", wrong)),
        max_usd_per_failover: Some(amount("max_usd_per_failover", wrong)),
        max_gpus_per_day: Some(needed("max_gpus_per_day", wrong)),
        max_usd_per_day: Some(amount("max_usd_per_day", wrong)),
    }
}

/// What came of the form.
struct Told<'a> {
    refused: Option<&'a Problem>,
    word: Option<&'a str>,
    /// Where a confirmation leads back to, where one is needed.
    again: Option<&'a str>,
    factor: &'a SecondFactor,
}

fn page(
    visit: &Visit,
    settings: &Settings,
    typed: Typed,
    told: &Told<'_>,
    report: &FailoverReport,
) -> Page {
    let t = visit.t();
    let Told { refused, word, again, factor } = *told;
    let body = view! {
        {heading(t.settings, None, None)}
        {parts(visit)}
        {done_word(visit, word)}
        {said(visit, refused)}
        {again.map(|again| confirm::ask(visit, again, factor))}
        {credentials(visit, settings)}
        <form method="post" action=Route::Settings.path() data-guard="" class="settings" novalidate=refused.is_some()>
            {standby(visit, &settings.gcp_zones, &typed, refused)}
            {behaviour(visit, &typed, refused)}
            {replacement(visit, &typed, refused)}
            <div class="answers"><button type="submit" class="button primary">{t.save}</button></div>
        </form>
        {saved(visit, &settings.standby)}
        {summary(visit, report)}
    };
    Page::new(t.nav_failover_settings, body.into_any()).narrow()
}

/// What these settings have come to lately.
fn summary(visit: &Visit, report: &FailoverReport) -> AnyView {
    let t = visit.t();
    let span = |ms: Option<i64>| {
        ms.map_or_else(|| unknown(t.unknown), |ms| format::span(ms, visit.lang).into_any())
    };
    let figures = (report.total_failovers > 0).then(|| {
        let rate = report.success_rate.map_or_else(
            || unknown(t.unknown),
            |rate| format::percent(rate, visit.lang).into_any(),
        );
        view! {
            <dl class="stats">
                {stat(t.stat_rate, rate, Some(t.stat_rate_what.into_any()))}
                {stat(t.stat_cpu, span(report.time_to_cpu_p50_ms), Some(t.median.into_any()))}
                {stat(t.stat_mttr, span(report.mttr_ms), Some(t.mean.into_any()))}
            </dl>
        }
    });
    let body = view! {
        <p>{kind_badge(visit, report.kind, report.sandbox)} " " {summed(visit, report)}</p>
        {figures}
        <p><a href=Route::Failovers.path()>{t.to_report}</a></p>
    };
    card("report", t.failovers, body.into_any())
}

/// Said before anything is typed: without these, saving is refused.
fn credentials(visit: &Visit, settings: &Settings) -> Option<AnyView> {
    let t = visit.t();
    let text = match settings.gcp_credentials.status {
        SecretState::Missing => t.gcp_missing,
        SecretState::Refused => t.gcp_refused,
        SecretState::Ok | SecretState::Unchecked => return None,
    };
    let href = format!("{}#field-gcp_credentials", Route::Credentials.path());
    Some(notice(
        Tone::Warn,
        text,
        Some(view! { <p><a href=href>{t.problem_to_credentials}</a></p> }.into_any()),
    ))
}

fn standby(visit: &Visit, zones: &[String], typed: &Typed, refused: Option<&Problem>) -> AnyView {
    let t = visit.t();
    // What is saved stays to be seen, whether or not it can be chosen now.
    let saved = Some(&typed.zone).filter(|zone| !zones.contains(zone));
    let zones = saved.into_iter().chain(zones).map(|zone| (zone.clone(), zone.clone())).collect();
    let types = MACHINE_TYPES
        .iter()
        .map(|shape| {
            let memory = format::decimal(shape.memory_gb, 0, visit.lang);
            let price = pricing::estimate(&typed.zone, shape.name, 0, typed.spot).map(|cost| {
                fill(t.month_of, &[("amount", &format::usd(cost.vm_monthly, visit.lang))])
            });
            let price = price.map(|price| format!(" · {price}")).unwrap_or_default();
            (
                shape.name.to_owned(),
                format!("{} · {} vCPU · {memory} GB{price}", shape.name, shape.vcpus),
            )
        })
        .collect();
    let chosen = estimate::Chosen {
        zone: typed.zone.clone(),
        machine_type: typed.machine_type.clone(),
        disk_gb: typed.disk.parse().ok(),
        spot: typed.spot,
    };
    let disk = Control::Number { min: Some("10"), max: Some("500"), step: "1" };
    let body = view! {
        {tick("enabled", t.auto_standby, Some(t.auto_standby_hint.to_owned()), typed.enabled)}
        <div class="fields">
            {field(visit, refused, plain("gcp_zone", t.zone, typed.zone.clone(), None, Control::Choice(zones)))}
            {field(visit, refused, plain("gcp_machine_type", t.machine_type, typed.machine_type.clone(), None, Control::Choice(types)))}
            {field(visit, refused, Field { unit: Some("GB"), ..plain("gcp_disk_size", t.disk, typed.disk.clone(), Some(t.disk_range), disk) })}
        </div>
        {tick("gcp_spot", t.spot_vm, Some(t.spot_hint.to_owned()), typed.spot)}
        {estimate::following(visit, &chosen)}
    };
    card("standby", t.standby, body.into_any())
}

fn behaviour(visit: &Visit, typed: &Typed, refused: Option<&Problem>) -> AnyView {
    let t = visit.t();
    let interval = Control::Number { min: Some("1"), max: Some("300"), step: "1" };
    let share = Control::Number { min: Some("1"), max: Some("100"), step: "1" };
    let silence = Control::Number { min: Some("5"), max: Some("600"), step: "1" };
    let keep = Control::Number { min: Some("0"), max: Some("1440"), step: "1" };
    let body = view! {
        {tick("auto_failover", t.auto_failover, Some(t.auto_failover_hint.to_owned()), typed.auto_failover)}
        <div class="fields">
            {field(visit, refused, Field { unit: Some("s"), ..plain("sync_interval", t.sync_interval, typed.interval.clone(), Some(t.sync_interval_hint), interval) })}
            {field(visit, refused, Field { unit: Some("%"), ..plain("max_delete_percent", t.max_delete, typed.max_delete.clone(), Some(t.max_delete_hint), share) })}
            {field(visit, refused, Field { unit: Some("s"), ..plain("silence_seconds", t.silence, typed.silence.clone(), Some(t.silence_hint), silence) })}
            {field(visit, refused, Field { unit: Some(t.minutes), ..plain("keep_lost_minutes", t.keep_lost, typed.keep_lost.clone(), Some(t.keep_lost_hint), keep) })}
        </div>
    };
    card("behaviour", t.behaviour, body.into_any())
}

fn replacement(visit: &Visit, typed: &Typed, refused: Option<&Problem>) -> AnyView {
    let t = visit.t();
    let classes = GpuClass::ALL
        .iter()
        .map(|class| (class.to_string(), text::gpu_class(*class, t).to_owned()))
        .collect();
    let money = || Control::Number { min: Some("0"), max: None, step: "any" };
    let share = Control::Number { min: Some("0"), max: Some("100"), step: "any" };
    let countries = Control::Text { kind: "text", autocomplete: "off" };
    let few = Control::Number { min: Some("1"), max: Some("100"), step: "1" };
    let many = Control::Number { min: Some("1"), max: Some("10000"), step: "1" };
    let body = view! {
        {tick("auto_recovery", t.auto_recovery, Some(t.auto_recovery_hint.to_owned()), typed.auto_recovery)}
        <div class="fields">
            {field(visit, refused, plain("gpu_class", t.gpu_class, typed.gpu_class.clone(), None, Control::Choice(classes)))}
            {field(visit, refused, Field { unit: Some(t.usd_hour), required: false, ..plain("max_price", t.max_price, typed.max_price.clone(), Some(t.max_price_hint), money()) })}
            {field(visit, refused, Field { unit: Some("%"), ..plain("min_reliability", t.min_reliability, typed.min_reliability.clone(), None, share) })}
            {field(visit, refused, Field { required: false, ..plain("countries", t.region, typed.countries.clone(), Some(t.countries_hint), countries) })}
            {field(visit, refused, plain("max_gpus_per_failover", t.gpus_per_failover, typed.gpus_per_failover.clone(), Some(t.gpus_per_failover_hint), few))}
            {field(visit, refused, Field { unit: Some(t.usd_hour), ..plain("max_usd_per_failover", t.usd_per_failover, typed.usd_per_failover.clone(), None, money()) })}
            {field(visit, refused, plain("max_gpus_per_day", t.gpus_per_day, typed.gpus_per_day.clone(), Some(t.gpus_per_day_hint), many))}
            {field(visit, refused, Field { unit: Some(t.usd_hour), ..plain("max_usd_per_day", t.usd_per_day, typed.usd_per_day.clone(), None, money()) })}
        </div>
    };
    card("replacement", t.replacement, body.into_any())
}

fn plain(
    name: &'static str,
    label: &'static str,
    value: String,
    hint: Option<&'static str>,
    control: Control,
) -> Field {
    Field { name, label, hint: hint.map(str::to_owned), value, required: true, unit: None, control }
}

/// What is saved now, in so many words.
fn saved(visit: &Visit, saved: &StandbyConfig) -> AnyView {
    let t = visit.t();
    let switch = |on: bool| if on { t.on.into_any() } else { t.off.into_any() };
    let shape = format!(
        "{} · {} · {} GB · {}",
        saved.gcp_machine_type,
        saved.gcp_zone,
        saved.gcp_disk_size,
        if saved.gcp_spot { t.spot } else { t.standard }
    );
    let price = saved.max_price.map_or_else(
        || t.max_price_twice.to_owned(),
        |price| fill(t.rate_hour, &[("amount", &format::rate(price, visit.lang))]),
    );
    let cost = saved.estimated_cost_monthly_usd.map_or_else(
        || t.unknown.to_owned(),
        |usd| fill(t.month_of, &[("amount", &format::usd(usd, visit.lang))]),
    );
    let body = properties(vec![
        (t.auto_standby, switch(saved.enabled)),
        (t.standby, shape.into_any()),
        (t.sync_interval, format!("{} s", saved.sync_interval).into_any()),
        (t.auto_failover, switch(saved.auto_failover)),
        (t.auto_recovery, switch(saved.auto_recovery)),
        (t.max_price, price.into_any()),
        (t.cost, cost.into_any()),
    ]);
    card("saved", t.saved_now, body)
}
