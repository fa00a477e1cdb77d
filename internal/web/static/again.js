// A part of a page asked for something delicate, and the server wants to know first
// whether it is still she (X-Again). The question stands in a dialog over the page, so
// nothing that she typed is lost; then htmx does the same once more.
import { t } from "./words.js";
import { prove, usable, words } from "./passkey.js";

// before takes htmx's detail of the answer that asks.
export function before({ xhr, requestConfig, target, elt }) {
  ask(xhr.responseText, () => window.htmx.ajax(requestConfig.verb, requestConfig.path, { source: elt, target, swap: elt.getAttribute("hx-swap") ?? undefined }));
}

function ask(html, then) {
  document.getElementById("again")?.remove();
  const box = document.createElement("template");
  box.innerHTML = html;
  const dialog = box.content.querySelector("dialog");
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  const failed = (text) => {
    const alert = dialog.querySelector("[data-again-error]");
    alert.querySelector("span").textContent = text;
    alert.hidden = false;
  };
  const key = dialog.querySelector("button[data-passkey]");
  if (key && usable()) {
    key.closest("[data-passkeys]").hidden = false;
    key.addEventListener("click", async () => {
      try {
        await prove(key.dataset.passkey);
        dialog.close();
        then();
      } catch (err) {
        failed(words(err));
      }
    });
  }
  dialog.querySelector("form").addEventListener("submit", async (e) => {
    e.preventDefault();
    const form = e.target;
    try {
      const answer = await fetch(form.action, { method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(new FormData(form, e.submitter)) });
      if (answer.status === 204) {
        dialog.close();
        then();
      } else if (answer.status === 401) location.assign("/sign-in");
      else failed((await answer.json()).error);
    } catch {
      failed(t("no_network"));
    }
  });
  dialog.showModal();
}
