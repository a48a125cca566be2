// Fetches the live part again every second, unless someone is in the middle of
// pressing one of its buttons. Without this script a reload does the same.
const live = document.getElementById("live");
let pressed = false;
let failures = 0;
addEventListener("pointerdown", () => { pressed = true; });
addEventListener("pointerup", () => { pressed = false; });
addEventListener("pointercancel", () => { pressed = false; });

async function refresh() {
  if (pressed || document.hidden || live.contains(document.activeElement)) return;
  try {
    const answer = await fetch("/console/live", { headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    if (!pressed && text !== live.dataset.text) {
      live.innerHTML = text;
      live.dataset.text = text;
    }
    failures = 0;
  } catch {
    failures += 1;
  }
  document.body.classList.toggle("stale", failures > 1);
}

setInterval(refresh, 1000);

// An error is said once; a reload does not repeat it.
if (location.search) history.replaceState(null, "", location.pathname);
