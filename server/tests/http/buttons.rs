//! What a machine's page lets be pressed is what the server then does, in every state that a machine can
//! be in; and what it says can't be done is refused.

use domain::association::{Association, AssociationState, Serving};
use domain::id::{AssociationId, GpuId};
use domain::standby::StandbyState;
use reqwest::Method;
use serde_json::{Value, json};

use crate::people::Person;
use crate::seed;
use crate::world::World;

/// An act as the page names it in the address of its button, and as the API is asked for it. Those on the
/// GPU itself (pause, resume, destroy, protect) stand or fall with the provider and are not among them.
const ACTS: &[(&str, &str, &str)] = &[
    ("drill", "POST", "/standby/failover/simulate/{gpu}"),
    ("failover", "POST", "/standby/failover/start/{gpu}"),
    ("back-to-gpu", "POST", "/standby/associations/{gpu}/back-to-gpu"),
    ("accept-deletions", "POST", "/standby/associations/{gpu}/accept-deletions"),
    ("unprotect", "DELETE", "/standby/associations/{gpu}"),
    ("pause-sync", "POST", "/standby/associations/{gpu}/stop-sync"),
    ("resume-sync", "POST", "/standby/associations/{gpu}/start-sync"),
    ("discard", "POST", "/standby/associations/{gpu}/discard"),
];

/// Of a machine that is on its way out: what says so again, or changes nothing of it, is no conflict.
const HARMLESS: &[&str] = &["unprotect", "discard", "pause-sync", "resume-sync"];

/// How a machine is.
#[derive(Debug, Clone, Copy)]
struct Case {
    state: AssociationState,
    serving: Serving,
    vm: Option<StandbyState>,
    copied: bool,
    sync: bool,
}

fn cases() -> Vec<Case> {
    let standbys = [
        (Some(StandbyState::Ready), true),
        (Some(StandbyState::Ready), false),
        (Some(StandbyState::Preempted), true),
        (None, false),
    ];
    let mut all = Vec::new();
    for state in AssociationState::ALL {
        for serving in [Serving::Gpu, Serving::Standby, Serving::None] {
            for (vm, copied) in standbys {
                all.push(Case { state: *state, serving, vm, copied, sync: true });
            }
        }
        let (vm, copied) = standbys[0];
        all.push(Case { state: *state, serving: Serving::Gpu, vm, copied, sync: false });
    }
    all
}

impl Case {
    async fn machine(self, world: &World, owner: &Person, number: i64) -> Association {
        let mut tie = seed::association(&owner.id, world);
        tie.id = AssociationId::new(format!("machine-{number}"));
        tie.gpu = GpuId(number);
        (tie.state, tie.serving, tie.sync_enabled) = (self.state, self.serving, self.sync);
        match (self.vm, &mut tie.standby) {
            (Some(state), Some(vm)) => vm.state = state,
            _ => tie.standby = None,
        }
        if !self.copied {
            tie.sync.complete_to = None;
        }
        world.dumont.store.associations().create(&tie).await.expect("an association");
        tie
    }
}

/// What the page lets be done, what it says can't be, of these acts.
fn drawn<'a>(html: &str, gpu: GpuId, act: &'a str) -> Option<(&'a str, bool)> {
    let address = format!("/app/machines/{gpu}/{act}\"");
    if html.contains(&format!("href=\"{address}")) || html.contains(&format!("action=\"{address}"))
    {
        return Some((act, true));
    }
    html.contains(&format!("id=\"why-{act}\"")).then_some((act, false))
}

async fn ask(world: &World, who: &Person, method: &str, path: &str, name: &str) -> (u16, Value) {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut asked = who.signs(world.ask(method.clone(), &format!("/api/v1{path}")));
    if method == Method::POST {
        asked = match path.rsplit('/').next() {
            Some("discard") => asked.json(&json!({ "name": name })),
            Some("accept-deletions") => asked.json(&json!({ "digest": null })),
            _ => asked.json(&json!({})),
        };
    }
    let answer = asked.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn what_can_be_pressed_is_done_and_what_can_not_is_refused(world: World) {
    let ana = Person::join(&world, "ana").await;
    let (mut number, mut open, mut shut) = (10_000, 0, 0);
    let mut wrong = Vec::new();
    for case in cases() {
        number += 1;
        let seen = case.machine(&world, &ana, number).await;
        let page = ana.signs(world.get(&format!("/app/machines/{}", seen.gpu)));
        let html = page.send().await.expect("a page").text().await.expect("text");
        for (act, method, path) in ACTS {
            let Some((_, may)) = drawn(&html, seen.gpu, act) else { continue };
            // Each on a machine of its own, since most change it.
            number += 1;
            let tie = case.machine(&world, &ana, number).await;
            let path = path.replace("{gpu}", &tie.gpu.to_string());
            let (status, told) = ask(&world, &ana, method, &path, &tie.name).await;
            *(if may { &mut open } else { &mut shut }) += 1;
            let done = (200..300).contains(&status);
            let harmless = case.state == AssociationState::Deleting && HARMLESS.contains(act);
            let as_said = done == may || (done && harmless);
            if !as_said || status >= 500 {
                wrong.push(format!("{act}, open: {may}, in {case:?}: {status} {}", told["code"]));
            }
        }
    }
    assert!(open > 100 && shut > 50, "{open} open, {shut} shut");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), open + shut, wrong.join("\n"));
    world.end().await;
}

on_both!(what_can_be_pressed_is_done_and_what_can_not_is_refused);
