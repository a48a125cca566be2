//! What concerns an account with a provider.

use super::{Figures, News, NewsKind};
use crate::id::UserId;
use crate::money::MicroUsd;
use crate::provider::Provider;
use crate::time::Millis;

fn news(
    user: &UserId,
    kind: NewsKind,
    fact: String,
    at: Millis,
    sandbox: bool,
    figures: Figures,
) -> News {
    News {
        user: user.clone(),
        fact,
        kind,
        failover: None,
        association: None,
        gpu: None,
        machine_name: None,
        at,
        sandbox,
        figures,
        ends: Vec::new(),
    }
}

/// The standing fact of credentials that a provider refuses, over when it takes them again.
#[must_use]
pub fn refusal(provider: Provider) -> String {
    format!("{}/{provider}", NewsKind::CredentialsRefused)
}

/// A provider refuses the stored credentials.
#[must_use]
pub fn credentials_refused(user: &UserId, provider: Provider, at: Millis, sandbox: bool) -> News {
    let figures = Figures { provider: Some(provider), ..Figures::default() };
    news(user, NewsKind::CredentialsRefused, refusal(provider), at, sandbox, figures)
}

/// What a reading of the credit comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credit {
    /// It would not pay for an hour of the dearest machine again.
    Low(Box<News>),
    /// It would: this standing fact is over.
    Enough(String),
    /// It can't be told.
    Unknown,
}

/// Judges the credit: as the header does, against what an hour of the dearest machine costs.
#[must_use]
pub fn credit(
    user: &UserId,
    credit: Option<MicroUsd>,
    need: Option<MicroUsd>,
    at: Millis,
    sandbox: bool,
) -> Credit {
    let fact = NewsKind::CreditLow.to_string();
    match credit.zip(need) {
        None => Credit::Unknown,
        Some((credit, need)) if credit < need => {
            let figures = Figures { credit: Some(credit), need: Some(need), ..Figures::default() };
            Credit::Low(Box::new(news(user, NewsKind::CreditLow, fact, at, sandbox, figures)))
        }
        Some(_) => Credit::Enough(fact),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_credit_stands_until_it_is_enough_and_an_unknown_one_is_neither() {
        let user = UserId::new("u");
        let judge = |have, need| credit(&user, have, need, Millis(7), false);
        let Credit::Low(low) = judge(Some(MicroUsd(1)), Some(MicroUsd(2))) else {
            panic!("not low");
        };
        assert_eq!(judge(Some(MicroUsd(2)), Some(MicroUsd(2))), Credit::Enough(low.fact.clone()));
        assert_eq!((low.figures.credit, low.figures.need), (Some(MicroUsd(1)), Some(MicroUsd(2))));
        assert_eq!(judge(None, Some(MicroUsd(2))), Credit::Unknown);
        assert_eq!(judge(Some(MicroUsd(2)), None), Credit::Unknown);
    }

    #[test]
    fn each_provider_has_a_refusal_of_its_own() {
        let user = UserId::new("u");
        let vast = credentials_refused(&user, Provider::Vast, Millis(1), false);
        let gcp = credentials_refused(&user, Provider::Gcp, Millis(1), false);
        assert_ne!(vast.fact, gcp.fact);
        assert_eq!(vast.fact, refusal(Provider::Vast));
    }
}
