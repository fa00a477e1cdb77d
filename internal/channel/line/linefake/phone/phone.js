// A customer's phone: who she is, what she sees, what she sends.

import * as api from "./api.js";
import { say, label, locale } from "./words.js";
import { make, avatar, row, dayOf, gist } from "./bubbles.js";
import * as sheet from "./sheet.js";
import * as trays from "./trays.js";

const $ = (id) => document.getElementById(id);
const wide = matchMedia("(min-width: 820px)");
const state = { account: { name: "" }, people: [], me: null, messages: [], sending: [] };
const drawn = new Map(); // message id -> {mark, el}: rows are redrawn only when they change
let source = null;
let typingTimer = 0;
let chosen = null; // the message whose actions are open

document.documentElement.lang = locale;
document.title = say("title");
label(document);

// --- the conversation ---

function draw() {
  const log = $("log");
  const all = [...state.messages, ...state.sending];
  const nodes = [];
  let day = "", from = "";
  for (const message of all) {
    const today = new Date(message.at).toDateString();
    if (today !== day) {
      nodes.push(keep("day " + today, dayOf(message.at), () => make("p.day", {}, dayOf(message.at))));
      from = "";
    }
    day = today;
    const first = message.from !== from;
    from = message.unsent ? "" : message.from;
    const quoted = message.quoted && state.messages.find((m) => m.id === message.quoted && !m.unsent);
    const mark = JSON.stringify([message, first, quoted?.id, state.account]);
    nodes.push(keep(message.id, mark, () => row(message, { account: state.account, first, quoted, onActions })));
  }
  if (!all.length && state.me) nodes.push(keep("empty", "", () => make("p.notice", {}, say("empty"))));
  const last = all.at(-1);
  if (last?.choices?.length && !last.unsent) nodes.push(keep("choices " + last.id, "", () => choices(last)));
  if (log.dataset.typing) nodes.push(keep("typing", state.account.name, typingRow));
  place(log, nodes);
  stay();
}

// Buttons stand below the last message only, as in LINE.
function choices(message) {
  return make("div.choices", { role: "group", "aria-label": say("choices") }, ...message.choices.map((c) => {
    const button = make("button.pill.choice", { type: "button", dir: "auto" }, c.label);
    button.addEventListener("click", () => send.postback(c.data, c.shows ?? ""));
    return button;
  }));
}

// The newest message stays in sight when a tray opens or a picture arrives,
// unless she has scrolled up to read.
let atEnd = true;
function stay() {
  if (atEnd) $("log").scrollTop = $("log").scrollHeight;
}
$("log").addEventListener("scroll", () => {
  const log = $("log");
  atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
});
$("log").addEventListener("load", stay, true);
new ResizeObserver(stay).observe($("log"));

function keep(id, mark, build) {
  const old = drawn.get(id);
  if (old?.mark === mark) return old.el;
  const el = build();
  drawn.set(id, { mark, el });
  return el;
}

// place moves only what is not where it belongs, so that a playing voice note
// and the focus stay where they are. What goes, goes first: a button that leaves
// the page for a moment loses the tap that is on it.
function place(parent, nodes) {
  const stays = new Set(nodes);
  for (const child of [...parent.children]) if (!stays.has(child)) child.remove();
  nodes.forEach((node, i) => {
    if (parent.children[i] !== node) parent.insertBefore(node, parent.children[i] ?? null);
  });
}

function typingRow() {
  const dots = make("div.bubble.typing", { "aria-hidden": "true" }, make("i"), make("i"), make("i"));
  return make("div.row.theirs", { "data-first": true },
    avatar(make("span.avatar", { "aria-hidden": "true" }), state.account), make("div.body", {}, dots));
}

function typing(seconds) {
  clearTimeout(typingTimer);
  const log = $("log");
  if (seconds > 0) {
    log.dataset.typing = "yes";
    announce(say("typing", { name: state.account.name }));
    typingTimer = setTimeout(() => typing(0), seconds * 1000);
  } else {
    delete log.dataset.typing;
  }
  draw();
}

function announce(text) {
  $("live").textContent = text;
}

function arrived(message) {
  // While something is being sent, its own echo may overtake the answer; the
  // list is asked for again as soon as that answer is here.
  if (message.from === "me" && state.sending.length) return;
  const i = state.messages.findIndex((m) => m.id === message.id);
  if (i >= 0) state.messages[i] = message;
  else state.messages.push(message);
  if (message.from === "account") {
    if (i < 0) announce(say("arrived", { name: state.account.name, text: gist(message) }));
    typing(0);
  } else {
    draw();
  }
}

async function load() {
  const id = state.me?.id;
  if (!id) return;
  const messages = await api.messages(id);
  if (state.me?.id !== id) return; // she has changed while we asked
  take(messages ?? []);
  draw();
}

