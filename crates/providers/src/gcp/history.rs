//! Why a VM stopped: Google keeps a list of what it did to it.

use domain::provider::ProviderError;
use domain::time::Millis;
use google_cloud_compute_v1::model::Operation;

use super::client::GcpClient;
use super::list;

const OPERATION: &str = "list preemptions";
const PREEMPTED: &str = "compute.instances.preempted";

impl GcpClient {
    /// Whether Google took a Spot VM back after a point in time, which should be its last start:
    /// older preemptions stay in Google's list.
    ///
    /// # Errors
    /// As any call.
    pub async fn preempted_since(
        &self,
        zone: &str,
        name: &str,
        after: Millis,
    ) -> Result<bool, ProviderError> {
        let filter = format!(r#"operationType = "{PREEMPTED}""#);
        let mut token = String::new();
        for _ in 0..list::MOST_PAGES {
            let page = self
                .call(OPERATION, || {
                    self.operations()
                        .list()
                        .set_project(self.project())
                        .set_zone(zone)
                        .set_filter(&filter)
                        .set_page_token(&token)
                        .send()
                })
                .await?;
            if page.items.iter().any(|operation| concerns(operation, name, after)) {
                return Ok(true);
            }
            match page.next_page_token.filter(|next| !next.is_empty() && *next != token) {
                Some(next) => token = next,
                None => return Ok(false),
            }
        }
        Ok(false)
    }
}

/// Whether an operation is a preemption of this VM after a point in time. The operation's own name
/// says nothing about the VM; its target does.
fn concerns(operation: &Operation, name: &str, after: Millis) -> bool {
    operation.operation_type.as_deref() == Some(PREEMPTED)
        && operation
            .target_link
            .as_deref()
            .is_some_and(|link| link.ends_with(&format!("/instances/{name}")))
        && operation
            .insert_time
            .as_deref()
            .or(operation.start_time.as_deref())
            .and_then(Millis::parse_rfc3339)
            .is_some_and(|at| at > after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_later_preemption_of_this_very_vm_counts() {
        let operation = Operation::new()
            .set_operation_type(PREEMPTED)
            .set_target_link(
                "https://www.googleapis.com/compute/v1/projects/P/zones/Z/instances/vm1",
            )
            .set_insert_time("2026-10-14T13:45:09.545-07:00");
        let at = Millis::parse_rfc3339("2026-10-14T20:45:09.545Z").expect("a time");
        assert!(concerns(&operation, "vm1", at.plus(-1)));
        assert!(!concerns(&operation, "vm1", at));
        assert!(!concerns(&operation, "m1", at.plus(-1)));
        assert!(!concerns(&operation.clone().set_operation_type("stop"), "vm1", at.plus(-1)));
    }
}
