//! How far the transfer is that runs now: measured, never guessed.

use domain::view::failover::{FailoverStatus, TransferProgress};
use leptos::prelude::*;

use crate::format;
use crate::text::{self, Lang, Texts, fill};
use crate::visit::Visit;

/// Nothing while nothing is moved.
pub(crate) fn progress(visit: &Visit, status: &FailoverStatus) -> Option<AnyView> {
    let now = status.progress.as_ref()?;
    let t = visit.t();
    let step = text::step(now.step, t);
    let words = words(now, t, visit.lang);
    let bar = match share(now) {
        Some((value, max)) => view! {
            <progress id="transfer-bar" value=value.to_string() max=max.to_string() aria-labelledby="transfer-step"></progress>
        }
        .into_any(),
        // Of how much is not known: a bar without an end.
        None => view! { <progress id="transfer-bar" aria-labelledby="transfer-step"></progress> }
            .into_any(),
    };
    Some(
        view! {
            <div class="transfer" data-key="transfer">
                <p id="transfer-step"><span class="hidden">{t.progress} ": "</span> {step}</p>
                {bar}
                <p class="figures">{words}</p>
            </div>
        }
        .into_any(),
    )
}

/// The part that is done, of bytes where they are counted, else of files.
fn share(now: &TransferProgress) -> Option<(i64, i64)> {
    let (value, max) = match (now.bytes, now.bytes_total) {
        (Some(bytes), Some(all)) => (bytes, all),
        (Some(_), None) => return None,
        (None, _) => (now.files, now.files_total?),
    };
    (max > 0).then_some((value.clamp(0, max), max))
}

/// `1,204 of 3,310 files · 1.2 GB of 4.8 GB · 84 MB / s · about 42 s left`, as far as it is known.
fn words(now: &TransferProgress, t: &'static Texts, lang: Lang) -> String {
    let files = format::count(now.files, lang);
    let mut parts = vec![match now.files_total {
        Some(all) => {
            fill(t.progress_files, &[("files", &files), ("all", &format::count(all, lang))])
        }
        None => fill(t.progress_files_open, &[("files", &files)]),
    }];
    if let Some(bytes) = now.bytes {
        let bytes = format::bytes(bytes, lang);
        parts.push(match now.bytes_total {
            Some(all) => {
                fill(t.progress_bytes, &[("bytes", &bytes), ("all", &format::bytes(all, lang))])
            }
            None => bytes,
        });
    }
    match (now.bytes_per_second, now.files_per_second) {
        (Some(rate), _) => {
            parts.push(fill(t.progress_rate, &[("rate", &format::bytes(rate, lang))]));
        }
        (None, Some(rate)) if now.bytes.is_none() => {
            let rate = format::decimal(rate, 1, lang);
            parts.push(fill(t.progress_rate_files, &[("rate", &rate)]));
        }
        _ => {}
    }
    if let Some(left) = now.left_ms {
        parts.push(fill(t.progress_left, &[("span", &format::coarse(left))]));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::failover::StepName;
    use domain::time::Millis;
    use domain::view::Time;

    fn half() -> TransferProgress {
        TransferProgress {
            step: StepName::Restore,
            files: 1_204,
            files_total: Some(3_310),
            bytes: Some(1_200_000_000),
            bytes_total: Some(4_800_000_000),
            bytes_per_second: Some(84_000_000),
            files_per_second: Some(84.2),
            left_ms: Some(42_000),
            as_of: Time(Millis(0)),
        }
    }

    #[test]
    fn all_that_is_measured_is_told() {
        let told = words(&half(), Lang::En.texts(), Lang::En);
        assert_eq!(told, "1,204 of 3,310 files · 1.2 GB of 4.8 GB · 84.0 MB / s · about 42 s left");
        assert_eq!(share(&half()), Some((1_200_000_000, 4_800_000_000)));
    }

    #[test]
    fn what_is_not_known_is_left_out_and_the_bar_has_no_end() {
        let open = TransferProgress {
            files_total: None,
            bytes_total: None,
            bytes_per_second: None,
            left_ms: None,
            ..half()
        };
        assert_eq!(words(&open, Lang::Pt.texts(), Lang::Pt), "1.204 arquivos · 1,2 GB");
        assert_eq!(share(&open), None);
        let counted = TransferProgress { step: StepName::Verify, bytes: None, ..open.clone() };
        let counted = TransferProgress { files_total: Some(3_310), ..counted };
        assert_eq!(share(&counted), Some((1_204, 3_310)));
        assert!(words(&counted, Lang::En.texts(), Lang::En).ends_with("84.2 files / s"));
    }
}
