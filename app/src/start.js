// A link's code stands behind the `#`, which reaches no server: it goes into its field, out of the address.
const field = document.querySelector("input[data-code]");
const take = () => {
  if (!field || location.hash.length < 2) return;
  field.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
};
take();
addEventListener("hashchange", take);
// What needs scripts shows itself now, and what is said without them hides.
document.documentElement.dataset.scripts = "on";
// Few pages ask for a passkey, and what has the browser do so is loaded then.
addEventListener("click", async ({ target }) => {
  const box = target.closest("button")?.closest("[data-ceremony]");
  if (box) (await import(document.getElementById("start").dataset.passkey)).default(box);
});
// A module has no `document.currentScript`, so the element is found by its id.
const { script, wasm } = document.getElementById("start").dataset;
const islands = await import(script);
await islands.default({ module_or_path: wasm });
islands.hydrate();
// In document order: an island is ready before those inside it.
for (const element of document.querySelectorAll("leptos-island")) {
  islands[element.dataset.component]?.(element);
}
