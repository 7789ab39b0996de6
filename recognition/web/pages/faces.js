// The page of faces: photos and camera, who is known, and enrolling whoever is not.
import { Camera, Live } from "./camera.js";
import { $, ask, bars, boxes, make, photos, post, read, results, tabs, trying } from "./shared.js";

const SURE = 0.6; // confidence of a name from which on it is beyond doubt
const CONSENT = "I have asked this person, who agrees to be recognised here.";

// The photos may be from before, or show who is not listed yet; a program that was started anew may see others in them.
const live = new Live({}, async (started) => {
  if (listPeople(await (await post("people")).json()) || started) await again();
});
const chooseTab = tabs((panel) => {
  if (panel !== "camera") camera.stop();
  tellNobody();
});
const camera = new Camera(live, (told, blob, size) => {
  boxes($("video-boxes"), size, told ? boxesOf(told, blob, again) : []);
  if (told) show(told.faces);
});

// --- the answer ---

const shown = (face) => face.name ?? (face.perhaps ? `perhaps ${face.perhaps}` : "unknown");
const tone = (face) => (face.name === null ? "none" : face.confidence >= SURE ? "sure" : "doubt");

function boxesOf(told, blob, enrolled, page = 1) {
  return told.faces.map((face) => ({
    box: face.box,
    label: shown(face),
    tone: tone(face),
    name: face.name ? `${face.name}: add this picture` : `${shown(face)}: give this face a name`,
    action: () => trying(() => enroll(face, blob, page).then((done) => done && enrolled())),
  }));
}

function show(faces) {
  const sorted = [...faces].sort((a, b) => a.box[0] - b.box[0]);
  const names = sorted.filter((face) => face.name).map((face) => face.name);
  const others = faces.length - names.length;
  $("text").textContent = [...names, ...(others ? [others === 1 ? "one unknown" : `${others} unknown`] : [])].join(", ") || "no face";
  $("text").classList.toggle("empty", !faces.length);
  bars($("names"), sorted.map((face) => ({ name: shown(face), share: face.confidence, tone: tone(face) })));
}

function tellNobody() {
  $("text").textContent = "nobody yet";
  $("text").classList.add("empty");
  bars($("names"), []);
}

// --- people ---

// Ask for the name of a face, and enrol it; true if that was done.
async function enroll({ box, name, perhaps }, blob, page) {
  const asked = localStorage.getItem("asked") === "yes";
  const typed = await ask({
    title: name ? `Another picture of ${name}?` : "Who is this?",
    text: "What tells this face from others is computed and kept on this computer, with the part of the picture around it, till you forget the person.",
    field: "Name",
    value: name ?? perhaps ?? "",
    agree: asked ? null : CONSENT,
    button: "Enrol",
  });
  if (typed === null) return false;
  localStorage.setItem("asked", "yes");
  const options = { name: typed, box, page, consent: "yes" };
  let answer;
  try {
    answer = await post("enroll", blob, options);
  } catch (error) {
    if (!error.message.startsWith("looks like")) throw error;
    const reason = error.message.split(":")[0];
    if ((await ask({ title: `Is this really ${typed}?`, text: `This face ${reason}.`, button: `Enrol as ${typed}` })) === null) return false;
    answer = await post("enroll", blob, { ...options, force: 1 });
  }
  listPeople(await answer.json());
  return true;
}

// List them, and tell whether they changed since the last time: a name may be somebody else's by now.
let listed = "", known = 0;
function listPeople({ people, changes }) {
  const changed = known !== changes;
  known = changes;
  if (listed !== JSON.stringify(people)) { // else the focus would go
    listed = JSON.stringify(people);
    $("nobody").hidden = people.length > 0;
    $("people").replaceChildren(...people.map(row));
  }
  return changed;
}

// Portraits are fetched one after the other, when their row comes into view: there may be thousands.
const portraits = new Map();
let fetching = Promise.resolve();
const inView = new IntersectionObserver((rows) => {
  for (const { target: image, isIntersecting } of rows) {
    if (!isIntersecting) continue;
    inView.unobserve(image);
    const { name, key } = image.dataset;
    fetching = fetching.then(async () => {
      try {
        if (!portraits.has(key)) portraits.set(key, URL.createObjectURL(await (await post("portrait", null, { name })).blob()));
        image.src = portraits.get(key);
      } catch {} // forgotten meanwhile
    });
  }
});