// What arrived while the list was on its way stays.
function take(list) {
  const known = new Set(list.map((m) => m.id));
  state.messages = [...list, ...state.messages.filter((m) => !known.has(m.id))];
}

function listen(id) {
  source?.close();
  source = api.stream(id);
  let opened = false;
  const on = (name, act) => source.addEventListener(name, (e) => act(e.data ? JSON.parse(e.data) : {}));
  source.addEventListener("open", () => {
    trouble("");
    if (opened) Promise.all([load(), refresh()]).catch(fail); // whatever happened in the gap
    opened = true;
  });
  source.addEventListener("error", () => trouble(say("away")));
  on("message", arrived);
  on("read", () => {
    for (const m of state.messages) if (m.from === "me") m.read = true;
    draw();
  });
  on("typing", (e) => typing(e.seconds ?? 5));
  on("unsent", (e) => {
    const message = state.messages.find((m) => m.id === e.id);
    if (message) message.unsent = true;
    draw();
  });
}

// --- sending ---

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

function fail(err) {
  trouble(err.message === "offline" ? say("gone") : say("failed", { why: err.message }));
}

// deliver shows a bubble at once, and replaces it by what the platform keeps.
async function deliver(shape, act) {
  const me = state.me;
  if (!me) return;
  const waiting = { ...shape, id: "sending " + crypto.randomUUID(), from: "me", at: Date.now(), sending: true };
  state.sending.push(waiting);
  atEnd = true;
  draw();
  try {
    await act(me.id);
    trouble("");
    const kept = await api.messages(me.id);
    if (state.me?.id === me.id) take(kept ?? []);
  } catch (err) {
    fail(err);
    if (shape.type === "text" && !$("text").value) put(shape.text);
  }
  state.sending = state.sending.filter((m) => m !== waiting);
  if (shape.url) URL.revokeObjectURL(shape.url);
  draw();
}

function put(text) {
  $("text").value = text;
  grow();
}

const send = {
  message(message) {
    const text = message.type === "location" ? message.title : message.text;
    return deliver({ ...message, text }, (me) => api.send(me, message));
  },
  media(media) {
    return deliver({ ...media, bytes: undefined, url: URL.createObjectURL(media.bytes) }, (me) => api.sendMedia(me, media));
  },
  async file(file) {
    const kind = file.type.split("/")[0];
    const type = ["image", "video", "audio"].includes(kind) ? kind : "file";
    const duration = type === "video" || type === "audio" ? await lengthOf(file, type) : 0;
    return send.media({ type, name: file.name, duration, bytes: file });
  },
  // What LINE's scanner does with a card: a page of the account, or words typed in.
  scan(link) {
    const { page, text } = sheet.target(link, state.account);
    trays.close();
    trouble("");
    if (page) {
      const me = state.me;
      return sheet.open(page, {
        who: async () => ({ ...await api.idToken(me.id), friend: me.friend && !me.blocked }),
        // The account's own address: LINE asks whether she wants to add it.
        onOpen: (url) => { if (url === "https://line.me/R/ti/p/" + encodeURIComponent(state.account.basicId) && !me.friend) turn("follow"); },
        onClose: () => load().catch(fail),
      });
    }
    if (!text) return trouble(say("notACard"));
    put(text);
    $("text").focus();
  },
  postback(data, words) {
    return deliver({ type: "text", text: words }, (me) => api.postback(me, data, words));
  },
};

function lengthOf(file, type) {
  const probe = document.createElement(type);
  const url = URL.createObjectURL(file);
  return new Promise((done) => {
    const end = () => { URL.revokeObjectURL(url); done(Number.isFinite(probe.duration) ? probe.duration * 1000 : 0); };
    probe.addEventListener("loadedmetadata", end);
    probe.addEventListener("error", end);
    probe.src = url;
  });
}

function grow() {
  const text = $("text");
  const full = text.value.trim() !== "";
  $("send").hidden = !full;
  $("mic").hidden = full;
  text.style.height = "auto";
  text.style.height = Math.min(text.scrollHeight, 120) + "px";
}

$("text").addEventListener("input", grow);
$("text").addEventListener("focus", () => trays.close());
$("text").addEventListener("keydown", (e) => {
  // Enter chooses a word while Chinese is being composed: never send then.
  if (e.key !== "Enter" || e.shiftKey || e.isComposing || e.keyCode === 229) return;
  e.preventDefault();
  $("composer").requestSubmit();
});
$("composer").addEventListener("submit", (e) => {
  e.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  put("");
  send.message({ type: "text", text });
});
$("camera").addEventListener("change", (e) => {
  if (e.target.files[0]) send.file(e.target.files[0]);
  e.target.value = "";
});
trays.wire(send);

// --- unsend ---

