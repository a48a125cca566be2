//! Recovery points: listed, looked at, gone back to, on the GPU where the machine runs there and on the standby
//! where it runs there.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::stack::{Plan, Stack};

fn write(root: &Path, path: &str, bytes: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    // At once, as a program that means its files well does.
    std::fs::write(path.with_extension("part"), bytes).unwrap();
    std::fs::rename(path.with_extension("part"), path).unwrap();
}

fn read(root: &Path, path: &str) -> Option<String> {
    std::fs::read_to_string(root.join(path)).ok()
}

struct Machine {
    stack: Stack,
    gpu: i64,
}

impl Machine {
    fn at(&self, more: &str) -> String {
        format!("/standby/associations/{}/points{more}", self.gpu)
    }

    async fn points(&self) -> Value {
        self.stack.get(&self.at("")).await
    }

    /// What going back to a point would change at a path: added, changed, removed.
    async fn difference(&self, point: i64, path: &str) -> Option<[i64; 3]> {
        let found = self.stack.try_get(&self.at(&format!("/{point}?path={path}"))).await?;
        Some(["added", "changed", "removed"].map(|figure| found[figure].as_i64().unwrap()))
    }

    /// A point that holds what is at a path now, as `root` has it: two after one another are the same there.
    async fn settled(&self, path: &str, holds: impl Fn(&Value) -> bool) -> i64 {
        self.stack
            .eventually("a point with what was written", async |_| {
                let found = self.stack.try_get(&self.at("")).await?;
                let newest = &found["points"][0];
                if !holds(newest) {
                    return None;
                }
                let id = newest["id"].as_i64()?;
                (self.difference(id, path).await? == [0, 0, 0]).then_some(id)
            })
            .await
    }

    /// A point that differs from an earlier one as it should.
    async fn differs(&self, from: i64, path: &str, wanted: [i64; 3]) {
        self.stack
            .eventually("what was changed to be in the newest point", async |_| {
                (self.difference(from, path).await? == wanted).then_some(())
            })
            .await;
    }

    async fn ended(&self) -> Value {
        self.stack
            .eventually("the way back to end", async |_| {
                let found = self.stack.try_get(&self.at("")).await?;
                let last = &found["last_return"];
                (last["state"] != "asked").then(|| last.clone())
            })
            .await
    }

    async fn syncs(&self) -> Option<i64> {
        let tie = self.stack.try_get(&format!("/standby/associations/{}", self.gpu)).await?;
        (tie["state"] == "following").then(|| tie["sync_count"].as_i64())?
    }
}

