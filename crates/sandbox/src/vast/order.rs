//! Reading the body of a create, with the limits that the real service has.

use serde_json::Value;

use super::driver::pace;
use super::gate::Caller;
use super::instance::{Hidden, Instance};
use super::keys::random_hex;
use super::life::{Life, Stage, Stuck};
use super::offer::Slot;
use super::reply::Refusal;
use crate::host;
use crate::profile::Latency;
use crate::world::World;

/// Longest boot script, characters.
const ONSTART_MAX: usize = 4_048;
/// Longest boot script and arguments together, characters.
const ARGS_MAX: usize = 4_096;
/// What `runtype` is made of.
const RUN_TYPES: &[&str] = &[
    "ssh",
    "ssh_direc",
    "ssh_direct",
    "ssh_proxy",
    "jupyter",
    "jupyter_direc",
    "jupyter_direct",
    "jupyter_proxy",
    "args",
];
/// Bids allowed, micro-dollars per hour.
const BIDS: std::ops::RangeInclusive<i64> = 1_000..=128_000_000;

/// A create, read and found to make sense.
#[derive(Debug, PartialEq)]
pub(crate) struct Order {
    /// The image.
    pub image: String,
    /// Disk, GB.
    pub disk_gb: f64,
    /// The customer's label.
    pub label: Option<String>,
    /// The boot script.
    pub onstart: Option<String>,
    /// Environment and options of the container runtime.
    pub extra_env: Vec<(String, String)>,
    /// `runtype` as given.
    pub runtype: String,
    /// Arguments of the image's entry point.
    pub args: Vec<String>,
    /// The bid, micro-dollars per hour; none for on-demand.
    pub bid_micro: Option<i64>,
    /// Refuse rather than leave a stopped instance.
    pub cancel_unavail: bool,
    /// Wanted stopped from the outset.
    pub stopped: bool,
}

impl Order {
    /// The new instance; `outbid` says that its bid does not win.
    pub(crate) fn instance(
        &self,
        world: &World,
        caller: &Caller,
        slot: &Slot,
        id: u64,
        outbid: bool,
        pct: i64,
    ) -> Instance {
        let now_ms = world.now_ms();
        // The contract comes to life when the call is answered.
        let answered_ms = now_ms
            + i64::try_from(world.profile().delay(Latency::VastCreate).as_millis()).unwrap_or(0);
        let life = if outbid {
            Life::begin_outbid(answered_ms)
        } else if self.stopped {
            Life::begin_stopped(answered_ms)
        } else {
            Life::begin(answered_ms, &pace(world))
        };
        let mut instance = Instance {
            id,
            account: caller.account.id,
            ask_id: slot.ask_id,
            label: self.label.clone(),
            image: self.image.clone(),
            onstart: self.onstart.clone(),
            extra_env: self.extra_env.clone(),
            runtype: self.runtype.clone(),
            args: self.args.clone(),
            disk_gb: self.disk_gb,
            bid_micro: self.bid_micro,
            ask_micro: slot.ask_micro(pct),
            disk_micro: slot.disk_micro(self.disk_gb),
            created_ms: now_ms,
            keys: Vec::new(),
            keys_version: 0,
            ssh_dead: false,
            renew: false,
            api_key: random_hex(32),
            life,
            hidden: Hidden::default(),
            journal: Vec::new(),
        };
        if let Some(port) = instance.port_asked_twice() {
            let (number, protocol) = port.split_once('/').unwrap_or((&port, "tcp"));
            let msg = format!(
                "Error response from daemon: driver failed programming external connectivity on endpoint C.{id}: Bind for 0.0.0.0:{number} failed: port is already allocated ({protocol})"
            );
            instance.life.stuck =
                Some(Stuck { stage: Stage::Created, msg: Some(msg), until_cleared: None });
        }
        if let Err(error) = host::check_image(&self.image) {
            let msg = Some(format!("Error response from daemon: {error}"));
            instance.life.stuck = Some(Stuck { stage: Stage::Loading, msg, until_cleared: None });
        }
        instance.note(now_ms, format!("rented ask {} on machine {}", slot.ask_id, slot.machine_id));
        instance
    }

