/* Packet files are chosen or dropped, and each better picture is drawn here, with no server. */
"use strict";

const MAX_FILE_BYTES = 65536; /* as `satsim receive` reads of a file; no packet has more */
const station = new Station();
const incoming = new Map(); /* an image's name to what the page shows of it */
let worker = null;
let drawing = Promise.resolve(); /* one picture after the other */

/* What a script element holds, which is then let go: the worker has it. */
function taken(id) {
  const text = find(id).textContent.trim();
  find(id).remove();
  return text;
}

/* Ask the worker for one picture; `drawing` sees to it that it is asked for one at a time. */
function asked(message) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.error === undefined ? resolve(data.pixels) : reject(new Error(data.error)));
    worker.onerror = (event) => reject(new Error(event.message || "the decoder cannot be started in this browser"));
    worker.postMessage(message);
  });
}

/* The format of an image that is a file, which the browser reads; undefined for a model's. */
const fileOf = ({ fingerprint }) => given.files.find((file) => file.fingerprint === fingerprint);

/* The decoder that an image's header asks for; throws where there is none, as satsim.gallery. */
function decoderOf({ fingerprint, nStages, bitsPerIndex, factor }) {
  const found = given.decoders.find((decoder) => decoder.fingerprint === fingerprint);
  if (!found) {
    const known = [...given.decoders.map(({ name }) => name), ...given.files.map(({ title }) => title)].join(", ");
    throw new Error(`fingerprint ${hex(fingerprint, 4)} is none of ${known}, which this page draws`);
  }
  if (found.bitsPerIndex !== bitsPerIndex || found.factor !== factor || nStages > found.nStages) {
    throw new Error(`its N, L and f are not those of model ${found.name}`);
  }
  return found;
}

/* What the worker draws a model's stages from; ONNX Runtime and each graph go there once. */
function modelMessage(image, stages) {
  const { graphId, ...decoder } = decoderOf(image);
  const message = { decoder, image, stages };
  if (find("runtime-module")) message.runtime = { module: taken("runtime-module"), wasm: taken("runtime-wasm") };
  if (find(graphId)) message.graph = { base64: taken(graphId), nBytes: decoder.nBytes };
  return message;
}

/* The pixels of the stages, `[[number, bytes], ...]`, of an image. */
function pixelsFrom(image, stages) {
  const file = fileOf(image);
  const message = file ? { file, image, stages } : modelMessage(image, stages);
  worker ??= new Worker(URL.createObjectURL(new Blob([taken("worker")], { type: "text/javascript" })));
  return asked(message);
}

/* What an image is coded with, in its title. */
function codecText(image) {
  const file = fileOf(image);
  if (file) return `${file.title} file`;
  const known = given.decoders.find((decoder) => decoder.fingerprint === image.fingerprint);
  return `${known ? `model ${known.name}` : "unknown model"}, ${image.nStages} stages`;
}

function buildIncoming(image) {
  const { name, taken: when, imageId, width, height } = image;
  const parts = {
    canvas: make("canvas", { width, height, hidden: true }),
    empty: make("p", { className: "empty" }, "No picture yet"),
    held: make("dd", {}, "–"),
    packets: make("dd", {}, "–"),
    bytes: make("dd", {}, "–"),
    says: make("p", { className: "waits" }),
    film: make("div", { className: "film" }),
    save: make("button", { className: "save", hidden: true }),
    shown: "",
    nAsked: 0, /* pictures, drawn or on their way */
  };
  parts.canvas.setAttribute("role", "img");
  const title = make("h2", { id: `title-${name}` }, `Image ${imageId} `);
  title.append(make("span", { className: "soft" }, `taken ${when.replace("T", " ")}, ${width}x${height} pixels, ${codecText(image)}`));
  const frame = make("div", { className: "frame" }, parts.canvas, parts.empty);
  frame.style.aspectRatio = `${width} / ${height}`;
  const pair = (term, value) => make("div", {}, make("dt", {}, term), value);
  const numbers = make("dl", {}, pair("stages", parts.held), pair("packets", parts.packets), pair("bytes", parts.bytes));
  const card = make("article", { className: "card lead" }, title, frame, numbers, parts.says, parts.film, parts.save);
  card.setAttribute("aria-labelledby", title.id);
  parts.save.addEventListener("click", () => save(parts.canvas, `${name}-${parts.shown}.png`));
  find("images").append(card);
  return parts;
}

