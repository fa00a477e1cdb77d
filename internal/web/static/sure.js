// What takes something away asks first, in the page: hx-confirm says what will follow,
// and the button itself what is done. Escape, the backdrop and "Cancel" leave all as it is.

// ask takes htmx's detail of a request that is to be confirmed.
export function ask({ question, elt, path, issueRequest }) {
  document.getElementById("sure")?.remove();
  const dialog = document.getElementById("sure-template").content.firstElementChild.cloneNode(true);
  dialog.querySelector("h2").textContent = dialog.querySelector("[data-go]").textContent = elt.textContent.trim();
  dialog.querySelector("#sure-text").textContent = question;
  dialog.querySelector("[data-go]").addEventListener("click", () => {
    dialog.close();
    if (elt.isConnected) return issueRequest(true);
    // The part was drawn again meanwhile: the same button of the new one does it.
    const same = [...document.querySelectorAll("[hx-post]")].find((one) => one.getAttribute("hx-post") === path);
    if (same) window.htmx.ajax("post", path, { source: same, target: same.getAttribute("hx-target") });
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (elt.isConnected) elt.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}
