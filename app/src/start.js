// A module has no `document.currentScript`, so the element is found by its id.
const { script, wasm } = document.getElementById("start").dataset;
const islands = await import(script);
await islands.default({ module_or_path: wasm });
islands.hydrate();
// In document order: an island is ready before those inside it.
for (const element of document.querySelectorAll("leptos-island")) {
  islands[element.dataset.component]?.(element);
}
