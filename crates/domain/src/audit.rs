//! What can be done in an account, as its audit log names it.

crate::text_enum! {
    /// What somebody did or tried to do.
    pub enum Action ("action") {
        /// Made the account.
        CreateAccount = "create_account",
        /// Logged in.
        LogIn = "log_in",
        /// Gave the right password and was asked for a code; a login follows where the code was right.
        BeginLogIn = "begin_log_in",
        /// Logged out.
        LogOut = "log_out",
        /// Gave the password again.
        Confirm = "confirm",
        /// Changed the password.
        ChangePassword = "change_password",
        /// Made an API token.
        CreateToken = "create_token",
        /// Revoked a token.
        RevokeToken = "revoke_token",
        /// Invited somebody.
        Invite = "invite",
        /// Took an invitation back.
        RevokeInvitation = "revoke_invitation",
        /// Made a link that replaces an account's password.
        MakeResetLink = "make_reset_link",
        /// Replaced the password by such a link.
        ResetPassword = "reset_password",
        /// Ended another login.
        RevokeSession = "revoke_session",
        /// Forgot a browser that had logged in before.
        ForgetBrowser = "forget_browser",
        /// Began to set up a second factor.
        BeginSecondFactor = "begin_second_factor",
        /// Proved it, so that it is asked for from then on.
        AddSecondFactor = "add_second_factor",
        /// Made other recovery codes.
        MakeRecoveryCodes = "make_recovery_codes",
        /// Removed the second factor.
        RemoveSecondFactor = "remove_second_factor",
        /// Began to make a passkey.
        BeginPasskey = "begin_passkey",
        /// Added a passkey.
        AddPasskey = "add_passkey",
        /// Was asked for a passkey, to be used.
        AskForPasskey = "ask_for_passkey",
        /// Gave a passkey another name.
        RenamePasskey = "rename_passkey",
        /// Removed a passkey.
        RemovePasskey = "remove_passkey",
        /// Let another account look at or act on machines.
        GiveGrant = "give_grant",
        /// Took that back.
        RevokeGrant = "revoke_grant",
        /// Accepted what another account offered.
        AcceptGrant = "accept_grant",
        /// Refused it, or gave it up.
        DeclineGrant = "decline_grant",
        /// Changed language, look or provider keys.
        ChangeSettings = "change_settings",
        /// Changed the rules of failovers.
        Configure = "configure",
        /// Rented a GPU.
        Rent = "rent",
        /// Destroyed a GPU.
        Destroy = "destroy",
        /// Stopped a GPU.
        Pause = "pause",
        /// Started a GPU.
        Resume = "resume",
        /// Gave a machine a standby.
        Protect = "protect",
        /// Removed a standby.
        Unprotect = "unprotect",
        /// Had a standby follow.
        StartSync = "start_sync",
        /// Had a standby stop following.
        StopSync = "stop_sync",
        /// Let a frozen copy delete what was shown.
        AcceptDeletions = "accept_deletions",
        /// Had a GPU get back what it had deleted.
        RestoreDeletions = "restore_deletions",
        /// Had a machine's files put back to a recovery point.
        GoBack = "go_back",
        /// Gave a machine up with its GPU and its standby.
        Discard = "discard",
        /// Asked what a failover would do, or for a drill by the address for that.
        TestFailover = "test_failover",
        /// Began a drill.
        Drill = "drill",
        /// Began a failover.
        FailOver = "fail_over",
        /// Asked for the way back to a GPU.
        FailBack = "fail_back",
        /// Asked a failover to stop.
        Cancel = "cancel",
        /// Ended the pause of a failover that waits.
        Retry = "retry",
        /// Marked notifications as read.
        ReadNotifications = "read_notifications",
    }
}

crate::text_enum! {
    /// What an action is about.
    pub enum Area ("area") {
        /// Getting in: logins, password, tokens.
        Access = "access",
        /// What is chosen, and provider keys.
        Settings = "settings",
        /// Machines and standbys.
        Machines = "machines",
        /// Failovers, drills and moves.
        Failovers = "failovers",
        /// What the account was told.
        Notifications = "notifications",
    }
}

impl Action {
    /// What it is about.
    #[must_use]
    pub const fn area(self) -> Area {
        match self {
            Self::CreateAccount
            | Self::LogIn
            | Self::BeginLogIn
            | Self::LogOut
            | Self::Confirm
            | Self::ChangePassword
            | Self::CreateToken
            | Self::RevokeToken
            | Self::Invite
            | Self::RevokeInvitation
            | Self::MakeResetLink
            | Self::ResetPassword
            | Self::RevokeSession
            | Self::ForgetBrowser
            | Self::BeginSecondFactor
            | Self::AddSecondFactor
            | Self::MakeRecoveryCodes
            | Self::RemoveSecondFactor
            | Self::BeginPasskey
            | Self::AddPasskey
            | Self::AskForPasskey
            | Self::RenamePasskey
            | Self::RemovePasskey
            | Self::GiveGrant
            | Self::RevokeGrant
            | Self::AcceptGrant
            | Self::DeclineGrant => Area::Access,
            Self::ChangeSettings | Self::Configure => Area::Settings,
            Self::Rent
            | Self::Destroy
            | Self::Pause
            | Self::Resume
            | Self::Protect
            | Self::Unprotect
            | Self::StartSync
            | Self::StopSync
            | Self::AcceptDeletions
            | Self::RestoreDeletions
            | Self::GoBack
            | Self::Discard => Area::Machines,
            Self::TestFailover
            | Self::Drill
            | Self::FailOver
            | Self::FailBack
            | Self::Cancel
            | Self::Retry => Area::Failovers,
            Self::ReadNotifications => Area::Notifications,
        }
    }
}

crate::text_enum! {
    /// What somebody acted with.
    pub enum Credential ("credential") {
        /// A browser's session, or its login form.
        Session = "session",
        /// A login over the API.
        Login = "login",
        /// An API token.
        ApiToken = "api_token",
        /// The command line on the server itself.
        CommandLine = "command_line",
    }
}

crate::text_enum! {
    /// What came of it.
    pub enum Outcome ("outcome") {
        /// It was done.
        Done = "done",
        /// It was not done; the code says why.
        Refused = "refused",
    }
}
