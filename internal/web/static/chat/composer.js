// Where the visitor writes: text, emoji, files picked, dropped or pasted.

import { make, icon } from "./element.js";
import { picker } from "./emoji.js";

const TYPING_EVERY = 3000;

/** composer builds the form; onText and onFile take what is to be sent. */
export function composer({ say }, { onText, onFile, onTyping }) {
  const text = make("textarea", { rows: "1", maxlength: "5000", dir: "auto", placeholder: say("write"), "aria-label": say("write"), enterkeyhint: "send" });
  const send = make("button.send", { type: "submit", "aria-label": say("send"), title: say("send"), disabled: true }, icon("send"));
  const input = make("input", { type: "file", multiple: true, "aria-label": say("attach") });
  const attach = make("label.tool", { title: say("attach") }, input, icon("clip"));
  const emoji = make("button.tool", { type: "button", "aria-label": say("emoji"), title: say("emoji"), "aria-expanded": "false", "aria-controls": "emoji" }, icon("smile"));
  const board = make("div.board", { id: "emoji", role: "group", "aria-label": say("emoji"), hidden: true });
  const form = make("form.composer", { autocomplete: "off" }, attach, make("div.field", {}, text, emoji), send);
  let told = 0;

  function grow() {
    send.disabled = text.value.trim() === "";
    text.style.height = "auto";
    text.style.height = Math.min(text.scrollHeight, 132) + "px";
  }

  function show(open) {
    board.hidden = !open;
    emoji.setAttribute("aria-expanded", String(open));
  }

  const faces = picker(board, {
    choose(chosen) {
      text.setRangeText(chosen, text.selectionStart, text.selectionEnd, "end");
      grow();
    },
    close() {
      show(false);
      text.focus();
    },
  });

  emoji.addEventListener("click", () => {
    show(board.hidden);
    if (!board.hidden) faces.focus();
  });
  text.addEventListener("input", () => {
    grow();
    if (text.value.trim() && performance.now() - told > TYPING_EVERY) {
      told = performance.now();
      onTyping();
    }
  });
  text.addEventListener("keydown", (e) => {
    // Enter also chooses a word while Chinese is being composed: never send then.
    if (e.key !== "Enter" || e.shiftKey || e.isComposing || e.keyCode === 229) return;
    e.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    const said = text.value.trim();
    if (!said) return;
    text.value = "";
    told = -TYPING_EVERY;
    grow();
    show(false);
    onText(said);
    text.focus();
  });
  input.addEventListener("change", () => {
    for (const file of input.files) onFile(file);
    input.value = "";
  });
  text.addEventListener("paste", (e) => {
    if (!e.clipboardData.files.length) return;
    e.preventDefault();
    for (const file of e.clipboardData.files) onFile(file);
  });
  return { form, board, focus: () => text.focus({ preventScroll: true }) };
}

/** droppable lets files be dropped anywhere on the page; veil shows while one hovers. */
export function droppable(veil, onFile) {
  const carries = (e) => e.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (e) => {
    if (!carries(e)) return;
    e.preventDefault();
    veil.hidden = false;
  });
  addEventListener("dragleave", (e) => { if (!e.relatedTarget) veil.hidden = true; });
  addEventListener("drop", (e) => {
    veil.hidden = true;
    if (!carries(e)) return;
    e.preventDefault();
    for (const file of e.dataTransfer.files) onFile(file);
  });
}
