//! Every address of the pages, read and written in one place.

use domain::id::{FailoverId, GpuId, NotificationId};

use crate::form::encode;

/// What can be done with a machine; each has a page that asks, and a form that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MachineAct {
    Drill,
    FailOver,
    PauseSync,
    ResumeSync,
    Pause,
    Resume,
    Protect,
    Unprotect,
    Destroy,
    BackToGpu,
    AcceptDeletions,
    RestoreDeletions,
    Discard,
}

impl MachineAct {
    pub(crate) const ALL: &'static [(Self, &'static str)] = &[
        (Self::Drill, "drill"),
        (Self::FailOver, "failover"),
        (Self::PauseSync, "pause-sync"),
        (Self::ResumeSync, "resume-sync"),
        (Self::Pause, "pause"),
        (Self::Resume, "resume"),
        (Self::Protect, "protect"),
        (Self::Unprotect, "unprotect"),
        (Self::Destroy, "destroy"),
        (Self::BackToGpu, "back-to-gpu"),
        (Self::AcceptDeletions, "accept-deletions"),
        (Self::RestoreDeletions, "restore-deletions"),
        (Self::Discard, "discard"),
    ];

    pub(crate) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(act, _)| *act == self).map_or("", |(_, word)| word)
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(act, _)| *act)
    }
}

/// What can be done with a failover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailoverAct {
    Cancel,
    FailBack,
    Retry,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    Root,
    Setup,
    Login,
    /// Asks for the code of a second factor.
    LoginCode,
    Logout,
    /// Makes the account of an invitation.
    Join,
    /// Replaces a lost password.
    Reset,
    Prefs,
    Balance,
    Machines,
    Machine(GpuId),
    MachineAct(GpuId, MachineAct),
    /// The recovery points of a machine's copy.
    Points(GpuId),
    /// One of them: what going back to it would change, and going back.
    Point(GpuId, i64),
    Offers,
    Offer(i64),
    Failovers,
    Failover(FailoverId),
    FailoverAct(FailoverId, FailoverAct),
    Notifications,
    /// One of them: leads to what it is about.
    Notification(NotificationId),
    /// The bell of the bar alone.
    Bell,
    ReadNotifications,
    Settings,
    /// What a standby would cost, alone.
    Estimate,
    Credentials,
    Account,
    /// Accounts and invitations, for the administrator.
    People,
    Invite,
    RevokeInvitation,
    ResetLink,
    /// Who else may see machines, and what others share.
    Sharing,
    GiveGrant,
    RevokeGrant,
    AcceptGrant,
    DeclineGrant,
    /// The audit log.
    Audit,
    /// Asks for the password again, and leads back.
    Confirm,
    Password,
    NewToken,
    RevokeToken,
    RevokeSession,
    ForgetBrowser,
    /// Machines, pages and acts by name.
    Palette,
    /// What keys do.
    Shortcuts,
    SecondFactor,
    /// Every component in all its states; in debug builds alone.
    Kit,
}

