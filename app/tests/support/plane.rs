//! The fake control plane.

use std::sync::{Arc, Mutex};

use app::control_plane::{Answer, ControlPlane, Enrolment, Visitor};
use async_trait::async_trait;
use domain::id::{FailoverId, GpuId, NotificationId};
use domain::notification::Wait;
use domain::time::Millis;
use domain::view::access::*;
use domain::view::account::*;
use domain::view::audit::{AuditLog, AuditQuery};
use domain::view::balance::Balance;
use domain::view::configure::ConfigureStandby;
use domain::view::failover::*;
use domain::view::grant::{GivenGrants, ReceivedGrant};
use domain::view::instance::CreateInstance;
use domain::view::machine::{MachinePage, MachinesPage};
use domain::view::notification::{Notification, NotificationQuery, Notifications};
use domain::view::offer::{OfferQuery, Offers};
use domain::view::points::{GoBack, PointDifference, RecoveryPoints};
use domain::view::problem::{FieldProblem, Problem};
use domain::view::readiness::{DryRun, Readiness};
use domain::view::report::{FailoverReport, ReportQuery};
use domain::view::settings::{Settings, SettingsUpdate};
use domain::view::standby::{
    AcceptDeletions, DiscardMachine, HeldDeletions, ProvisionStandby, RestoreDeletions,
};

use super::{access, points, story};

/// What it tells, and what it was asked to do.
pub(crate) struct Fake {
    pub(crate) visitor: Visitor,
    pub(crate) balance: Option<Answer<Balance>>,
    pub(crate) machines: MachinesPage,
    pub(crate) machine: MachinePage,
    pub(crate) held: HeldDeletions,
    pub(crate) points: Answer<RecoveryPoints>,
    pub(crate) difference: PointDifference,
    pub(crate) readiness: Readiness,
    pub(crate) dry_run: Answer<DryRun>,
    pub(crate) offers: Offers,
    pub(crate) active: ActiveFailovers,
    pub(crate) report: FailoverReport,
    pub(crate) failover: FailoverPage,
    pub(crate) notifications: Notifications,
    pub(crate) settings: Settings,
    pub(crate) tokens: Tokens,
    pub(crate) sessions: Sessions,
    pub(crate) browsers: Browsers,
    pub(crate) factor: SecondFactor,
    pub(crate) passkeys: domain::view::passkey::Passkeys,
    pub(crate) given: GivenGrants,
    pub(crate) received: Vec<ReceivedGrant>,
    pub(crate) enrolment: Option<Enrolment>,
    /// Whether the password was given a short while ago.
    pub(crate) confirmed: bool,
    /// Refuses everything that is to be done.
    pub(crate) refusal: Option<Problem>,
    pub(crate) done: Mutex<Vec<String>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            visitor: Visitor { user: Some(story::user()), empty: false, sandbox: false },
            balance: Some(Ok(story::balance())),
            machines: story::machines(),
            machine: story::machine(),
            held: story::held(),
            points: Ok(points::points()),
            difference: points::difference(),
            readiness: story::readiness(),
            dry_run: Ok(story::dry_run()),
            offers: story::offers(),
            active: ActiveFailovers { active_count: 0, failovers: Vec::new() },
            report: story::report(),
            failover: story::failover(),
            notifications: story::notifications(),
            settings: story::settings(),
            tokens: story::tokens(),
            sessions: story::sessions(),
            browsers: access::browsers(),
            factor: access::no_factor(),
            passkeys: super::passkeys::none(),
            given: GivenGrants::default(),
            received: Vec::new(),
            enrolment: None,
            confirmed: true,
            refusal: None,
            done: Mutex::default(),
        }
    }
}

/// A problem as the server tells it.
pub(crate) fn problem(status: u16, code: &str, fields: &[(&str, &str)]) -> Problem {
    let errors: Vec<FieldProblem> = fields
        .iter()
        .map(|(field, code)| FieldProblem {
            field: (*field).to_owned(),
            code: (*code).to_owned(),
            message: "told in English".to_owned(),
        })
        .collect();
    Problem {
        kind: format!("/problems/{code}"),
        title: "Not done".to_owned(),
        status,
        detail: "the server's own words".to_owned(),
        error: "the server's own words".to_owned(),
        code: code.to_owned(),
        request_id: "0199req".to_owned(),
        errors: (!errors.is_empty()).then_some(errors),
    }
}

impl Fake {
    /// Someone who is not logged in.
    pub(crate) fn nobody() -> Self {
        Self { visitor: Visitor { user: None, empty: false, sandbox: false }, ..Self::default() }
    }

    /// What it was asked to do, in order.
    pub(crate) fn acts(&self) -> Vec<String> {
        self.done.lock().expect("not poisoned").clone()
    }

    pub(super) fn act<T>(&self, what: String, answer: T) -> Answer<T> {
        if let Some(problem) = &self.refusal {
            return Err(problem.clone());
        }
        self.done.lock().expect("not poisoned").push(what);
        Ok(answer)
    }
}

