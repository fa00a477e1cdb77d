// The page inside LINE: a card was scanned, or an advisor is to be chosen. LINE's
// SDK says who she is by a signed token; only the server reads it. All sentences
// stand in the page.

import { make } from "./element.js";
import { about, list } from "./advisors.js";

const PATIENCE = 15_000;
const $ = (id) => document.getElementById(id);
const { liffId, basicId } = document.body.dataset;
const base = location.pathname.replace(/\/+$/, "");
const language = document.documentElement.lang;
const views = [...document.querySelectorAll("[data-view]")];
const word = (name) => $("words").querySelector(`[data-word="${name}"]`).textContent;
let ticket = "", again = () => location.reload();

function show(name) {
  for (const view of views) view.hidden = view.dataset.view !== name;
  const title = document.querySelector(`[data-view="${name}"] h1`);
  title?.focus();
}

function trouble(text, retry) {
  $("why").textContent = text;
  $("again").hidden = retry === null;
  $("instead").hidden = retry !== null;
  again = retry || (() => location.reload());
  show("trouble");
}

/** Refused is an answer that said no. */
class Refused extends Error {
  constructor({ code = "", message = "" } = {}) {
    super(message);
    this.code = code;
  }
}

async function post(path, body) {
  let answer;
  try {
    answer = await fetch(base + path, {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    throw new Refused({ message: word("network") });
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(said.error ?? { message: word("network") });
  return said;
}

// A token that has run out is renewed by signing in again, which in LINE's own
// browser is a reload.
function signInAgain() {
  if (!liff.isInClient()) {
    liff.logout();
    liff.login({ redirectUri: location.href });
    return;
  }
  location.reload();
}

function failed(err, retry) {
  if (["liff_expired", "liff_ticket"].includes(err.code)) return trouble(err.message, signInAgain);
  // A card that is not in use stays so; an advisor can be chosen all the same.
  trouble(err.message || word("network"), err.code === "liff_card" ? null : retry);
}

// The address behind the LIFF id comes in liff.state, unless init has already
// turned it into the page's own.
function asked() {
  const own = new URLSearchParams(location.search);
  const state = own.get("liff.state") ?? "";
  const from = new URLSearchParams(state.replace(/^[^?]*\??/, ""));
  const get = (name) => own.get(name) ?? from.get(name) ?? "";
  return { card: get("card"), choose: get("choose") === "1" };
}

async function scan(card) {
  show("wait");
  try {
    const found = await post("/scan", { token: liff.getIDToken() ?? "", card });
    ticket = found.ticket;
    if (found.bound) return done(found);
    ask(found);
  } catch (err) {
    failed(err, () => scan(card));
  }
}

function ask({ advisor, counter, brand, languages, specialities, now }) {
  const name = advisor || counter;
  $("face").textContent = [...name.trim()][0] ?? "";
  $("who").textContent = name;
  $("role").hidden = !advisor;
  $("where").textContent = [advisor ? counter : "", brand && !counter.includes(brand) ? brand : ""].filter(Boolean).join(" · ");
  $("about").replaceChildren(...about(language, { languages, specialities }).filter(Boolean));
  $("now").hidden = !now;
  $("now-name").textContent = now ?? "";
  show("ask");
}

async function answer(body, button) {
  const buttons = document.querySelectorAll("button");
  for (const b of buttons) b.disabled = true;
  button?.setAttribute("aria-busy", "true");
  try {
    const said = await post("/answer", { ticket, ...body });
    if (said.bound) done(said);
    else show("left");
  } catch (err) {
    failed(err, () => answer(body));
  } finally {
    for (const b of buttons) b.disabled = false;
    button?.removeAttribute("aria-busy");
  }
}

function done({ advisor, counter, away }) {
  $("done-who").textContent = advisor || counter;
  $("done-where").textContent = advisor ? counter : "";
  $("done-away").hidden = !away;
  show("done");
}

async function choose() {
  show("wait");
  try {
    const found = await post("/choose", { token: liff.getIDToken() ?? "" });
    ticket = found.ticket;
    const words = Object.fromEntries(["mine", "away", "anybody", "anybodyAbout"].map((name) => [name, word(name)]));
    const counters = found.counters;
    $("list").replaceChildren(counters.length
      ? list({ counters, language, words, onChoose: ({ counter, advisor }, button) => answer({ counter, advisor, yes: true }, button) })
      : make("p.quiet", {}, word("nobody")));
    show("choose");
  } catch (err) {
    failed(err, choose);
  }
}

// Inside LINE the chat lies beneath this page when she is a friend; everybody else
// is led to the account, where she can become one.
async function toChat() {
  const there = basicId ? "https://line.me/R/ti/p/" + encodeURIComponent(basicId) : "";
  const friend = liff.getFriendship ? await liff.getFriendship().then((f) => f.friendFlag, () => false) : false;
  if (liff.isInClient()) {
    if (friend || !there) return liff.closeWindow();
    return liff.openWindow({ url: there, external: false });
  }
  if (there) location.assign(there);
  else liff.closeWindow();
}

$("yes").addEventListener("click", (e) => answer({ yes: true }, e.currentTarget));
$("no").addEventListener("click", (e) => answer({ yes: false }, e.currentTarget));
$("again").addEventListener("click", () => again());
for (const el of document.querySelectorAll("[data-chat]")) el.addEventListener("click", toChat);
for (const el of document.querySelectorAll("[data-choose]")) el.addEventListener("click", choose);

async function begin() {
  if (!window.liff) return trouble(word("sdk"));
  try {
    await liff.init({ liffId });
  } catch {
    return trouble(word("sdk"));
  }
  if (!liff.isLoggedIn()) return liff.login({ redirectUri: location.href });
  const { card, choose: list } = asked();
  if (card && !list) return scan(card);
  return choose();
}

begin();
