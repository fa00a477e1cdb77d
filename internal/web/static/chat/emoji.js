// A small picker: sixty that people at a beauty counter use.

import { make } from "./element.js";

const list = [..."😀😄😁😆😊🙂😉😍🥰😘😋😜🤗🤔😅😂🤣🥹😭😢😮😳🥺😴😎🤩🥳😇😌😏"
  + "👍👌👏🙏💪👋🤞💋💄💅👄👀💖💕💗🌹🌸🌺🌷✨⭐🎁🎉🎀🛍🧴🧼🪞👛💯"];

/** picker fills el; choose gets the emoji, close is called when it wants to go. */
export function picker(el, { choose, close }) {
  const buttons = list.map((emoji, i) => make("button.emoji", {
    type: "button", tabindex: i ? "-1" : "0", onclick: () => choose(emoji),
  }, emoji));
  el.append(...buttons);
  el.addEventListener("keydown", (e) => {
    const at = buttons.indexOf(document.activeElement);
    if (e.key === "Escape") {
      e.stopPropagation(); // the chat itself stays open
      close();
    }
    const columns = getComputedStyle(el).gridTemplateColumns.split(" ").length;
    const ahead = getComputedStyle(el).direction === "rtl" ? -1 : 1;
    const step = { ArrowRight: ahead, ArrowLeft: -ahead, ArrowDown: columns, ArrowUp: -columns }[e.key];
    const next = step && buttons[at + step];
    if (!next) return;
    e.preventDefault();
    buttons[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  return { focus: () => buttons.find((b) => b.tabIndex === 0).focus() };
}
