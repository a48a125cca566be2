//! Pages that ask before something is done to a machine: what will happen, and what it costs.

use domain::id::GpuId;
use domain::view::configure::StandbyConfig;
use domain::view::failover::{SimulateFailover, StartFailover};
use domain::view::machine::MachinePage;
use domain::view::pricing::Pricing;
use domain::view::problem::Problem;
use domain::view::readiness::DryRun;
use domain::view::standby::{DiscardMachine, ProvisionStandby};
use leptos::prelude::*;

use super::machines::copy;
use super::{named, per_hour, per_month, review, to_standby};
use crate::control_plane::{Answer, ControlPlane};
use crate::format;
use crate::page::{Page, done};
use crate::router::{MachineAct, Route};
use crate::site::{Outcome, Request};
use crate::text::{self, fill, problem_text};
use crate::ui::{Control, Field, Tone, ago, field, notice, properties, said, tick, unknown};
use crate::visit::Visit;

/// What the page needs to know beside the machine.
struct Asked {
    machine: MachinePage,
    /// What a standby would be.
    standby: Option<StandbyConfig>,
    /// What was typed, when it is asked again.
    note: String,
    buy: bool,
    restore: bool,
    standby_too: bool,
    gaps_too: bool,
    workspace: String,
    name: String,
}

pub(crate) async fn answer(
    gpu: GpuId,
    act: MachineAct,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    if act == MachineAct::Drill && !request.post && request.query.get("estimate").is_some() {
        return estimate(gpu, plane).await;
    }
    if matches!(act, MachineAct::AcceptDeletions | MachineAct::RestoreDeletions) {
        return review::answer(gpu, act, request, plane).await;
    }
    let refused = if request.post {
        match execute(gpu, act, request, plane).await {
            Ok(outcome) => return Ok(outcome),
            Err(problem) => Some(problem),
        }
    } else {
        None
    };
    let asked = ask(gpu, act, request, plane).await?;
    Outcome::page(move |visit| page(visit, act, &asked, refused.as_ref()))
}

async fn execute(
    gpu: GpuId,
    act: MachineAct,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let form = &request.form;
    let machine = Route::Machine(gpu);
    let note = form.get("reason").map(str::to_owned);
    match act {
        MachineAct::Drill => {
            let usual = SimulateFailover::default();
            let buy = form.ticked("simulate_new_gpu");
            let wanted = SimulateFailover {
                reason: note.unwrap_or(usual.reason),
                simulate_new_gpu: buy,
                simulate_restore: buy && form.ticked("simulate_restore"),
            };
            let id = plane.drill(gpu, wanted).await?;
            Outcome::see(Route::Failover(id).path())
        }
        MachineAct::FailOver => {
            let id = plane
                .fail_over(
                    gpu,
                    StartFailover { reason: note, accept_gaps: form.ticked("accept_gaps") },
                )
                .await?;
            Outcome::see(Route::Failover(id).path())
        }
        MachineAct::PauseSync => {
            plane.follow(gpu, false).await?;
            done(&machine, "sync_paused")
        }
        MachineAct::ResumeSync => {
            plane.follow(gpu, true).await?;
            done(&machine, "sync_resumed")
        }
        MachineAct::Pause => {
            plane.pause(gpu).await?;
            done(&machine, "paused")
        }
        MachineAct::Resume => {
            plane.resume(gpu).await?;
            done(&machine, "resumed")
        }
        MachineAct::BackToGpu => {
            let id = plane.back_to_gpu(gpu).await?;
            Outcome::see(Route::Failover(id).path())
        }
        MachineAct::AcceptDeletions | MachineAct::RestoreDeletions => {
            review::answer(gpu, act, request, plane).await
        }
        MachineAct::Discard => {
            plane.discard(gpu, DiscardMachine { name: form.text("name") }).await?;
            Outcome::see(format!("{}?said=discarding", Route::Machines.path()))
        }
        MachineAct::Protect => {
            let wanted = ProvisionStandby {
                name: form.get("name").map(str::to_owned),
                workspace: form.get("workspace").map(str::to_owned),
                hooks: None,
            };
            plane.protect(gpu, wanted).await?;
            done(&machine, "protecting")
        }
        MachineAct::Unprotect => {
            plane.unprotect(gpu).await?;
            done(&machine, "unprotecting")
        }
        MachineAct::Destroy => {
            plane.destroy(gpu, form.ticked("destroy_standby")).await?;
            Outcome::see(format!("{}?said=destroying", Route::Machines.path()))
        }
    }
}