#[async_trait]
impl ControlPlane for Fake {
    fn now(&self) -> Millis {
        story::NOW
    }
    async fn visitor(&self) -> Answer<Visitor> {
        Ok(self.visitor.clone())
    }
    async fn set_up(&self, first: SetupRequest) -> Answer<()> {
        self.act(format!("set up {} {}", first.email, first.username), ())
    }
    async fn log_in(&self, login: LoginRequest) -> Answer<()> {
        self.act(format!("log in {}", login.username.unwrap_or_default()), ())
    }
    async fn log_in_with_code(&self, code: String) -> Answer<()> {
        self.act(format!("log in with {code}"), ())
    }
    async fn log_out(&self) -> Answer<()> {
        self.act("log out".to_owned(), ())
    }
    async fn balance(&self) -> Option<Answer<Balance>> {
        self.balance.clone()
    }
    async fn machines(&self) -> Answer<Arc<MachinesPage>> {
        Ok(Arc::new(self.machines.clone()))
    }
    async fn machine(&self, _: GpuId) -> Answer<MachinePage> {
        Ok(self.machine.clone())
    }
    async fn known_machine(&self, _: GpuId) -> Answer<MachinePage> {
        Ok(self.machine.clone())
    }
    async fn readiness(&self, _: GpuId) -> Answer<Readiness> {
        Ok(self.readiness.clone())
    }
    async fn dry_run(&self, _: GpuId) -> Answer<DryRun> {
        self.dry_run.clone()
    }
    async fn offers(&self, _: OfferQuery) -> Answer<Offers> {
        Ok(self.offers.clone())
    }
    async fn rent(&self, wanted: CreateInstance) -> Answer<GpuId> {
        let disk = wanted.disk_size.unwrap_or_default();
        self.act(format!("rent {} {disk} GB", wanted.offer_id), GpuId(31_337))
    }
    async fn destroy(&self, gpu: GpuId, standby_too: bool) -> Answer<()> {
        self.act(format!("destroy {gpu} standby too: {standby_too}"), ())
    }
    async fn pause(&self, gpu: GpuId) -> Answer<()> {
        self.act(format!("pause {gpu}"), ())
    }
    async fn resume(&self, gpu: GpuId) -> Answer<()> {
        self.act(format!("resume {gpu}"), ())
    }
    async fn protect(&self, gpu: GpuId, wanted: ProvisionStandby) -> Answer<()> {
        self.act(format!("protect {gpu} {}", wanted.workspace.unwrap_or_default()), ())
    }
    async fn unprotect(&self, gpu: GpuId) -> Answer<()> {
        self.act(format!("unprotect {gpu}"), ())
    }
    async fn follow(&self, gpu: GpuId, on: bool) -> Answer<()> {
        self.act(format!("follow {gpu} {on}"), ())
    }
    async fn accept_deletions(&self, gpu: GpuId, seen: AcceptDeletions) -> Answer<()> {
        self.act(format!("accept {:?} {gpu}", seen.digest), ())
    }
    async fn deletions(&self, _: GpuId) -> Answer<HeldDeletions> {
        Ok(self.held.clone())
    }
    async fn restore_deletions(&self, gpu: GpuId, seen: RestoreDeletions) -> Answer<()> {
        self.act(format!("restore {} {gpu}", seen.digest), ())
    }
    async fn points(&self, _: GpuId) -> Answer<RecoveryPoints> {
        self.points.clone()
    }
    async fn point_difference(
        &self,
        _: GpuId,
        point: i64,
        path: String,
    ) -> Answer<PointDifference> {
        Ok(PointDifference { point, path, ..self.difference.clone() })
    }
    async fn go_back(&self, gpu: GpuId, point: i64, wanted: GoBack) -> Answer<()> {
        let GoBack { path, accept_changes } = wanted;
        self.act(format!("go back {gpu} to {point} at {path:?} accepted: {accept_changes}"), ())
    }
    async fn discard(&self, gpu: GpuId, wanted: DiscardMachine) -> Answer<()> {
        self.act(format!("discard {gpu} {}", wanted.name), ())
    }
    async fn back_to_gpu(&self, gpu: GpuId) -> Answer<FailoverId> {
        self.act(format!("back to gpu {gpu}"), FailoverId::new("0199-back"))
    }
    async fn retry_now(&self, failover: &FailoverId, shown: Option<Wait>) -> Answer<()> {
        let word = shown.map(|wait| format!(" {wait}")).unwrap_or_default();
        self.act(format!("retry {failover}{word}"), ())
    }
    async fn drill(&self, gpu: GpuId, wanted: SimulateFailover) -> Answer<FailoverId> {
        let what = format!(
            "drill {gpu} gpu: {} restore: {}",
            wanted.simulate_new_gpu, wanted.simulate_restore
        );
        self.act(what, FailoverId::new("0199-drill"))
    }
    async fn fail_over(&self, gpu: GpuId, wanted: StartFailover) -> Answer<FailoverId> {
        self.act(format!("fail over {gpu} {:?}", wanted.reason), FailoverId::new("0199-move"))
    }
    async fn fail_back(&self, failover: &FailoverId) -> Answer<FailoverId> {
        self.act(format!("fail back {failover}"), FailoverId::new("0199-back"))
    }
    async fn cancel(&self, failover: &FailoverId) -> Answer<()> {
        self.act(format!("cancel {failover}"), ())
    }
    async fn active(&self) -> Answer<ActiveFailovers> {
        Ok(self.active.clone())
    }
    async fn report(&self, wanted: ReportQuery) -> Answer<Arc<FailoverReport>> {
        self.done
            .lock()
            .expect("not poisoned")
            .push(format!("report {:?} {:?}", wanted.kind, wanted.days));
        Ok(Arc::new(self.report.clone()))
    }
    async fn failover(&self, _: &FailoverId) -> Answer<FailoverPage> {
        Ok(self.failover.clone())
    }
    async fn unread(&self) -> Answer<i64> {
        Ok(self.notifications.unread_count)
    }
    async fn notifications(&self, wanted: NotificationQuery) -> Answer<Notifications> {
        let mut told = self.notifications.clone();
        told.notifications
            .retain(|one| wanted.before.is_none_or(|before| one.id < NotificationId(before)));
        Ok(told)
    }
    async fn notification(&self, id: NotificationId) -> Answer<Notification> {
        let found = self.notifications.notifications.iter().find(|one| one.id == id);
        found.cloned().ok_or_else(|| problem(404, "not_found", &[]))
    }
    async fn read(&self, id: NotificationId) -> Answer<()> {
        self.notification(id).await?;
        self.act(format!("read {id}"), ())
    }
    async fn read_failover(&self, failover: &FailoverId) -> Answer<()> {
        self.act(format!("read those of {failover}"), ())
    }
    async fn read_all(&self) -> Answer<()> {
        self.act("read all".to_owned(), ())
    }
    async fn settings(&self) -> Answer<Settings> {
        Ok(self.settings.clone())
    }
    async fn configure(&self, wanted: ConfigureStandby) -> Answer<()> {
        self.act(format!("configure {wanted:?}"), ())
    }
    async fn update(&self, wanted: SettingsUpdate) -> Answer<Settings> {
        self.act(format!("update {wanted:?}"), self.settings.clone())
    }
    async fn audit(&self, wanted: AuditQuery) -> Answer<AuditLog> {
        let mut log = story::audit();
        log.entries
            .retain(|one| wanted.area.as_ref().is_none_or(|area| *area == one.area.to_string()));
        Ok(log)
    }
    fn confirmed(&self) -> bool {
        self.confirmed
    }
    async fn confirm(&self, _: Confirm) -> Answer<()> {
        self.act("confirm".to_owned(), ())
    }
    async fn tokens(&self) -> Answer<Tokens> {
        Ok(self.tokens.clone())
    }
    async fn create_token(&self, wanted: NewToken) -> Answer<CreatedToken> {
        let info = self.tokens.tokens[0].clone();
        self.act(
            format!("make token {} for ever {}", wanted.name, wanted.never_expires),
            CreatedToken { token: "dumont_sk_shown_once".to_owned(), info },
        )
    }
    async fn revoke_token(&self, id: &str) -> Answer<()> {
        self.act(format!("revoke token {id}"), ())
    }
    async fn sessions(&self) -> Answer<Sessions> {
        Ok(self.sessions.clone())
    }
    async fn revoke_session(&self, id: &str) -> Answer<()> {
        self.act(format!("revoke session {id}"), ())
    }
    async fn browsers(&self) -> Answer<Browsers> {
        Ok(self.browsers.clone())
    }
    async fn forget_browser(&self, id: &str) -> Answer<()> {
        self.act(format!("forget browser {id}"), ())
    }
    async fn second_factor(&self) -> Answer<SecondFactor> {
        Ok(self.factor)
    }
    async fn enrolment(&self) -> Answer<Option<Enrolment>> {
        Ok(self.enrolment.clone())
    }
    async fn begin_second_factor(&self) -> Answer<()> {
        self.act("begin a second factor".to_owned(), ())
    }
    async fn activate_second_factor(&self, code: String) -> Answer<RecoveryCodes> {
        self.act(format!("turn it on with {code}"), access::recovery_codes())
    }
    async fn make_recovery_codes(&self) -> Answer<RecoveryCodes> {
        self.act("make codes".to_owned(), access::recovery_codes())
    }
    async fn remove_second_factor(&self, wanted: RemoveSecondFactor) -> Answer<()> {
        self.act(format!("turn it off with {:?}", wanted.code), ())
    }
    async fn change_password(&self, _: ChangePassword) -> Answer<()> {
        self.act("change password".to_owned(), ())
    }
}
