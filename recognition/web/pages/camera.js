// The connection to the program, and the camera's frames that go over it.
import { $, complain, trying } from "./shared.js";

// The connection that tells whether the program runs, and takes the camera's frames. `refresh`: shows what the program
// has, when it is ready, `refresh(true)`, and when the user comes back to the page: another page, or program, may have
// changed it.
export class Live {
  constructor(options = {}, refresh = async () => {}) {
    Object.assign(this, { options, refresh: (started) => refresh(started).catch((error) => complain(error.message)) });
    this.answered = () => {};
    this.connect();
    document.addEventListener("visibilitychange", () => document.hidden || !this.ready || this.refresh());
  }

  connect() {
    clearTimeout(this.timer); // one connection is enough
    this.socket = new WebSocket(`ws${location.protocol.slice(4)}//${location.host}/live?${new URLSearchParams(this.options)}`);
    this.socket.onmessage = (message) => this.hear(JSON.parse(message.data));
    this.socket.onclose = () => {
      this.ready = false;
      document.body.dataset.state = "ended";
      $("status").textContent = "The program has ended, or is busy elsewhere. Start it again in its terminal; this page then goes on.";
      this.timer = setTimeout(() => this.connect(), 1500);
    };
  }

  hear(told) {
    if (told.page && told.page !== document.body.dataset.page) location.reload(); // another program has this address now
    else if (told.note) $("status").textContent = told.note;
    else if (told.ready) {
      this.ready = true;
      if (document.body.dataset.state === "ended") complain("");
      this.refresh(true);
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

  // Start, unless that is being done; `stop` meanwhile, as by leaving its tab, ends it.
  async start() {
    if (this.starting) return;
    const starting = (this.starting = {});
    try {
      const stream = await this.open();
      if (this.starting !== starting) for (const track of stream.getTracks()) track.stop();
      else await this.run(stream);
    } finally {
      if (this.starting === starting) this.starting = null;
    }
  }

  async open() {
    if (!navigator.mediaDevices) throw new Error("The browser lets a page use the camera only on this computer itself, or over https: take a photo instead.");
    try {
      return await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, facingMode: "environment" } });
    } catch (error) {
      const reasons = { NotAllowedError: "The browser was not allowed to use the camera: allow it beside the address, then start again.", NotFoundError: "No camera was found: plug one in, then start again.", NotReadableError: "Another program uses the camera: end it, then start again." };
      throw new Error(reasons[error.name] || `The camera cannot be used: ${error.message}`);
    }
  }

  async run(stream) {
    this.stream = this.video.srcObject = stream;
    for (const track of stream.getTracks()) track.onended = () => this.stop("The camera is gone.");
    try {
      await this.video.play();
    } catch (error) {
      if (this.stream === stream) throw error;
    }
    if (this.stream !== stream) return; // stopped meanwhile, perhaps started anew
    this.button.textContent = "Stop camera";
    this.busy = false;
    this.times = [];
    this.watch(stream);
  }

  stop(reason = "") {
    this.starting = null;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = this.video.srcObject = null;
    this.button.textContent = "Start camera";
    this.note.textContent = reason;
    this.show(null);
  }

  watch(stream) {
    if (this.stream !== stream) return; // a camera that was started anew has its own
    this.fresh = true;
    this.grab();
    const next = () => this.watch(stream);
    this.video.requestVideoFrameCallback ? this.video.requestVideoFrameCallback(next) : setTimeout(next, 33);
  }

  async grab() {
    if (this.busy || !this.fresh || !this.stream || !this.live.ready) return;
    this.busy = true;
    this.fresh = false;
    this.taken = performance.now();
    this.blob = await this.photo();
    this.live.send(this.blob);
  }

  // What the camera shows now, as a JPEG; `size`: its width and height.
  photo() {
    const scale = Math.min(1, this.width / this.video.videoWidth);
    this.canvas.width = Math.round(scale * this.video.videoWidth);
    this.canvas.height = Math.round(scale * this.video.videoHeight);
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    this.size = [this.canvas.width, this.canvas.height];
    return new Promise((done) => this.canvas.toBlob(done, "image/jpeg", 0.85));
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
