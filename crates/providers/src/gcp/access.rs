//! What the service account may do, and what it may choose from: the live test behind the settings
//! page.

use domain::provider::{ErrorClass, ProviderError};
use google_cloud_compute_v1::model;

use super::client::{GcpClient, last_part};
use super::error::failure;
use super::list;

/// The outcome of a live test that went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Project that pays.
    pub project: String,
    /// The service account's address.
    pub email: String,
    /// Zones that standbys can be put in.
    pub zones: Vec<Zone>,
}

/// A zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Name, for example `europe-west1-b`.
    pub name: String,
    /// Region, for example `europe-west1`.
    pub region: Option<String>,
    /// Open for business.
    pub up: bool,
}

/// A machine type that a zone has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineType {
    /// Name, for example `e2-medium`.
    pub name: String,
    /// vCPUs as seen in the VM.
    pub vcpus: i32,
    /// Memory, MB.
    pub memory_mb: i32,
    /// Fraction of a core only.
    pub shared_cpu: bool,
}

impl GcpClient {
    /// Tries the key on what a standby needs to be seen, zones and VMs, and asks for the permissions
    /// that it needs to be made. Nothing is made. Where Google does not tell the permissions, a missing
    /// one shows with the first standby.
    ///
    /// # Errors
    /// `Auth` with Google's own words, which name the permission that is missing or the API that is
    /// switched off, or with all permissions that are missing; `Credit` for a project without billing.
    pub async fn check(&self) -> Result<Access, ProviderError> {
        let zones = self.zones().await?;
        self.page("", None, 1).await?;
        match self.permissions().lacking().await {
            Ok(lacking) if lacking.is_empty() => {}
            Ok(lacking) => {
                let words = format!("the service account lacks {}", lacking.join(", "));
                return Err(failure("test permissions", ErrorClass::Auth, words));
            }
            Err(error) => tracing::info!(%error, "Google does not tell the account's permissions"),
        }
        Ok(Access {
            project: self.project().to_owned(),
            email: self.account().email.clone(),
            zones,
        })
    }

    /// Every zone of the project, by name.
    ///
    /// # Errors
    /// As any call.
    pub async fn zones(&self) -> Result<Vec<Zone>, ProviderError> {
        let mut zones = Vec::new();
        let mut token = String::new();
        for _ in 0..list::MOST_PAGES {
            let page = self
                .call("list zones", || {
                    self.zone_client()
                        .list()
                        .set_project(self.project())
                        .set_page_token(&token)
                        .send()
                })
                .await?;
            zones.extend(page.items.into_iter().filter_map(zone));
            match next_page(page.next_page_token, &token) {
                Some(next) => token = next,
                None => break,
            }
        }
        zones.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(zones)
    }

    /// The machine types of a zone, by name.
    ///
    /// # Errors
    /// `NotFound` or `Invalid` for a zone that does not exist.
    pub async fn machine_types(&self, zone: &str) -> Result<Vec<MachineType>, ProviderError> {
        let mut types = Vec::new();
        let mut token = String::new();
        for _ in 0..list::MOST_PAGES {
            let page = self
                .call("list machine types", || {
                    self.machine_type_client()
                        .list()
                        .set_project(self.project())
                        .set_zone(zone)
                        .set_max_results(500u32)
                        .set_page_token(&token)
                        .send()
                })
                .await?;
            types.extend(page.items.into_iter().filter_map(machine_type));
            match next_page(page.next_page_token, &token) {
                Some(next) => token = next,
                None => break,
            }
        }
        types.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(types)
    }
}

/// The token of the next page, unless there is none or it leads back to the same one.
fn next_page(next: Option<String>, last: &str) -> Option<String> {
    next.filter(|next| !next.is_empty() && next != last)
}

fn zone(zone: model::Zone) -> Option<Zone> {
    Some(Zone {
        up: zone.status == Some(model::zone::Status::Up),
        region: zone.region.as_deref().map(last_part).map(str::to_owned),
        name: zone.name?,
    })
}

fn machine_type(shape: model::MachineType) -> Option<MachineType> {
    Some(MachineType {
        vcpus: shape.guest_cpus?,
        memory_mb: shape.memory_mb?,
        shared_cpu: shape.is_shared_cpu.unwrap_or(false),
        name: shape.name?,
    })
}
