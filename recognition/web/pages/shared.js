// What all pages share: ask the program, draw boxes and bars, take photos.

const KEPT = 20; // pictures that stay on the page

export const $ = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const percent = (share) => `${Math.round(100 * share)} %`;

export function complain(reason) {
  $("error").textContent = reason;
  $("error").hidden = !reason;
}

// Show an error of what was asked, and take away the last one before.
export async function trying(work) {
  complain("");
  try {
    return await work();
  } catch (error) {
    complain(error.message);
  }
}

export async function post(path, body, options = {}) {
  let answer;
  try {
    answer = await fetch(`/${path}?${new URLSearchParams(options)}`, { method: "POST", body });
  } catch {
    if (body instanceof File) await readable(body);
    throw new Error("The program does not answer: is it still running in its terminal?");
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  let told = { error: text.slice(0, 200) || `error ${answer.status}` };
  try {
    told = JSON.parse(text);
  } catch {} // not from the program itself
  throw new Error(told.error);
}

async function readable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new Error(`${file.name}: the browser cannot read it: is it a folder, or was it changed or deleted? Choose it again`);
  }
}

// What the program tells of each page of a picture (of a PDF there are some, else one): its line of JSON, the size in
// pixels in which its boxes are, and its number from 1 on. `bad` gets why pages cannot be read, where others can.
export async function read(blob, name, bad = []) {
  const answer = await post("read", blob, { name });
  const sizes = answer.headers.get("x-size").split(",").map((size) => size.split("x").map(Number));
  const lines = (await answer.text()).trim().split("\n");
  const all = lines.map((line, k) => ({ told: JSON.parse(line), size: sizes[k] }));
  bad.push(...all.flatMap(({ told }) => told.error ?? []));
  return all.filter(({ told }) => !told.error).map(({ told, size }) => ({ told, size, page: told.frame + 1 }));
}

// Do the newest of what is asked for, when what runs is done; what came in between is left out.
export function newest(work) {
  let running = false, waiting = null;
  return async (asked) => {
    waiting = { asked };
    if (running) return;
    running = true;
    while (waiting) {
      const { asked } = waiting;
      waiting = null;
      try {
        await work(asked);
      } catch (error) {
        complain(error.message);
      }
    }
    running = false;
  };
}

export function tabs(shown = () => {}) {
  const list = [...document.querySelectorAll("[role=tab]")];
  const choose = (tab) => {
    for (const one of list) {
      one.setAttribute("aria-selected", one === tab);
      one.tabIndex = one === tab ? 0 : -1;
      $(one.getAttribute("aria-controls")).hidden = one !== tab;
    }
    shown(tab.getAttribute("aria-controls"));
  };
  list.forEach((tab, k) => {
    tab.onclick = () => choose(tab);
    tab.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = list[(k + step + list.length) % list.length];
      next.focus();
      choose(next);
    };
  });
  return (id) => choose(list.find((tab) => tab.getAttribute("aria-controls") === id));
}

