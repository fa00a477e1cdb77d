// The composer: words, files, saved replies, and what was begun kept for later.
import { t } from "./words.js";
import { toast } from "./app.js";
import { fill } from "./emoji.js";
import { lighten } from "./picture.js";

const SAVE = 600, TYPING = 3000;

/** writer looks after one thread's composer; say(item) sends. */
export function writer({ thread, el, me, say }) {
  const form = el.querySelector("#write");
  if (!form) return { end() {} };
  const text = form.querySelector("#text"), file = form.querySelector("#file"), answering = el.querySelector("#answering");
  const shelf = "draft:" + me + ":" + thread;
  const limit = Number(el.dataset.upload);
  let quotes = "", timer = 0, typed = 0, saved = text.value, saving = null;

  // What this device could not hand to the server yet is newer than what came from it.
  const kept = localStorage.getItem(shelf);
  if (kept !== null) {
    text.value = kept;
    later();
  }
  grow();
  quote(null);

  function grow() {
    if (CSS.supports("field-sizing", "content")) return;
    text.style.height = "auto";
    text.style.height = text.scrollHeight + 2 + "px";
  }
  function later() {
    clearTimeout(timer);
    timer = setTimeout(save, SAVE);
  }
  async function save() {
    clearTimeout(timer);
    const now = text.value;
    if (now === saved) return localStorage.removeItem(shelf);
    saving?.abort();
    saving = new AbortController();
    try {
      const answer = await fetch(`/inbox/${thread}/draft`, { method: "POST", body: new URLSearchParams({ text: now }), signal: saving.signal, keepalive: true });
      if (!answer.ok) return;
      saved = now;
      if (text.value === now) localStorage.removeItem(shelf);
    } catch {
      // it stays on the shelf of this device
    }
  }
  function changed() {
    grow();
    localStorage.setItem(shelf, text.value);
    later();
    if (text.value && Date.now() - typed > TYPING) {
      typed = Date.now();
      fetch(`/inbox/${thread}/typing`, { method: "POST" }).catch(() => {});
    }
  }
  text.addEventListener("input", changed);

  function insert(words) {
    text.focus();
    text.setRangeText(words, text.selectionStart, text.selectionEnd, "end");
    changed();
  }

  function quote(bubble) {
    quotes = bubble?.id.slice(2) ?? "";
    answering.hidden = !bubble;
    if (!bubble) return;
    answering.querySelector("b").textContent = bubble.querySelector(".by")?.textContent ?? "";
    answering.querySelector("span").textContent = bubble.dataset.gist;
    text.focus();
  }

  function send(later = "") {
    const words = text.value.trim();
    if (!words) return text.focus();
    say({ key: crypto.randomUUID(), thread, text: words, quotes, later, purpose: form.elements.purpose?.value ?? "" });
    text.value = "";
    saved = ""; // sending drops the draft on the server as well
    typed = 0;
    saving?.abort();
    clearTimeout(timer);
    localStorage.removeItem(shelf);
    quote(null);
    grow();
    text.focus();
  }
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    send();
  });
  // For a time that she picks; the server reads it by the counter's clock.
  const clock = el.querySelector("#later");
  clock?.addEventListener("click", (e) => {
    const button = e.target.closest("[data-later]");
    if (!button) return;
    const at = button.dataset.later || clock.querySelector("input").value;
    if (!at) return clock.querySelector("input").focus();
    clock.open = false;
    send(at);
  });
  // An input method takes Enter for itself; on glass Enter is a new line.
  const sends = (e) => e.key === "Enter" && !e.shiftKey && !e.isComposing && e.keyCode !== 229 && !matchMedia("(pointer: coarse)").matches;
  text.addEventListener("keydown", (e) => {
    if (!sends(e)) return;
    e.preventDefault();
    send();
  });
  text.addEventListener("keypress", (e) => sends(e) && e.preventDefault()); // a driven browser types it all the same

  async function sendFiles(files) {
    for (const chosen of files) {
      const light = await lighten(chosen);
      if (light.size > limit) {
        toast(t("too_large", { name: chosen.name, n: limit >> 20 }), "bad");
        continue;
      }
      say({ key: crypto.randomUUID(), thread, file: light, name: light.name || "file" });
    }
  }
  file.addEventListener("change", () => {
    sendFiles([...file.files]);
    file.value = "";
  });
  text.addEventListener("paste", (e) => {
    if (!e.clipboardData.files.length) return;
    e.preventDefault();
    sendFiles([...e.clipboardData.files]);
  });
  const composer = el.querySelector("#composer");
  const carries = (e) => e.dataTransfer?.types.includes("Files");
  el.addEventListener("dragover", (e) => {
    if (!carries(e)) return;
    e.preventDefault();
    composer.classList.add("dropping");
  });
  el.addEventListener("dragleave", (e) => !el.contains(e.relatedTarget) && composer.classList.remove("dropping"));
  el.addEventListener("drop", (e) => {
    if (!carries(e)) return;
    e.preventDefault();
    composer.classList.remove("dropping");
    sendFiles([...e.dataTransfer.files]);
  });

  const emoji = el.querySelector("#emoji");
  emoji?.addEventListener("toggle", () => {
    const panel = emoji.querySelector(".emoji-panel");
    if (emoji.open && !panel.childElementCount) fill(panel, insert);
  });

  el.addEventListener("click", (e) => {
    const reply = e.target.closest("[data-reply]");
    if (reply) {
      const dialog = reply.closest("dialog");
      dialog?.close();
      insert(text.value && text.selectionStart === text.value.length && !/\s$/.test(text.value) ? " " + reply.dataset.reply : reply.dataset.reply);
    }
    const answer = e.target.closest("[data-quote]");
    if (answer) quote(answer.closest("article"));
    if (e.target.closest("[data-unquote]")) quote(null);
  });
  const find = el.querySelector("#reply-search");
  find?.addEventListener("input", () => {
    const wanted = find.value.trim().toLowerCase();
    for (const row of el.querySelectorAll(".reply-list > li")) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });

  return {
    end() {
      if (text.value !== saved) save();
      else clearTimeout(timer);
    },
  };
}
