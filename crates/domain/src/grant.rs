//! What an account lets another one do with its machines.
//!
//! A grant reaches machines and nothing else of its owner's: no settings, keys, money, tokens, and no
//! other grant. Who holds it is an account today; a team would be another kind of holder of the same
//! grant, and a role a level of it.

use crate::access::Scope;
use crate::id::{AssociationId, GrantId, UserId};
use crate::time::Millis;

crate::text_enum! {
    /// How far a grant reaches. Each level covers those before it.
    pub enum GrantLevel ("grant level") {
        /// Looking.
        Read = "read",
        /// Moving, drills, pausing, following, deletions that are held back.
        Operate = "operate",
    }
}

impl GrantLevel {
    /// Whether it covers what a credential of this scope is needed for. Nothing covers the account itself.
    #[must_use]
    pub const fn covers(self, needed: Scope) -> bool {
        match needed {
            Scope::Read => true,
            Scope::Operate => matches!(self, Self::Operate),
            Scope::Admin => false,
        }
    }
}

crate::text_enum! {
    /// What became of a grant.
    pub enum GrantState ("grant state") {
        /// Offered; it counts for nothing yet.
        Offered = "offered",
        /// Accepted: it counts.
        Active = "active",
        /// Its owner took it back.
        Revoked = "revoked",
        /// Whoever it was given to refused it or gave it up.
        Declined = "declined",
        /// Its time is over, or nobody accepted it in time.
        Expired = "expired",
    }
}

crate::text_enum! {
    /// Who ended a grant.
    pub enum GrantEnd ("end of a grant") {
        /// Whoever gave it.
        Owner = "owner",
        /// Whoever it was given to.
        Grantee = "grantee",
    }
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Identity.
    pub id: GrantId,
    /// Whose machines.
    pub owner: UserId,
    /// The owner's user name.
    pub owner_name: String,
    /// Whom it was offered to, as its owner typed it.
    pub named: String,
    /// The account behind that name; none where there was none.
    pub grantee: Option<UserId>,
    /// That account's user name.
    pub grantee_name: Option<String>,
    /// How far it reaches.
    pub level: GrantLevel,
    /// Every protected machine of the owner's, now and later.
    pub all_machines: bool,
    /// The machines that it was given for, where it is not for all.
    pub machines: Vec<AssociationId>,
    /// When it was offered.
    pub created_at: Millis,
    /// Until when it can be accepted.
    pub accept_by: Millis,
    /// When it was accepted.
    pub accepted_at: Option<Millis>,
    /// When it ends by itself.
    pub expires_at: Option<Millis>,
    /// When it was ended.
    pub ended_at: Option<Millis>,
    /// By whom.
    pub ended_by: Option<GrantEnd>,
}

impl Grant {
    /// What became of it.
    #[must_use]
    pub fn state(&self, now: Millis) -> GrantState {
        match (self.ended_at, self.ended_by) {
            (Some(_), Some(GrantEnd::Grantee)) => return GrantState::Declined,
            (Some(_), _) => return GrantState::Revoked,
            (None, _) => {}
        }
        if self.expires_at.is_some_and(|at| at <= now) {
            return GrantState::Expired;
        }
        match self.accepted_at {
            Some(_) => GrantState::Active,
            None if self.accept_by <= now => GrantState::Expired,
            None => GrantState::Offered,
        }
    }

    /// What its owner is told became of it: nothing by which they would learn that somebody has the name.
    /// An offer that was refused looks like one that nobody answers.
    #[must_use]
    pub fn state_for_owner(&self, now: Millis) -> GrantState {
        match self.state(now) {
            GrantState::Declined if self.accepted_at.is_none() => {
                let over = self.accept_by <= now || self.expires_at.is_some_and(|at| at <= now);
                if over { GrantState::Expired } else { GrantState::Offered }
            }
            state => state,
        }
    }

    /// What it allows with this machine of this owner; none where it does not reach it.
    #[must_use]
    pub fn reaches(
        &self,
        owner: &UserId,
        machine: &AssociationId,
        now: Millis,
    ) -> Option<GrantLevel> {
        let stands = self.state(now) == GrantState::Active && self.owner == *owner;
        let named = self.all_machines || self.machines.contains(machine);
        (stands && named).then_some(self.level)
    }
}

