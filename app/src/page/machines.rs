//! All machines: where each serves now, how safe it is, what it costs.

use domain::association::{AssociationState, Serving};
use domain::failover::Kind;
use domain::gpu::GpuState;
use domain::standby::StandbyState;
use domain::verdict::Verdict;
use domain::view::Time;
use domain::view::failover::Ending;
use domain::view::grant::SharedMachine;
use domain::view::machine::{MachineRow, MachinesPage};
use domain::view::readiness::LastDrill;
use domain::view::standby::Association;
use leptos::prelude::*;

use super::Page;
use super::problem::done_word;
use super::settings::sharing::level_word;
use crate::control_plane::{Answer, ControlPlane};
use crate::form::{Fields, encode};
use crate::format;
use crate::router::{MachineAct, Route};
use crate::site::{Outcome, Request};
use crate::text::{self, fill, plural};
use crate::ui::{
    Control, Field, Pages, Tone, act_link, ago, badge, cell, clock_time, empty, field, go_link,
    heading, key_cell, mark, notice, number_cell, pager, stamp, table, unknown,
};
use crate::visit::Visit;

/// From how many machines on they can be narrowed down.
const MANY: usize = 8;

pub(crate) async fn answer(request: &Request, plane: &dyn ControlPlane) -> Answer<Outcome> {
    let data = plane.machines().await?;
    let wanted = Wanted::read(&request.query);
    let shown: Vec<&MachineRow> = data.machines.iter().filter(|row| wanted.admits(row)).collect();
    let pages = Pages::read(&request.query, shown.len());
    let shown: Vec<MachineRow> = pages.rows(&shown).iter().copied().cloned().collect();
    let word = request.query.get("said").map(str::to_owned);
    Outcome::page(move |visit| {
        page(visit, &data, &Shown { wanted, rows: shown, pages }, word.as_deref())
    })
}

/// Which machines are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    text: String,
    on: Option<Serving>,
}

impl Wanted {
    fn read(query: &Fields) -> Self {
        Self { text: query.text("q"), on: query.get("on").and_then(|word| word.parse().ok()) }
    }

    fn is_all(&self) -> bool {
        self.text.is_empty() && self.on.is_none()
    }

    fn admits(&self, row: &MachineRow) -> bool {
        let named = row.name.to_lowercase().contains(&self.text.to_lowercase())
            || row.gpu_instance_id.to_string() == self.text;
        named && self.on.is_none_or(|side| side == row.serving)
    }

    /// The address of the list.
    fn page(&self) -> String {
        let mut words = Vec::new();
        if !self.text.is_empty() {
            words.push(format!("q={}", encode(&self.text)));
        }
        if let Some(side) = self.on {
            words.push(format!("on={side}"));
        }
        let path = Route::Machines.path();
        if words.is_empty() { path } else { format!("{path}?{}", words.join("&")) }
    }
}

/// What of all the machines is on this page.
struct Shown {
    wanted: Wanted,
    rows: Vec<MachineRow>,
    pages: Pages,
}

fn page(visit: &Visit, data: &MachinesPage, shown: &Shown, word: Option<&str>) -> Page {
    let t = visit.t();
    let add = go_link(Route::Offers.path(), t.machines_add, "primary");
    let state = (!data.machines.is_empty()).then(|| sentence(visit, data));
    let content =
        if data.machines.is_empty() { nothing(visit, data) } else { list(visit, data, shown) };
    let refresh =
        if data.machines.iter().any(|row| row.active.is_some()) { "1000" } else { "5000" };
    let body = view! {
        <div data-key="machines" data-refresh=refresh>
            {heading(t.machines, state, Some(add))}
            {done_word(visit, word)}
            {offered(visit, data)}
            {missing(visit, &data.missing)}
            {data.stale_error.clone().map(|words| stale(visit, data.as_of, words))}
            {content}
            {shared_list(visit, data)}
        </div>
    };
    Page::new(t.machines, body.into_any()).live("association,failover,instance,grant")
}

/// That others offer to share machines.
fn offered(visit: &Visit, data: &MachinesPage) -> Option<AnyView> {
    let a = visit.access();
    let link = view! { <p><a href=Route::Sharing.path()>{a.shared_offers_see}</a></p> };
    (data.offers > 0).then(|| notice(Tone::Busy, a.shared_offers, Some(link.into_any())))
}

