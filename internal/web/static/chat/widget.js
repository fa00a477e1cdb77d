/* The chat on a shop's page: one line,
 *   <script src="https://HOST/chat/ACCOUNT/widget.js" async></script>
 * optionally with ?lang=zh-TW and &theme=light. An element with the attribute
 * data-dingdong-open opens the chat too. See README.md beside this file. */
(() => {
  "use strict";
  const source = document.currentScript && new URL(document.currentScript.src);
  const place = source && source.pathname.match(/^(.*\/chat\/([^/]+))\/widget\.js$/);
  if (!place) return;
  const account = place[2];
  const mark = Symbol.for("dingdong " + source.origin + place[1]);
  if (window[mark]) return; // the line stands on the page twice
  window[mark] = true;

  const words = {
    en: { title: "Chat", open: "Chat with us", close: "Close chat", unread: "{n} new messages" },
    zh: { title: "線上諮詢", open: "與我們聊聊", close: "關閉對話", unread: "{n} 則新訊息" },
  };
  const language = source.searchParams.get("lang") || navigator.language || "en";
  const say = words[language.split("-")[0].toLowerCase()] || words.en;
  const tokenKey = "dingdong:" + account;
  const sheet = matchMedia("(max-width: 480px)");
  let frame = null, ready = false, isOpen = false, opener = null, wanted = false, unread = 0, unlock = null;

  // The shop may forbid storage, and the visitor too: then nothing is kept.
  const keep = (storage, key, value) => {
    try {
      if (value === undefined) return window[storage].getItem(key) || "";
      if (value) window[storage].setItem(key, value);
      else window[storage].removeItem(key);
    } catch { /* the chat works without */ }
    return "";
  };

  const make = (tag, attributes, ...children) => {
    const el = document.createElement(tag);
    for (const name in attributes) el.setAttribute(name, attributes[name]);
    el.append(...children);
    return el;
  };

  const host = make("div", { id: "dingdong-" + account, lang: language });
  const shadow = host.attachShadow({ mode: "closed" });
  const style = new CSSStyleSheet(); // constructed, so a strict style-src of the shop lets it be
  style.replaceSync(`
    :host { all: initial; position: fixed; inset-block-end: 0; inset-inline-end: 0; z-index: 2147483000; font: 600 13px/1 system-ui, sans-serif; }
    [hidden] { display: none !important; }
    button { position: fixed; inset-block-end: calc(20px + env(safe-area-inset-bottom)); inset-inline-end: 20px; width: 60px; height: 60px; padding: 0; border: 0; border-radius: 50%; display: grid; place-items: center; color: #fff; background: #b0123b; box-shadow: 0 6px 22px #5b1a2a59; cursor: pointer; }
    button:hover { background: #95102f; }
    button:focus-visible { outline: 3px solid #fff; outline-offset: -6px; box-shadow: 0 0 0 3px #b0123b, 0 6px 22px #5b1a2a59; }
    svg { width: 28px; height: 28px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
    .count { position: absolute; inset-block-start: -3px; inset-inline-end: -3px; min-width: 22px; height: 22px; padding: 0 6px; box-sizing: border-box; border: 2px solid #fff; border-radius: 11px; line-height: 18px; font-size: 12px; background: #231d20; color: #fff; font-variant-numeric: tabular-nums; }
    .sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    dialog { position: fixed; inset: auto; inset-block-end: calc(92px + env(safe-area-inset-bottom)); inset-inline-end: 20px; width: 380px; height: min(620px, 100vh - 112px); max-width: none; max-height: none; margin: 0; padding: 0; border: 0; border-radius: 18px; overflow: hidden; background: #faf7f4; box-shadow: 0 18px 56px #2a1d1447, 0 0 0 1px #2a1d141a; }
    dialog::backdrop { background: #faf7f4; }
    iframe { display: block; width: 100%; height: 100%; border: 0; }
    @media (prefers-color-scheme: dark) { dialog, dialog::backdrop { background: #171416; } }
    @media (max-width: 480px) { dialog { inset: 0; width: 100%; height: 100dvh; border-radius: 0; } }
    @media (prefers-reduced-motion: no-preference) { dialog[open] { animation: rise .14s ease-out; } @keyframes rise { from { opacity: 0; transform: translateY(10px); } } }
    @media (forced-colors: active) { button, dialog { border: 1px solid; } }
    @media print { button, dialog { display: none; } }`);
  shadow.adoptedStyleSheets = [style];

  const svg = (d) => {
    const el = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS(el.namespaceURI, "path");
    el.setAttribute("viewBox", "0 0 24 24");
    el.setAttribute("aria-hidden", "true");
    path.setAttribute("d", d);
    el.append(path);
    return el;
  };
  const bubble = svg("M12 4.5c-5 0-8.5 3.1-8.5 7.1 0 2.3 1.1 4.2 3 5.5l-.6 3.2 3.6-1.8c.8.2 1.6.3 2.5.3 5 0 8.5-3.2 8.5-7.2s-3.5-7.1-8.5-7.1zM8.3 11.7h.01M12 11.7h.01M15.7 11.7h.01");
  const cross = svg("m6.500 9.500 5.500 5.500 5.500-5.500");
  const count = make("span", { class: "count", "aria-hidden": "true" });
  const launcher = make("button", { type: "button", "aria-haspopup": "dialog" }, bubble, cross, count);
  const live = make("span", { class: "sr", role: "status" });
  const dialog = make("dialog", { "aria-label": say.title });
  shadow.append(launcher, live, dialog);

  function show() {
    const news = unread > 0 && !isOpen;
    cross.toggleAttribute("hidden", !isOpen);
    bubble.toggleAttribute("hidden", isOpen);
    count.hidden = !news;
    count.textContent = unread > 99 ? "99+" : String(unread);
    const text = say.unread.replace("{n}", unread);
    launcher.setAttribute("aria-expanded", String(isOpen));
    launcher.setAttribute("aria-label", isOpen ? say.close : news ? `${say.open}, ${text}` : say.open);
    if (!news) live.textContent = "";
    else if (live.textContent !== text) live.textContent = text;
  }

  const tell = (word, more) => ready && frame.contentWindow.postMessage({ dingdong: word, ...more }, source.origin);

  function load() {
    if (frame) return;
    const address = new URL(source.origin + place[1]);
    for (const name of ["lang", "theme"]) {
      if (source.searchParams.has(name)) address.searchParams.set(name, source.searchParams.get(name));
    }
    frame = make("iframe", { title: say.title, src: address.href, referrerpolicy: "strict-origin" });
    frame.addEventListener("load", () => {
      ready = true;
      tell("hello", { token: keep("localStorage", tokenKey), open: isOpen, focus: wanted });
    });
    dialog.append(frame);
  }

  addEventListener("message", (e) => {
    if (!frame || e.source !== frame.contentWindow || e.origin !== source.origin || !e.data) return;
    const { dingdong: word, token, count: n } = e.data;
    if (word === "token" && typeof token === "string") keep("localStorage", tokenKey, token);
    if (word === "close") close();
    if (word === "unread" && Number.isInteger(n)) {
      unread = n;
      show();
    }
  });

  // A sheet is modal: nothing of the page can be seen or reached. A panel is not.
  function lay() {
    if (dialog.open) dialog.close();
    if (unlock) unlock();
    unlock = null;
    dialog.style.height = dialog.style.top = "";
    if (!isOpen) return;
    if (sheet.matches) {
      dialog.showModal();
      const page = document.documentElement.style, before = page.overflow;
      page.overflow = "hidden";
      unlock = () => { page.overflow = before; };
      fit();
    } else {
      dialog.setAttribute("open", "");
    }
  }

  // An on-screen keyboard shrinks what is visible, not the page.
  function fit() {
    const seen = window.visualViewport;
    if (!seen || !isOpen || !sheet.matches) return;
    dialog.style.height = seen.height + "px";
    dialog.style.top = seen.offsetTop + "px";
  }

  function open({ focus }) {
    if (isOpen) return;
    load();
    isOpen = true;
    keep("sessionStorage", tokenKey, "open");
    lay();
    show();
    wanted = focus;
    if (focus) {
      frame.focus();
      tell("open");
    }
  }

  function close() {
    if (!isOpen) return;
    isOpen = false;
    keep("sessionStorage", tokenKey, "");
    lay();
    show();
    tell("closed");
    (opener && opener.isConnected ? opener : launcher).focus();
    opener = null;
  }

  launcher.addEventListener("click", () => (isOpen ? close() : open({ focus: true })));
  dialog.addEventListener("cancel", (e) => { e.preventDefault(); close(); });
  host.addEventListener("keydown", (e) => { if (e.key === "Escape") close(); });
  sheet.addEventListener("change", lay);
  if (window.visualViewport) {
    visualViewport.addEventListener("resize", fit);
    visualViewport.addEventListener("scroll", fit);
  }
  document.addEventListener("click", (e) => {
    const asked = e.target instanceof Element && e.target.closest("[data-dingdong-open]");
    if (!asked) return;
    e.preventDefault();
    opener = asked;
    open({ focus: true });
  });

  function begin() {
    document.body.append(host);
    show();
    // Who went on to the shop's next page finds the panel as she left it; who
    // has written before sees at once whether there is an answer.
    if (keep("sessionStorage", tokenKey) && !sheet.matches) open({ focus: false });
    else if (keep("localStorage", tokenKey)) (window.requestIdleCallback || setTimeout)(load);
  }
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
