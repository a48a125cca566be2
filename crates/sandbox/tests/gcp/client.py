"""Drives one VM through its life with Google's client; prints the states that it saw.

Arguments: key file, address of the sandbox, project, zone. The sandbox is expected to have no room
for the VM `short`.
"""

import sys

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import Conflict, NotFound, ServiceUnavailable
from google.cloud import compute_v1
from google.oauth2 import service_account

key, url, project, zone = sys.argv[1:5]
credentials = service_account.Credentials.from_service_account_file(key)
options = ClientOptions(api_endpoint=url)
client = compute_v1.InstancesClient(credentials=credentials, client_options=options)
# Without this the library polls operations at Google's own address.
client.transport._extended_operations_services["zone_operations"] = (
    compute_v1.ZoneOperationsClient(credentials=credentials, client_options=options)
)
place = {"project": project, "zone": zone}


def body(name):
    return compute_v1.Instance(
        name=name,
        machine_type=f"zones/{zone}/machineTypes/e2-medium",
        disks=[
            compute_v1.AttachedDisk(
                boot=True,
                auto_delete=True,
                initialize_params=compute_v1.AttachedDiskInitializeParams(
                    source_image="projects/debian-cloud/global/images/family/debian-12",
                    disk_size_gb=20,
                ),
            )
        ],
        network_interfaces=[
            compute_v1.NetworkInterface(
                network="global/networks/default",
                access_configs=[compute_v1.AccessConfig(name="nat", type_="ONE_TO_ONE_NAT")],
            )
        ],
        scheduling=compute_v1.Scheduling(
            provisioning_model="SPOT", instance_termination_action="STOP"
        ),
    )


def insert(name):
    client.insert(instance_resource=body(name), **place).result(timeout=60)


def status():
    return client.get(instance="vm1", **place).status


insert("vm1")
seen = [next(iter(client.list(**place))).name, status()]
assert client.get(instance="vm1", **place).network_interfaces[0].access_configs[0].nat_i_p
client.stop(instance="vm1", **place).result(timeout=60)
seen.append(status())
client.start(instance="vm1", **place).result(timeout=60)
seen.append(status())
scopes = dict(client.aggregated_list(project=project))
assert len(scopes[f"zones/{zone}"].instances) == 1
client.delete(instance="vm1", **place).result(timeout=60)
try:
    status()
except NotFound:
    seen.append("gone")

insert("twice")
try:
    insert("twice")
except Conflict as error:
    seen.append(str(error.code.value))

try:
    insert("short")
except ServiceUnavailable as error:
    if "does not have enough resources" in str(error):
        seen.append("stock-out")
print(*seen)
