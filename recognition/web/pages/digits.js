// The page of digits: draw, photos, camera, and what the network sees of one digit.
import { Camera, Live } from "./camera.js";
import { $, bars, boxes, make, newest, percent, photos, post, results, tabs, trying } from "./shared.js";

const AREA = [2500, 1200]; // pixels of a drawing that are sent, and more for each stroke: the program enlarges them
const PEN = 20, PAUSE = 120; // width of the pen in the sheet's pixels; ms from one reading to the next while drawing
const SURE = 0.9;

const live = new Live({}, async () => $("draw").hidden || readSheet());
const chooseTab = tabs((panel) => {
  if (panel !== "camera") camera.stop();
  panel === "draw" ? readSheet() : show("", [], null);
});
const camera = new Camera(live, (told, blob, size) => {
  boxes($("video-boxes"), size, told ? boxesOf(told, blob) : []);
  if (told) show(told.text, told.digits, blob);
});

// --- the answer ---

let answer = { digits: [], blob: null, where: {} }, chosen = 0; // where: page and turn of a photo, for the program

const tone = (digit) => (digit.confidence >= SURE ? "sure" : "doubt");

function boxesOf(told, blob, { where, place = (box) => box } = {}) {
  return told.digits.map((digit, k) => ({
    box: place(digit.box),
    label: String(digit.digit),
    tone: tone(digit),
    name: `${digit.digit}, ${percent(digit.confidence)} sure: show what the network sees`,
    action: () => {
      show(told.text, told.digits, blob, where);
      $("look").open = true;
      choose(k);
    },
  }));
}

function show(text, digits, blob, where = {}) {
  $("text").textContent = text || (blob ? "no digit" : "nothing yet");
  $("text").classList.toggle("empty", !text);
  answer = { digits, blob, where };
  choose(Math.min(chosen, Math.max(0, digits.length - 1)));
}

function choose(k) {
  chosen = k;
  bars($("digits"), answer.digits.map((digit, n) => ({ name: digit.digit, share: digit.confidence, tone: tone(digit), pressed: n === k, action: () => choose(n) })));
  if ($("look").open) look(answer);
}

// --- what the network sees ---

const look = newest(async ({ digits, blob, where }) => {
  const digit = digits[chosen];
  $("seen").hidden = !digit;
  $("show-layers").hidden = !digit || Boolean(camera.stream); // they would be gone with the next frame
  $("layers").replaceChildren();
  $("look-note").textContent = digit ? "A network for whole pages finds the digits. This is what the smaller one, for one digit at a time, makes of the chosen one." : "Write or show a digit first.";
  if (!digit) return;
  const seen = await (await post("look", blob, { box: digit.box, ...where })).json();
  paint($("small"), [seen.image], 1, (value) => [value, value, value]);
  const order = seen.probabilities.map((share, k) => ({ name: seen.names[k], share, tone: share >= SURE ? "sure" : "" }));
  bars($("probabilities"), order);
});

$("look").ontoggle = () => $("look").open && look(answer);

$("show-layers").onclick = () =>
  trying(async () => {
    const seen = await (await post("look", answer.blob, { box: answer.digits[chosen].box, ...answer.where, layers: 1 })).json();
    $("layers").replaceChildren(
      ...seen.layers.flatMap(({ kind, maps }) => {
        const title = `${kind}: ${maps.length} maps, ${maps[0].length} × ${maps[0][0].length}`;
        const canvas = make("canvas", { role: "img", "aria-label": title });
        paint(canvas, maps, maps[0].length > 6 ? 16 : 32, civid);
        return [make("h3", {}, title), canvas];
      }),
    );
    $("layers").prepend(make("p", { className: "quiet" }, "From dark, nothing, to yellow, the layer's highest value: each map answers where its own small pattern is."));
  });

// A step of the colours that all eyes tell apart, from dark blue by gray to yellow.
function civid(value) {
  const stops = [[0, 32, 77], [124, 123, 120], [255, 234, 70]], at = value / 127.5, k = at < 1 ? 0 : 1;
  return stops[k].map((from, c) => from + (at - k) * (stops[k + 1][c] - from));
}

// Paint maps, rows of 0 to 255, beside one another, so many in a row, with a pixel between them.
function paint(canvas, maps, across, colour) {
  const height = maps[0].length, width = maps[0][0].length, gap = maps.length > 1 ? 1 : 0;
  const rows = Math.ceil(maps.length / across), columns = Math.min(across, maps.length);
  canvas.width = columns * (width + gap) - gap;
  canvas.height = rows * (height + gap) - gap;
  const context = canvas.getContext("2d"), pixels = context.createImageData(canvas.width, canvas.height);
  maps.forEach((map, k) => {
    const top = Math.floor(k / across) * (height + gap), left = (k % across) * (width + gap);
    map.forEach((row, y) => row.forEach((value, x) => pixels.data.set([...colour(value), 255], 4 * ((top + y) * canvas.width + left + x))));
  });
  context.putImageData(pixels, 0, 0);
}

