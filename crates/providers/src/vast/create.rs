//! Buying an instance. Sent once; what is in doubt afterwards is for the caller to look up by label.

use domain::id::GpuId;
use domain::money::MicroUsd;
use domain::provider::{ErrorClass, ProviderError};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Call, VastClient, failure, unexpected};
use super::endpoint::Endpoint;
use super::error::Purchase;
use super::row::Row;

const OPERATION: &str = "create instance";
/// Vast's bound on the start script, in characters.
const LONGEST_ONSTART: usize = 4048;
/// Vast's bound on a label at creation.
const LONGEST_LABEL: usize = 256;
/// Over SSH, directly and through the relay.
const RUNTYPE: &str = "ssh_direc ssh_proxy";
/// The smallest disk that Vast makes, GB.
const SMALLEST_DISK: f64 = 8.0;

/// What to buy an offer as.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Create {
    /// Docker image.
    pub image: String,
    /// GB, fixed for the instance's life; 8 at least.
    pub disk_gb: f64,
    /// The label that finds the instance again; unique to this purchase.
    pub label: String,
    /// Script run at each start, 4048 characters at most.
    pub onstart: Option<String>,
    /// Environment of the container. Vast also takes ports here, as `-p 8080:8080` = `1`.
    pub env: Vec<(String, String)>,
    /// How one gets in; empty: over SSH, directly and through the relay.
    pub runtype: String,
    /// Arguments of the image's own entry point.
    pub args: Vec<String>,
    /// Template that it is made from; what is named here stands against what that says.
    pub template: Option<String>,
    /// A bid per hour for an interruptible instance; none buys on demand at the asked price.
    pub bid: Option<MicroUsd>,
}

/// What a purchase that Vast took came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bought {
    /// This instance exists now.
    Created(GpuId),
}

impl Create {
    fn flaw(&self) -> Option<&'static str> {
        if self.image.is_empty() {
            Some("an image must be named")
        } else if self.label.is_empty() || self.label.chars().count() > LONGEST_LABEL {
            Some("the label must have 1 to 256 characters")
        } else if self.disk_gb.is_nan() || self.disk_gb < SMALLEST_DISK {
            Some("the disk must have at least 8 GB")
        } else if self
            .onstart
            .as_ref()
            .is_some_and(|script| script.chars().count() > LONGEST_ONSTART)
        {
            Some("the start script is longer than 4048 characters")
        } else if self.bid.is_some_and(|bid| bid.0 < 1000) {
            Some("a bid must be at least $0.001")
        } else {
            None
        }
    }

    fn body(&self) -> Value {
        let env: Map<String, Value> =
            self.env.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let runtype = if self.runtype.is_empty() { RUNTYPE } else { &self.runtype };
        let mut body = json!({
            "client_id": "me",
            "image": self.image,
            "env": env,
            "price": self.bid.map(MicroUsd::usd),
            "disk": self.disk_gb,
            "label": self.label,
            "onstart": self.onstart,
            "runtype": runtype,
            // The offer, running, or nothing: without it Vast may leave a stopped instance behind.
            "cancel_unavail": true,
        });
        if let Some(fields) = body.as_object_mut() {
            if !self.args.is_empty() {
                fields.insert("args".into(), json!(self.args));
            }
            if let Some(template) = &self.template {
                fields.insert("template_hash_id".into(), json!(template));
            }
        }
        body
    }
}

impl VastClient {
    /// Buys an offer (`PUT /asks/{offer}/`), over SSH and with a direct port. Never sent twice.
    ///
    /// # Errors
    /// An error whose class is not a clear no, or that names an instance in `created`, leaves it
    /// open whether something was bought: look the label up in [`VastClient::list`]. A success that
    /// names no instance is such an error too.
    pub async fn buy(&self, offer_id: i64, create: &Create) -> Result<Bought, ProviderError> {
        if let Some(flaw) = create.flaw() {
            return Err(failure(OPERATION, ErrorClass::Invalid, flaw.into()));
        }
        let mut call = Call::new(
            OPERATION,
            Endpoint::Create,
            Method::PUT,
            format!("/api/v0/asks/{offer_id}/"),
        )
        .body(create.body());
        call.purchase = Some(if create.bid.is_some() { Purchase::Bid } else { Purchase::OnDemand });
        let reply = self.ask_once(&call).await?;
        match Row(&reply).int("new_contract") {
            Some(id) if id > 0 => Ok(Bought::Created(GpuId(id))),
            _ => Err(unexpected(
                OPERATION,
                "the purchase was accepted, but the reply names no instance",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create() -> Create {
        Create {
            image: "ubuntu:22.04".into(),
            disk_gb: 20.0,
            label: "dumont-1-2".into(),
            onstart: Some("true".into()),
            env: vec![("A".into(), "B".into()), ("-p 80:80".into(), "1".into())],
            ..Create::default()
        }
    }

    #[test]
    fn a_launch_mode_arguments_and_a_template_are_named_where_there_are_some() {
        let plain = create().body();
        assert_eq!(plain["runtype"], "ssh_direc ssh_proxy");
        assert!(plain.get("args").is_none() && plain.get("template_hash_id").is_none());
        let body = Create {
            runtype: "jupyter_direc ssh_direc ssh_proxy".into(),
            args: vec!["--x".into()],
            template: Some("abc".into()),
            ..create()
        }
        .body();
        assert_eq!(body["runtype"], "jupyter_direc ssh_direc ssh_proxy");
        assert_eq!((&body["args"], &body["template_hash_id"]), (&json!(["--x"]), &json!("abc")));
    }

    #[test]
    fn the_body_buys_on_demand_unless_a_bid_is_given() {
        let body = create().body();
        assert_eq!(body["price"], Value::Null);
        assert_eq!(body["cancel_unavail"], true);
        assert_eq!(body["env"], json!({"A": "B", "-p 80:80": "1"}));
        let bid = Create { bid: Some(MicroUsd(123_000)), ..create() };
        assert_eq!(bid.body()["price"], 0.123);
    }

    #[test]
    fn what_vast_would_refuse_is_refused_before_it_is_sent() {
        assert_eq!(create().flaw(), None);
        for bad in [
            Create { image: String::new(), ..create() },
            Create { label: String::new(), ..create() },
            Create { label: "x".repeat(257), ..create() },
            Create { disk_gb: 7.9, ..create() },
            Create { disk_gb: f64::NAN, ..create() },
            Create { onstart: Some("x".repeat(4049)), ..create() },
            Create { bid: Some(MicroUsd(999)), ..create() },
        ] {
            assert!(bad.flaw().is_some(), "{bad:?}");
        }
    }
}
