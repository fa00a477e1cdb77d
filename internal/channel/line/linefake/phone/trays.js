// What opens below the composer: more, photos, stickers, voice.

import { say } from "./words.js";
import { make, icon, stickers, clock } from "./bubbles.js";
import { choices } from "./sheet.js";
import { photos, paint, jpeg, chime } from "./samples.js";

const tray = document.getElementById("tray");
const toggles = [...document.querySelectorAll("[data-tray]")];
let recording = null; // a voice note in the making

function tile(picture, words, act) {
  const el = make("button.tile", { type: "button" }, picture, make("span", {}, words));
  el.addEventListener("click", act);
  return el;
}

function picker(picture, words, accept, take) {
  const input = make("input", { type: "file", accept });
  input.addEventListener("change", () => {
    if (input.files[0]) take(input.files[0]);
    input.value = "";
  });
  return make("label.tile", {}, input, picture, make("span", {}, words));
}

function more(send) {
  const button = (key, data) => tile(icon("grid"), say(key), () => send.postback(data, say(key)));
  return [make("div.tiles", {},
    tile(icon("scan"), say("scan"), () => {
      tray.replaceChildren(...choices(send.scan));
      tray.querySelector("button, input")?.focus();
    }),
    picker(icon("picture"), say("choosePhoto"), "image/*,video/*", send.file),
    picker(icon("file"), say("chooseFile"), "", send.file),
    tile(icon("pin"), say("location"), () => send.message({
      type: "location", title: say("placeTitle"), address: say("placeAddress"), latitude: 25.0338, longitude: 121.5646,
    })),
  ), make("h2.tray-title", {}, say("card")), make("div.tiles", {},
    button("trial", "action=trial"), button("stock", "action=stock&sku=214"), button("hold", "action=hold&sku=214"))];
}

function pictures(send) {
  return [make("div.tiles.photos", {},
    picker(icon("picture"), say("choosePhoto"), "image/*,video/*", send.file),
    ...photos.map((photo) => {
      const el = make("button.tile.photo", { type: "button", "aria-label": say(photo.key), title: say(photo.key) }, paint(photo, 180));
      el.addEventListener("click", async () => {
        send.media({ type: "image", name: photo.key + ".jpg", bytes: await jpeg(paint(photo, 900)) });
      });
      return el;
    }))];
}

function glue(send) {
  return [make("div.tiles.stickers", {}, ...stickers.map((s, i) => {
    const el = make("button.tile", { type: "button", "aria-label": `${say("sticker")} ${i + 1}` },
      make("img", { src: s.picture, alt: "" }));
    el.addEventListener("click", () => send.message({ type: "sticker", packageId: s.packageId, stickerId: s.stickerId }));
    return el;
  }))];
}

function voice(send) {
  const status = make("p.quiet", { role: "status" });
  const sample = make("button.pill", { type: "button" }, say("sampleVoice"));
  sample.addEventListener("click", () => {
    const note = chime();
    send.media({ type: "audio", name: "chime.wav", ...note });
  });
  const able = Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);
  if (!able) status.textContent = say("noMic");
  const record = make("button.record", { type: "button", "aria-label": say("record"), hidden: !able }, icon("mic"));
  const discard = make("button.pill", { type: "button", hidden: true }, say("discard"));
  const rest = () => {
    record.replaceChildren(icon("mic"));
    record.setAttribute("aria-label", say("record"));
    record.classList.remove("on");
    discard.hidden = true;
    sample.hidden = false;
    status.textContent = "";
  };
  record.addEventListener("click", async () => {
    if (recording) return recording.finish(true);
    try {
      recording = await listen((ms) => { status.textContent = say("recording", { time: clock(ms) }); });
    } catch {
      status.textContent = say("noMic");
      record.hidden = true;
      return;
    }
    record.replaceChildren(icon("stop"));
    record.setAttribute("aria-label", say("stopSend"));
    record.classList.add("on");
    discard.hidden = false;
    sample.hidden = true;
    const note = await recording.done;
    recording = null;
    rest();
    if (note) send.media({ type: "audio", name: "voice." + (note.bytes.type.includes("mp4") ? "m4a" : "webm"), ...note });
  });
  discard.addEventListener("click", () => recording?.finish(false));
  return [make("div.recorder", {}, status, record, discard, sample)];
}

// listen records until finish is called; done then gives the note, or null
// when it was thrown away.
async function listen(onTick) {
  const mic = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(mic);
  const parts = [];
  const began = performance.now();
  let keep = false;
  recorder.addEventListener("dataavailable", (e) => parts.push(e.data));
  const tick = setInterval(() => onTick(performance.now() - began), 250);
  const done = new Promise((ready) => recorder.addEventListener("stop", () => {
    clearInterval(tick);
    for (const track of mic.getTracks()) track.stop();
    const type = recorder.mimeType.split(";")[0] || "audio/webm";
    ready(keep ? { bytes: new Blob(parts, { type }), duration: performance.now() - began } : null);
  }));
  recorder.start();
  onTick(0);
  return { done, finish: (wanted) => { keep = wanted; recorder.stop(); } };
}

const kinds = { more, photos: pictures, stickers: glue, voice };

/** close folds the tray away; a recording under way is thrown away. */
export function close() {
  recording?.finish(false);
  tray.hidden = true;
  tray.replaceChildren();
  for (const t of toggles) t.setAttribute("aria-expanded", "false");
}

/** wire connects the composer's buttons; send says what to do with a choice. */
export function wire(send) {
  for (const toggle of toggles) {
    toggle.setAttribute("aria-expanded", "false");
    toggle.setAttribute("aria-controls", "tray");
    toggle.addEventListener("click", () => {
      const open = toggle.getAttribute("aria-expanded") === "true";
      close();
      if (open) return;
      toggle.setAttribute("aria-expanded", "true");
      tray.setAttribute("aria-label", say(toggle.dataset.tray));
      tray.append(...kinds[toggle.dataset.tray](send));
      tray.hidden = false;
    });
  }
  tray.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    const opener = toggles.find((t) => t.getAttribute("aria-expanded") === "true");
    close();
    opener?.focus();
  });
}