function row({ name, photos }) {
  const image = make("img", { alt: "", width: 48, height: 48 });
  Object.assign(image.dataset, { name, key: `${photos} ${name}` });
  inView.observe(image);
  const button = (text, action) => make("button", { type: "button", "aria-label": `${text} ${name}`, onclick: () => trying(action) }, text);
  const count = make("div", { className: "quiet" }, photos === 1 ? "1 photo" : `${photos} photos`);
  return make("li", {}, image, make("div", {}, make("div", { className: "name" }, name), count), make("div", { className: "row" }, button("Rename", () => rename(name)), button("Forget", () => forget(name, photos))));
}

async function rename(name) {
  const typed = await ask({ title: `Rename ${name}`, text: "Their photos keep their place, under the new name.", field: "New name", value: name, button: "Rename" });
  if (typed === null || typed === name) return;
  let answer;
  try {
    answer = await post("rename", null, { name, new: typed });
  } catch (error) {
    const there = error.message.match(/^there is a (.+) already:/);
    if (!there) throw error;
    answer = await merge(name, there[1]);
  }
  if (answer) await changed(answer);
}

// Give the photos of a person to another one, if the user wants that; else return null.
async function merge(name, into) {
  const text = `All photos of ${name} become ${into}'s. In a terminal, people.py undo parts them again.`;
  if ((await ask({ title: `Are ${name} and ${into} one person?`, text, button: "Put together" })) === null) return null;
  try {
    return await post("merge", null, { name, into });
  } catch (error) {
    if (!error.message.includes("look like two people")) throw error;
    const doubt = { title: "Are you sure?", text: `${error.message.split(":")[0]}.`, button: "Put together nevertheless" };
    return (await ask(doubt)) === null ? null : post("merge", null, { name, into, force: 1 });
  }
}

async function forget(name, photos) {
  const text = `${photos === 1 ? "A photo" : `${photos} photos`} and all that was computed of them are deleted for good.`;
  if ((await ask({ title: `Forget ${name}?`, text, button: "Forget" })) !== null) await changed(await post("forget", null, { name }));
}

async function changed(answer) {
  const told = await answer.json();
  for (const address of portraits.values()) URL.revokeObjectURL(address);
  portraits.clear(); // a name may be somebody else's from now on
  listPeople(told);
  const left = [...(told.forgot?.networks ?? [])];
  if (told.forgot?.sidecars) left.push(`Sidecars beside ${told.forgot.sidecars} photos may have the name still: delete it there, too.`);
  await again();
  if (left.length) throw new Error(left.join(" "));
}

// --- photos ---

let looks = []; // what looks again at each photo on the page, the newest first
async function again() {
  looks = looks.filter(({ figure }) => figure.isConnected);
  const errors = new Set(); // of one photo, say, that was deleted meanwhile: the others can still be looked at
  for (const { look } of [...looks].reverse()) await look().catch((error) => errors.add(error.message));
  if (errors.size) throw new Error([...errors].join("\n"));
}

photos(chooseTab, async (file) => {
  const layers = [];
  const draw = ({ told, size, page }) => layers[page] && boxes(layers[page], size, boxesOf(told, file, again, page));
  const tell = (pages) => show(pages.flatMap(({ told }) => told.faces));
  let figure = null;
  const pages = await results(file, ({ stage, layer }, page) => {
    layers[page.page] = layer;
    draw(page);
    const made = make("figure", {}, stage, make("figcaption", { className: "quiet" }, page.told.source));
    figure ??= made; // the first page stays longest
    return made;
  });
  if (!$("photos").hidden) tell(pages);
  const look = async () => {
    const pages = await read(file, file.name);
    pages.forEach(draw);
    if (looks[0].look === look && !$("photos").hidden) tell(pages);
  };
  looks.unshift({ figure, look });
});
