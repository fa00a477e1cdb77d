// The visitor's conversation with a counter. This file ties the parts together;
// README.md in this folder describes the protocol they speak.

import { languageFor, vocabulary } from "./words.js";
import { make, icon } from "./element.js";
import { drawer } from "./bubbles.js";
import { inviter } from "./invite.js";
import { thread } from "./thread.js";
import { composer, droppable } from "./composer.js";
import { outbox } from "./outbox.js";
import { door } from "./server.js";
import { listen } from "./stream.js";
import { store } from "./store.js";
import { framed, greet } from "./host.js";

const LARGEST = 20 * 1024 * 1024;
const TYPING_LASTS = 6000;

const query = new URLSearchParams(location.search);
const base = location.pathname.replace(/\/+$/, "");
const account = base.split("/").pop();
const words = vocabulary(languageFor([query.get("lang") ?? "", ...navigator.languages]));
const { say } = words;
const root = document.documentElement;
root.lang = words.language;
root.dir = words.direction;
if (["light", "dark"].includes(query.get("theme"))) root.dataset.theme = query.get("theme");

// --- the page ---

const draw = drawer(words);
const talk = thread(words, draw, { onOlder: (before) => server.older(before), onOlderShown: () => redraw(), onTap: tap });
const title = make("h1", { dir: "auto", tabindex: "-1" });
const face = make("span.face", { "aria-hidden": "true" });
const close = make("button.tool", { type: "button", "aria-label": say("close"), title: say("close"), hidden: !framed, onclick: leave }, icon("close"));
const notice = make("p.notice", { role: "status" }, say("loading"));
const invite = inviter(words, { server: () => server, onBound: bound, onTrouble: (text) => show(text) });
const typing = make("p.typing", { role: "status" });
const live = make("p.sr", { role: "status" });
const down = make("button.down", { type: "button", "aria-label": say("down"), title: say("down"), hidden: true, onclick: () => talk.toEnd() }, icon("down"));
const veil = make("div.veil", { hidden: true, "aria-hidden": "true" }, say("drop"));
const writing = composer(words, { onText: (text) => put({ text }), onFile: sendFile, onTyping: () => server?.typing().catch(() => {}) });
document.body.append(
  make("header.bar", {}, face, title, invite.button, close), notice, invite.banner,
  make("main", {}, talk.log, down), typing, writing.board, writing.form, live, veil, invite.sheet,
);

// --- state ---

let server, box, stream, visitor = "", counter = "", tell = () => {}, open = !framed, connected = false, held = [];
const seenKey = "dingdong:seen:" + account;

function redraw() {
  talk.draw(box.items, (item) => ({ onRetry: () => box.retry(item), onDiscard: () => discard(item) }));
  count();
}

// What she has seen is remembered by time, so that the shop's next page knows
// what is new.
function count() {
  const last = talk.messages.at(-1);
  if (last && open && !document.hidden) store.set(seenKey, last.at);
  const seen = Date.parse(store.get(seenKey) ?? ""); // NaN, where nothing is kept, is before nothing
  const unread = talk.messages.filter((m) => m.from !== "visitor" && m.type !== "unsent" && Date.parse(m.at) > seen).length;
  tell("unread", { count: unread });
}

