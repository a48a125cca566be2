//! The product's answer to what pages ask: the services, for the one who asks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::control_plane::{Answer, ControlPlane, Enrolment, Visitor};
use async_trait::async_trait;
use axum::http::HeaderValue;
use domain::access::Scope;
use domain::audit::{Action, Credential};
use domain::id::{FailoverId, GpuId, MachineRef, NotificationId, TokenId, UserId};
use domain::notification::Wait;
use domain::time::Millis;
use domain::view::access::{Browsers, RecoveryCodes, RemoveSecondFactor, SecondFactor};
use domain::view::account::{
    ChangePassword, Confirm, CreatedToken, LoginRequest, NewToken, Sessions, SetupRequest, Tokens,
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
use domain::view::readiness::{DryRun, Readiness};
use domain::view::report::{FailoverReport, ReportQuery};
use domain::view::settings::{Settings, SettingsUpdate};
use domain::view::standby::{
    AcceptDeletions, DiscardMachine, HeldDeletions, ProvisionStandby, RestoreDeletions,
};
use secrecy::{ExposeSecret as _, SecretString};
use store::{Stamp, User};
use tower_sessions::Session;

use crate::http::client::Client;
use crate::http::identity::{Identity, Via};
use crate::http::{browser, problem, session};
use crate::service::audit::Actor;
use crate::service::auth::{Entry, Step};
use crate::service::second_factor::Proof;
use crate::service::whose::{self, Shown as _, Subject, Whose};
use crate::service::{
    account, audit, auth, balance, browsers, confirm, failover, instances, machines, notifications,
    readiness, report, second_factor, settings, standby,
};
use crate::{Dumont, Fault};

/// How long a page waits for a credit that nobody has asked for yet.
const GLANCE: Duration = Duration::from_millis(150);

/// One request's control plane.
pub(super) struct Plane {
    pub(super) dumont: Dumont,
    pub(super) identity: Option<Identity>,
    /// The account that asks, as this request has read it, and how far what it sees had come then.
    pub(super) seen: Result<Option<(User, Stamp)>, Fault>,
    pub(super) session: Session,
    pub(super) client: Client,
    pub(super) request_id: String,
    /// What the browser shall keep, to be known again.
    pub(super) keep: Mutex<Option<HeaderValue>>,
    /// The address of this install as whoever asks reaches it.
    pub(super) site: String,
}

impl Plane {
    fn who(&self) -> Result<&Identity, Fault> {
        self.identity.as_ref().ok_or(Fault::Unauthorized)
    }

    fn user(&self) -> Result<&UserId, Fault> {
        Ok(&self.who()?.user)
    }

    fn known(&self) -> Result<(&User, Stamp), Fault> {
        let seen = self.seen.as_ref().map_err(Clone::clone)?;
        seen.as_ref().map(|(user, stamp)| (user, *stamp)).ok_or(Fault::Unauthorized)
    }

    /// A failure as its page tells it; logged here, since a page is no failed request.
    fn tell<T>(&self, outcome: Result<T, Fault>) -> Answer<T> {
        outcome.map_err(|fault| {
            problem::log(&fault);
            fault.problem(&self.request_id)
        })
    }

    /// The same of an act, noted in the audit log.
    async fn done<T>(
        &self,
        action: Action,
        object: Option<String>,
        outcome: Result<T, Fault>,
    ) -> Answer<T> {
        if let Some(who) = &self.identity {
            let actor = Actor::of(who, &self.client);
            let told = outcome.as_ref().map(|_| ()).map_err(Fault::code);
            audit::note(&self.dumont, &actor, action, object, told).await;
        }
        self.tell(outcome)
    }

    /// Whose a machine is that a page is about.
    async fn whose(&self, gpu: GpuId) -> Result<Whose, Fault> {
        let subject = Subject::Machine(MachineRef::Gpu(gpu));
        whose::of(&self.dumont, self.user()?, &subject).await
    }

    /// Whose a failover is that a page is about.
    async fn whose_failover(&self, id: &FailoverId) -> Result<Whose, Fault> {
        whose::of(&self.dumont, self.user()?, &Subject::Failover(id.clone())).await
    }

    /// As [`Plane::done`], of an act on what may be another account's.
    async fn done_with<T>(
        &self,
        whose: Result<Whose, Fault>,
        action: Action,
        object: String,
        outcome: Result<T, Fault>,
    ) -> Answer<T> {
        if let Some(who) = &self.identity {
            let actor = Actor::of(who, &self.client);
            let told = outcome.as_ref().map(|_| ()).map_err(Fault::code);
            let shared = whose.ok().and_then(|whose| Some((whose.owner, whose.through?)));
            audit::note_shared(&self.dumont, &actor, action, Some(object), told, shared).await;
        }
        self.tell(outcome)
    }

    async fn look(&self) -> Result<Visitor, Fault> {
        let user = self.seen.clone()?.as_ref().map(|(user, _)| account::view(user));
        let empty = user.is_none() && account::is_empty(&self.dumont).await?;
        Ok(Visitor { user, empty, sandbox: self.dumont.site.sandbox })
    }

    async fn make_first(&self, first: SetupRequest) -> Result<(), Fault> {
        if !self.dumont.site.setup.fits(&first.token) {
            return Err(Fault::field("token", "wrong_token", "is not what the server printed"));
        }
        let password = SecretString::from(first.password);
        let user =
            account::create(&self.dumont, &first.email, &first.username, password, true).await?;
        let actor = Actor::at_the_door(&user.id, Credential::Session, &self.client);
        audit::note(&self.dumont, &actor, Action::CreateAccount, None, Ok(())).await;
        self.begin(&user.id).await
    }

    /// Begins the session of somebody who has proved who they are, in a browser that is known from
    /// then on.
    async fn begin(&self, user: &UserId) -> Result<(), Fault> {
        session::begin(&self.session, user, &self.client, self.dumont.now()).await?;
        self.remember(user).await
    }

    async fn remember(&self, user: &UserId) -> Result<(), Fault> {
        let value = browsers::remember(&self.dumont, user, &self.client).await?;
        let cookie = browser::set(value.expose_secret(), self.dumont.site.secure)?;
        *self.keep.lock().unwrap_or_else(PoisonError::into_inner) = Some(cookie);
        Ok(())
    }

    async fn enter(&self, login: LoginRequest) -> Result<(), Fault> {
        let entry = auth::enter(&self.dumont, login, &self.client, Credential::Session).await?;
        match entry {
            Entry::In(user) => self.begin(&user.id).await,
            Entry::HalfWay(half) => {
                session::wait_for_code(&self.session, &half).await?;
                Err(Fault::CodeNeeded)
            }
        }
    }

    async fn go_on(&self, proof: Proof) -> Result<(), Fault> {
        let half = session::half_way(&self.session).await?.ok_or(Fault::Unauthorized)?;
        let holder = session::handle(&self.session).ok_or(Fault::Unauthorized)?;
        let (step, with) = (Step { proof, holder: &holder }, Credential::Session);
        let user = auth::go_on(&self.dumont, &half, step, &self.client, with).await?;
        self.begin(&user.id).await
    }

    async fn begun(&self) -> Result<Option<Enrolment>, Fault> {
        let Some(begun) = second_factor::begun(&self.dumont, self.who()?).await? else {
            return Ok(None);
        };
        let drawing = second_factor::drawing(&begun.uri)?;
        let (side, path) = (drawing.side, drawing.path);
        Ok(Some(Enrolment { secret: begun.secret, side, path }))
    }

    async fn leave(&self) -> Result<(), Fault> {
        session::end(&self.session).await?;
        if let Some(who) = &self.identity {
            auth::ended(&self.dumont, &who.user).await;
        }
        Ok(())
    }

    async fn replace_password(&self, wanted: ChangePassword) -> Result<(), Fault> {
        let who = self.who()?;
        auth::change_password(&self.dumont, who, wanted, &self.client).await?;
        // No browser is known any more, and this one is at once again.
        self.remember(&who.user).await
    }

    async fn prove(&self, asked: Confirm) -> Result<(), Fault> {
        let who = self.who()?;
        let at = confirm::confirm(&self.dumont, who, asked, &self.client).await?;
        if matches!(who.via, Via::Session(_)) {
            session::confirm(&self.session, at).await?;
        }
        Ok(())
    }
}

/// Calls a service for the one who asks, and tells a failure.
macro_rules! ask {
    ($self:ident, $service:path $(, $argument:expr)*) => {{
        let outcome = match $self.user() {
            Ok(user) => $service(&$self.dumont, user $(, $argument)*).await,
            Err(fault) => Err(fault),
        };
        $self.tell(outcome)
    }};
}

/// Calls a service that acts, for the one who asks; notes the act and tells a failure.
macro_rules! act {
    ($self:ident, $action:ident $object:expr, $service:path $(, $argument:expr)*) => {{
        let object: Option<String> = $object;
        let outcome = match $self.user() {
            Ok(user) => $service(&$self.dumont, user $(, $argument)*).await,
            Err(fault) => Err(fault),
        };
        $self.done(Action::$action, object, outcome).await
    }};
}

/// Asks a service about a machine, its own or one that is shared, and shows what may be shown of it.
macro_rules! look_at {
    ($self:ident, $gpu:ident, $service:path) => {{
        let look = async {
            let whose = $self.whose($gpu).await?;
            let found = $service(&$self.dumont, &whose.owner, whose.gpu($gpu)).await?;
            Ok(found.shown(&whose))
        };
        $self.tell(look.await)
    }};
}

/// Calls a service that acts on a machine, or on a failover, for whoever may; notes the act.
macro_rules! operate {
    ($self:ident, $action:ident, $whose:expr, $object:expr, |$found:ident| $act:expr) => {{
        let whose = $whose.await;
        let outcome = async {
            let $found = whose.clone()?;
            $found.allows(Scope::Operate)?;
            $act.await
        };
        let outcome = outcome.await;
        $self.done_with(whose, Action::$action, $object, outcome).await
    }};
    ($self:ident, $action:ident $gpu:ident, $service:path $(, $argument:expr)*) => {
        operate!($self, $action, $self.whose($gpu), $gpu.to_string(), |whose| {
            $service(&$self.dumont, &whose.owner, whose.gpu($gpu) $(, $argument)*)
        })
    };
    ($self:ident, $action:ident of $failover:ident, $service:path) => {
        operate!($self, $action, $self.whose_failover($failover), $failover.to_string(), |whose| {
            $service(&$self.dumont, &whose.owner, $failover)
        })
    };
}

mod grants;
mod passkeys;
mod people;

#[async_trait]
impl ControlPlane for Plane {
    fn now(&self) -> Millis {
        self.dumont.now()
    }

    async fn visitor(&self) -> Answer<Visitor> {
        self.tell(self.look().await)
    }

    async fn set_up(&self, first: SetupRequest) -> Answer<()> {
        self.tell(self.make_first(first).await)
    }

    async fn log_in(&self, login: LoginRequest) -> Answer<()> {
        self.tell(self.enter(login).await)
    }

    async fn log_in_with_code(&self, code: String) -> Answer<()> {
        self.tell(self.go_on(Proof::Code(code)).await)
    }

    async fn log_out(&self) -> Answer<()> {
        let outcome = self.leave().await;
        self.done(Action::LogOut, None, outcome).await
    }

    async fn balance(&self) -> Option<Answer<Balance>> {
        let (user, stamp) = match self.known() {
            Ok((user, stamp)) => (user.id.clone(), stamp),
            Err(fault) => return Some(self.tell(Err(fault))),
        };
        let dumont = self.dumont.clone();
        // Asked for to the end even when this page does not wait for it: the next one finds it.
        let asked = tokio::spawn(async move {
            let ask = balance::get(&dumont, &user);
            dumont.kept.balances.get(user.clone(), stamp, dumont.now(), ask).await
        });
        let outcome = tokio::time::timeout(GLANCE, asked).await.ok()?;
        Some(self.tell(outcome.unwrap_or_else(|error| Err(Fault::Internal(error.to_string())))))
    }

    async fn machines(&self) -> Answer<Arc<MachinesPage>> {
        let outcome = match self.known() {
            Ok((user, stamp)) => {
                let list = async { machines::page(&self.dumont, &user.id).await.map(Arc::new) };
                let kept = &self.dumont.kept.machines;
                kept.get(user.id.clone(), stamp, self.dumont.now(), list).await
            }
            Err(fault) => Err(fault),
        };
        self.tell(outcome)
    }

    async fn machine(&self, gpu: GpuId) -> Answer<MachinePage> {
        look_at!(self, gpu, machines::machine)
    }

    async fn known_machine(&self, gpu: GpuId) -> Answer<MachinePage> {
        look_at!(self, gpu, machines::known)
    }

    async fn readiness(&self, gpu: GpuId) -> Answer<Readiness> {
        look_at!(self, gpu, readiness::readiness)
    }

    async fn dry_run(&self, gpu: GpuId) -> Answer<DryRun> {
        // Asks the market with its owner's key: an act, as in the API.
        let look = async {
            let whose = self.whose(gpu).await?;
            whose.allows(Scope::Operate)?;
            let found = readiness::dry_run(&self.dumont, &whose.owner, whose.gpu(gpu)).await?;
            Ok(found.shown(&whose))
        };
        self.tell(look.await)
    }

    async fn offers(&self, wanted: OfferQuery) -> Answer<Offers> {
        ask!(self, instances::offers, &wanted)
    }

    async fn rent(&self, wanted: CreateInstance) -> Answer<GpuId> {
        let outcome = match self.who() {
            Ok(who) => instances::rent(&self.dumont, who, wanted).await,
            Err(fault) => Err(fault),
        };
        let made = outcome.as_ref().ok().map(|made| made.id.to_string());
        self.done(Action::Rent, made, outcome).await.map(|made| made.id)
    }

    async fn destroy(&self, gpu: GpuId, standby_too: bool) -> Answer<()> {
        act!(self, Destroy Some(gpu.to_string()), instances::destroy, gpu, standby_too)
    }

    async fn pause(&self, gpu: GpuId) -> Answer<()> {
        operate!(self, Pause gpu, instances::pause)
    }

    async fn resume(&self, gpu: GpuId) -> Answer<()> {
        operate!(self, Resume gpu, instances::resume)
    }

    async fn protect(&self, gpu: GpuId, wanted: ProvisionStandby) -> Answer<()> {
        act!(self, Protect Some(gpu.to_string()), standby::provision, gpu, None, wanted).map(|_| ())
    }

    async fn unprotect(&self, gpu: GpuId) -> Answer<()> {
        act!(self, Unprotect Some(gpu.to_string()), standby::remove, gpu)
    }

    async fn follow(&self, gpu: GpuId, on: bool) -> Answer<()> {
        if on {
            operate!(self, StartSync gpu, standby::set_sync, true)
        } else {
            operate!(self, StopSync gpu, standby::set_sync, false)
        }
    }

    async fn accept_deletions(&self, gpu: GpuId, seen: AcceptDeletions) -> Answer<()> {
        operate!(self, AcceptDeletions gpu, standby::accept_deletions, seen)
    }

    async fn deletions(&self, gpu: GpuId) -> Answer<HeldDeletions> {
        let look = async {
            let whose = self.whose(gpu).await?;
            let machine = whose.machine(MachineRef::Gpu(gpu));
            Ok(standby::deletions(&self.dumont, &whose.owner, &machine).await?.shown(&whose))
        };
        self.tell(look.await)
    }

    async fn restore_deletions(&self, gpu: GpuId, shown: RestoreDeletions) -> Answer<()> {
        operate!(self, RestoreDeletions gpu, standby::restore_deletions, shown)
    }

    async fn points(&self, gpu: GpuId) -> Answer<RecoveryPoints> {
        let look = async {
            let whose = self.whose(gpu).await?;
            let machine = whose.machine(MachineRef::Gpu(gpu));
            Ok(standby::points(&self.dumont, &whose.owner, &machine).await?.shown(&whose))
        };
        self.tell(look.await)
    }

    async fn point_difference(
        &self,
        gpu: GpuId,
        point: i64,
        path: String,
    ) -> Answer<PointDifference> {
        let look = async {
            let whose = self.whose(gpu).await?;
            let machine = whose.machine(MachineRef::Gpu(gpu));
            standby::point_difference(&self.dumont, &whose.owner, &machine, point, &path).await
        };
        self.tell(look.await)
    }

    async fn go_back(&self, gpu: GpuId, point: i64, wanted: GoBack) -> Answer<()> {
        let object = gpu.to_string();
        operate!(self, GoBack, self.whose(gpu), object, |whose| async {
            let machine = whose.machine(MachineRef::Gpu(gpu));
            standby::go_back(&self.dumont, &whose.owner, &machine, point, wanted).await
        })
    }

    async fn discard(&self, gpu: GpuId, wanted: DiscardMachine) -> Answer<()> {
        act!(self, Discard Some(gpu.to_string()), standby::discard, gpu, wanted)
    }

    async fn back_to_gpu(&self, gpu: GpuId) -> Answer<FailoverId> {
        let (whose, object) = (self.whose(gpu), gpu.to_string());
        let begun = operate!(self, FailBack, whose, object, |whose| failover::back_to_gpu(
            &self.dumont,
            &whose,
            whose.gpu(gpu)
        ));
        begun.map(|begun| begun.failover_id)
    }

    async fn retry_now(&self, failover: &FailoverId, shown: Option<Wait>) -> Answer<()> {
        let (whose, object) = (self.whose_failover(failover), failover.to_string());
        operate!(self, Retry, whose, object, |whose| failover::retry_now(
            &self.dumont,
            self.who()?,
            &whose,
            failover,
            shown
        ))
    }

    async fn drill(&self, gpu: GpuId, wanted: SimulateFailover) -> Answer<FailoverId> {
        let (whose, object) = (self.whose(gpu), gpu.to_string());
        let begun = operate!(self, Drill, whose, object, |whose| failover::simulate(
            &self.dumont,
            &whose,
            whose.gpu(gpu),
            wanted
        ));
        begun.map(|begun| begun.failover_id)
    }

    async fn fail_over(&self, gpu: GpuId, wanted: StartFailover) -> Answer<FailoverId> {
        let (whose, object) = (self.whose(gpu), gpu.to_string());
        let begun = operate!(self, FailOver, whose, object, |whose| failover::start(
            &self.dumont,
            &whose,
            whose.gpu(gpu),
            wanted
        ));
        begun.map(|begun| begun.failover_id)
    }

    async fn fail_back(&self, failover: &FailoverId) -> Answer<FailoverId> {
        let (whose, object) = (self.whose_failover(failover), failover.to_string());
        let begun = operate!(self, FailBack, whose, object, |whose| failover::fail_back(
            &self.dumont,
            &whose,
            failover
        ));
        begun.map(|begun| begun.failover_id)
    }

    async fn cancel(&self, failover: &FailoverId) -> Answer<()> {
        operate!(self, Cancel of failover, failover::cancel)
    }

    async fn active(&self) -> Answer<ActiveFailovers> {
        ask!(self, failover::active)
    }

    async fn report(&self, wanted: ReportQuery) -> Answer<Arc<FailoverReport>> {
        ask!(self, report::report, &wanted)
    }

    async fn failover(&self, failover: &FailoverId) -> Answer<FailoverPage> {
        let look = async {
            let whose = self.whose_failover(failover).await?;
            Ok(failover::page(&self.dumont, &whose.owner, failover).await?.shown(&whose))
        };
        self.tell(look.await)
    }

    async fn unread(&self) -> Answer<i64> {
        let outcome = match self.known() {
            Ok((user, stamp)) => {
                let count = notifications::unread(&self.dumont, &user.id);
                let kept = &self.dumont.kept.unread;
                kept.get(user.id.clone(), stamp, self.dumont.now(), count).await
            }
            Err(fault) => Err(fault),
        };
        self.tell(outcome)
    }

    async fn notifications(&self, wanted: NotificationQuery) -> Answer<Notifications> {
        ask!(self, notifications::list, &wanted)
    }

    async fn notification(&self, id: NotificationId) -> Answer<Notification> {
        ask!(self, notifications::get, id)
    }

    async fn read(&self, id: NotificationId) -> Answer<()> {
        act!(self, ReadNotifications Some(id.to_string()), notifications::read, id)
    }

    async fn read_failover(&self, failover: &FailoverId) -> Answer<()> {
        let outcome = ask!(self, notifications::read_failover, failover);
        // This request's own page counts what is unread now, not what was before.
        if let Ok((user, _)) = self.known() {
            self.dumont.kept.unread.forget(&user.id);
        }
        outcome
    }

    async fn read_all(&self) -> Answer<()> {
        act!(self, ReadNotifications None, notifications::read_all).map(|_| ())
    }

    async fn settings(&self) -> Answer<Settings> {
        ask!(self, settings::get)
    }

    async fn configure(&self, wanted: ConfigureStandby) -> Answer<()> {
        let outcome = match self.who() {
            Ok(who) => standby::configure(&self.dumont, who, &wanted).await,
            Err(fault) => Err(fault),
        };
        self.done(Action::Configure, None, outcome).await.map(|_| ())
    }

    async fn update(&self, wanted: SettingsUpdate) -> Answer<Settings> {
        let subject = settings::subject(&wanted);
        let outcome = match self.who() {
            Ok(who) => settings::change(&self.dumont, who, wanted).await,
            Err(fault) => Err(fault),
        };
        self.done(Action::ChangeSettings, Some(subject), outcome).await
    }

    fn confirmed(&self) -> bool {
        self.who().is_ok_and(|who| confirm::is_recent(who, self.dumont.now()))
    }

    async fn confirm(&self, asked: Confirm) -> Answer<()> {
        let outcome = self.prove(asked).await;
        self.done(Action::Confirm, None, outcome).await
    }

    async fn audit(&self, wanted: AuditQuery) -> Answer<AuditLog> {
        ask!(self, audit::page, &wanted)
    }

    async fn tokens(&self) -> Answer<Tokens> {
        ask!(self, auth::tokens)
    }

    async fn create_token(&self, wanted: NewToken) -> Answer<CreatedToken> {
        let outcome = match self.who() {
            Ok(who) => auth::mint(&self.dumont, who, wanted).await,
            Err(fault) => Err(fault),
        };
        let made = outcome.as_ref().ok().map(|made| made.info.id.clone());
        self.done(Action::CreateToken, made, outcome).await
    }

    async fn revoke_token(&self, id: &str) -> Answer<()> {
        act!(self, RevokeToken Some(id.to_owned()), auth::revoke_token, &TokenId::new(id))
    }

    async fn sessions(&self) -> Answer<Sessions> {
        let outcome = match self.who() {
            Ok(who) => auth::sessions(&self.dumont, &who.user, &who.via).await,
            Err(fault) => Err(fault),
        };
        self.tell(outcome)
    }

    async fn revoke_session(&self, id: &str) -> Answer<()> {
        act!(self, RevokeSession Some(id.to_owned()), auth::revoke_session, id)
    }

    async fn browsers(&self) -> Answer<Browsers> {
        ask!(self, browsers::list, &self.client)
    }

    async fn forget_browser(&self, id: &str) -> Answer<()> {
        act!(self, ForgetBrowser Some(id.to_owned()), browsers::forget, id)
    }

    async fn second_factor(&self) -> Answer<SecondFactor> {
        ask!(self, second_factor::state, &self.client)
    }

    async fn enrolment(&self) -> Answer<Option<Enrolment>> {
        self.tell(self.begun().await)
    }

    async fn begin_second_factor(&self) -> Answer<()> {
        let outcome = match self.who() {
            Ok(who) => second_factor::begin(&self.dumont, who).await.map(|_| ()),
            Err(fault) => Err(fault),
        };
        self.done(Action::BeginSecondFactor, None, outcome).await
    }

    async fn activate_second_factor(&self, code: String) -> Answer<RecoveryCodes> {
        let outcome = match self.who() {
            Ok(who) => second_factor::activate(&self.dumont, who, &code).await,
            Err(fault) => Err(fault),
        };
        self.done(Action::AddSecondFactor, None, outcome).await
    }

    async fn make_recovery_codes(&self) -> Answer<RecoveryCodes> {
        let outcome = match self.who() {
            Ok(who) => second_factor::make_codes(&self.dumont, who).await,
            Err(fault) => Err(fault),
        };
        self.done(Action::MakeRecoveryCodes, None, outcome).await
    }

    async fn remove_second_factor(&self, wanted: RemoveSecondFactor) -> Answer<()> {
        let outcome = match self.who() {
            Ok(who) => second_factor::remove(&self.dumont, who, wanted, &self.client).await,
            Err(fault) => Err(fault),
        };
        self.done(Action::RemoveSecondFactor, None, outcome).await
    }

    async fn change_password(&self, wanted: ChangePassword) -> Answer<()> {
        let outcome = self.replace_password(wanted).await;
        self.done(Action::ChangePassword, None, outcome).await
    }
}