async fn changed_since(plan: Plan) -> (Machine, i64) {
    let stack = Stack::with(plan).await;
    let gpu = stack.protected().await;
    let machine = Machine { stack, gpu };
    let root = machine.stack.host_workspace(&gpu.to_string());
    let before = machine.points().await["points"][0]["id"].as_i64().unwrap();
    for (path, text) in [("data/a", "one"), ("data/deep/c", "c"), ("other", "o1")] {
        write(&root, path, text);
    }
    machine.differs(before, "data", [0, 0, 2]).await;
    machine.differs(before, "other", [0, 0, 1]).await;
    let point = machine.settled("data", |newest| newest["id"].as_i64() > Some(before)).await;
    write(&root, "data/a", "two and more");
    write(&root, "data/b", "b");
    std::fs::remove_dir_all(root.join("data/deep")).unwrap();
    write(&root, "other", "o2");
    machine.differs(point, "data", [1, 1, 1]).await;
    (machine, point)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_machine_goes_back_at_a_path_and_forth_again() {
    let (machine, point) = changed_since(Plan::by("agent")).await;
    let stack = &machine.stack;
    let root = stack.host_workspace(&machine.gpu.to_string());
    let listed = machine.points().await;
    assert_eq!((&listed["kept"], &listed["serving"]), (&json!(true), &json!("gpu")));
    assert!(listed["points"][0]["lacks"]["in_flux"].is_i64(), "{listed:#}");
    assert!(listed["proven_since"].is_string(), "{listed:#}");

    let address = machine.at(&format!("/{point}/go-back"));
    let unsaid = json!({ "path": "data" });
    let (status, refused) = stack.call(Method::POST, &address, unsaid).await;
    assert_eq!((status, &refused["code"]), (409, &json!("consent_needed")), "{refused:#}");
    assert_eq!(read(&root, "data/b").as_deref(), Some("b"));
    let wanted = json!({ "path": "data", "accept_changes": true });
    for _ in 0..2 {
        let (status, told) = stack.call(Method::POST, &address, wanted.clone()).await;
        assert_eq!(status, 202, "{told:#}");
    }
    let other = json!({ "path": "other", "accept_changes": true });
    let (status, refused) = stack.call(Method::POST, &address, other).await;
    // It may be over by now; then it is another one, which is fine.
    assert!(status == 202 || refused["code"] == "return_under_way", "{refused:#}");
    let ended = machine.ended().await;
    assert_eq!(ended["state"], "done", "{ended:#}");
    assert_eq!(read(&root, "data/a").as_deref(), Some("one"));
    assert_eq!(read(&root, "data/deep/c").as_deref(), Some("c"));
    assert_eq!(read(&root, "data/b"), None);
    let undo = if ended["path"] == "data" {
        assert_eq!(read(&root, "other").as_deref(), Some("o2"), "only what was asked for");
        assert_eq!(ended["files"], 3, "{ended:#}");
        ended["before"].as_i64().unwrap()
    } else {
        return;
    };

    // It follows on, and nothing of it counts as lost.
    let count = machine.syncs().await;
    stack
        .eventually("the standby to follow again", async |_| {
            (machine.syncs().await > count).then_some(())
        })
        .await;
    let steps = read(&root, "step");
    stack
        .eventually("the job to go on", async |_| (read(&root, "step") != steps).then_some(()))
        .await;
    let told = stack.get("/notifications").await;
    let kinds: Vec<&Value> =
        told["notifications"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert!(kinds.contains(&&json!("went_back")), "{told:#}");

    // And forth again, to what was there.
    let address = machine.at(&format!("/{undo}/go-back"));
    let (status, told) = stack.call(Method::POST, &address, wanted).await;
    assert_eq!(status, 202, "{told:#}");
    stack
        .eventually("what was there before to be there again", async |_| {
            let there = (read(&root, "data/a"), read(&root, "data/b"), read(&root, "data/deep/c"));
            (there == (Some("two and more".into()), Some("b".into()), None)).then_some(())
        })
        .await;
    assert_eq!(machine.ended().await["state"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_outlives_the_process_that_it_was_asked_of() {
    let (mut machine, point) = changed_since(Plan::by("agent")).await;
    let root = machine.stack.host_workspace(&machine.gpu.to_string());
    let address = machine.at(&format!("/{point}/go-back"));
    let wanted = json!({ "path": "data", "accept_changes": true });
    let (status, told) = machine.stack.call(Method::POST, &address, wanted).await;
    assert_eq!(status, 202, "{told:#}");
    machine.stack.kill9_server();
    machine.stack.start_server().await;
    let ended = machine.ended().await;
    assert_eq!(ended["state"], "done", "{ended:#}");
    assert_eq!(read(&root, "data/a").as_deref(), Some("one"));
    assert_eq!((read(&root, "data/b"), read(&root, "other").as_deref()), (None, Some("o2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_on_its_standby_goes_back_there() {
    let (machine, point) = changed_since(Plan::by("agent")).await;
    let stack = &machine.stack;
    stack.fault(json!({ "name": "no_credit" })).await;
    stack.pull_plug(machine.gpu).await;
    let failover = stack.failover_of(machine.gpu).await;
    stack
        .eventually("the standby to serve", async |stack| {
            let tie = stack.try_get(&format!("/standby/associations/{}", machine.gpu)).await?;
            (tie["serving"] == "standby").then_some(())
        })
        .await;
    let address = machine.at(&format!("/{point}/go-back"));
    let wanted = json!({ "path": "data", "accept_changes": true });
    let (status, refused) = stack.call(Method::POST, &address, wanted.clone()).await;
    assert_eq!((status, &refused["code"]), (409, &json!("failover_active")), "{refused:#}");
    stack.post(&format!("/standby/failover/{failover}/cancel"), json!({})).await;
    stack.ended(&failover).await;
    let copy = stack.host_workspace("vm-");
    write(&copy, "data/b", "written on the standby");
    let (status, told) = stack.call(Method::POST, &address, wanted).await;
    assert_eq!(status, 202, "{told:#}");
    let ended = machine.ended().await;
    assert_eq!((&ended["state"], &ended["serving"]), (&json!("done"), &json!("standby")));
    assert_eq!(read(&copy, "data/a").as_deref(), Some("one"));
    assert_eq!((read(&copy, "data/b"), read(&copy, "data/deep/c").as_deref()), (None, Some("c")));
    // What the job wrote there is in the point before.
    let before = ended["before"].as_i64().unwrap();
    assert_eq!(machine.difference(before, "data/b").await, Some([1, 0, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn by_rsync_there_are_none_and_it_is_said_so() {
    let stack = Stack::with(Plan::by("rsync")).await;
    let gpu = stack.protected().await;
    let machine = Machine { stack, gpu };
    let listed = machine.points().await;
    assert_eq!((&listed["kept"], &listed["why_rsync"]), (&json!(false), &json!("off")));
    assert_eq!((&listed["points"], &listed["count"]), (&json!([]), &Value::Null));
    let wanted = json!({ "accept_changes": true });
    let address = machine.at("/1/go-back");
    let (status, refused) = machine.stack.call(Method::POST, &address, wanted).await;
    assert_eq!((status, &refused["code"]), (409, &json!("no_recovery_points")), "{refused:#}");
}
