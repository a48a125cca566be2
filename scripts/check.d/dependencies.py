"""What the project depends on: licences, sources, versions, crates that are kept out, and what is
declared and not used.

Reads `cargo metadata` for both targets (the server's and the browser's) and `dependencies.toml` beside
the workspace, which says what is allowed. `docs/adr/0007-dependencies.md` says why it is no tool of
somebody else's.
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

TARGETS = ("x86_64-unknown-linux-gnu", "wasm32-unknown-unknown")
# What the source of a package from a registry begins with; cargo asks for no other unless it is told to.
REGISTRY = "registry+"


def tokens(text):
    """A licence expression's words; the old form with a slash means `OR`."""
    return re.findall(r"\(|\)|[^\s()]+", text.replace("/", " OR "))


def allowed(expression, licences):
    """Whether what is allowed is enough for a licence expression (SPDX)."""
    words = tokens(expression)

    def either():
        found = both()
        while words and words[0] == "OR":
            words.pop(0)
            # Both sides are read, whatever the first one says.
            found = both() or found
        return found

    def both():
        found = one()
        while words and words[0] == "AND":
            words.pop(0)
            found = one() and found
        return found

    def one():
        word = words.pop(0)
        if word == "(":
            found = either()
            if not words or words.pop(0) != ")":
                raise ValueError(f"not a licence expression: {expression}")
            return found
        if words and words[0] == "WITH":
            words.pop(0)
            word = f"{word} WITH {words.pop(0)}"
        return word in licences

    found = either()
    if words:
        raise ValueError(f"not a licence expression: {expression}")
    return found


def code(text):
    """Rust source without its comments: a crate that is only spoken of is not used."""
    return re.sub(r"//.*", "", text)


def used(crate, text):
    """Whether source uses a crate: by a path, an import or an attribute."""
    name = re.escape(crate.replace("-", "_"))
    return re.search(rf"\b{name}::|\buse {name}\b|#!?\[{name}\b|extern crate {name}\b", text) is not None


def unused(member, text, kept):
    """Dependencies of a member that its source does not use, without those that are kept on purpose."""
    names = [one.get("rename") or one["name"] for one in member["dependencies"]]
    return sorted({name for name in names if not used(name, text) and name not in kept})


def problems(packages, policy):
    """What is wrong with these packages, in words."""
    told = []
    licences = set(policy["licences"])
    single = policy.get("licence_of", {})
    versions, registries = {}, set()
    for package in packages:
        name = package["name"]
        what = f"{name} {package['version']}"
        if package["source"] is None:
            continue
        versions.setdefault(name, set()).add(package["version"])
        if not package["source"].startswith(REGISTRY):
            told.append(f"{what} comes from {package['source']}")
        registries.add(package["source"])
        licence = package["license"]
        if not licence:
            told.append(f"{what} names no licence")
        elif not allowed(licence, licences | set(single.get(name, []))):
            told.append(f"{what} has the licence {licence}")
        if name in policy["banned"]:
            told.append(f"{what} is kept out: {policy['banned'][name]}")
    registries = {one for one in registries if one.startswith(REGISTRY)}
    if len(registries) > 1:
        told.append(f"packages come from more than one registry: {', '.join(sorted(registries))}")
    twice = {name: len(found) for name, found in versions.items() if len(found) > 1}
    known = policy.get("versions", {})
    for name, count in sorted(twice.items()):
        if count > known.get(name, 1):
            told.append(f"{name} comes in {count} versions: {', '.join(sorted(versions[name]))}")
    for name, count in sorted(known.items()):
        if twice.get(name, 1) < count:
            told.append(f"{name} no longer comes in {count} versions: take it out of dependencies.toml")
    for name in sorted(single):
        if name not in versions:
            told.append(f"{name} is no dependency any more: take it out of dependencies.toml")
    return told


def metadata(root, target):
    asked = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    return json.loads(subprocess.run(asked, cwd=root, check=True, capture_output=True).stdout)


def main():
    root = pathlib.Path(sys.argv[1])
    policy = tomllib.loads((root / "dependencies.toml").read_text())
    packages = {}
    for target in TARGETS:
        found = metadata(root, target)
        resolved = {node["id"] for node in found["resolve"]["nodes"]}
        packages |= {one["id"]: one for one in found["packages"] if one["id"] in resolved}
    told = problems(packages.values(), policy)

    declared = tomllib.loads((root / "Cargo.toml").read_text())["workspace"]["dependencies"]
    # Those of our own are members, whoever depends on them.
    declared = {name for name, one in declared.items() if not (isinstance(one, dict) and "path" in one)}
    members = [one for one in packages.values() if one["source"] is None]
    for member in sorted(members, key=lambda one: one["name"]):
        folder = pathlib.Path(member["manifest_path"]).parent
        inside = [one for part in ("src", "tests", "benches", "examples", "build.rs") for one in [folder / part]]
        files = [file for one in inside for file in ([one] if one.is_file() else one.rglob("*.rs"))]
        text = "\n".join(code(file.read_text()) for file in files)
        kept = policy.get("unused", {}).get(member["name"], {})
        told += [f"{member['name']} does not use {name}" for name in unused(member, text, kept)]
        declared -= {one["name"] for one in member["dependencies"]}
    told += [f"no member depends on {name} of the workspace" for name in sorted(declared)]

    for one in told:
        print(f"  {one}", file=sys.stderr)
    print(f"  {len(packages)} packages looked at, {len(told)} problems")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
