// The page of objects: photos, camera, and classes of one's own.
import { Camera, Live } from "./camera.js";
import { $, bars, make, photos, picture, post, results, tabs, trying } from "./shared.js";

const EVERY = 130; // ms from one image to the next while a button is held
const NONE = "none of these";

const live = new Live({}, async () => tell(await post("own")));
const camera = new Camera(live, (told) => told && show(told));
const chooseTab = tabs((panel) => {
  show({ known: false, top: [] });
  if (panel === "photos") camera.stop();
  else {
    $(panel).prepend($("view"));
    const options = panel === "own" ? { model: "own" } : {};
    if (options.model !== live.options.model) live.again(options);
  }
});

// --- the answer ---

function show({ known, top }) {
  $("text").textContent = known ? top[0].label : top.length ? NONE : "nothing yet";
  $("text").classList.toggle("empty", !top.length);
  $("nearest").textContent = top.length && !known ? `The nearest is ${top[0].label}.` : "";
  bars($("top"), top.map((one, k) => ({ name: one.label, share: one.confidence, tone: known && k === 0 ? "sure" : "" })));
}

// --- photos ---

photos(chooseTab, async (file) => {
  const figures = [];
  const pages = await results(file, ({ stage }, { told }) => {
    const answer = make("strong", {}, told.known ? told.top[0].label : NONE);
    figures.push(make("figure", {}, stage, make("figcaption", {}, answer, make("span", { className: "quiet" }, ` ${told.source}`))));
    return figures.at(-1);
  });
  if (!$("photos").hidden) show(pages[0].told);
  if (!$("explain").checked) return;
  for (const [k, figure] of figures.entries()) {
    const { told: { source, top: [{ label }] }, page } = pages[k];
    const coloured = await picture(await (await post("explain", file, { page })).blob(), `${source}: what spoke for ${label}`);
    figure.firstChild.replaceWith(coloured.stage);
    figure.lastChild.append(make("div", { className: "quiet" }, `What speaks for ${label}: yellow most; where nothing is yellow, no place alone does.`));
  }
});

// --- own classes ---

const fields = $("fields");
let changing = false, polling = 0; // whether classes are named that have begun; when a model that is made is looked after

function nameFields(names) {
  fields.replaceChildren();
  names.forEach(addField);
}

function addField(value = "") {
  const number = fields.children.length + 1;
  const input = make("input", { type: "text", value, maxLength: 100, required: number < 3, autocomplete: "off", placeholder: ["cup", "book", NONE][number - 1] ?? "" });
  fields.append(make("label", {}, `Class ${number}`, input));
  $("more").disabled = number >= 9;
}

$("more").onclick = () => {
  addField();
  fields.lastChild.querySelector("input").focus();
};

$("change").onclick = () => {
  changing = true;
  nameFields([...$("classes").children].map((row) => row.dataset.name));
  $("naming").hidden = false;
  $("collecting").hidden = true;
  $("keep").hidden = false;
  fields.querySelector("input").focus();
};

$("keep").onclick = () => {
  changing = false;
  live.refresh();
};

$("naming").onsubmit = (event) => {
  event.preventDefault();
  const names = [...fields.querySelectorAll("input")].map((input) => input.value.trim()).filter(Boolean);
  trying(async () => {
    const bad = names.find((name) => name.includes("|")); // which stands between names
    if (bad) throw new Error(`the name '${bad}' has a |: choose another one`);
    const answer = await post("begin", null, { names: names.join("|") });
    changing = false;
    await tell(answer);
    if (!camera.stream) await camera.start();
  });
};

// Show how far it is, and again while a model is made.
async function tell(answer) {
  const { classes, note, saving, model, there } = await answer.json();
  const begun = Object.keys(classes).length > 0;
  if (!begun && !fields.children.length) nameFields(there.length > 1 ? there : [...there, "", ""].slice(0, 2));
  $("naming").hidden = begun && !changing;
  $("collecting").hidden = !$("naming").hidden;
  $("keep").hidden = !changing;
  for (const row of [...$("classes").children]) if (!(row.dataset.name in classes)) row.remove();
  for (const [name, count] of Object.entries(classes)) {
    const row = [...$("classes").children].find((one) => one.dataset.name === name) ?? $("classes").appendChild(newRow(name));
    row.querySelector(".quiet").textContent = count === 1 ? "1 image" : `${count} images`;
  }
  $("note").textContent = note?.replace(/^saved: python (\S+) --model (.*)$/, `Saved as the model ${model}. Anywhere: python $1 --model $2`) || "Hold a button to collect images of a class; five of each are enough to train.";
  clearTimeout(polling);
  if (saving) polling = setTimeout(live.refresh, 1000);
}

function newRow(name) {
  const button = make("button", { type: "button", "aria-label": `Hold to collect images of ${name}` }, "Hold to collect");
  const row = make("li", {}, make("div", {}, make("div", { className: "name" }, name), make("div", { className: "quiet" })), button);
  row.dataset.name = name;
  let held = null; // the press that lasts
  const release = () => {
    held = null;
    button.classList.remove("held");
  };
  const hold = async () => {
    if (held) return;
    const mine = (held = {});
    button.classList.add("held");
    while (held === mine) {
      const next = new Promise((done) => setTimeout(done, EVERY));
      await trying(async () => {
        if (!camera.stream) await camera.start();
        const blob = held === mine && (await camera.photo());
        if (blob) tell(await post("take", blob, { name }));
      });
      await next;
    }
  };
  button.onpointerdown = (event) => {
    button.setPointerCapture(event.pointerId);
    hold();
  };
  button.onpointerup = button.onpointercancel = button.onblur = release;
  button.onkeydown = (event) => [" ", "Enter"].includes(event.key) && (event.preventDefault(), hold());
  button.onkeyup = release;
  button.oncontextmenu = (event) => event.preventDefault(); // a finger that is held
  return row;
}

$("train").onclick = () =>
  trying(async () => {
    $("note").textContent = "Learning …";
    await tell(await post("train").finally(() => ($("note").textContent = "")));
  });
$("undo").onclick = () => trying(async () => tell(await post("undo")));
