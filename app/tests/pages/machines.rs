//! The list of machines, and the credit.

use app::site::Request;
use domain::association::Serving;
use domain::failover::FailoverState;

use crate::support::plane::{Fake, problem};
use crate::support::{get, reply, story};
use crate::{shown, words};

#[test]
fn the_machines_say_where_each_serves_and_what_all_cost() {
    let text = words(&shown("/app", &Fake::default()));
    assert!(text.contains("2 machines on GPU , 1 on its standby since 14:14 UTC ."), "{text}");
    assert!(text.contains("FAILOVER · Provisioning") && text.contains("not protected"), "{text}");
    assert!(text.contains("$1.262 / h"), "{text}");
}

#[test]
fn a_gpu_that_dumont_gets_rid_of_is_no_machine_and_offers_nothing() {
    let mut machines = story::machines();
    machines.machines = vec![story::row(), story::leaving()];
    let page = shown("/app", &Fake { machines, ..Fake::default() });
    let text = words(&page);
    assert!(
        text.contains("1 machine on GPU .") && text.contains("being removed by Dumont"),
        "{text}"
    );
    assert!(!page.contains("/app/machines/7009/protect"));
}

/// A hundred and twenty machines, every third of them on its standby.
fn many_machines() -> Fake {
    let mut machines = story::machines();
    let like = story::row();
    machines.machines = (0..120)
        .map(|n| {
            let mut row = like.clone();
            row.name = format!("Train-{n:03}");
            row.gpu_instance_id = domain::id::GpuId(9_000 + n);
            row.serving = if n % 3 == 0 { Serving::Standby } else { Serving::Gpu };
            row
        })
        .collect();
    Fake { machines, ..Fake::default() }
}

/// The names of machines on a page, in order.
fn named(html: &str) -> Vec<&str> {
    let names = html.split("class=\"name\"").skip(1);
    names.filter_map(|rest| rest.split_once('>')?.1.split_once('<')).map(|(name, _)| name).collect()
}

#[test]
fn many_machines_come_in_pages_that_keep_their_filter_in_the_address() {
    let plane = many_machines();
    let first = shown("/app", &plane);
    assert_eq!((named(&first).len(), named(&first)[0]), (50, "Train-000"));
    assert!(words(&first).contains("1–50 of 120"), "{}", words(&first));
    assert!(first.contains("rel=\"next\" href=\"/app?page=2\""));
    assert!(!first.contains("rel=\"prev\""));
    let last = shown("/app?page=3", &plane);
    assert_eq!((named(&last).len(), named(&last)[0]), (20, "Train-100"));
    assert!(last.contains("rel=\"prev\" href=\"/app?page=2\"") && !last.contains("rel=\"next\""));
    assert_eq!(named(&shown("/app?page=99", &plane)), named(&last));

    let away = shown("/app?on=standby&q=TRAIN-1&page=1", &plane);
    let found = named(&away);
    assert_eq!((found.first(), found.len()), (Some(&"Train-102"), 6), "{found:?}");
    assert!(away.contains("value=\"TRAIN-1\"") && !away.contains("class=\"pager\""));
    // What all of them do and cost is told whatever is shown.
    assert!(words(&away).contains("80 machines on GPU , 40 on their standbys"), "{}", words(&away));
    assert_eq!(named(&shown("/app?q=9007", &plane)), ["Train-007"]);
    let gpu = shown("/app?on=gpu", &plane);
    assert!(gpu.contains("href=\"/app?on=gpu&amp;page=2\""), "{gpu}");
    let none = words(&shown("/app?q=%3Cb%3E", &plane));
    assert!(none.contains("No machine matches") && none.contains("Show all machines"), "{none}");
    let portuguese = Request { accept_language: "pt-BR".to_owned(), ..get("/app?page=2") };
    let text = words(&reply(&portuguese, &plane).html);
    assert!(text.contains("51–100 de 120 Anterior Próxima"), "{text}");
}

#[test]
fn few_machines_have_neither_filter_nor_pages() {
    let html = shown("/app", &Fake::default());
    assert!(!html.contains("name=\"q\"") && !html.contains("class=\"pager\""));
}

#[test]
fn a_cost_that_is_not_known_is_not_added_up() {
    let mut machines = story::machines();
    machines.machines[0].total_dph = None;
    let text = words(&shown("/app", &Fake { machines, ..Fake::default() }));
    assert!(!text.contains("All machines") && text.contains("unknown"), "{text}");
}

#[test]
fn a_provider_that_never_answered_is_not_an_empty_list() {
    let mut machines = story::machines();
    machines.machines.clear();
    let none = words(&shown("/app", &Fake { machines: machines.clone(), ..Fake::default() }));
    assert!(none.contains("No GPU yet"), "{none}");
    machines.as_of = None;
    machines.stale_error = Some("503 service unavailable".into());
    let unknown = words(&shown("/app", &Fake { machines, ..Fake::default() }));
    assert!(unknown.contains("not known") && !unknown.contains("No GPU yet"), "{unknown}");
    assert!(unknown.contains("503 service unavailable"));
}

#[test]
fn the_credit_has_four_states_and_none_of_them_is_a_false_zero() {
    let bar = |balance| {
        let html = reply(
            &Request { part: true, ..get("/app/balance") },
            &Fake { balance, ..Fake::default() },
        )
        .html;
        assert!(!html.contains("0.00"), "{html}");
        words(&html)
    };
    assert_eq!(bar(None), "Credit : --");
    assert!(bar(Some(Ok(story::balance()))).contains("$24.47 19 h left"));
    let mut old = story::balance();
    old.as_of = story::ago(180_000);
    old.stale_error = Some("timed out".into());
    assert!(bar(Some(Ok(old))).contains("as of 3 min ago"));
    let mut low = story::balance();
    low.low = Some(true);
    assert!(bar(Some(Ok(low))).contains("low"));
    let mut untold = story::balance();
    untold.credit = None;
    assert!(bar(Some(Ok(untold))).contains("unknown"));
    assert!(bar(Some(Err(problem(502, "provider_down", &[])))).contains("not readable"));
    assert!(bar(Some(Err(problem(424, "vast_api_key_missing", &[])))).contains("no key"));
}

#[test]
fn those_in_trouble_come_first() {
    let mut frozen = story::row();
    frozen.association.as_mut().unwrap().state = domain::association::AssociationState::Frozen;
    let mut waiting = story::away();
    waiting.active.as_mut().unwrap().state = FailoverState::Waiting;
    let order = [waiting, frozen, story::away(), story::row(), story::bare(), story::leaving()];
    let ranks: Vec<u8> = order.iter().map(domain::view::machine::MachineRow::rank).collect();
    assert!(ranks.windows(2).all(|pair| pair[0] < pair[1]), "{ranks:?}");
}