function onActions(message, near) {
  chosen = { message, near };
  const menu = $("actions");
  menu.showPopover();
  const at = near.getBoundingClientRect(), size = menu.getBoundingClientRect();
  menu.style.left = Math.max(8, Math.min(at.left, innerWidth - size.width - 8)) + "px";
  menu.style.top = Math.max(8, at.top - size.height - 6) + "px";
  $("unsend").focus();
}

$("unsend").addEventListener("click", async () => {
  $("actions").hidePopover();
  try {
    await api.unsend(state.me.id, chosen.message.id);
    await load();
    announce(say("unsentMe"));
    $("log").focus();
  } catch (err) {
    fail(err);
  }
});

// --- who she is ---

async function refresh() {
  state.people = (await api.people()) ?? [];
  const me = state.people.find((p) => p.id === state.me?.id);
  if (me) state.me = me;
  panel();
}

function panel() {
  const nobody = !state.people.length;
  $("people").replaceChildren(...state.people.map((p) => {
    const current = p.id === state.me?.id;
    const link = make("a.person", { href: "#" + p.id, "aria-current": current && "true" },
      avatar(make("span.avatar", { "aria-hidden": "true" }), p), make("span.name", { dir: "auto" }, p.name));
    if (p.blocked) link.append(make("span.state", {}, say("blockedShort")));
    return make("li", {}, link);
  }));
  if (nobody) $("people").append(make("li.quiet", {}, say("nobody")));
  const verbs = !state.me ? [] : state.me.blocked ? ["unblock"] : state.me.friend ? ["block"] : ["follow", "block"];
  const buttons = () => verbs.map((verb) => {
    const el = make(`button.pill${verb === "block" ? "" : ".strong"}`, { type: "button" }, say(verb));
    el.addEventListener("click", () => turn(verb));
    return el;
  });
  $("relation").textContent = !state.me ? "" : say(state.me.blocked ? "blocked" : state.me.friend ? "friend" : "stranger");
  $("verbs").replaceChildren(...buttons());
  const quiet = !state.me || (state.me.friend && !state.me.blocked);
  $("banner").hidden = quiet;
  if (!quiet) $("banner").replaceChildren(make("span", {}, say(state.me.blocked ? "banBlocked" : "banStranger")), ...buttons());
  // A blocked account cannot be written to on a real phone either.
  for (const el of $("composer").elements) el.disabled = !state.me || state.me.blocked;
  $("composer").classList.toggle("off", !state.me || Boolean(state.me?.blocked));
  if (!state.me || state.me.blocked) trays.close();
}

async function turn(verb) {
  try {
    await api.turn(state.me.id, verb);
    await refresh();
    await load();
  } catch (err) {
    fail(err);
  }
}

async function become() {
  const wanted = decodeURIComponent(location.hash.slice(1));
  let me = state.people.find((p) => p.id === wanted);
  if (!me && wanted) {
    await refresh(); // made in another window, perhaps
    me = state.people.find((p) => p.id === wanted);
  }
  me ??= state.people[0];
  if (!me) return panel();
  if (me.id !== wanted) history.replaceState(null, "", "#" + me.id);
  if (me.id === state.me?.id) return;
  state.me = me;
  state.messages = [];
  state.sending = [];
  atEnd = true;
  drawn.clear();
  delete $("log").dataset.typing;
  panel();
  hidePanel();
  listen(me.id);
  await load();
}

$("newcomer").addEventListener("submit", async (e) => {
  e.preventDefault();
  const name = $("newcomer-name").value.trim();
  if (!name) return;
  try {
    const { id } = await api.addPerson(name);
    $("newcomer-name").value = "";
    await refresh();
    location.hash = id;
  } catch (err) {
    fail(err);
  }
});
addEventListener("hashchange", () => become().catch(fail));

// The panel stands beside the phone on a desk and lies over it on a real one.
function fit() {
  const el = $("panel");
  if (wide.matches) el.removeAttribute("popover");
  else el.setAttribute("popover", "auto");
}
function hidePanel() {
  if ($("panel").matches(":popover-open")) $("panel").hidePopover();
}
wide.addEventListener("change", fit);
$("open-panel").addEventListener("click", () => $("panel").showPopover());
$("close-panel").addEventListener("click", () => { hidePanel(); $("open-panel").focus(); });
fit();

async function start() {
  state.account = await api.account();
  $("account").textContent = state.account.name;
  document.title = `${state.account.name} · ${say("title")}`;
  avatar($("face"), state.account);
  await refresh();
  await become();
}

// The platform may still be starting: ask again until it answers.
async function persist(wait) {
  try {
    await start();
    trouble("");
  } catch (err) {
    trouble(err.message === "offline" ? say("away") : say("failed", { why: err.message }));
    setTimeout(() => persist(Math.min(wait * 2, 8000)), wait);
  }
}
persist(500);
