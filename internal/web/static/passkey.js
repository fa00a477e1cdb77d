// Passkeys: the server says what the browser shall ask the device for, the browser's
// answer goes back as JSON. Bytes travel as base64url.
import { t } from "./words.js";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

export const usable = () => Boolean(window.PublicKeyCredential && navigator.credentials);

class Told extends Error {} // the server's own sentence

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { Accept: "application/json", "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}) });
  const said = await answer.json();
  if (!answer.ok) throw Object.assign(new Told(said.error), { status: answer.status });
  return said;
}

// ask runs one ceremony: path + "/ask" gives the question, path takes the answer.
async function ask(path, kind, extra) {
  const { secret, options } = await post(path + "/ask");
  const publicKey = options.publicKey;
  publicKey.challenge = bytes(publicKey.challenge);
  if (publicKey.user) publicKey.user.id = bytes(publicKey.user.id);
  for (const list of ["allowCredentials", "excludeCredentials"]) for (const c of publicKey[list] ?? []) c.id = bytes(c.id);
  const credential = await navigator.credentials[kind]({ publicKey });
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  const answer = { id: credential.id, rawId: text(credential.rawId), type: credential.type, response, clientExtensionResults: credential.getClientExtensionResults() };
  if (credential.authenticatorAttachment) answer.authenticatorAttachment = credential.authenticatorAttachment;
  return post(path, { secret, answer, ...extra });
}

// prove asks for a passkey at /sign-in/passkey or /again/passkey.
export const prove = (path, extra) => ask(path, "get", extra);

// words says what went wrong; nothing when she changed her mind.
export function words(err) {
  if (err instanceof Told) return err.message;
  switch (err.name) {
    case "NotAllowedError":
    case "AbortError":
      return t("passkey_none");
    case "InvalidStateError":
      return t("passkey_known");
    case "TypeError":
      return t("no_network");
  }
  return t("passkey_failed");
}

export function tell(root, sentence) {
  const alert = root.querySelector("[data-passkey-error]");
  if (!alert) return;
  alert.querySelector("span").textContent = sentence;
  alert.hidden = false;
}

for (const button of document.querySelectorAll("button[data-passkey]")) {
  const root = button.closest("[data-passkeys]");
  root.hidden = !usable();
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const { next } = await prove(button.dataset.passkey, { next: button.dataset.next });
      const kept = document.querySelector("form[data-again]");
      if (kept?.elements.again_post) again(kept);
      else location.assign(next);
    } catch (err) {
      tell(root, words(err));
      button.disabled = false;
    }
  });
}

// again sends once more what she had sent when she was asked who she is.
function again(form) {
  const to = form.elements.again_next.value;
  for (const el of [...form.elements]) if (el.name.startsWith("again_")) el.disabled = true;
  form.action = to;
  form.submit();
}

document.querySelector("form[data-passkey=add]")?.addEventListener("submit", async (e) => {
  e.preventDefault();
  const form = e.target;
  const button = form.querySelector("[type=submit]");
  if (!usable()) return tell(form, t("passkey_unknown"));
  button.disabled = true;
  try {
    const { next } = await ask("/me/passkeys", "create", { name: form.elements.name.value });
    location.assign(next);
  } catch (err) {
    if (err.status === 401) location.reload(); // it took her too long: the server asks who she is
    else tell(form, words(err));
    button.disabled = false;
  }
});
