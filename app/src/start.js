// A link's code stands behind the `#`, which reaches no server: it goes into its field, out of the address.
const field = document.querySelector("input[data-code]");
const take = () => {
  if (!field || location.hash.length < 2) return;
  field.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
};
take();
addEventListener("hashchange", take);
// A module has no `document.currentScript`, so the element is found by its id.
const { script, wasm } = document.getElementById("start").dataset;
const islands = await import(script);
await islands.default({ module_or_path: wasm });
islands.hydrate();
// In document order: an island is ready before those inside it.
for (const element of document.querySelectorAll("leptos-island")) {
  islands[element.dataset.component]?.(element);
}
