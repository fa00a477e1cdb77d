// A part of a page asked for something delicate, and the server wants to know first
// whether it is still she (X-Again). The question stands in a dialog over the page, so
// nothing that she typed is lost; then htmx does the same once more.
import { t } from "./words.js";

document.addEventListener("htmx:beforeSwap", (e) => {
  const { xhr, requestConfig, target, elt } = e.detail;
  if (!xhr.getResponseHeader("X-Again")) return;
  e.detail.shouldSwap = false;
  e.detail.isError = false;
  const repeat = () => window.htmx.ajax(requestConfig.verb, requestConfig.path, { source: elt, target, swap: e.detail.swapOverride ?? elt.getAttribute("hx-swap") ?? undefined });
  ask(xhr.responseText, repeat);
});

function ask(html, then) {
  document.getElementById("again")?.remove();
  const box = document.createElement("template");
  box.innerHTML = html;
  const dialog = box.content.querySelector("dialog");
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.querySelector("form").addEventListener("submit", async (e) => {
    e.preventDefault();
    const form = e.target;
    const failed = (text) => {
      const alert = dialog.querySelector("[data-again-error]");
      alert.querySelector("span").textContent = text;
      alert.hidden = false;
    };
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