impl Route {
    pub(crate) fn read(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        Some(match parts.as_slice() {
            [] => Self::Root,
            ["setup"] => Self::Setup,
            ["login"] => Self::Login,
            ["login", "code"] => Self::LoginCode,
            ["logout"] => Self::Logout,
            ["join"] => Self::Join,
            ["reset"] => Self::Reset,
            ["prefs"] => Self::Prefs,
            ["app", "balance"] => Self::Balance,
            ["app"] | ["app", "machines"] => Self::Machines,
            ["app", "machines", gpu] => Self::Machine(GpuId(gpu.parse().ok()?)),
            ["app", "machines", gpu, "points"] => Self::Points(GpuId(gpu.parse().ok()?)),
            ["app", "machines", gpu, "points", point] => {
                Self::Point(GpuId(gpu.parse().ok()?), point.parse().ok()?)
            }
            ["app", "machines", gpu, act] => {
                Self::MachineAct(GpuId(gpu.parse().ok()?), MachineAct::read(act)?)
            }
            ["app", "offers"] => Self::Offers,
            ["app", "offers", offer] => Self::Offer(offer.parse().ok()?),
            ["app", "failovers" | "failover-report"] => Self::Failovers,
            ["app", "failovers", id] => Self::Failover(FailoverId::new(*id)),
            ["app", "failovers", id, "cancel"] => {
                Self::FailoverAct(FailoverId::new(*id), FailoverAct::Cancel)
            }
            ["app", "failovers", id, "failback"] => {
                Self::FailoverAct(FailoverId::new(*id), FailoverAct::FailBack)
            }
            ["app", "failovers", id, "retry"] => {
                Self::FailoverAct(FailoverId::new(*id), FailoverAct::Retry)
            }
            ["app", "palette"] => Self::Palette,
            ["app", "shortcuts"] => Self::Shortcuts,
            ["app", "_kit"] if cfg!(debug_assertions) => Self::Kit,
            ["app", "notifications"] => Self::Notifications,
            ["app", "notifications", "bell"] => Self::Bell,
            ["app", "notifications", "read-all"] => Self::ReadNotifications,
            ["app", "notifications", id] => Self::Notification(NotificationId(id.parse().ok()?)),
            ["app", "settings"] => Self::Settings,
            ["app", "settings", "estimate"] => Self::Estimate,
            ["app", "settings", "credentials"] => Self::Credentials,
            ["app", "settings", "people"] => Self::People,
            ["app", "settings", "people", "invite"] => Self::Invite,
            ["app", "settings", "people", "revoke"] => Self::RevokeInvitation,
            ["app", "settings", "people", "reset-link"] => Self::ResetLink,
            ["app", "settings", "sharing"] => Self::Sharing,
            ["app", "settings", "sharing", "give"] => Self::GiveGrant,
            ["app", "settings", "sharing", "revoke"] => Self::RevokeGrant,
            ["app", "settings", "sharing", "accept"] => Self::AcceptGrant,
            ["app", "settings", "sharing", "decline"] => Self::DeclineGrant,
            ["app", "settings", "audit"] => Self::Audit,
            ["app", "settings", "confirm"] => Self::Confirm,
            ["app", "settings", "account"] => Self::Account,
            ["app", "settings", "account", "password"] => Self::Password,
            ["app", "settings", "account", "tokens"] => Self::NewToken,
            ["app", "settings", "account", "tokens", "revoke"] => Self::RevokeToken,
            ["app", "settings", "account", "sessions", "revoke"] => Self::RevokeSession,
            ["app", "settings", "account", "second-factor"] => Self::SecondFactor,
            ["app", "settings", "account", "browsers", "forget"] => Self::ForgetBrowser,
            _ => return None,
        })
    }

    /// Its address.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Root => "/".to_owned(),
            Self::Setup => "/setup".to_owned(),
            Self::Login => "/login".to_owned(),
            Self::LoginCode => "/login/code".to_owned(),
            Self::Logout => "/logout".to_owned(),
            Self::Join => "/join".to_owned(),
            Self::Reset => "/reset".to_owned(),
            Self::Prefs => "/prefs".to_owned(),
            Self::Balance => "/app/balance".to_owned(),
            Self::Machines => "/app".to_owned(),
            Self::Machine(gpu) => format!("/app/machines/{gpu}"),
            Self::MachineAct(gpu, act) => format!("/app/machines/{gpu}/{}", act.word()),
            Self::Points(gpu) => format!("/app/machines/{gpu}/points"),
            Self::Point(gpu, point) => format!("/app/machines/{gpu}/points/{point}"),
            Self::Offers => "/app/offers".to_owned(),
            Self::Offer(offer) => format!("/app/offers/{offer}"),
            Self::Failovers => "/app/failovers".to_owned(),
            Self::Failover(id) => format!("/app/failovers/{}", encode(id.as_str())),
            Self::FailoverAct(id, FailoverAct::Cancel) => {
                format!("/app/failovers/{}/cancel", encode(id.as_str()))
            }
            Self::FailoverAct(id, FailoverAct::FailBack) => {
                format!("/app/failovers/{}/failback", encode(id.as_str()))
            }
            Self::FailoverAct(id, FailoverAct::Retry) => {
                format!("/app/failovers/{}/retry", encode(id.as_str()))
            }
            Self::Palette => "/app/palette".to_owned(),
            Self::Shortcuts => "/app/shortcuts".to_owned(),
            Self::Kit => "/app/_kit".to_owned(),
            Self::Notifications => "/app/notifications".to_owned(),
            Self::Notification(id) => format!("/app/notifications/{id}"),
            Self::Bell => "/app/notifications/bell".to_owned(),
            Self::ReadNotifications => "/app/notifications/read-all".to_owned(),
            Self::Settings => "/app/settings".to_owned(),
            Self::Estimate => "/app/settings/estimate".to_owned(),
            Self::Credentials => "/app/settings/credentials".to_owned(),
            Self::Account => "/app/settings/account".to_owned(),
            Self::People => "/app/settings/people".to_owned(),
            Self::Invite => "/app/settings/people/invite".to_owned(),
            Self::RevokeInvitation => "/app/settings/people/revoke".to_owned(),
            Self::ResetLink => "/app/settings/people/reset-link".to_owned(),
            Self::Sharing => "/app/settings/sharing".to_owned(),
            Self::GiveGrant => "/app/settings/sharing/give".to_owned(),
            Self::RevokeGrant => "/app/settings/sharing/revoke".to_owned(),
            Self::AcceptGrant => "/app/settings/sharing/accept".to_owned(),
            Self::DeclineGrant => "/app/settings/sharing/decline".to_owned(),
            Self::Audit => "/app/settings/audit".to_owned(),
            Self::Confirm => "/app/settings/confirm".to_owned(),
            Self::Password => "/app/settings/account/password".to_owned(),
            Self::NewToken => "/app/settings/account/tokens".to_owned(),
            Self::RevokeToken => "/app/settings/account/tokens/revoke".to_owned(),
            Self::RevokeSession => "/app/settings/account/sessions/revoke".to_owned(),
            Self::SecondFactor => "/app/settings/account/second-factor".to_owned(),
            Self::ForgetBrowser => "/app/settings/account/browsers/forget".to_owned(),
        }
    }

    /// Whether anybody may see it.
    pub(crate) const fn is_public(&self) -> bool {
        matches!(
            self,
            Self::Root
                | Self::Setup
                | Self::Login
                | Self::LoginCode
                | Self::Join
                | Self::Reset
                | Self::Prefs
        )
    }
}

