// What all pages share: ask the program, draw boxes and bars, take photos and the camera's frames.

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

// The lines of JSON that the program has for a picture, and the size in pixels in which their boxes are.
export async function read(blob, name) {
  const answer = await post("read", blob, { name });
  const size = answer.headers.get("x-size").split(",")[0].split("x").map(Number);
  return { lines: (await answer.text()).trim().split("\n").map(JSON.parse), size };
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
      await trying(() => work(asked));
    }
    running = false;
  };
}

// The connection that tells whether the program runs, and takes the camera's frames.
export class Live {
  constructor(options = {}) {
    this.options = options;
    this.answered = () => {};
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(`ws${location.protocol.slice(4)}//${location.host}/live?${new URLSearchParams(this.options)}`);
    this.socket.onmessage = (message) => this.hear(JSON.parse(message.data));
    this.socket.onclose = () => {
      this.ready = false;
      document.body.dataset.state = "ended";
      $("status").textContent = "The program has ended, or is busy elsewhere. Start it again in its terminal; this page then goes on.";
      setTimeout(() => this.connect(), 1500);
    };
  }

  hear(told) {
    if (told.note) $("status").textContent = told.note;
    else if (told.ready) {
      this.ready = true;
      document.body.dataset.state = "ready";
      $("status").textContent = "Ready. Nothing leaves this computer.";
      this.answered({ again: true });
    } else this.answered(told);
  }

  // Begin anew, with other options.
  again(options) {
    this.options = options;
    this.socket.onclose = null;
    this.socket.close();
    this.connect();
  }

  send(blob) {
    if (this.ready && this.socket.readyState === WebSocket.OPEN) this.socket.send(blob);
  }
}

// A camera's picture with what is seen in it: one frame is on its way at a time, always the newest.
export class Camera {
  constructor(live, show, width = 640) {
    Object.assign(this, { live, show, width, video: $("video"), button: $("start"), note: $("rate") });
    this.canvas = document.createElement("canvas");
    this.button.onclick = () => trying(() => (this.stream ? this.stop() : this.start()));
    live.answered = (told) => this.hear(told);
  }

  async start() {
    if (!navigator.mediaDevices) throw new Error("The browser lets a page use the camera only on this computer itself, or over https: take a photo instead.");
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, facingMode: "environment" } });
    } catch (error) {
      const reasons = { NotAllowedError: "The browser was not allowed to use the camera: allow it beside the address, then start again.", NotFoundError: "No camera was found: plug one in, then start again.", NotReadableError: "Another program uses the camera: end it, then start again." };
      throw new Error(reasons[error.name] || `The camera cannot be used: ${error.message}`);
    }
    for (const track of this.stream.getTracks()) track.onended = () => this.stop("The camera is gone.");
    this.video.srcObject = this.stream;
    await this.video.play();
    this.button.textContent = "Stop camera";
    this.busy = false;
    this.times = [];
    this.watch();
  }

  stop(reason = "") {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = this.video.srcObject = null;
    this.button.textContent = "Start camera";
    this.note.textContent = reason;
    this.show(null);
  }

  watch() {
    if (!this.stream) return;
    this.fresh = true;
    this.grab();
    const next = () => this.watch();
    this.video.requestVideoFrameCallback ? this.video.requestVideoFrameCallback(next) : setTimeout(next, 33);
  }

  async grab() {
    if (this.busy || !this.fresh || !this.stream || !this.live.ready) return;
    this.busy = true;
    this.fresh = false;
    const scale = Math.min(1, this.width / this.video.videoWidth);
    this.canvas.width = Math.round(scale * this.video.videoWidth);
    this.canvas.height = Math.round(scale * this.video.videoHeight);
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    this.taken = performance.now();
    this.size = [this.canvas.width, this.canvas.height];
    this.blob = await new Promise((done) => this.canvas.toBlob(done, "image/jpeg", 0.85));
    this.live.send(this.blob);
  }

  hear(told) {
    this.busy = false;
    if (!this.stream) return;
    if (told.error) complain(told.error);
    else if (!told.again) {
      this.show(told, this.blob, this.size);
      const now = performance.now();
      this.times = [...this.times.filter((time) => now - time < 2000), now];
      const rate = this.times.length > 1 ? (1000 * (this.times.length - 1)) / (now - this.times[0]) : 0;
      this.age = now - this.taken;
      this.note.textContent = `${Math.round(rate)} answers a second, ${Math.round(this.age)} ms old`;
    }
    this.grab();
  }
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

// Take photos that are dropped anywhere on the page, pasted, or chosen, one after the other.
export function photos(zone, input, take) {
  const all = async (files) => {
    let done = 0;
    for (const file of files) {
      $("progress").textContent = files.length > 1 ? `photo ${++done} of ${files.length} …` : "looking …";
      await trying(() => take(file));
    }
    $("progress").textContent = "";
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
    if (event.clipboardData.files.length) all([...event.clipboardData.files]);
  });
}

// A picture with a layer for boxes, as the program sees it where the browser cannot show the file.
export async function picture(blob, name) {
  const image = make("img", { alt: name });
  const layer = make("div", { className: "boxes" });
  const show = async (content) => {
    image.src = URL.createObjectURL(content);
    try {
      await image.decode();
    } finally {
      URL.revokeObjectURL(image.src);
    }
  };
  try {
    await show(blob);
  } catch {
    await show(await (await post("preview", blob, { name })).blob());
  }
  return { stage: make("div", { className: "stage" }, image, layer), layer };
}

// Draw boxes, { box, label, tone, action, name }, of a picture of that size on its layer.
export function boxes(layer, size, items) {
  layer.replaceChildren(
    ...items.map(({ box: [x1, y1, x2, y2], label, tone, action, name }) => {
      const element = make(action ? "button" : "div", { className: `box ${tone}${y1 < 0.07 * size[1] ? " low" : ""}` });
      if (label) element.append(make("span", {}, label));
      if (action) Object.assign(element, { onclick: action, type: "button", ariaLabel: name });
      const place = { left: x1 / size[0], top: y1 / size[1], width: (x2 - x1) / size[0], height: (y2 - y1) / size[1] };
      for (const [side, share] of Object.entries(place)) element.style[side] = `${100 * share}%`;
      return element;
    }),
  );
}

// Draw bars, { name, share, tone, action, pressed }.
export function bars(list, items) {
  list.replaceChildren(
    ...items.map(({ name, share, tone = "", action, pressed }) => {
      const fill = make("div", { className: "fill" });
      fill.style.width = `${100 * share}%`;
      const cells = [make("span", { className: "name" }, name), make("div", { className: "track" }, fill), make("span", { className: "share" }, percent(share))];
      const item = make("li", { className: tone });
      item.append(...(action ? [make("button", { type: "button", onclick: action, ariaPressed: pressed }, ...cells)] : cells));
      return item;
    }),
  );
}