async fn ask(
    gpu: GpuId,
    act: MachineAct,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Asked> {
    let form = &request.form;
    // Whoever asks for something to be done waits for nobody but us.
    let machine = plane.known_machine(gpu).await?;
    let standby = match act {
        MachineAct::Protect => Some(plane.settings().await?.standby),
        _ => None,
    };
    let fresh = !request.post;
    Ok(Asked {
        machine,
        standby,
        note: form.text("reason"),
        buy: fresh || form.ticked("simulate_new_gpu"),
        restore: fresh || form.ticked("simulate_restore"),
        standby_too: form.ticked("destroy_standby"),
        gaps_too: form.ticked("accept_gaps"),
        workspace: form.get("workspace").unwrap_or("/workspace").to_owned(),
        name: form.text("name"),
    })
}

fn page(visit: &Visit, act: MachineAct, asked: &Asked, refused: Option<&Problem>) -> Page {
    let t = visit.t();
    let gpu = asked.machine.row.gpu_instance_id;
    let (title, what, word) = if to_standby(act, &asked.machine) {
        (t.ask_to_standby, t.what_to_standby, t.do_to_standby)
    } else {
        (text::act_question(act, t), text::act_what(act, t), text::act_do(act, t))
    };
    let danger = matches!(act, MachineAct::Destroy | MachineAct::Unprotect | MachineAct::Discard);
    let class = if danger { "button danger" } else { "button primary" };
    let body = view! {
        <div class="ask">
            <h1 id="dialog-title">{title}</h1>
            <p class="state">{named(visit, &asked.machine)}</p>
            {said(visit, refused)}
            <p>{what}</p>
            {cost(visit, act, asked)}
            <form method="post" action=Route::MachineAct(gpu, act).path()>
                {fields(visit, act, asked, refused)}
                <div class="answers">
                    <button type="submit" class=class>{word}</button>
                    <a class="button" href=Route::Machine(gpu).path() data-close="">{t.back}</a>
                </div>
            </form>
        </div>
    };
    Page::new(title, body.into_any()).narrow().of(refused)
}

/// The money first.
fn cost(visit: &Visit, act: MachineAct, asked: &Asked) -> Option<AnyView> {
    let t = visit.t();
    let row = &asked.machine.row;
    let rate = |rate: Option<f64>| {
        rate.map_or_else(|| unknown(t.unknown), |rate| per_hour(visit, rate).into_any())
    };
    let gpu = row.instance.as_ref().and_then(|instance| instance.dph_total);
    let vm =
        row.association.as_ref().and_then(|tie| tie.cpu_standby.as_ref()).map(|vm| vm.dph_total);
    match act {
        MachineAct::Drill => Some(later(visit, &asked.machine)),
        MachineAct::FailOver => {
            let copied = copy(visit, row.association.as_ref());
            Some(
                view! { {known(visit, &asked.machine)} {properties(vec![(t.col_copy, copied)])} }
                    .into_any(),
            )
        }
        MachineAct::Protect => {
            let wanted = asked.standby.as_ref()?;
            let price = Pricing::of(
                &wanted.gcp_zone,
                &wanted.gcp_machine_type,
                wanted.gcp_disk_size,
                wanted.gcp_spot,
            );
            let shape = format!(
                "{} · {} · {} GB",
                wanted.gcp_machine_type, wanted.gcp_zone, wanted.gcp_disk_size
            );
            Some(properties(vec![
                (t.standby, shape.into_any()),
                (
                    t.price,
                    price.map_or_else(
                        || unknown(t.unknown),
                        |price| {
                            format!(
                                "{} · {}",
                                per_hour(visit, price.estimated_hourly_usd),
                                per_month(visit, price.estimated_hourly_usd)
                            )
                            .into_any()
                        },
                    ),
                ),
            ]))
        }
        MachineAct::Unprotect => Some(properties(vec![(t.stops_costing, rate(vm))])),
        MachineAct::Discard => Some(properties(vec![(t.stops_costing, rate(row.total_dph))])),
        MachineAct::Destroy | MachineAct::Pause => {
            Some(properties(vec![(t.stops_costing, rate(gpu))]))
        }
        MachineAct::Resume => Some(properties(vec![(t.will_cost, rate(gpu))])),
        MachineAct::AcceptDeletions
        | MachineAct::RestoreDeletions
        | MachineAct::BackToGpu
        | MachineAct::PauseSync
        | MachineAct::ResumeSync => None,
    }
}

/// What is known now, and in its place what the providers will say of it. Nobody waits for them to see the
/// question: it is asked for by the page once that is shown, or by a link where there are no scripts.
fn later(visit: &Visit, machine: &MachinePage) -> AnyView {
    let t = visit.t();
    let drill = Route::MachineAct(machine.row.gpu_instance_id, MachineAct::Drill).path();
    let address = format!("{drill}?estimate=1");
    let link = address.clone();
    view! {
        <div class="estimate-later" data-fill=address aria-busy="true" aria-live="polite">
            {known(visit, machine)}
            {properties(vec![
                (t.forecast_offers, unknown(t.estimate_comes)),
                (t.forecast_cost, unknown(t.estimate_comes)),
            ])}
            <noscript><p><a href=link>{t.estimate_show}</a></p></noscript>
        </div>
    }
    .into_any()
}

/// What a failover would find now, as a part of the page that asks.
async fn estimate(gpu: GpuId, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let found = plane.dry_run(gpu).await;
    Outcome::page(move |visit| {
        let t = visit.t();
        let back = Route::MachineAct(gpu, MachineAct::Drill).path();
        let body = view! {
            <div class="estimate-told">{forecast(visit, &found)} <noscript><a href=back>{t.back}</a></noscript></div>
        };
        Page::new(t.forecast_cost, body.into_any()).narrow()
    })
}

/// What is known to stand in the way, without asking anyone now.
fn known(visit: &Visit, machine: &MachinePage) -> Option<AnyView> {
    let t = visit.t();
    let found = machine.readiness.as_ref()?;
    let lines = found
        .checks
        .iter()
        .filter(|check| !check.ok)
        .map(|check| {
            let words = format!("{}: {}", check.key, check.message);
            view! { <li>{blocker(visit, &words)}</li> }
        })
        .collect_view();
    let lines = view! {
        <ul class="plain">{lines}</ul>
        <p class="fine">{t.readiness_seen} " " {ago(visit, found.as_of)}</p>
    };
    (!found.ready).then(|| notice(Tone::Warn, t.forecast_blocked, Some(lines.into_any())))
}

/// What a failover would find now.
fn forecast(visit: &Visit, told: &Answer<DryRun>) -> AnyView {
    let t = visit.t();
    let found = match told {
        Ok(found) => found,
        Err(problem) => {
            return notice(
                Tone::Warn,
                t.forecast_failed,
                Some(problem_text(problem, t).0.into_any()),
            );
        }
    };
    let offers = found.offers_available.map_or_else(
        || unknown(t.unknown),
        |count| {
            let shown = i64::try_from(count).unwrap_or(i64::MAX);
            text::plural(shown, t.offers_one, t.offers_many, visit.lang).into_any()
        },
    );
    let price = found.estimated_cost_usd.map_or_else(
        || unknown(t.unknown),
        |usd| fill(t.forecast_price, &[("amount", &format::usd(usd, visit.lang))]).into_any(),
    );
    let blockers = (!found.would_succeed && !found.blockers.is_empty()).then(|| {
        let lines = found
            .blockers
            .iter()
            .map(|words| view! { <li>{blocker(visit, words)}</li> })
            .collect_view();
        notice(
            Tone::Warn,
            t.forecast_blocked,
            Some(view! { <ul class="plain">{lines}</ul> }.into_any()),
        )
    });
    view! { {blockers} {properties(vec![(t.forecast_offers, offers), (t.forecast_cost, price)])} }
        .into_any()
}

/// The server names a blocker by its key and says what was found.
fn blocker(visit: &Visit, words: &str) -> String {
    let (key, found) = words.split_once(": ").unwrap_or((words, ""));
    let found = visit.said(found);
    format!("{}: {found}", text::check(key, visit.t()))
}

fn fields(
    visit: &Visit,
    act: MachineAct,
    asked: &Asked,
    refused: Option<&Problem>,
) -> Option<AnyView> {
    let t = visit.t();
    let note = || {
        let control = Control::Text { kind: "text", autocomplete: "off" };
        let hint = Some(t.reason_hint.to_owned());
        field(
            visit,
            refused,
            Field {
                name: "reason",
                label: t.reason,
                hint,
                value: asked.note.clone(),
                required: false,
                unit: None,
                control,
            },
        )
    };
    let fields = match act {
        MachineAct::Drill => view! {
            {tick("simulate_new_gpu", t.drill_buy, Some(t.drill_buy_hint.to_owned()), asked.buy)}
            {tick("simulate_restore", t.drill_restore, Some(t.drill_restore_hint.to_owned()), asked.restore)}
            {note()}
        }
        .into_any(),
        MachineAct::FailOver => view! { {left_behind(visit, asked)} {note()} }.into_any(),
        MachineAct::Protect => {
            let control = Control::Text { kind: "text", autocomplete: "off" };
            let hint = Some(t.workspace_hint.to_owned());
            field(visit, refused, Field { name: "workspace", label: t.workspace, hint, value: asked.workspace.clone(), required: true, unit: None, control })
        }
        MachineAct::Discard => {
            let control = Control::Text { kind: "text", autocomplete: "off" };
            let hint = Some(fill(t.discard_hint, &[("name", &asked.machine.row.name)]));
            field(visit, refused, Field { name: "name", label: t.discard_name, hint, value: asked.name.clone(), required: true, unit: None, control })
        }
        MachineAct::Destroy if asked.machine.row.association.is_some() => {
            tick("destroy_standby", t.destroy_standby, Some(t.destroy_standby_hint.to_owned()), asked.standby_too)
        }
        _ => return None,
    };
    Some(fields)
}

/// What a move would leave on the GPU, to be agreed to by name.
fn left_behind(visit: &Visit, asked: &Asked) -> Option<AnyView> {
    let t = visit.t();
    let gaps = asked.machine.row.association.as_ref()?.gaps.as_ref()?;
    (gaps.lost > 0).then_some(())?;
    let named = gaps.listed.iter().filter(|one| one.why.is_loss()).take(10);
    let names: Vec<&str> = named.map(|one| one.path.as_str()).collect();
    let hint = fill(
        t.accept_gaps_hint,
        &[("n", &format::count(gaps.lost, visit.lang)), ("names", &names.join(", "))],
    );
    Some(tick("accept_gaps", t.accept_gaps, Some(hint), asked.gaps_too))
}
