use domain::buying::Limits;
use domain::id::{AssociationId, Epoch, FailoverId, UserId};

use super::*;

fn order(launch: Launch, left_out: Vec<LaunchPart>) -> Order {
    Order {
        user: UserId::new("u"),
        purpose: Purpose::Failover {
            failover: FailoverId::new("f"),
            association: AssociationId::new("a"),
            epoch: Epoch(1),
            limits: Limits::default(),
        },
        image: "image".into(),
        disk_gb: 40.0,
        onstart: launch.held_script(),
        launch,
        left_out,
    }
}

fn full() -> Launch {
    Launch {
        env: vec![("HF_TOKEN".into(), "x".into()), ("-p 1:1".into(), "1".into())],
        onstart: Some("run".into()),
        template: Some("abc".into()),
        runtype: Some("jupyter_direc ssh_direc".into()),
        ..Launch::default()
    }
}

#[test]
fn each_way_asks_for_less_and_says_what_it_lacks() {
    let ways = ways(order(full(), Vec::new()));
    let lacks: Vec<_> = ways.iter().map(|way| way.left_out.clone()).collect();
    use LaunchPart::{Environment, Mode, StartScript, Template};
    assert_eq!(lacks, [vec![], vec![Template], vec![Template, Environment, StartScript, Mode]]);
    let named = &ways[1].launch;
    assert_eq!((&named.template, &named.env), (&None, &full().env), "all else is named");
    let bare = &ways[2];
    assert_eq!((&bare.onstart, &bare.launch.onstart), (&None, &None));
    assert_eq!(bare.launch.env, [("-p 1:1".to_owned(), "1".to_owned())], "its ports stay open");
    for way in &ways {
        assert!(way.launch.runtype_with_ssh().contains("ssh"), "we get in: {way:?}");
        assert_eq!(way.image, "image");
    }
}

#[test]
fn nothing_is_asked_for_twice_in_the_same_way() {
    let untemplated = Launch { template: None, ..full() };
    assert_eq!(ways(order(untemplated, Vec::new())).len(), 2);
    let plain = Launch { env: vec![("-p 1:1".into(), "1".into())], ..Launch::default() };
    let ways_of_plain = ways(order(plain, Vec::new()));
    assert_eq!(ways_of_plain.len(), 1, "a refusal of it is not met with the same again");
    assert_eq!(ways_of_plain[0].left_out, []);
}

#[test]
fn a_launch_that_was_never_read_is_told_as_unknown_whichever_way_it_is_bought() {
    for way in ways(order(Launch::default(), vec![LaunchPart::Unknown])) {
        assert_eq!(way.left_out, [LaunchPart::Unknown]);
    }
}
