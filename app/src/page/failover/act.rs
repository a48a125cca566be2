//! Asks before a failover is stopped, or a machine is brought back from its standby.

use domain::id::FailoverId;
use domain::notification::Wait;
use domain::view::access::SecondFactor;
use domain::view::failover::FailoverPage;
use domain::view::problem::Problem;
use leptos::prelude::*;

use crate::control_plane::{Answer, ControlPlane};
use crate::format;
use crate::page::settings::confirm;
use crate::page::{Page, done};
use crate::router::{FailoverAct, Route};
use crate::site::{Outcome, Request};
use crate::text;
use crate::ui::{properties, said};
use crate::visit::Visit;

/// The form's field for what it was shown to wait for: *Retry* agrees to that and to nothing else.
const WAITS_FOR: &str = "waits_for";

/// That field, where it waits.
pub(crate) fn shown_wait(wait: Option<Wait>) -> Option<(&'static str, String)> {
    wait.map(|wait| (WAITS_FOR, wait.to_string()))
}

pub(crate) async fn answer(
    id: &FailoverId,
    act: FailoverAct,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    let refused = if request.post {
        match execute(id, act, request, plane).await {
            Ok(outcome) => return Ok(outcome),
            Err(problem) => Some(problem),
        }
    } else {
        None
    };
    let data = plane.failover(id).await?;
    let factor = plane.second_factor().await?;
    Outcome::page(move |visit| page(visit, act, &data, &factor, refused.as_ref()))
}

async fn execute(
    id: &FailoverId,
    act: FailoverAct,
    request: &Request,
    plane: &dyn ControlPlane,
) -> Answer<Outcome> {
    match act {
        FailoverAct::Cancel => {
            plane.cancel(id).await?;
            done(&Route::Failover(id.clone()), "cancelling")
        }
        FailoverAct::Retry => {
            let shown = request.form.get(WAITS_FOR).and_then(|word| word.parse().ok());
            plane.retry_now(id, shown).await?;
            done(&Route::Failover(id.clone()), "retrying")
        }
        FailoverAct::FailBack => {
            let begun = plane.fail_back(id).await?;
            Outcome::see(Route::Failover(begun).path())
        }
    }
}

fn page(
    visit: &Visit,
    act: FailoverAct,
    data: &FailoverPage,
    factor: &SecondFactor,
    refused: Option<&Problem>,
) -> Page {
    let t = visit.t();
    let status = &data.status;
    let (title, what, word, class) = match act {
        FailoverAct::Cancel => {
            (text::cancel_question(status.kind, t), t.cancel_what, t.cancel_do, "button danger")
        }
        FailoverAct::Retry => (t.retry_question, t.retry_what, t.act_retry, "button primary"),
        FailoverAct::FailBack => {
            (t.fail_back_question, t.fail_back_what, t.fail_back_do, "button primary")
        }
    };
    let spent = format::usd(status.cost_usd, visit.lang);
    let body = view! {
        <div class="ask">
            <h1 id="dialog-title">{title}</h1>
            <p class="state">{status.machine_name.clone()}</p>
            {said(visit, refused)}
            <p>{what}</p>
            {properties(vec![(t.spent_so_far, spent.into_any())])}
            {if confirm::is_needed(refused) {
                // Then the question again: to buy beyond a limit is never done unasked.
                let again = Route::FailoverAct(status.failover_id.clone(), act).path();
                confirm::form(visit, &again, factor, None)
            } else {
                view! {
                    <form method="post" action=Route::FailoverAct(status.failover_id.clone(), act).path()>
                        {shown_wait(data.waits_for).map(|(name, wait)| view! { <input type="hidden" name=name value=wait/> })}
                        <div class="answers">
                            <button type="submit" class=class>{word}</button>
                            <a class="button" href=Route::Failover(status.failover_id.clone()).path() data-close="">{t.back}</a>
                        </div>
                    </form>
                }
                .into_any()
            }}
        </div>
    };
    Page::new(title, body.into_any()).narrow().of(refused)
}
