"""Drives one VM through its life with Google's client; prints the states that it saw.

Arguments: key file, address of the sandbox, project, zone. The sandbox is expected to have no room
for the VM `short`.
"""

import json
import sys
import urllib.request

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    InternalServerError,
    NotFound,
    PreconditionFailed,
    ServiceUnavailable,
    Unauthorized,
)
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

# What is simply there.
region = zone.rsplit("-", 1)[0]
plain = {"credentials": credentials, "client_options": options}
image = compute_v1.ImagesClient(**plain).get_from_family(project="debian-cloud", family="debian-12")
assert image.family == "debian-12" and image.status == "READY"
assert any(z.endswith(zone) for z in compute_v1.RegionsClient(**plain).get(project=project, region=region).zones)
(network,) = compute_v1.NetworksClient(**plain).list(project=project)
(subnetwork,) = compute_v1.SubnetworksClient(**plain).list(project=project, region=region)
assert subnetwork.network == network.self_link
kinds = [kind.name for kind in compute_v1.DiskTypesClient(**plain).list(**place)]
assert kinds == ["pd-balanced", "pd-ssd", "pd-standard"]
assert not list(compute_v1.AcceleratorTypesClient(**plain).list(**place))

# One setting at a time.
vm = client.get(instance="twice", **place)
assert vm.network_interfaces[0].subnetwork == subnetwork.self_link
tags = compute_v1.Tags(items=["ssh"], fingerprint=vm.tags.fingerprint)
client.set_tags(instance="twice", tags_resource=tags, **place).result(timeout=60)
client.reset(instance="twice", **place).result(timeout=60)
client.set_deletion_protection(
    request={"resource": "twice", "deletion_protection": True, **place}
).result(timeout=60)
try:
    client.delete(instance="twice", **place)
except BadRequest as error:
    assert "protected against deletion" in str(error)
    seen.append("protected")
client.set_deletion_protection(
    request={"resource": "twice", "deletion_protection": False, **place}
).result(timeout=60)
larger = compute_v1.InstancesSetMachineTypeRequest(
    machine_type=f"zones/{zone}/machineTypes/e2-standard-2"
)
change = {"instance": "twice", "instances_set_machine_type_request_resource": larger, **place}
try:
    client.set_machine_type(**change)
except BadRequest as error:
    assert "STOPPED state" in str(error)
    seen.append("running")
client.stop(instance="twice", **place).result(timeout=60)
client.set_machine_type(**change).result(timeout=60)
assert client.get(instance="twice", **place).machine_type.endswith("/e2-standard-2")

# Many at once.
one = body("")
many = compute_v1.BulkInsertInstanceResource(
    count=2,
    name_pattern="many-#",
    instance_properties=compute_v1.InstanceProperties(
        machine_type="e2-small",
        disks=one.disks,
        network_interfaces=one.network_interfaces,
        scheduling=one.scheduling,
    ),
)
client.bulk_insert(bulk_insert_instance_resource_resource=many, **place).result(timeout=60)
names = [vm.name for vm in client.list(**place)]
assert names == ["many-1", "many-2", "twice"], names


def fault(method, name, **params):
    path = f"{url}/_sandbox/faults" + (f"/{name}" if method == "DELETE" else "")
    order = json.dumps({"name": name, "params": params}).encode() if method == "POST" else None
    headers = {"content-type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(path, order, headers, method=method))


def struck(name, expected, **params):
    """Tries an insert under a fault."""
    fault("POST", name, **params)
    try:
        insert(name.replace("_", "-"))
    except expected as error:
        seen.append(name)
        return error
    finally:
        fault("DELETE", name)


assert "Quota 'CPUS' exceeded" in str(struck("quota_exceeded", Forbidden))
assert "vmExternalIpAccess" in str(struck("org_policy", PreconditionFailed))
assert struck("api_disabled", Forbidden).reason == "SERVICE_DISABLED"
struck("clock_skew", Unauthorized, ahead_s=900)
struck("operation_fails", InternalServerError)
assert client.get(instance="operation-fails", **place).status == "RUNNING"
print(*seen)