function show(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

// A short break is nobody's business. The first failure starts the clock;
// those of the attempts that follow do not.
let later = 0;
function status() {
  if (connected || !navigator.onLine) {
    clearTimeout(later);
    later = 0;
    return show(connected ? "" : say("offline"));
  }
  later ||= setTimeout(() => show(say("unreachable")), 3000);
}

// --- sending ---

function put(item) {
  talk.toEnd();
  box.add(item);
}

// tap posts what a button stands for; its key makes a second post the same tap.
async function tap(data) {
  const key = crypto.randomUUID();
  for (let attempt = 0; ; attempt++) {
    try {
      const { message } = await server.tap(key, data);
      if (message) talk.add([message]);
      show("");
      redraw();
      return true;
    } catch (err) {
      if (attempt < 2 && (!err.status || err.passing)) {
        await new Promise((go) => setTimeout(go, 1000 * 2 ** attempt));
        continue;
      }
      show(err.status ? err.message : say("unreachable"));
      return false;
    }
  }
}

function sendFile(file) {
  if (!box) return;
  if (file.size > LARGEST) return show(say("tooBig", { name: file.name }));
  // An SVG is a program, not a picture: it is shown as a file.
  const picture = /^image\/(png|jpe?g|gif|webp|avif)$/.test(file.type) ? URL.createObjectURL(file) : "";
  put({ file, picture, name: file.name || "image.png" });
}

function discard(item) {
  box.discard(item);
  forget(item);
  writing.focus();
}

// The page may still be loading the picture that it has just replaced.
function forget(item) {
  if (item.picture) setTimeout(() => URL.revokeObjectURL(item.picture), 60000);
}

// --- what arrives ---

const arriving = {
  message({ message }) {
    // Her own words may come back before the answer to their sending does.
    if (message.from === "visitor" && box.busy) {
      held.push(message);
      return;
    }
    const fresh = !talk.has(message.id);
    talk.add([message]);
    if (fresh && message.from !== "visitor") {
      live.textContent = say("arrived", { name: message.author || counter, text: draw.gist(message) });
      nobodyTypes();
    }
    down.hidden = talk.atEnd;
    redraw();
  },
  typing({ name }) {
    typing.textContent = say("typing", { name: name || say("someone") });
    clearTimeout(typing.timer);
    typing.timer = setTimeout(nobodyTypes, TYPING_LASTS);
  },
  unsent({ id }) {
    talk.change(id, { type: "unsent", text: "", url: "", preview: "" });
    redraw();
  },
  status({ id, status }) {
    talk.change(id, { status });
    redraw();
  },
  gone: deleted,
};

function nobodyTypes() {
  clearTimeout(typing.timer);
  typing.textContent = "";
}

function begun(answer) {
  const forget = visitor !== "" && visitor !== answer.visitor; // the old token was not accepted any more
  visitor = answer.visitor;
  counter = answer.account.name;
  tell("token", { token: answer.token });
  title.textContent = counter;
  face.textContent = [...counter.trim()][0] ?? "";
  if (!framed) document.title = counter;
  talk.begin(answer.messages, answer.more, { forget });
  if (!answer.more && answer.account.greeting) welcome(answer);
  if (!store.get(seenKey)) store.set(seenKey, talk.messages.at(-1)?.at ?? new Date().toISOString());
  redraw();
}

function welcome({ account: { greeting }, name, messages }) {
  if (talk.head.querySelector(".welcome")) return;
  const card = make("section.welcome", {}, make("p", { dir: "auto" }, greeting));
  if (!name && !messages.length) {
    const field = make("input", { maxlength: "40", autocomplete: "given-name", "aria-label": say("name"), placeholder: say("name") });
    const form = make("form", {}, field);
    const set = (e) => {
      e.preventDefault();
      const called = field.value.trim();
      if (!called || form.dataset.set) return;
      form.dataset.set = "yes";
      server.start(called).then(() => {
        form.replaceWith(make("p.quiet", { role: "status" }, say("nameSet", { name: called })));
      }, () => { delete form.dataset.set; });
    };
    form.addEventListener("submit", (e) => { set(e); writing.focus(); });
    field.addEventListener("change", set);
    card.append(form);
  }
  talk.head.append(card);
}

// Her thread may be another one now: the history and the stream begin anew.
function bound() {
  server.start().catch(() => {});
  stream?.again();
}

// deleted forgets what was said, here too: she, or a rule of the shop, had it deleted.
function deleted() {
  stream.stop();
  box.clear();
  held = [];
  talk.begin([], false, { forget: true });
  tell("token", { token: "" });
  store.remove(seenKey);
  nobodyTypes();
  live.textContent = "";
  show("");
  for (const part of [writing.board, writing.form, invite.button, invite.banner, invite.sheet, down]) part.remove();
  talk.head.replaceChildren(make("section.welcome", { role: "status" }, make("p", {}, say("deleted")),
    make("button.choice.anew", { type: "button", onclick: () => location.reload() }, say("anew"))));
  redraw();
}

// --- open, close, focus ---

function leave() {
  tell("close", {});
}

function opened(now) {
  open = now;
  if (now) {
    talk.toEnd();
    // On a touch screen the keyboard would cover what there is to read.
    if (matchMedia("(pointer: coarse)").matches) title.focus();
    else writing.focus();
  }
  if (box) count();
}

addEventListener("keydown", (e) => { if (e.key === "Escape" && framed) leave(); });
document.addEventListener("visibilitychange", () => { if (box) count(); });
addEventListener("online", () => { status(); box?.flush(); });
addEventListener("offline", status);
talk.log.addEventListener("position", (e) => { if (e.detail) down.hidden = true; });
droppable(veil, sendFile);

async function begin() {
  const host = await greet({ account, onOpen: opened });
  tell = host.tell;
  open = host.open;
  server = door(base, { token: host.token, onStart: begun });
  box = outbox({
    store,
    prefix: `dingdong:queue:${account}:`,
    send: (item, how) => (item.file ? server.upload(item, how) : server.say(item.key, item.text)),
    onChange: () => { release(); redraw(); },
    onSent: (message, item) => { talk.add([message]); forget(item); },
  });
  const { cursor } = await persist();
  stream = listen({
    cursor,
    open: (from, signal) => server.stream(from, signal, talk.messages.length > 0),
    onEvent: (name, data) => arriving[name]?.(data),
    onState(now) {
      connected = now;
      status();
      if (now) box.flush();
    },
    async onGap(answer) {
      const { error } = await answer.json().catch(() => ({}));
      if (error?.code === "chat_deleted") return deleted();
      return (await server.start()).cursor;
    },
  });
  if (open && host.focus) opened(true);
  talk.toEnd();
  box.flush();
  if (query.has("card")) invite.ask(query.get("card"));
}

// release lets in what the stream said of her own messages meanwhile.
function release() {
  if (box?.busy || !held.length) return;
  talk.add(held.splice(0));
}

// persist begins, however long it takes, unless the server says no for good.
async function persist() {
  for (let wait = 1000; ; wait = Math.min(wait * 2, 30_000)) {
    try {
      const answer = await server.start();
      show("");
      return answer;
    } catch (err) {
      const never = err.status && !err.passing;
      show(say(never ? "closed" : "unreachable"));
      if (never) {
        for (const el of writing.form.elements) el.disabled = true;
        return new Promise(() => {});
      }
      await new Promise((go) => {
        setTimeout(go, wait);
        addEventListener("online", go, { once: true });
      });
    }
  }
}

begin();
