// A signature, drawn with a finger, a pen or a mouse: strokes of points, not a picture.
const form = document.querySelector("[data-sign]");
const canvas = form.querySelector("canvas");
const clear = form.querySelector("[data-clear]");
const need = form.querySelector("[data-need]");
const least = 6, most = 3900;
let strokes = [], points = 0, pen = null, width = 0, height = 0;

// The field keeps the measure that it had when the first line was drawn.
function measure() {
  const box = canvas.getBoundingClientRect();
  if (!points) [width, height] = [Math.round(box.width), Math.round(box.height)];
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(box.width * scale);
  canvas.height = Math.round(box.height * scale);
  draw();
}

function draw() {
  const c = canvas.getContext("2d");
  c.setTransform(canvas.width / width, 0, 0, canvas.height / height, 0, 0);
  c.clearRect(0, 0, width, height);
  c.strokeStyle = getComputedStyle(canvas).color;
  c.lineWidth = 2.5;
  c.lineCap = c.lineJoin = "round";
  for (const stroke of strokes) {
    c.beginPath();
    stroke.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
    if (stroke.length === 1) c.lineTo(stroke[0][0] + 0.1, stroke[0][1]);
    c.stroke();
  }
}

const clamp = (n, top) => Math.min(top, Math.max(0, Math.round(n)));
function add(e) {
  const box = canvas.getBoundingClientRect();
  const p = [clamp((e.clientX - box.left) * width / box.width, width), clamp((e.clientY - box.top) * height / box.height, height)];
  const stroke = strokes.at(-1), last = stroke.at(-1);
  if (points >= most || (last && last[0] === p[0] && last[1] === p[1])) return;
  stroke.push(p);
  points++;
}

canvas.addEventListener("pointerdown", (e) => {
  if (pen !== null || e.button > 0 || strokes.length >= 190) return;
  pen = e.pointerId;
  canvas.setPointerCapture(pen);
  strokes.push([]);
  add(e);
  clear.hidden = false;
  need.hidden = true;
  draw();
  e.preventDefault();
});
canvas.addEventListener("pointermove", (e) => {
  if (e.pointerId !== pen) return;
  for (const one of e.getCoalescedEvents?.() || [e]) add(one);
  draw();
});
for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (e) => e.pointerId === pen && (pen = null));
clear.addEventListener("click", () => {
  [strokes, points] = [[], 0];
  clear.hidden = true;
  measure();
  canvas.focus();
});

form.addEventListener("submit", (e) => {
  const yes = e.submitter?.value === "granted";
  if (yes && points < least) {
    e.preventDefault();
    need.hidden = false;
    canvas.focus();
    return;
  }
  form.elements.signature.value = yes ? JSON.stringify({ width, height, strokes }) : "";
});
addEventListener("resize", measure);
measure();
