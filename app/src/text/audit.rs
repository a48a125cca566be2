//! The words of the audit log.

use domain::audit::{Action, Area, Credential};

use super::Texts;

type Word = &'static str;

/// What was done, in the audit log.
pub(crate) const fn action(action: Action, t: &'static Texts) -> Word {
    match action {
        Action::CreateAccount => t.action_create_account,
        Action::LogIn => t.action_log_in,
        Action::BeginLogIn => t.action_begin_log_in,
        Action::LogOut => t.action_log_out,
        Action::Confirm => t.action_confirm,
        Action::ChangePassword => t.action_change_password,
        Action::CreateToken => t.action_create_token,
        Action::RevokeToken => t.action_revoke_token,
        Action::Invite => t.action_invite,
        Action::RevokeInvitation => t.action_revoke_invitation,
        Action::MakeResetLink => t.action_make_reset_link,
        Action::ResetPassword => t.action_reset_password,
        Action::RevokeSession => t.action_revoke_session,
        Action::ForgetBrowser => t.action_forget_browser,
        Action::BeginSecondFactor => t.action_begin_second_factor,
        Action::AddSecondFactor => t.action_add_second_factor,
        Action::MakeRecoveryCodes => t.action_make_recovery_codes,
        Action::RemoveSecondFactor => t.action_remove_second_factor,
        Action::BeginPasskey => t.action_begin_passkey,
        Action::AddPasskey => t.action_add_passkey,
        Action::AskForPasskey => t.action_ask_for_passkey,
        Action::RenamePasskey => t.action_rename_passkey,
        Action::RemovePasskey => t.action_remove_passkey,
        Action::GiveGrant => t.action_give_grant,
        Action::RevokeGrant => t.action_revoke_grant,
        Action::AcceptGrant => t.action_accept_grant,
        Action::DeclineGrant => t.action_decline_grant,
        Action::ChangeSettings => t.action_change_settings,
        Action::Configure => t.action_configure,
        Action::Rent => t.action_rent,
        Action::Destroy => t.action_destroy,
        Action::Pause => t.action_pause,
        Action::Resume => t.action_resume,
        Action::Protect => t.action_protect,
        Action::Unprotect => t.action_unprotect,
        Action::StartSync => t.action_start_sync,
        Action::StopSync => t.action_stop_sync,
        Action::AcceptDeletions => t.action_accept_deletions,
        Action::RestoreDeletions => t.action_restore_deletions,
        Action::GoBack => t.action_go_back,
        Action::Discard => t.action_discard,
        Action::TestFailover => t.action_test_failover,
        Action::Drill => t.action_drill,
        Action::FailOver => t.action_fail_over,
        Action::FailBack => t.action_fail_back,
        Action::Cancel => t.action_cancel,
        Action::Retry => t.action_retry,
        Action::ReadNotifications => t.action_read_notifications,
    }
}

pub(crate) const fn area(area: Area, t: &'static Texts) -> Word {
    match area {
        Area::Access => t.area_access,
        Area::Settings => t.area_settings,
        Area::Machines => t.area_machines,
        Area::Failovers => t.area_failovers,
        Area::Notifications => t.area_notifications,
    }
}

pub(crate) const fn credential(credential: Credential, t: &'static Texts) -> Word {
    match credential {
        Credential::Session => t.credential_session,
        Credential::Login => t.credential_login,
        Credential::ApiToken => t.credential_api_token,
        Credential::CommandLine => t.credential_command_line,
    }
}