function save(canvas, name) {
  canvas.toBlob((blob) => {
    const address = URL.createObjectURL(blob);
    make("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000); /* by then the browser has it */
  });
}

/* Put a picture into its frame; `shot` is its button in the film. */
function show(parts, shot) {
  const picture = shot.querySelector("canvas");
  parts.canvas.getContext("2d").drawImage(picture, 0, 0);
  parts.canvas.setAttribute("aria-label", `Picture of stages ${shot.title}`);
  parts.canvas.hidden = parts.save.hidden = false;
  parts.empty.hidden = true;
  parts.shown = shot.title;
  parts.save.textContent = `Save the picture of stages ${shot.title}`;
  for (const each of parts.film.children) each.setAttribute("aria-pressed", each === shot);
}

function addShot(parts, { width, height }, text, pixels) {
  const picture = make("canvas", { width, height });
  picture.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
  const shot = make("button", { className: "shot", title: text }, picture);
  shot.setAttribute("aria-label", `Picture of stages ${text}`);
  shot.addEventListener("click", () => show(parts, shot));
  parts.film.append(shot);
  show(parts, shot);
}

/* Say what is held of an image, and what came of it. */
function tell(image, parts, { stages, nPackets, nBytes }, said) {
  const text = stagesText(stages);
  [parts.held, parts.packets, parts.bytes].forEach((part, place) => (part.textContent = [text || "–", nPackets, nBytes][place]));
  parts.says.textContent = said;
  find("drawn").textContent = `Image ${image.imageId}${text && `, stages ${text}`}: ${said}`;
}

/* Say how much of a file is there: nothing of it can be shown before it is whole. */
function awaitFile({ title }, gathering, parts) {
  const { image, holdings, nPackets, nBytes, share } = gathering;
  const stages = holdings.at(-1)?.stages ?? [];
  tell(image, parts, { stages, nPackets, nBytes }, `${share.join(" of ")} packets of ${title}; no part of the file can be shown.`);
}

/* Draw what an image holds after one more packet, when those before it are drawn. */
async function drawHolding(image, parts, holding, payloads) {
  const { stages } = holding;
  const [text, isComplete] = [stagesText(stages), stages.length === image.nStages];
  const isStarted = fileOf(image) || !find("runtime-module");
  parts.says.textContent = isStarted ? `Drawing stages ${text}.` : "Starting the decoder.";
  let said = isComplete ? "All there is." : `${image.nStages - stages.length} of ${image.nStages} stages to come.`;
  try {
    addShot(parts, image, text, await pixelsFrom(image, payloads));
  } catch (error) {
    said = `No picture of stages ${text}: ${error.message}`;
  }
  tell(image, parts, holding, said);
}

/* Have drawn what is new of an image: each better picture, or its file once it is whole. */
function drawNew(gathering, parts) {
  const { image, holdings, isComplete } = gathering;
  const file = fileOf(image);
  if (file && !isComplete) {
    awaitFile(file, gathering, parts);
    return;
  }
  for (const holding of (file ? holdings.slice(-1) : holdings).slice(parts.nAsked)) {
    parts.nAsked += 1;
    const payloads = holding.stages.map((stage) => [stage, gathering.stages.get(stage)]);
    drawing = drawing.then(() => drawHolding(image, parts, holding, payloads));
  }
}

function addRow(row) {
  const people = row.stage.replace(/\d+/g, (stage) => Number(stage) + 1);
  const what = row.detail ? `${row.event}: ${row.detail}` : row.event;
  const image = station.images.get(row.image)?.image.imageId ?? "";
  const cells = [row.packet, row.source, image, people, row.bytes, what].map((cell) => make("td", {}, String(cell)));
  find("taken").prepend(make("tr", { className: row.event }, ...cells));
}

function heardText(nAgain) {
  const { received, duplicate, rejected } = station.counts;
  const reasons = Object.entries(station.reasons).sort().map(([reason, count]) => `${reason} ${count}`);
  const why = reasons.length ? ` (${reasons.join(", ")})` : "";
  const again = nAgain ? `; ${nAgain} read before` : "";
  return `Packets ${received} received, ${duplicate} duplicate, ${rejected} rejected${why}${again}`;
}

/* Take one file in and have what it makes better drawn; tell whether it is a new one. */
function take(name, data) {
  const row = station.take(name, data);
  if (!row) return false;
  addRow(row);
  const gathering = station.images.get(row.image);
  if (!gathering) return true;
  if (!incoming.has(row.image)) incoming.set(row.image, buildIncoming(gathering.image));
  drawNew(gathering, incoming.get(row.image));
  return true;
}

/* Take files in by name, as `satsim receive` reads a folder. */
async function takeFiles(files) {
  const refused = [];
  let nAgain = 0;
  for (const file of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    try {
      const data = new Uint8Array(await file.slice(0, MAX_FILE_BYTES).arrayBuffer());
      if (!take(file.name, data)) nAgain += 1;
    } catch (error) {
      refused.push(`${file.name}: found a folder, or what cannot be read (${error.message}); allowed: files`);
    }
  }
  find("heard").textContent = heardText(nAgain);
  find("packets-wrong").textContent = refused.join("\n");
  find("packets-wrong").hidden = !refused.length;
  find("taken-log").hidden = !station.rows.length;
}

find("packets").addEventListener("change", () => takeFiles(find("packets").files));
takeDrops(find("packets-drop"), takeFiles);
