//! In which order machines are listed, and where one ran.

use domain::association::AssociationState;
use domain::id::{AssociationId, GpuId};

use crate::people::Person;
use crate::seed;
use crate::world::World;

async fn the_list_begins_with_those_in_trouble(world: World) {
    let ana = Person::join(&world, "ana").await;
    let states = [
        ("a", AssociationState::Following),
        ("b", AssociationState::Degraded),
        ("c", AssociationState::FirstSync),
        ("d", AssociationState::Frozen),
        ("E", AssociationState::Frozen),
    ];
    for (number, (name, state)) in (500_i64..).zip(states) {
        let mut tie = seed::association(&ana.id, &world);
        tie.id = AssociationId::new(format!("machine-{name}"));
        (tie.gpu, tie.name, tie.state) = (GpuId(number), format!("m-{name}"), state);
        world.dumont.store.associations().create(&tie).await.expect("an association");
    }
    let page = ana.signs(world.get("/app")).send().await.expect("a page").text().await;
    let page = page.expect("text");
    let names = page.split("class=\"name\"").skip(1);
    let names = names.filter_map(|rest| rest.split_once('>')?.1.split_once('<'));
    let shown: Vec<&str> = names.map(|(name, _)| name).collect();
    // Nobody here has heard of the GPU of a, which follows: that is trouble too.
    assert_eq!(shown, ["m-d", "m-E", "m-a", "m-b", "m-c"]);
    world.end().await;
}

async fn hours_in_which_nothing_watched_are_not_told_as_on_a_gpu(world: World) {
    let ana = Person::join(&world, "ana").await;
    let (hour, now) = (3_600_000, world.dumont.now());
    let mut tie = seed::association(&ana.id, &world);
    tie.created_at = now.plus(-5 * hour);
    world.dumont.store.associations().create(&tie).await.expect("an association");
    let strip = async || {
        let path = format!("/app/machines/{}", tie.gpu);
        let page = ana.signs(world.get(&path)).send().await.expect("a page").text().await;
        page.expect("text")
    };
    let runs = world.dumont.store.runs();
    for (process, ago) in [("first", -5), ("first", -4), ("second", -1), ("second", 0)] {
        runs.note(process, now.plus(ago * hour)).await.expect("noted");
    }
    let page = strip().await;
    assert_eq!(page.matches("class=\"unseen\"").count(), 1, "{page}");
    assert_eq!(page.matches("class=\"gpu\"><title").count(), 2, "{page}");
    // Another process ran meanwhile.
    for ago in [-4, -1] {
        runs.note("beside", now.plus(ago * hour)).await.expect("noted");
    }
    let page = strip().await;
    assert!(!page.contains("class=\"unseen\""), "{page}");
    world.end().await;
}

on_both!(
    the_list_begins_with_those_in_trouble,
    hours_in_which_nothing_watched_are_not_told_as_on_a_gpu,
);
