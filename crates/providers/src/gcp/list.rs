//! Every standby of an install, over all zones. Whole, or an error.

use std::time::Duration;

use domain::provider::{ErrorClass, ProviderError};
use google_cloud_compute_v1::model::InstanceAggregatedList;
use tokio::time::{Instant, timeout_at};

use super::client::GcpClient;
use super::error::failure;
use super::vm::StandbyVm;

const OPERATION: &str = "list standbys";
/// Pages that one list may have, of up to 500 VMs each.
pub(super) const MOST_PAGES: usize = 100;
/// Longest time for the whole list.
const LONGEST: Duration = Duration::from_secs(60);

impl GcpClient {
    /// The VMs that carry the label `key=value` (`instances.aggregatedList`), by zone and name.
    ///
    /// # Errors
    /// `Unexpected` when Google says that it could not reach a zone or that something was left
    /// out: a list with gaps proves nothing about what is not in it.
    pub async fn list(&self, key: &str, value: &str) -> Result<Vec<StandbyVm>, ProviderError> {
        let deadline = Instant::now() + LONGEST;
        let filter = format!(r#"labels.{key} = "{value}""#);
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let page = timeout_at(deadline, self.page(&filter, token.as_deref(), 500))
                .await
                .unwrap_or_else(|_| {
                    Err(failure(OPERATION, ErrorClass::Transient, "the list took too long"))
                })?;
            let next = page.next_page_token.clone().filter(|token| !token.is_empty());
            found.extend(whole(page)?.into_iter().filter(|vm| vm.label(key) == Some(value)));
            if next.is_none() {
                found.sort_by(|a, b| (&a.zone, &a.name).cmp(&(&b.zone, &b.name)));
                return Ok(found);
            }
            if next == token {
                break;
            }
            token = next;
        }
        Err(failure(OPERATION, ErrorClass::Unexpected, "the pages of the list do not end"))
    }

    pub(super) async fn page(
        &self,
        filter: &str,
        token: Option<&str>,
        size: u32,
    ) -> Result<InstanceAggregatedList, ProviderError> {
        self.call(OPERATION, || {
            let mut list = self
                .instances()
                .aggregated_list()
                .set_project(self.project())
                .set_max_results(size);
            if !filter.is_empty() {
                list = list.set_filter(filter);
            }
            if let Some(token) = token {
                list = list.set_page_token(token);
            }
            list.send()
        })
        .await
    }
}

/// The VMs of a page that says of every zone what is in it.
fn whole(page: InstanceAggregatedList) -> Result<Vec<StandbyVm>, ProviderError> {
    let gap = |text: String| failure(OPERATION, ErrorClass::Unexpected, text);
    if let Some(zone) = page.unreachables.first() {
        return Err(gap(format!("Google could not reach {zone}")));
    }
    if let Some(code) = page.warning.and_then(|warning| warning.code)
        && let Some(word) = code.name()
        && word != "NO_RESULTS_ON_PAGE"
    {
        return Err(gap(format!("Google left something out of the list: {word}")));
    }
    let mut found = Vec::new();
    for (scope, part) in page.items {
        if let Some(code) = part.warning.and_then(|warning| warning.code)
            && let Some(word) = code.name()
            && word != "NO_RESULTS_ON_PAGE"
        {
            return Err(gap(format!("Google left something out of {scope}: {word}")));
        }
        for vm in part.instances {
            found.push(
                StandbyVm::read(vm).ok_or_else(|| gap(format!("a VM in {scope} has no name")))?,
            );
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Result<Vec<StandbyVm>, ProviderError> {
        whole(serde_json::from_value(value).expect("a list"))
    }

    #[test]
    fn zones_without_vms_are_empty_and_zones_out_of_reach_are_errors() {
        let empty = json!({"warning": {"code": "NO_RESULTS_ON_PAGE"}});
        let one = json!({"instances": [{"name": "a", "zone": "zones/z"}]});
        assert_eq!(
            read(json!({"items": {"zones/z": one, "zones/y": empty}})).expect("whole").len(),
            1
        );
        assert_eq!(read(json!({})).expect("whole").len(), 0);
        for gap in [
            json!({"items": {"zones/z": {"warning": {"code": "UNREACHABLE"}}}}),
            json!({"items": {"zones/z": {"warning": {"code": "SOMETHING_NEW"}}}}),
            json!({"unreachables": ["zones/z"]}),
            json!({"warning": {"code": "PARTIAL_SUCCESS"}}),
            json!({"items": {"zones/z": {"instances": [{"zone": "zones/z"}]}}}),
        ] {
            assert_eq!(
                read(gap.clone()).expect_err("a gap").class,
                ErrorClass::Unexpected,
                "{gap}"
            );
        }
    }
}
