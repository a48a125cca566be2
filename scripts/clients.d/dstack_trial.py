"""Vast.ai as dstack uses it, by its own client and gpuhunt's own search, both as they are published: the offers
without a login, a container that is launched with arguments in place of SSH, and its end. Arguments: the address
and the key. Both name the real provider's address in their code, which is replaced from here."""

import sys
import time

import httpx
from dstack._internal.core.backends.vastai.api_client import VastAIAPIClient
from gpuhunt import QueryFilter
from gpuhunt.providers import vastai

address, key = sys.argv[1:]
vastai.bundles_url = f"{address}/api/v0/bundles/"
offers = vastai.VastAIProvider().get(QueryFilter(min_gpu_count=1, max_gpu_count=1, min_disk_size=20))
assert offers and all(one.price > 0 and one.gpu_name for one in offers), offers
cheap = sorted((one for one in offers if not one.spot), key=lambda one: one.price)

client = VastAIAPIClient(key)
client.s = httpx.Client(base_url=f"{address}/api/", headers=client.s.headers, timeout=30)
assert client.auth_test()
instance = client.create_instance(
    instance_name="dstack-trial",
    bundle_id=cheap[0].instance_name,
    image_name="dstackai/base:0.9-cuda-12.1",
    onstart="echo begun; sleep 1000",
    disk_size=20,
)
for _ in range(200):
    told = client.get_instance(instance)
    if told["actual_status"] == "running" and told.get("ports"):
        break
    time.sleep(0.1)
assert told["actual_status"] == "running", told
assert any(port.startswith("10022") for port in told["ports"]), told["ports"]
assert told["image_runtype"] == "args", told
client.destroy_instance(instance)
assert client.get_instance(instance) is None
print("offers", len(offers) > 0, "ran and gone")
