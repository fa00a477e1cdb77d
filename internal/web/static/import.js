// A file on its way: its name, its size before it is sent, and how far it is.
const form = document.querySelector("[data-upload]");
if (form) {
  const { file } = form.elements;
  const name = form.querySelector("[data-name]");
  const wrong = document.getElementById("e-size");
  const ask = name.textContent;
  const limit = Number(form.dataset.upload) << 20;
  const fits = () => !file.files[0] || file.files[0].size <= limit;
  file.addEventListener("change", () => {
    name.textContent = file.files[0]?.name ?? ask;
    wrong.hidden = fits();
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    form.querySelector(".drop").addEventListener(kind, (e) => {
      e.preventDefault();
      e.currentTarget.classList.toggle("drop-here", kind === "dragover");
      if (kind !== "drop" || !e.dataTransfer.files.length) return;
      file.files = e.dataTransfer.files;
      file.dispatchEvent(new Event("change"));
    });
  }
  form.addEventListener("submit", (e) => {
    if (!fits()) {
      e.preventDefault();
      file.focus();
      return;
    }
    form.querySelector("button[type=submit]").disabled = true;
    form.querySelector(".sending").hidden = false;
    form.querySelector("[data-sent]").hidden = false;
  });
  // Back from the preview: the form is ready again.
  addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });
}
