"""That the check of dependencies finds what it is there for."""

import unittest

from dependencies import allowed, code, problems, unused

REGISTRY = "registry+https://registry.example/index"
LICENCES = {"MIT", "Apache-2.0", "Unicode-3.0"}


def package(name="one", version="1.0.0", source=REGISTRY, licence="MIT"):
    return {"name": name, "version": version, "source": source, "license": licence}


def policy(**more):
    return {"licences": sorted(LICENCES), "banned": {"openssl-sys": "we use rustls"}, **more}


class Dependencies(unittest.TestCase):
    def test_a_licence_is_enough_where_its_expression_says_so(self):
        for expression in ("MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "(MIT OR GPL-3.0) AND Unicode-3.0", "GPL-3.0 OR (MIT AND Apache-2.0)"):
            self.assertTrue(allowed(expression, LICENCES), expression)
        for expression in ("GPL-3.0", "MIT AND GPL-3.0", "(MIT OR GPL-3.0) AND GPL-3.0", "Apache-2.0 WITH LLVM-exception"):
            self.assertFalse(allowed(expression, LICENCES), expression)
        self.assertTrue(allowed("Apache-2.0 WITH LLVM-exception OR MIT", LICENCES))
        for broken in ("(MIT", "MIT Apache-2.0"):
            with self.assertRaises(ValueError):
                allowed(broken, LICENCES)

    def test_what_is_right_is_not_complained_of(self):
        self.assertEqual(problems([package(), package("ours", source=None, licence=None)], policy()), [])

    def test_each_kind_of_fault_is_found(self):
        for found, says in [
            (package(licence="GPL-3.0"), "has the licence GPL-3.0"),
            (package(licence=None), "names no licence"),
            (package(source="git+https://example.org/one"), "comes from git+"),
            (package("openssl-sys"), "is kept out: we use rustls"),
        ]:
            told = problems([found], policy())
            self.assertEqual(len(told), 1, told)
            self.assertIn(says, told[0])

    def test_a_second_registry_is_found(self):
        told = problems([package(), package("two", source="registry+https://other.example/index")], policy())
        self.assertEqual(len(told), 1, told)
        self.assertIn("more than one registry", told[0])

    def test_a_second_version_is_found_and_one_that_is_gone_too(self):
        two = [package(), package(version="2.0.0")]
        self.assertIn("comes in 2 versions", problems(two, policy())[0])
        self.assertEqual(problems(two, policy(versions={"one": 2})), [])
        self.assertIn("no longer", problems([package()], policy(versions={"one": 2}))[0])

    def test_a_crate_that_is_only_spoken_of_is_unused(self):
        member = {"dependencies": [{"name": "serde-json", "rename": None}, {"name": "tower", "rename": None}]}
        text = code("use serde_json::Value;\n// tower::Service is not here\n/// tower::x\nfn tower() {}")
        self.assertEqual(unused(member, text, {}), ["tower"])
        self.assertEqual(unused(member, text, {"tower": "for its features"}), [])
        renamed = {"dependencies": [{"name": "long-name", "rename": "short"}]}
        self.assertEqual(unused(renamed, "short::call()", {}), [])


if __name__ == "__main__":
    unittest.main()
