//! What a credential may be used for.

crate::text_enum! {
    /// How far a credential reaches. Each scope covers those before it; a person who logged in has
    /// the last.
    pub enum Scope ("scope") {
        /// Looking.
        Read = "read",
        /// Acting on machines: rent, protect, pause, move, drill, destroy. It spends money.
        Operate = "operate",
        /// The account itself: settings, provider keys, tokens, logins, password, audit log.
        Admin = "admin",
    }
}

impl Scope {
    /// Whether someone with this scope may do what needs `needed`.
    #[must_use]
    pub fn covers(self, needed: Self) -> bool {
        self >= needed
    }
}

/// Nothing is allowed that was not asked for.
impl Default for Scope {
    fn default() -> Self {
        Self::Read
    }
}

crate::text_enum! {
    /// What an account may do beyond what is its own. Each role covers those before it.
    pub enum AccountRole ("account role") {
        /// What is its own.
        Member = "member",
        /// The install: accounts, invitations, reset links.
        Administrator = "administrator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_itself_and_those_before_it() {
        use Scope::{Admin, Operate, Read};
        for (has, needed, may) in [
            (Read, Read, true),
            (Read, Operate, false),
            (Read, Admin, false),
            (Operate, Read, true),
            (Operate, Operate, true),
            (Operate, Admin, false),
            (Admin, Read, true),
            (Admin, Operate, true),
            (Admin, Admin, true),
        ] {
            assert_eq!(has.covers(needed), may, "{has} for {needed}");
        }
    }
}
