// Ding dong: two tones, the number in the title, the dot on the icon.
import { t } from "./words.js";
import { toast } from "./app.js";

const wanted = document.documentElement.dataset.sound === "on";
const title = document.title;
const icon = document.querySelector('link[rel="icon"]');
const plain = icon?.href;
const badges = {}; // the icon with each number, kept: a browser may still load the former one when the next is set
let audio, lastDing = 0, asked = false, shown = -1;

// Browsers let a page sound only after a touch; the first one will do.
function allow() {
  if (!wanted) return;
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
}
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, allow, { once: true, passive: true });

function tone(frequency, at, length) {
  const wave = audio.createOscillator(), loud = audio.createGain();
  wave.type = "sine";
  wave.frequency.value = frequency;
  loud.gain.setValueAtTime(0.0001, at);
  loud.gain.exponentialRampToValueAtTime(0.22, at + 0.015);
  loud.gain.exponentialRampToValueAtTime(0.0001, at + length);
  wave.connect(loud).connect(audio.destination);
  wave.start(at);
  wave.stop(at + length);
}

/** ding sounds at most every two seconds, if she wants it and the browser lets it. */
export function ding() {
  if (!wanted || Date.now() - lastDing < 2000) return;
  lastDing = Date.now();
  document.dispatchEvent(new CustomEvent("dingdong"));
  if (audio?.state !== "running") return ask();
  tone(659.25, audio.currentTime, 0.7);
  tone(523.25, audio.currentTime + 0.32, 1.1);
}

// ask offers the sound once, where the browser waits for a touch.
function ask() {
  if (asked) return;
  asked = true;
  const note = toast(t("sound_ask"));
  const go = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: t("sound_go") });
  go.dataset.dismiss = "";
  go.addEventListener("click", () => {
    allow();
    lastDing = 0;
    audio.resume().then(ding);
  });
  note.querySelector(".toast-text").append(" ", go);
}

/** count shows how many wait: in the navigation, the title and the icon. */
export function count(n) {
  if (n === shown) return;
  shown = n;
  for (const badge of document.querySelectorAll("#unread")) {
    badge.textContent = n;
    badge.hidden = n === 0;
  }
  retitle();
  navigator.setAppBadge?.(n).catch(() => {});
  mark(n);
}

let name = title;
/** retitle sets the page's title, with the number before it. */
export function retitle(now = name) {
  name = now;
  document.title = shown > 0 ? t("title_waiting", { n: shown, title: name }) : name;
}

function mark(n) {
  if (!icon) return;
  const label = n > 9 ? "9+" : n;
  if (!n || badges[label]) {
    icon.href = n ? badges[label] : plain;
    return;
  }
  const logo = new Image();
  logo.onload = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
    const pen = canvas.getContext("2d");
    pen.drawImage(logo, 0, 0, 64, 64);
    pen.fillStyle = "#231d20";
    pen.beginPath();
    pen.arc(44, 44, 20, 0, 7);
    pen.fill();
    pen.fillStyle = "#fff";
    pen.font = "bold 26px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(label, 44, 45);
    canvas.toBlob((picture) => {
      if (!picture) return;
      badges[label] ??= URL.createObjectURL(picture);
      if (n === shown) icon.href = badges[label];
    });
  };
  logo.src = plain;
}
