// Has the browser make or use a passkey for the form that an element stands in, and sends the form with it.
// The words are the page's.
export default async function ceremony(box) {
  const { ceremony: kind, options: path, purpose, ...words } = box.dataset;
  const said = box.querySelector("[role=alert]");
  const form = box.closest("form");
  const codes = [...form.querySelectorAll("[autocomplete=one-time-code]")];
  const need = (needed) => codes.forEach((code) => (code.required = needed));
  said.textContent = "";
  // A passkey stands in the place of a code; all else has to be filled in.
  need(false);
  if (!form.reportValidity()) return need(true);
  try {
    said.textContent = await used();
  } catch {
    // The one who was asked has refused, or waited too long, or has none here.
    said.textContent = words.none;
  }
  if (said.textContent) return need(true);
  form.requestSubmit();

  /** What went wrong; nothing where the form has the passkey. */
  async function used() {
    if (!globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON) return words.unsupported;
    const headers = { "content-type": "application/json" };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(purpose ? { purpose } : {}) });
    // The confirmation, or the login, has ended meanwhile: the page says what to do.
    if (answer.status === 401 || answer.status === 403) return location.reload(), words.failed;
    if (!answer.ok) return words.failed;
    const options = await answer.json();
    const site = options.rpId ?? options.rp.id;
    if (location.hostname !== site) return words.elsewhere.replace("{site}", site);
    const credential =
      kind === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    form.elements.namedItem("passkey").value = JSON.stringify(credential.toJSON());
    return "";
  }
}
