//! What the pages ask of the server. The product's one answer is in `server`; tests have another.
//!
//! An implementation is made for one request and knows who asks; nothing here names a user. A
//! refusal is a problem document, the same that the REST API tells.

mod passkeys;
mod people;
mod sharing;

use std::sync::Arc;

use async_trait::async_trait;
use domain::id::{FailoverId, GpuId, NotificationId};
use domain::notification::Wait;
use domain::time::Millis;
use domain::view::access::{Browsers, RecoveryCodes, RemoveSecondFactor, SecondFactor};
use domain::view::account::{
    ChangePassword, Confirm, CreatedToken, LoginRequest, NewToken, Sessions, SetupRequest, Tokens,
    User,
};
use domain::view::audit::{AuditLog, AuditQuery};
use domain::view::balance::Balance;
use domain::view::configure::ConfigureStandby;
use domain::view::failover::{ActiveFailovers, FailoverPage, SimulateFailover, StartFailover};
use domain::view::instance::CreateInstance;
use domain::view::machine::{MachinePage, MachinesPage};
use domain::view::notification::{Notification, NotificationQuery, Notifications};
use domain::view::offer::{OfferQuery, Offers};
use domain::view::points::{GoBack, PointDifference, RecoveryPoints};
use domain::view::problem::Problem;
use domain::view::readiness::{DryRun, Readiness};
use domain::view::report::{FailoverReport, ReportQuery};
use domain::view::settings::{Settings, SettingsUpdate};
use domain::view::standby::{
    AcceptDeletions, DiscardMachine, HeldDeletions, ProvisionStandby, RestoreDeletions,
};

pub use self::passkeys::WithPasskeys;
pub use self::people::People;
pub use self::sharing::Sharing;

/// What was asked for, or why not.
pub type Answer<T> = Result<T, Problem>;

/// Who looks at a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// The account, where someone is logged in.
    pub user: Option<User>,
    /// Whether this install has no account yet.
    pub empty: bool,
    /// Whether the providers are a sandbox.
    pub sandbox: bool,
}

/// A second factor that is being set up.
#[derive(Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The secret, to be typed.
    pub secret: String,
    /// How many modules its QR code is wide and high, with its margin.
    pub side: i32,
    /// The dark ones, as the data of a path.
    pub path: String,
}

/// Everything that the pages can ask for, as the one who asks.
#[async_trait]
pub trait ControlPlane: People + Sharing + WithPasskeys {
    /// The present time.
    fn now(&self) -> Millis;
    /// Who asks.
    async fn visitor(&self) -> Answer<Visitor>;

    /// Makes the first account and logs it in.
    async fn set_up(&self, first: SetupRequest) -> Answer<()>;
    /// Begins a session.
    async fn log_in(&self, login: LoginRequest) -> Answer<()>;
    /// Begins the session of a login that waits for its code.
    async fn log_in_with_code(&self, code: String) -> Answer<()>;
    /// Ends the session.
    async fn log_out(&self) -> Answer<()>;

    /// The credit, as far as it is known without waiting; `None` while the provider is asked.
    async fn balance(&self) -> Option<Answer<Balance>>;
    /// All machines.
    async fn machines(&self) -> Answer<Arc<MachinesPage>>;
    /// One machine.
    async fn machine(&self, gpu: GpuId) -> Answer<MachinePage>;
    /// One machine as it is known now, for who must not wait for a provider.
    async fn known_machine(&self, gpu: GpuId) -> Answer<MachinePage>;
    /// What is ready for a failover and what blocks one; asks the providers.
    async fn readiness(&self, gpu: GpuId) -> Answer<Readiness>;
    /// What a failover would do and cost now; asks the market.
    async fn dry_run(&self, gpu: GpuId) -> Answer<DryRun>;
    /// Offers of the market.
    async fn offers(&self, wanted: OfferQuery) -> Answer<Offers>;

    /// Rents a GPU.
    async fn rent(&self, wanted: CreateInstance) -> Answer<GpuId>;
    /// Destroys a GPU, and its standby where asked.
    async fn destroy(&self, gpu: GpuId, standby_too: bool) -> Answer<()>;
    /// Stops a GPU.
    async fn pause(&self, gpu: GpuId) -> Answer<()>;
    /// Starts a GPU.
    async fn resume(&self, gpu: GpuId) -> Answer<()>;
    /// Gives a GPU a standby.
    async fn protect(&self, gpu: GpuId, wanted: ProvisionStandby) -> Answer<()>;
    /// Removes a standby with its VM.
    async fn unprotect(&self, gpu: GpuId) -> Answer<()>;
    /// Switches following on or off.
    async fn follow(&self, gpu: GpuId, on: bool) -> Answer<()>;