    /// Reads a body.
    ///
    /// # Errors
    /// In the service's own shapes, for the first field that cannot be used.
    pub(crate) fn parse(body: &str) -> Result<Self, Refusal> {
        let body: Value = serde_json::from_str(body)
            .map_err(|_| Refusal::json(400, "invalid_request", "Invalid json body"))?;
        let text = |name: &str| {
            body.get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let flag = |name: &str| body.get(name).and_then(Value::as_bool);
        not_to_be_had(&body)?;
        let runtype = text("runtype").unwrap_or_default();
        if let Some(word) = runtype.split_whitespace().find(|word| !RUN_TYPES.contains(word)) {
            return Err(Refusal::invalid_args(format!("unknown runtype {word}")));
        }
        let args = arguments(&body)?;
        let image = text("image").ok_or_else(|| Refusal::invalid_args("image is required"))?;
        let disk_gb = body.get("disk").and_then(number).unwrap_or(10.0);
        if !(8.0..=100_000.0).contains(&disk_gb) {
            return Err(Refusal::invalid_args(format!(
                "disk {disk_gb} is not between 8 and 100000"
            )));
        }
        let label = text("label");
        let too_long = |text: &Option<String>, most: usize| {
            text.as_ref().is_some_and(|text| text.chars().count() > most)
        };
        let onstart = text("onstart").or_else(|| text("onstart_cmd"));
        if too_long(&label, 256) || too_long(&onstart, ONSTART_MAX) || image.chars().count() > 1_024
        {
            return Err(Refusal::invalid_args("label, image or onstart is too long"));
        }
        let said = onstart.as_deref().map_or(0, |text| text.chars().count());
        if !args.is_empty() && said + args.iter().map(String::len).sum::<usize>() > ARGS_MAX {
            return Err(Refusal::invalid_args("args and onstart are too long together"));
        }
        let extra_env = environment(body.get("env").unwrap_or(&Value::Null))?;
        if let Some((volume, _)) = extra_env.iter().find(|(name, _)| name.starts_with("-v")) {
            return Err(Refusal::invalid_args(format!("no such volume: {volume}")));
        }
        let bid_micro = match body.get("price") {
            None | Some(Value::Null) => None,
            Some(price) => {
                let price =
                    number(price).map(crate::money::micro).filter(|price| BIDS.contains(price));
                Some(price.ok_or_else(|| {
                    Refusal::json(400, "invalid_price", "Please set a bid price >= 0.001.")
                })?)
            }
        };
        let stopped = body.get("target_state").and_then(Value::as_str) == Some("stopped");
        Ok(Self {
            image,
            disk_gb,
            label,
            onstart,
            extra_env,
            runtype,
            args,
            bid_micro,
            cancel_unavail: flag("cancel_unavail").unwrap_or(bid_micro.is_none() && !stopped),
            stopped,
        })
    }
}

/// What would need something that this service does not have: nobody made it here.
fn not_to_be_had(body: &Value) -> Result<(), Refusal> {
    let given =
        |name: &str| body.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""));
    for name in ["template_hash_id", "template_id"] {
        if let Some(template) = given(name) {
            return Err(Refusal::invalid_args(format!("no such template: {template}")));
        }
    }
    if let Some(volume) = given("volume_info") {
        return Err(Refusal::invalid_args(format!("no such volume: {volume}")));
    }
    if given("vm").is_some_and(|vm| vm.as_bool() != Some(false)) {
        return Err(Refusal::invalid_args("this machine runs no virtual machines"));
    }
    Ok(())
}

/// `args`, a list, or `args_str`, one line.
fn arguments(body: &Value) -> Result<Vec<String>, Refusal> {
    let refused = || Refusal::invalid_args("args must be a list of strings");
    match body.get("args") {
        Some(Value::Array(list)) => {
            list.iter().map(|word| word.as_str().map(str::to_owned).ok_or_else(refused)).collect()
        }
        Some(Value::Null) | None => {
            let line = body.get("args_str").and_then(Value::as_str).unwrap_or_default();
            Ok(line.split_whitespace().map(str::to_owned).collect())
        }
        Some(_) => Err(refused()),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// `env` is an object; older clients send docker's options in one string.
fn environment(env: &Value) -> Result<Vec<(String, String)>, Refusal> {
    let as_text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match env {
        Value::Null => Ok(Vec::new()),
        Value::Object(map) if map.len() <= 256 => {
            Ok(map.iter().map(|(name, value)| (name.clone(), as_text(value))).collect())
        }
        Value::String(options) => Ok(docker_options(options)),
        _ => Err(Refusal::invalid_args("env must be an object with at most 256 keys")),
    }
}

/// `-e A=B -p 8080:8080` as pairs.
fn docker_options(options: &str) -> Vec<(String, String)> {
    let words: Vec<&str> = options.split_whitespace().collect();
    let pair = |window: &[&str]| match window {
        ["-e" | "--env", pair] => {
            pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
        }
        ["-v" | "--volume", volume] => Some((format!("-v {volume}"), "1".to_owned())),
        ["-p", port] => Some((format!("-p {port}"), "1".to_owned())),
        _ => None,
    };
    words.windows(2).filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_clis_own_body_is_understood() {
        let order = Order::parse(
            r#"{"client_id":"me","image":"ubuntu:22.04","env":{"A":"B","-p 8080:8080":"1"},"price":null,"disk":20.0,"label":"lab","extra":null,
                "onstart":"true","runtype":"ssh_direc ssh_proxy","force":false,"cancel_unavail":false,"template_hash_id":null,"user":null}"#,
        )
        .expect("an order");
        assert_eq!(order.extra_env.len(), 2);
        assert_eq!((order.bid_micro, order.cancel_unavail, order.disk_gb), (None, false, 20.0));
    }

    #[test]
    fn defaults_follow_the_kind_of_contract() {
        let on_demand = Order::parse(r#"{"image":"i"}"#).expect("an order");
        assert!(on_demand.cancel_unavail);
        let bid = Order::parse(r#"{"image":"i","price":"0.2"}"#).expect("an order");
        assert_eq!((bid.cancel_unavail, bid.bid_micro), (false, Some(200_000)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (body, error) in [
            ("", "invalid_request"),
            (r#"{"disk":20}"#, "invalid_args"),
            (r#"{"image":"i","disk":1}"#, "invalid_args"),
            (r#"{"image":"i","price":0}"#, "invalid_price"),
            (r#"{"image":"i","env":[1]}"#, "invalid_args"),
        ] {
            let refused = Order::parse(body).expect_err(body);
            assert!(
                matches!(refused, Refusal::Json { error: code, .. } if code == error),
                "{body}: {refused:?}"
            );
        }
        let long = format!(r#"{{"image":"i","onstart":"{}"}}"#, "x".repeat(ONSTART_MAX + 1));
        assert!(Order::parse(&long).is_err());
    }

    #[test]
    fn environment_in_a_string_works_too() {
        assert_eq!(
            environment(&json!("-e A=B=C -p 1:2")).expect("pairs"),
            [("A".to_owned(), "B=C".to_owned()), ("-p 1:2".to_owned(), "1".to_owned())]
        );
    }
}