/// Machines of other accounts.
fn shared_list(visit: &Visit, data: &MachinesPage) -> Option<AnyView> {
    let (t, a) = (visit.t(), visit.access());
    let columns = [
        (t.col_machine, false),
        (a.shared_owner, false),
        (t.col_serving, false),
        (t.col_gpu, false),
        (t.col_standby, false),
        (t.col_copy, true),
        (t.col_last_drill, false),
    ];
    let lines = data.shared.iter().map(|one| shared_line(visit, one)).collect();
    let list = table(a.shared_with_you, &columns, lines);
    (!data.shared.is_empty()).then(|| {
        view! { <section class="shared" data-key="shared"><h2>{a.shared_with_you}</h2> {list}</section> }
            .into_any()
    })
}

fn shared_line(visit: &Visit, one: &SharedMachine) -> AnyView {
    let t = visit.t();
    let row = &one.row;
    let tie = row.association.as_ref();
    let key = tie.map(|tie| tie.association_id.to_string());
    view! {
        <tr data-key=key>
            {key_cell(view! {
                <a class="name" href=Route::Machine(row.gpu_instance_id).path()>{row.name.clone()}</a>
                <span class="id">{row.gpu_instance_id.to_string()}</span>
            })}
            {cell(visit.access().shared_owner, view! { {one.shared.owner.clone()} <span class="under">{level_word(visit, one.shared.level)}</span> })}
            {cell(t.col_serving, serving(visit, row))}
            {cell(t.col_gpu, gpu(visit, row))}
            {cell(t.col_standby, standby(visit, row))}
            {number_cell(t.col_copy, copy(visit, tie))}
            {cell(t.col_last_drill, tie.map(|_| drilled(visit, row.last_drill.as_ref())))}
        </tr>
    }
    .into_any()
}

/// One sentence: how many serve where, and since when one does not serve from a GPU.
fn sentence(visit: &Visit, data: &MachinesPage) -> AnyView {
    let t = visit.t();
    let machines = || data.machines.iter().filter(|row| row.errand.is_none());
    let bare = |row: &&MachineRow| row.association.is_some() && !row.is_covered();
    let at = |side| machines().filter(move |row| row.serving == side);
    let heard = |row: &&MachineRow| !row.is_silent();
    let nowhere = |row: &&MachineRow| row.serving == Serving::None || row.is_stranded();
    let count = |found: usize, tone: Tone, one, many| {
        let found = i64::try_from(found).unwrap_or(i64::MAX);
        let words = plural(found, one, many, visit.lang);
        (found > 0).then(|| view! { <span class=format!("count {}", tone.class())>{mark(tone)} " " {words}</span> })
    };
    let parts = [
        count(
            at(Serving::Gpu).filter(heard).filter(|row| !bare(row)).count(),
            Tone::Gpu,
            t.count_gpu_one,
            t.count_gpu_many,
        ),
        count(
            at(Serving::Gpu).filter(heard).filter(bare).count(),
            Tone::Warn,
            t.count_bare_one,
            t.count_bare_many,
        ),
        count(
            at(Serving::Gpu).filter(|row| !heard(row)).count(),
            Tone::Warn,
            t.count_silent_one,
            t.count_silent_many,
        ),
        count(
            at(Serving::Standby).filter(|row| row.stands_in()).count(),
            Tone::Standby,
            t.count_standby_one,
            t.count_standby_many,
        ),
        count(machines().filter(nowhere).count(), Tone::Down, t.count_none_one, t.count_none_many),
    ]
    .into_iter()
    .flatten()
    .enumerate()
    .map(|(place, part)| view! { {(place > 0).then_some(", ")} {part} })
    .collect_view();
    let away = machines().filter(|row| row.serving == Serving::Standby);
    let since = away.filter_map(|row| Some(row.active.as_ref()?.started_at)).min();
    view! {
        {parts}
        {since.map(|at| view! { " " {t.since} " " {clock_time(visit, at)} })}
        "."
    }
    .into_any()
}

/// Credentials without which something can't be done.
pub(crate) fn missing(visit: &Visit, missing: &[String]) -> Option<AnyView> {
    let t = visit.t();
    let text = match (
        missing.iter().any(|one| one == "vast_api_key"),
        missing.iter().any(|one| one == "gcp_credentials"),
    ) {
        (true, true) => t.missing_both,
        (true, false) => t.missing_vast,
        (false, true) => t.missing_gcp,
        (false, false) => return None,
    };
    let link = view! { <p><a href=Route::Credentials.path()>{t.problem_to_credentials}</a></p> };
    Some(notice(Tone::Warn, text, Some(link.into_any())))
}

/// That the provider's list is old, and why.
pub(crate) fn stale(visit: &Visit, as_of: Option<Time>, words: String) -> AnyView {
    let t = visit.t();
    let more = view! {
        <p class="words">{words}</p>
        {as_of.map(|at| view! { <p class="fine">{t.listed_last} " " {ago(visit, at)}</p> })}
    };
    notice(Tone::Warn, t.list_stale, Some(more.into_any()))
}