// Take photos that are dropped anywhere on the page, pasted, or chosen, one after the other; tell of each that fails.
// Their tab is chosen once: who goes on to another one meanwhile stays there.
export function photos(chooseTab, take) {
  const zone = $("drop"), input = $("files");
  const look = async (files) => {
    const errors = [];
    complain("");
    for (const [k, file] of files.entries()) {
      $("progress").textContent = files.length > 1 ? `photo ${k + 1} of ${files.length} …` : "looking …";
      try {
        await take(file);
      } catch (error) {
        errors.push(error.message);
        complain(errors.join("\n"));
      }
    }
    $("progress").textContent = "";
  };
  let looked = Promise.resolve();
  const all = (files) => {
    if (files.length) chooseTab("photos");
    return (looked = looked.then(() => look(files)));
  };
  input.onchange = () => all([...input.files]).then(() => (input.value = ""));
  const over = (on) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", on);
  };
  document.addEventListener("dragover", over(true));
  document.addEventListener("dragleave", over(false));
  document.addEventListener("drop", (event) => {
    over(false)(event);
    all([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    if (event.target.closest("input[type=text]")) return; // a text that was copied may come with its picture
    if (event.clipboardData.files.length) all([...event.clipboardData.files]);
  });
}

// A page of a picture with a layer for boxes, as the program sees it where the browser cannot show the file; it is asked
// once `reading` is done: what cannot be read need not be shown, and the first page that can be is. The program turns
// a photo as its EXIF says, wherever that stands; Chromium does not in a WebP, or where a PNG has it at its end.
export async function picture(blob, name, page = 1, reading = null) {
  const image = make("img", { alt: page > 1 ? `${name}, page ${page}` : name });
  const layer = make("div", { className: "boxes" });
  const show = async (content) => {
    const address = URL.createObjectURL(content);
    try {
      await new Promise((onload, onerror) => Object.assign(image, { onload, onerror, src: address }));
    } finally {
      URL.revokeObjectURL(address);
    }
  };
  const preview = async () => {
    const read = await reading;
    await show(await (await post("preview", blob, { name, page: read?.[0].page ?? page })).blob());
  };
  const alike = ([{ size: [width, height] }]) => width > height === image.naturalWidth > image.naturalHeight;
  const head = await blob.slice(0, 12).text().catch(() => ""); // whatever the file is called
  if (page > 1 || /^RIFF[^]{1,4}WEBP/.test(head)) await preview();
  else {
    await show(blob).catch(preview);
    if (reading && !alike(await reading)) await preview();
  }
  return { stage: make("div", { className: "stage" }, image, layer), layer };
}

// Read a photo, and put a figure of each page on top of the results: `figure` makes it of the picture and what was read.
export async function results(file, figure) {
  const bad = [], reading = read(file, file.name, bad);
  const [pages, first] = await Promise.all([reading, picture(file, file.name, 1, reading)]);
  const list = $("results"), below = list.firstChild;
  const few = pages.length > KEPT ? pages.slice(0, KEPT - 1) : pages;
  if (few !== pages) list.insertBefore(make("p", { className: "quiet" }, `${file.name}: the first ${few.length} of ${pages.length} pages`), below);
  for (const page of few) {
    const shown = page === pages[0] ? first : await picture(file, file.name, page.page);
    list.insertBefore(figure(shown, page), below);
  }
  for (const reason of bad) list.insertBefore(make("p", { className: "bad" }, reason), below);
  while (list.children.length > KEPT) list.lastChild.remove();
  return pages;
}

// Draw boxes, { box, label, tone, action, name }, of a picture of that size on its layer. Those that are there are moved:
// a button that was replaced while it is pressed would not be clicked. `low`, `far`: its label would leave the picture.
export function boxes(layer, size, items) {
  while (layer.children.length > items.length) layer.lastChild.remove();
  items.forEach(({ box: [x1, y1, x2, y2], label, tone, action, name }, k) => {
    const element = layer.children[k] ?? layer.appendChild(make(action ? "button" : "div", action ? { type: "button" } : {}, make("span")));
    element.className = `box ${tone}${y1 < 0.07 * size[1] ? " low" : ""}${x1 > size[0] / 2 ? " far" : ""}`;
    element.firstChild.textContent = label;
    if (action) element.onclick = action;
    if (action) element.setAttribute("aria-label", name);
    const place = { left: x1 / size[0], top: y1 / size[1], width: (x2 - x1) / size[0], height: (y2 - y1) / size[1] };
    for (const [side, share] of Object.entries(place)) element.style[side] = `${100 * share}%`;
  });
}

// Draw bars, { name, share, tone, action, pressed }, all of them with an action or none; like boxes they are kept.
export function bars(list, items) {
  while (list.children.length > items.length) list.lastChild.remove();
  items.forEach(({ name, share, tone = "", action, pressed }, k) => {
    const item = list.children[k] ?? list.appendChild(bar(action));
    item.className = tone;
    item.querySelector(".name").textContent = name;
    item.querySelector(".fill").style.width = `${100 * share}%`;
    item.querySelector(".share").textContent = percent(share);
    if (action) item.firstChild.onclick = action;
    if (action) item.firstChild.setAttribute("aria-pressed", pressed);
  });
}

function bar(action) {
  const track = make("div", { className: "track" }, make("div", { className: "fill" }));
  const cells = [make("span", { className: "name" }), track, make("span", { className: "share" })];
  return make("li", {}, ...(action ? [make("button", { type: "button" }, ...cells)] : cells));
}

// Ask the user in a dialog. `field`: the label of a text to type; `agree`: a sentence to be ticked first.
// Return what was typed, "" without a field; null if the user thought better of it.
export function ask({ title, text, field, value = "", agree, button }) {
  const input = make("input", { type: "text", value, maxLength: 100, autocomplete: "off", required: true });
  const tick = make("input", { type: "checkbox", required: true });
  const form = make(
    "form",
    {},
    make("h2", { id: "ask-title" }, title),
    make("p", {}, text),
    ...(field ? [make("label", { className: "field" }, field, input)] : []),
    ...(agree ? [make("label", { className: "tick" }, tick, agree)] : []),
    make("div", { className: "row" }, make("button", { className: "main" }, button), make("button", { type: "button", onclick: () => dialog.close() }, "Cancel")),
  );
  const dialog = make("dialog", { "aria-labelledby": "ask-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  input.select();
  return new Promise((answered) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      answered(field ? input.value.trim() : "");
      dialog.close();
    };
    dialog.onclose = () => {
      answered(null);
      dialog.remove();
    };
  });
}