/// A place on this site to go to after a form, or nothing: never another site.
pub(crate) fn place(wanted: Option<&str>) -> Option<String> {
    let path = wanted?;
    let within = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(['\\', '\r', '\n'])
        && Route::read(path.split(['?', '#']).next()?).is_some();
    within.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_read_as_it_is_written() {
        let id = || FailoverId::new("0199-a");
        let mut all = vec![
            Route::Root,
            Route::Setup,
            Route::Login,
            Route::Logout,
            Route::Join,
            Route::Reset,
            Route::Prefs,
            Route::Balance,
            Route::Machines,
            Route::Machine(GpuId(7)),
            Route::Offers,
            Route::Offer(9),
            Route::Failovers,
            Route::Failover(id()),
            Route::FailoverAct(id(), FailoverAct::Cancel),
            Route::FailoverAct(id(), FailoverAct::FailBack),
            Route::FailoverAct(id(), FailoverAct::Retry),
            Route::Palette,
            Route::Shortcuts,
            Route::Notifications,
            Route::Notification(NotificationId(9)),
            Route::Bell,
            Route::ReadNotifications,
            Route::Settings,
            Route::Estimate,
            Route::Credentials,
            Route::Account,
            Route::People,
            Route::Invite,
            Route::RevokeInvitation,
            Route::ResetLink,
            Route::Sharing,
            Route::GiveGrant,
            Route::RevokeGrant,
            Route::AcceptGrant,
            Route::DeclineGrant,
            Route::Audit,
            Route::Confirm,
            Route::Password,
            Route::NewToken,
            Route::RevokeToken,
            Route::RevokeSession,
            Route::ForgetBrowser,
            Route::LoginCode,
            Route::SecondFactor,
            Route::Points(GpuId(7)),
            Route::Point(GpuId(7), 12),
        ];
        all.extend(MachineAct::ALL.iter().map(|(act, _)| Route::MachineAct(GpuId(7), *act)));
        for route in all {
            assert_eq!(Route::read(&route.path()), Some(route.clone()), "{route:?}");
        }
        assert_eq!(Route::read("/app/machines/seven"), None);
        assert_eq!(Route::read("/app/machines/7/explode"), None);
    }

    #[test]
    fn a_form_leads_nowhere_but_to_our_own_pages() {
        assert_eq!(place(Some("/app/failovers?days=7")).as_deref(), Some("/app/failovers?days=7"));
        for elsewhere in
            ["//evil.example", "https://evil.example", "/\\evil", "app", "/nowhere", ""]
        {
            assert_eq!(place(Some(elsewhere)), None, "{elsewhere}");
        }
    }
}