fn nothing(visit: &Visit, data: &MachinesPage) -> AnyView {
    let t = visit.t();
    if data.missing.iter().any(|one| one == "vast_api_key") {
        let action = go_link(Route::Credentials.path(), t.to_credentials, "primary");
        return empty(t.machines_none, t.machines_none_no_key, Some(action));
    }
    if data.as_of.is_none() {
        return empty(t.machines_unknown, t.machines_unknown_what, None);
    }
    empty(
        t.machines_none,
        t.machines_none_what,
        Some(go_link(Route::Offers.path(), t.machines_add, "primary")),
    )
}

fn list(visit: &Visit, data: &MachinesPage, shown: &Shown) -> AnyView {
    let many = data.machines.len() > MANY || !shown.wanted.is_all();
    let narrowing = many.then(|| narrowing(visit, &shown.wanted));
    let rows = if shown.rows.is_empty() {
        let t = visit.t();
        let all = go_link(Route::Machines.path(), t.machines_show_all, "");
        empty(t.machines_no_match, t.machines_no_match_what, Some(all))
    } else {
        rows(visit, &shown.rows)
    };
    view! {
        {total(visit, data)}
        {narrowing}
        {rows}
        {pager(visit, &shown.pages, &shown.wanted.page())}
    }
    .into_any()
}

/// The form that narrows the list down.
fn narrowing(visit: &Visit, wanted: &Wanted) -> AnyView {
    let t = visit.t();
    let mut places = vec![(String::new(), t.machines_anywhere.to_owned())];
    let word = |side: &Serving| match side {
        Serving::Gpu => t.on_gpu,
        Serving::Standby => t.on_standby,
        Serving::None => t.on_none,
    };
    places.extend(Serving::ALL.iter().map(|side| (side.to_string(), word(side).to_owned())));
    let name = Field {
        name: "q",
        label: t.machines_filter,
        hint: None,
        value: wanted.text.clone(),
        required: false,
        unit: None,
        control: Control::Text { kind: "search", autocomplete: "off" },
    };
    let place = Field {
        name: "on",
        label: t.col_serving,
        hint: None,
        value: wanted.on.map(|side| side.to_string()).unwrap_or_default(),
        required: false,
        unit: None,
        control: Control::Choice(places),
    };
    view! {
        <div class="filters">
            <form method="get" action=Route::Machines.path() class="narrowing">
                {field(visit, None, name)}
                {field(visit, None, place)}
                <button type="submit" class="button">{t.filter}</button>
            </form>
        </div>
    }
    .into_any()
}

/// What all of them cost, wherever they are in the list; nothing where a part is unknown.
fn total(visit: &Visit, data: &MachinesPage) -> Option<AnyView> {
    let t = visit.t();
    let known: Vec<f64> = data.machines.iter().filter_map(|row| row.total_dph).collect();
    let total = (known.len() == data.machines.len()).then(|| known.iter().sum::<f64>())?;
    Some(
        view! {
            <p class="total">{t.all_machines} ": " <strong>{per_hour(visit, total)}</strong> " · " {per_month(visit, total)}</p>
        }
        .into_any(),
    )
}

fn rows(visit: &Visit, machines: &[MachineRow]) -> AnyView {
    let t = visit.t();
    let columns = [
        (t.col_machine, false),
        (t.col_serving, false),
        (t.col_gpu, false),
        (t.col_standby, false),
        (t.col_copy, true),
        (t.col_last_drill, false),
        (t.col_cost, true),
    ];
    let lines = machines.iter().map(|row| line(visit, row)).collect();
    table(t.machines, &columns, lines)
}

fn line(visit: &Visit, row: &MachineRow) -> AnyView {
    let t = visit.t();
    let tie = row.association.as_ref();
    let href = Route::Machine(row.gpu_instance_id).path();
    // A machine keeps its line when a failover gives it another GPU.
    let key =
        tie.map_or_else(|| row.gpu_instance_id.to_string(), |tie| tie.association_id.to_string());
    view! {
        <tr data-key=key>
            {key_cell(view! {
                <a class="name" href=href>{row.name.clone()}</a>
                <span class="id">{row.gpu_instance_id.to_string()}</span>
            })}
            {cell(t.col_serving, serving(visit, row))}
            {cell(t.col_gpu, gpu(visit, row))}
            {cell(t.col_standby, standby(visit, row))}
            {number_cell(t.col_copy, copy(visit, tie))}
            {cell(t.col_last_drill, tie.map(|_| drilled(visit, row.last_drill.as_ref())))}
            {number_cell(t.col_cost, cost(visit, row))}
        </tr>
    }
    .into_any()
}

