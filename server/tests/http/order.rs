//! In which order machines are listed.

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

on_both!(the_list_begins_with_those_in_trouble);
