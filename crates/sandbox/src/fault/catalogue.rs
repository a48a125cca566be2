//! Every fault by name, with a sentence that says what it does.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! faults {
    ($($variant:ident $name:literal $text:literal),+ $(,)?) => {
        /// A way in which a provider or a host can misbehave.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Fault {
            $(#[doc = $text] #[serde(rename = $name)] $variant,)+
        }

        impl Fault {
            /// Every fault, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What it does, in a sentence or two.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

faults! {
    HostDies "host_dies" "The host's machine dies at once: every process is killed and its network is a black hole. Needs a target; params: after_s, provider_says (offline, unknown, running).",
    HostFrozen "host_frozen" "The host stops in the middle of everything and answers nothing, as a hung machine does. Needs a target; params: after_s, seconds.",
    NetworkCut "network_cut" "The host runs on, but nothing reaches it: open connections hang, new ones are never answered. What it opens itself still gets out. Needs a target; params: after_s, seconds.",
    DiskFull "disk_full" "The host's disk is full: a file takes all but free_bytes of it (absent: 0). Needs a target whose disk is its own (--disks own, or an image with own-disk); params: free_bytes, after_s, seconds until the room is given back.",
    Outbid "outbid" "Someone bids more: the interruptible instance is stopped. Params: resume_after_s brings it back by itself.",
    Offline "offline" "Vast.ai says `offline` for the instance.",
    Unknown "unknown" "Vast.ai says `unknown` for the instance: no heartbeat.",
    Create500ButCreated "create_500_but_created" "A create answers 500, and the instance exists and bills.",
    CreateTimesOut "create_times_out" "A create gets no answer in time. Params: hang_s until the connection is dropped; appears_after_s until the instance shows up (absent: never).",
    BidTooLow "bid_too_low" "A create with a bid answers success:false and leaves a stopped instance.",
    OfferGone "offer_gone" "The offer is taken by someone else between search and create.",
    OfferSoldTwice "offer_sold_twice" "An offer that is rented already is sold again, and stays in searches: the create succeeds, its storage bills, and the instance waits for its GPUs (intended and next running, cur_state stopped) until the other has stopped or gone. Target: an offer or a label.",
    ListLag "list_lag" "A new instance is missing from the list at first. Params: reads or seconds.",
    ListMissesRow "list_misses_row" "The list leaves the target out.",
    ListEmpty200 "list_empty_200" "The list answers 200 and is empty.",
    Destroy200StillRunning "destroy_200_still_running" "A destroy answers success, and the instance runs on and bills.",
    RateLimitedPlain "rate_limited_plain" "The call answers 429 in plain text.",
    RateLimitedJson "rate_limited_json" "The call answers 429 with a JSON body.",
    SshDead "ssh_dead" "The instance is running, but its SSH port refuses.",
    HostKeyBaked "host_key_baked" "The image brings an SSH host key along: every new or recycled instance of one image shows the same. Target: an instance.",
    StuckLoading "stuck_loading" "The instance stays in `loading` for ever.",
    ImageUnpullable "image_unpullable" "A new instance never gets its image: it stays in `loading`, and status_msg says why. Target: an offer or a label; params: reason (unknown: no such tag; denied: private or misspelt; rate: the registry's limit; absent: unknown).",
    NoCredit "no_credit" "A create answers that the account lacks credit.",
    KeyRefused "key_refused" "The provider refuses the account's key or token.",
    PermissionDenied "permission_denied" "GCP answers 403: the service account lacks a permission. Target: a VM, zone or project; params: permission (such as compute.instances.create; absent: every one).",
    StandbyPreempted "standby_preempted" "GCP takes a Spot VM back: it is stopped (or deleted, as it was set up).",
    ZoneExhausted "zone_exhausted" "An insert or start fails: the zone has no capacity.",
    QuotaExceeded "quota_exceeded" "GCP: the operation of an insert or start fails with QUOTA_EXCEEDED. Target: a VM or zone; params: metric (absent: CPUS; CPUS_ALL_REGIONS is worldwide), limit, at_once (true: HTTP 403 quotaExceeded and no operation).",
    OrgPolicy "org_policy" "GCP: a policy of the organisation refuses an insert with 412 conditionNotMet. Target: a project; params: constraint (absent: compute.vmExternalIpAccess, which strikes VMs with an external address only).",
    ApiDisabled "api_disabled" "GCP: every call answers 403 accessNotConfigured (SERVICE_DISABLED), as in a project that has not enabled Compute Engine. Target: a project.",
    ClockSkew "clock_skew" "GCP: the caller's clock is wrong, so that tokens it signs are refused: 400 invalid_grant from /token, 401 from the API. Params: ahead_s (absent: 600; less than 0: behind).",
    OperationFails "operation_fails" "GCP: an operation ends with INTERNAL_ERROR, and the VM is there, runs and bills. Target: a VM or zone; params: operation (insert, start, or delete, which then does nothing; absent: insert).",
    VastApiDown "vast_api_down" "Every call to Vast.ai answers 503. Params: seconds.",
    GcpApiDown "gcp_api_down" "Every call to GCP answers 503. Params: seconds.",
    PriceJump "price_jump" "All offers cost more. Params: factor.",
    LatencyMs "latency_ms" "Every provider call is answered later. Params: ms.",
}

impl Fault {
    /// Whether it is done to one host, once, by the sandbox itself.
    #[must_use]
    pub const fn acts_on_host(self) -> bool {
        matches!(self, Self::HostDies | Self::HostFrozen | Self::NetworkCut | Self::DiskFull)
    }
}

/// The name is not in the catalogue.
#[derive(Debug, thiserror::Error)]
#[error("there is no fault called {0:?}")]
pub struct UnknownFault(pub String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, UnknownFault> {
        Self::ALL
            .iter()
            .copied()
            .find(|fault| fault.name() == name)
            .ok_or_else(|| UnknownFault(name.to_owned()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