/// Where it serves now, and a failover under way with its phase.
pub(crate) fn serving(visit: &Visit, row: &MachineRow) -> AnyView {
    let t = visit.t();
    let active = row.active.as_ref().map(|active| {
        let word = format!("{} · {}", text::kind(active.kind, t), text::phase(active.phase, t));
        let tone = if active.kind == Kind::Real { Tone::Warn } else { Tone::Busy };
        view! { <a class="under-way" href=Route::Failover(active.failover_id.clone()).path()>{badge(tone, word)}</a> }
    });
    view! { {place(visit, row)} {active} }.into_any()
}

/// Where it serves now.
pub(crate) fn place(visit: &Visit, row: &MachineRow) -> AnyView {
    let t = visit.t();
    if row.errand.is_some() {
        return unknown(t.dash);
    }
    let (tone, word) = match row.serving {
        Serving::Gpu => (Tone::Gpu, t.on_gpu),
        Serving::Standby if !row.stands_in() => (Tone::Down, t.on_standby_down),
        Serving::Standby => (Tone::Standby, t.on_standby),
        Serving::None => (Tone::Down, t.on_none),
    };
    let paused = row.serving == Serving::None && !row.is_stranded();
    // Protected, and yet a loss now would find no standby that can take over, or a copy that is not kept up.
    let bare = row.serving == Serving::Gpu && row.association.is_some() && !row.is_covered();
    if row.serving == Serving::Gpu {
        // Nobody watches one that is not protected: the provider alone says what it does.
        let state = row.instance.as_ref().map(|instance| instance.status);
        if let (None, Some(state)) =
            (&row.association, state.filter(|one| *one != GpuState::Running))
        {
            return badge(Tone::Quiet, text::gpu_state(state, t)).into_any();
        }
        match row.verdict {
            Some(Verdict::Suspect) => return badge(Tone::Warn, t.on_gpu_silent).into_any(),
            Some(Verdict::ConfirmedLost) => return badge(Tone::Down, t.on_gpu_lost).into_any(),
            Some(Verdict::Paused) if row.is_unheard() => {
                return badge(Tone::Warn, t.on_gpu_stopped).into_any();
            }
            _ if row.is_unheard() => return badge(Tone::Warn, t.on_gpu_unknown).into_any(),
            _ => {}
        }
    }
    match (paused, bare) {
        (true, _) => badge(Tone::Quiet, t.on_none),
        (_, true) => badge(Tone::Warn, t.on_gpu_bare),
        _ => badge(tone, word),
    }
    .into_any()
}

fn gpu(visit: &Visit, row: &MachineRow) -> AnyView {
    let t = visit.t();
    let Some(instance) = row.instance.as_ref() else { return unknown(t.not_listed) };
    let count = instance.num_gpus.filter(|count| *count > 1).map(|count| format!("{count} × "));
    let model = instance.gpu_name.clone().unwrap_or_else(|| t.unknown.to_owned());
    let state = text::gpu_state(instance.status, t);
    view! {
        <span>{count} {model}</span>
        <span class="under">{state} {instance.geolocation.clone().map(|place| format!(" · {place}"))}</span>
    }
    .into_any()
}

fn standby(visit: &Visit, row: &MachineRow) -> AnyView {
    let t = visit.t();
    if let Some(errand) = row.errand {
        return badge(Tone::Busy, text::errand(errand, t)).into_any();
    }
    let Some(tie) = row.association.as_ref() else {
        let href = Route::MachineAct(row.gpu_instance_id, MachineAct::Protect).path();
        return view! { {badge(Tone::Warn, t.not_protected)} {act_link(href, t.act_protect, "small")} }.into_any();
    };
    let vm = tie.cpu_standby.as_ref().map(|vm| {
        let spot = if vm.spot { t.spot } else { t.standard };
        format!("{} · {} · {spot}", vm.machine_type, vm.zone)
    });
    view! {
        {tied(visit, tie)}
        <span class="under">{vm.unwrap_or_else(|| t.no_vm_yet.to_owned())}</span>
    }
    .into_any()
}