    /// The deletions that a frozen copy holds back.
    async fn deletions(&self, gpu: GpuId) -> Answer<HeldDeletions>;
    /// Lets a frozen copy follow again and delete exactly what was shown.
    async fn accept_deletions(&self, gpu: GpuId, shown: AcceptDeletions) -> Answer<()>;
    /// Has the GPU get back exactly what was shown.
    async fn restore_deletions(&self, gpu: GpuId, shown: RestoreDeletions) -> Answer<()>;
    /// The recovery points of a machine's copy.
    async fn points(&self, gpu: GpuId) -> Answer<RecoveryPoints>;
    /// What going back to one would change now.
    async fn point_difference(
        &self,
        gpu: GpuId,
        point: i64,
        path: String,
    ) -> Answer<PointDifference>;
    /// Has a machine's files put back to one.
    async fn go_back(&self, gpu: GpuId, point: i64, wanted: GoBack) -> Answer<()>;
    /// Gives a machine up with its GPU and its standby.
    async fn discard(&self, gpu: GpuId, wanted: DiscardMachine) -> Answer<()>;
    /// Moves the machine of a GPU from its standby to a new GPU.
    async fn back_to_gpu(&self, gpu: GpuId) -> Answer<FailoverId>;
    /// Ends a failover's pause before its next attempt, which was shown to wait for this.
    async fn retry_now(&self, failover: &FailoverId, shown: Option<Wait>) -> Answer<()>;

    /// Begins a drill.
    async fn drill(&self, gpu: GpuId, wanted: SimulateFailover) -> Answer<FailoverId>;
    /// Moves a machine away from its GPU now.
    async fn fail_over(&self, gpu: GpuId, wanted: StartFailover) -> Answer<FailoverId>;
    /// Moves a machine from its standby to a new GPU.
    async fn fail_back(&self, failover: &FailoverId) -> Answer<FailoverId>;
    /// Asks a failover to stop and clean up.
    async fn cancel(&self, failover: &FailoverId) -> Answer<()>;
    /// Failovers under way.
    async fn active(&self) -> Answer<ActiveFailovers>;
    /// The report of a period.
    async fn report(&self, wanted: ReportQuery) -> Answer<Arc<FailoverReport>>;
    /// One failover with its journal.
    async fn failover(&self, failover: &FailoverId) -> Answer<FailoverPage>;

    /// How many notifications were not read.
    async fn unread(&self) -> Answer<i64>;
    /// What the account is told of.
    async fn notifications(&self, wanted: NotificationQuery) -> Answer<Notifications>;
    /// One notification.
    async fn notification(&self, id: NotificationId) -> Answer<Notification>;
    /// Marks a notification as read.
    async fn read(&self, id: NotificationId) -> Answer<()>;
    /// Marks a failover's notifications as read.
    async fn read_failover(&self, failover: &FailoverId) -> Answer<()>;
    /// Marks all notifications as read.
    async fn read_all(&self) -> Answer<()>;

    /// What is stored and chosen.
    async fn settings(&self) -> Answer<Settings>;
    /// Saves the CPU Failover settings.
    async fn configure(&self, wanted: ConfigureStandby) -> Answer<()>;
    /// Stores or removes credentials, language and theme; a credential is tried first.
    async fn update(&self, wanted: SettingsUpdate) -> Answer<Settings>;

    /// A part of the account's audit log.
    async fn audit(&self, wanted: AuditQuery) -> Answer<AuditLog>;

    /// Whether the one who asks proved a short while ago to know the password.
    fn confirmed(&self) -> bool;
    /// Proves it.
    async fn confirm(&self, asked: Confirm) -> Answer<()>;
    /// The account's API tokens.
    async fn tokens(&self) -> Answer<Tokens>;
    /// Makes an API token.
    async fn create_token(&self, wanted: NewToken) -> Answer<CreatedToken>;
    /// Ends an API token.
    async fn revoke_token(&self, id: &str) -> Answer<()>;
    /// The account's logins.
    async fn sessions(&self) -> Answer<Sessions>;
    /// Ends a login.
    async fn revoke_session(&self, id: &str) -> Answer<()>;
    /// The browsers that the account knows.
    async fn browsers(&self) -> Answer<Browsers>;
    /// Forgets a browser.
    async fn forget_browser(&self, id: &str) -> Answer<()>;
    /// What is known of the account's second factor.
    async fn second_factor(&self) -> Answer<SecondFactor>;
    /// The one that is being set up, where the one who asks proved who they are.
    async fn enrolment(&self) -> Answer<Option<Enrolment>>;
    /// Begins to set one up.
    async fn begin_second_factor(&self) -> Answer<()>;
    /// Turns it on with a code.
    async fn activate_second_factor(&self, code: String) -> Answer<RecoveryCodes>;
    /// Makes other recovery codes.
    async fn make_recovery_codes(&self) -> Answer<RecoveryCodes>;
    /// Turns it off.
    async fn remove_second_factor(&self, wanted: RemoveSecondFactor) -> Answer<()>;
    /// Changes the password.
    async fn change_password(&self, wanted: ChangePassword) -> Answer<()>;
}