// --- drawing ---

const sheet = $("sheet"), strokes = [];
let drawing = null, timer = 0, asked = 0; // the stroke that is drawn; how many points the drawing had when it was read last
const points = () => strokes.reduce((count, stroke) => count + stroke.length, 0);

function draw(context, scale = 1, left = 0, top = 0) {
  context.lineWidth = PEN * scale;
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes) {
    context.beginPath();
    context.moveTo((stroke[0][0] - left) * scale, (stroke[0][1] - top) * scale);
    for (const [x, y] of stroke.length > 1 ? stroke : [...stroke, stroke[0]]) context.lineTo((x - left) * scale, (y - top) * scale);
    context.stroke();
  }
}

function redraw() {
  const context = sheet.getContext("2d");
  context.clearRect(0, 0, sheet.width, sheet.height);
  context.strokeStyle = getComputedStyle(sheet).color;
  draw(context);
  $("undo").disabled = $("clear").disabled = !strokes.length;
  $("invite").hidden = strokes.length > 0;
}

// Read the drawing: its ink with some paper around it, black on white, small enough to be read at once.
const readSheet = newest(async () => {
  asked = points();
  if (!strokes.length) {
    boxes($("sheet-boxes"), [1, 1], []);
    if (!$("draw").hidden) show("", [], null);
    return;
  }
  const [xs, ys] = [0, 1].map((k) => strokes.flatMap((stroke) => stroke.map((point) => point[k])));
  const [x1, x2, y1, y2] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const margin = PEN + 0.2 * Math.max(y2 - y1, 60), width = x2 - x1 + 2 * margin, height = y2 - y1 + 2 * margin;
  const scale = Math.min(0.5, Math.sqrt((AREA[0] + AREA[1] * strokes.length) / (width * height))), canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * scale);
  canvas.height = Math.ceil(height * scale);
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  draw(context, scale, x1 - margin, y1 - margin);
  // Not toBlob: it waits for the browser to have nothing else to do, up to half a second
  const blob = new Blob([Uint8Array.from(atob(canvas.toDataURL().split(",")[1]), (byte) => byte.charCodeAt(0))]);
  const told = await (await post("drawing", blob)).json();
  if (!strokes.length) return;
  const place = ([a, b, c, d]) => [a / scale + x1 - margin, b / scale + y1 - margin, c / scale + x1 - margin, d / scale + y1 - margin];
  boxes($("sheet-boxes"), [sheet.width, sheet.height], boxesOf(told, blob, { place }).map(({ box, label, tone }) => ({ box, label, tone })));
  if ($("draw").hidden) return; // another tab has its own answer by now
  chosen = told.digits.length - 1;
  show(told.text, told.digits, blob);
});

function place(event) {
  const box = sheet.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * sheet.width, ((event.clientY - box.top) / box.height) * sheet.height];
}

sheet.onpointerdown = (event) => {
  if (!event.isPrimary || event.button) return;
  event.preventDefault();
  sheet.setPointerCapture(event.pointerId);
  drawing = [place(event)];
  strokes.push(drawing);
  redraw();
};
sheet.onpointermove = (event) => {
  if (!drawing || !event.isPrimary) return;
  drawing.push(...(event.getCoalescedEvents?.() ?? []).map(place), place(event));
  redraw();
  timer ||= setTimeout(() => {
    timer = 0;
    if (drawing) readSheet();
  }, PAUSE);
};
sheet.onpointerup = sheet.onpointercancel = () => {
  if (!drawing) return;
  drawing = null;
  if (points() !== asked) readSheet();
};

function undo() {
  strokes.pop();
  redraw();
  readSheet();
}
$("undo").onclick = undo;
$("clear").onclick = () => {
  strokes.length = 1;
  undo();
};
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && strokes.length && !$("draw").hidden) undo();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
redraw();

// --- photos ---

const whereOf = ({ told, page }) => ({ page, rotated: told.rotated ?? 0 });

photos(chooseTab, async (file) => {
  const pages = await results(file, ({ stage, layer }, page) => {
    const { told, size } = page;
    boxes(layer, size, boxesOf(told, file, { where: whereOf(page) }));
    const text = make("strong", {}, told.text || "no digit"), source = make("span", { className: "quiet" }, `\n${told.source}`);
    return make("figure", {}, stage, make("figcaption", {}, text, source));
  });
  if ($("photos").hidden) return;
  show(pages.map(({ told }) => told.text || "no digit").join("\n\n"), pages[0].told.digits, file, whereOf(pages[0]));
});