/// What the standby does; one that could not take over is never shown as one that follows.
pub(crate) fn tied(visit: &Visit, tie: &Association) -> AnyView {
    let t = visit.t();
    match tie.cpu_standby.as_ref().map(|vm| vm.status) {
        Some(StandbyState::Ready) if tie.state == AssociationState::Following && !tie.follows => {
            return badge(Tone::Warn, t.follows_not).into_any();
        }
        Some(StandbyState::Ready) => {}
        Some(status) if needs_it(tie.state) => {
            return badge(Tone::Warn, text::vm(status, t)).into_any();
        }
        None if needs_it(tie.state) => {
            return badge(Tone::Warn, t.no_vm_yet).into_any();
        }
        _ => {}
    }
    badge(state_tone(tie.state), text::association(tie.state, t)).into_any()
}

/// Whether that state says of the standby that it is up.
const fn needs_it(state: AssociationState) -> bool {
    matches!(state, AssociationState::Following | AssociationState::OnStandby)
}

const fn state_tone(state: AssociationState) -> Tone {
    match state {
        AssociationState::Following => Tone::Ok,
        AssociationState::Preparing
        | AssociationState::FirstSync
        | AssociationState::FailingOver => Tone::Busy,
        AssociationState::OnStandby => Tone::Standby,
        AssociationState::Paused | AssociationState::Deleting => Tone::Quiet,
        AssociationState::Frozen => Tone::Down,
        AssociationState::Degraded => Tone::Warn,
    }
}

/// How old the copy is, in the words of every page: *is 28 s old*, after a label that says *The copy*.
pub(crate) fn copy(visit: &Visit, tie: Option<&Association>) -> AnyView {
    let t = visit.t();
    let Some(tie) = tie else { return unknown(t.dash) };
    // By the clock of this page: figures that many pages share are a moment old.
    match (tie.lag_seconds.and(tie.recovery_point_at), tie.serving) {
        (Some(at), _) => {
            let span = format::age(visit.now.since(at.0).max(0));
            stamp(visit, at, fill(t.copy_old, &[("span", &span)]))
        }
        (None, Serving::Standby) if tie.recovery_point_at.is_some() => unknown(t.copy_used),
        // There is one, and the clocks do not say how old it is.
        (None, Serving::Gpu | Serving::None) if tie.recovery_point_at.is_some() => {
            unknown(t.unknown)
        }
        (None, _) => unknown(t.copy_none),
    }
}

/// The newest drill and how it ended.
pub(crate) fn drilled(visit: &Visit, drill: Option<&LastDrill>) -> AnyView {
    let t = visit.t();
    let Some(drill) = drill else { return unknown(t.never) };
    let (tone, word) = match drill.success {
        Some(true) => (Tone::Ok, t.passed),
        Some(false) => (Tone::Down, t.failed),
        None => (Tone::Busy, t.under_way),
    };
    // One that a person stopped failed at nothing, and one without a GPU proved no restore.
    let (tone, word) = match (drill.ending, drill.data_restored) {
        (Some(Ending::Cancelled), _) => (Tone::Quiet, t.failover_cancelled),
        (Some(Ending::Passed), None) => (Tone::Quiet, t.drill_searched),
        _ => (tone, word),
    };
    let took = drill.total_time_ms.map(|ms| {
        view! { <span class="whole">{format!("· {}", format::span(ms, visit.lang))}</span> }
    });
    view! {
        <a href=Route::Failover(drill.failover_id.clone()).path()>{badge(tone, word)}</a>
        <span class="under">{ago(visit, drill.started_at)} " " {took}</span>
    }
    .into_any()
}

fn cost(visit: &Visit, row: &MachineRow) -> AnyView {
    let t = visit.t();
    let gpu = row.instance.as_ref().and_then(|instance| instance.dph_total);
    let vm =
        row.association.as_ref().and_then(|tie| tie.cpu_standby.as_ref()).map(|vm| vm.dph_total);
    let parts = match (gpu, vm) {
        (Some(gpu), Some(vm)) => Some(fill(
            t.cost_parts,
            &[("gpu", &format::rate(gpu, visit.lang)), ("standby", &format::rate(vm, visit.lang))],
        )),
        _ => None,
    };
    view! {
        {row.total_dph.map_or_else(|| unknown(t.unknown), |total| per_hour(visit, total).into_any())}
        {parts.map(|parts| view! { <span class="under">{parts}</span> })}
    }
    .into_any()
}

/// `$0.412 / h`.
pub(crate) fn per_hour(visit: &Visit, rate: f64) -> String {
    fill(visit.t().rate_hour, &[("amount", &format::rate(rate, visit.lang))])
}

/// `≈ $300.76 / month`.
pub(crate) fn per_month(visit: &Visit, rate: f64) -> String {
    let month = rate * domain::pricing::MONTH_HOURS;
    fill(visit.t().rate_month, &[("amount", &format::usd(month, visit.lang))])
}