/// The most that these grants allow with a machine.
#[must_use]
pub fn reach(
    grants: &[Grant],
    owner: &UserId,
    machine: &AssociationId,
    now: Millis,
) -> Option<GrantLevel> {
    grants.iter().filter_map(|grant| grant.reaches(owner, machine, now)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(level: GrantLevel) -> Grant {
        Grant {
            id: GrantId::new("g"),
            owner: UserId::new("ana"),
            owner_name: "ana".into(),
            named: "bob".into(),
            grantee: Some(UserId::new("bob")),
            grantee_name: Some("bob".into()),
            level,
            all_machines: false,
            machines: vec![AssociationId::new("m")],
            created_at: Millis(0),
            accept_by: Millis(100),
            accepted_at: Some(Millis(10)),
            expires_at: Some(Millis(1_000)),
            ended_at: None,
            ended_by: None,
        }
    }

    #[test]
    fn it_reaches_its_machines_alone_and_only_while_it_stands() {
        let (ana, m) = (UserId::new("ana"), AssociationId::new("m"));
        let given = grant(GrantLevel::Read);
        assert_eq!(given.reaches(&ana, &m, Millis(999)), Some(GrantLevel::Read));
        assert_eq!(given.reaches(&ana, &m, Millis(1_000)), None, "over");
        assert_eq!(given.reaches(&ana, &AssociationId::new("n"), Millis(20)), None);
        assert_eq!(given.reaches(&UserId::new("eve"), &m, Millis(20)), None, "of another owner");
        let offered = Grant { accepted_at: None, ..given.clone() };
        assert_eq!(
            (offered.state(Millis(99)), offered.reaches(&ana, &m, Millis(99))),
            (GrantState::Offered, None)
        );
        assert_eq!(offered.state(Millis(100)), GrantState::Expired);
        for (by, state) in
            [(GrantEnd::Owner, GrantState::Revoked), (GrantEnd::Grantee, GrantState::Declined)]
        {
            let ended = Grant { ended_at: Some(Millis(30)), ended_by: Some(by), ..given.clone() };
            assert_eq!(
                (ended.state(Millis(20)), ended.reaches(&ana, &m, Millis(20))),
                (state, None)
            );
        }
        // To its owner a refused offer is one that nobody answers; one that was given up is not.
        let ended = Grant {
            ended_at: Some(Millis(30)),
            ended_by: Some(GrantEnd::Grantee),
            ..given.clone()
        };
        assert_eq!(ended.state_for_owner(Millis(40)), GrantState::Declined);
        let refused = Grant { accepted_at: None, ..ended };
        let nobody = Grant { grantee: None, ended_at: None, ended_by: None, ..refused.clone() };
        for now in [40, 99, 100, 1_000, 9_000].map(Millis) {
            assert_eq!(refused.state_for_owner(now), nobody.state_for_owner(now), "{now:?}");
        }
        // A machine that is gone leaves a grant that reaches nothing, never all.
        let empty = Grant { machines: Vec::new(), ..given.clone() };
        assert_eq!(empty.reaches(&ana, &m, Millis(20)), None);
        let all = Grant { all_machines: true, ..empty };
        assert_eq!(all.reaches(&ana, &m, Millis(20)), Some(GrantLevel::Read));
    }

    #[test]
    fn of_several_the_most_counts_and_none_covers_the_account() {
        let (ana, m) = (UserId::new("ana"), AssociationId::new("m"));
        let both = [grant(GrantLevel::Operate), grant(GrantLevel::Read)];
        assert_eq!(reach(&both, &ana, &m, Millis(20)), Some(GrantLevel::Operate));
        assert_eq!(reach(&[], &ana, &m, Millis(20)), None);
        assert!(GrantLevel::Read.covers(Scope::Read) && !GrantLevel::Read.covers(Scope::Operate));
        assert!(GrantLevel::Operate.covers(Scope::Operate));
        assert!(!GrantLevel::Operate.covers(Scope::Admin));
    }
}
