// Her own advisor: a card's link asks before it binds, and the list of advisors is
// a tap away.

import { make, icon } from "./element.js";
import { about, face, list } from "./advisors.js";

/** inviter builds the question of a card, the button and the sheet to choose. */
export function inviter({ say, language }, { server, onBound, onTrouble }) {
  const banner = make("section.invite", { hidden: true, "aria-labelledby": "invite-title" });
  const button = make("button.tool", { type: "button", "aria-label": say("choose"), title: say("choose"), "aria-haspopup": "dialog", onclick: open }, icon("people"));
  const body = make("div.sheet-body", {});
  const shut = make("button.tool", { type: "button", "aria-label": say("chooseClose"), title: say("chooseClose"), onclick: () => sheet.close() }, icon("close"));
  const sheet = make("dialog.sheet", { "aria-labelledby": "sheet-title" },
    make("header.sheet-head", {}, make("h2", { id: "sheet-title" }, say("choose")), shut), body);
  sheet.addEventListener("click", (e) => { if (e.target === sheet) sheet.close(); });
  // Escape closes the sheet, not the chat around it.
  sheet.addEventListener("keydown", (e) => { if (e.key === "Escape") e.stopPropagation(); });

  const named = ({ advisor, counter }) => advisor || counter;

  // settled says how it stands now, until she has read it or writes.
  function settled(text) {
    banner.replaceChildren(make("div.invite-done", {}, icon("check"), make("p", { id: "invite-title", role: "status" }, text),
      make("button.tool", { type: "button", "aria-label": say("inviteShut"), title: say("inviteShut"), onclick: () => { banner.hidden = true; } }, icon("close"))));
    banner.hidden = false;
  }

  function bound(found) {
    settled(say(found.away ? "boundAway" : "bound", { name: named(found) }));
    onBound();
  }

  /** ask shows what a card asks, unless it is so already. */
  async function ask(code) {
    let found;
    try {
      found = await server().card(code);
    } catch (err) {
      return onTrouble(err.status === 404 ? say("cardGone") : say("cardFailed"));
    }
    if (found.bound) return settled(say("boundAlready", { name: named(found) }));
    const answer = (yes) => async () => {
      for (const b of banner.querySelectorAll("button")) b.disabled = true;
      try {
        const said = await server().answer(code, yes);
        if (yes) bound(said);
        else banner.hidden = true;
      } catch (err) {
        onTrouble(err.status === 404 ? say("cardGone") : say("cardFailed"));
        for (const b of banner.querySelectorAll("button")) b.disabled = false;
      }
    };
    const where = [found.advisor ? found.counter : "", found.brand && !found.counter.includes(found.brand) ? found.brand : ""].filter(Boolean).join(" · ");
    banner.replaceChildren(...[
      make("div.invite-who", {}, face(named(found)), make("div.pick-main", {},
        make("b", { id: "invite-title", dir: "auto", tabindex: "-1" }, named(found)),
        where ? make("span.about", { dir: "auto" }, where) : null, ...about(language, found))),
      make("p", {}, say(found.advisor ? "invite" : "inviteCounter")),
      found.now ? make("p.about", {}, say("inviteNow", { name: found.now })) : null,
      make("p.about", {}, say("inviteUse")),
      make("div.invite-acts", {},
        make("button.act.act-main", { type: "button", onclick: answer(true) }, say("inviteYes")),
        make("button.act", { type: "button", onclick: answer(false) }, say("inviteNo"))),
    ].filter(Boolean));
    banner.hidden = false;
    banner.querySelector("b").focus();
  }

  async function open() {
    body.replaceChildren(make("p.quiet", { role: "status" }, say("loadingAdvisors")));
    sheet.showModal();
    let counters;
    try {
      ({ counters } = await server().advisors());
    } catch {
      body.replaceChildren(make("p.quiet", { role: "alert" }, say("cardFailed")));
      return;
    }
    const words = { mine: say("chooseMine"), away: say("chooseAway"), anybody: say("chooseAnybody"), anybodyAbout: say("chooseAnybodyAbout") };
    body.replaceChildren(
      make("p.about", {}, say("chooseUse")),
      counters.length ? list({ counters, language, words, onChoose: choose }) : make("p.quiet", {}, say("chooseNobody")));
    body.querySelector('[aria-pressed="true"], .pick')?.focus();
  }

  async function choose({ counter, advisor }, chosen) {
    chosen.setAttribute("aria-busy", "true");
    try {
      const said = await server().choose(counter, advisor);
      sheet.close();
      bound(said);
    } catch (err) {
      chosen.removeAttribute("aria-busy");
      body.prepend(make("p.quiet", { role: "alert" }, err.status ? err.message : say("cardFailed")));
    }
  }

  return { banner, button, sheet, ask };
}
