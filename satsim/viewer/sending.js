/* The form: a photo and a link go to the server, the run's progress comes back, and the run is put on the page. */
"use strict";

const PAPER = { title: "the paper's: 360 bytes a minute", payload_bytes: 360, interval_s: 60 };
const presets = { "": PAPER, ...given.presets };
let runId = null; /* the run that is being computed or shown */
let progress = null; /* the stream of server-sent events */

function complain(place, text) {
  find(place).textContent = text;
  find(place).hidden = !text;
}

/* Bytes of a packet with one stage of a square picture: ten bits a cell of 16x16 pixels, and our header. */
const packetBytes = (side_px) => Math.ceil(((side_px / 16) ** 2 * 10) / 8) + given.header_bytes;

function choosePreset() {
  const preset = presets[find("preset").value];
  find("payload_bytes").value = preset.payload_bytes;
  find("interval_s").value = preset.interval_s ?? "";
  find("preset-note").textContent = preset.note || "";
  const fitting = given.sides_px.filter((side_px) => packetBytes(side_px) <= preset.payload_bytes && side_px <= 256);
  find("side_px").value = Math.max(...(fitting.length ? fitting : given.sides_px.slice(0, 1)));
}

/* The window's minutes are asked for where there is one; it is open for no longer than from opening to opening. */
function chooseWindow() {
  for (const name of ["open_min", "every_min"]) {
    find(name).disabled = find(name).parentElement.hidden = !find("window").value;
  }
  find("open_min").max = find("every_min").value;
}

function query() {
  const photo = find("photo").files[0];
  const names = ["preset", "payload_bytes", "interval_s", "loss_percent", "mean_burst", "repair", "window", "open_min", "every_min",
    "side_px", "stages", "seed"];
  const fields = new URLSearchParams(names.map((name) => [name, find(name).value]));
  fields.set("name", photo.name);
  document.querySelectorAll("[name=scheme]:checked").forEach((box) => fields.append("scheme", box.value));
  return fields;
}

async function send(event) {
  event.preventDefault();
  complain("form-wrong", "");
  const photo = find("photo").files[0];
  if (photo.size > given.max_mb * 1_000_000) {
    complain("form-wrong", `${photo.name}: found ${Math.ceil(photo.size / 1_000_000)} MB; allowed: at most ${given.max_mb}`);
    return;
  }
  try {
    const answer = await fetch(`/runs?${query()}`, { method: "POST", body: photo });
    const said = await answer.json();
    if (answer.ok) location.hash = said.id;
    else complain("form-wrong", said.error);
  } catch {
    complain("form-wrong", "The server does not answer; is satsim serve still running?");
  }
}

/* Follow the run that the address names: its progress, then the run itself. */
function follow() {
  runId = location.hash.slice(1) || given.first;
  if (progress) progress.close();
  if (!runId) return;
  complain("wrong", "");
  progress = new EventSource(`/runs/${encodeURIComponent(runId)}/progress`);
  progress.onmessage = (message) => report(JSON.parse(message.data));
  progress.onerror = () => {
    if (progress.readyState === EventSource.CLOSED) end("The server knows no such run.");
    else find("step").textContent = "The server does not answer; trying again.";
  };
}

function end(text) {
  progress.close();
  find("working").hidden = true;
  complain("wrong", text);
}

function report({ state, step, done, error }) {
  find("working").hidden = false;
  find("done").value = done;
  find("step").textContent = step;
  if (state === "failed" || state === "cancelled") end(error || "Stopped.");
  if (state === "done") {
    end("");
    fetchRun();
  }
}

async function fetchRun() {
  const own = `/runs/${encodeURIComponent(runId)}`;
  const answer = await fetch(`${own}/playback.json`);
  if (!answer.ok) {
    complain("wrong", (await answer.json()).error);
    return;
  }
  openRun(await answer.json());
  find("get-folder").href = `${own}/folder.zip`;
  find("get-scenario").href = `${own}/scenario.yaml`;
  find("get-report").href = `${own}/report.html`;
  find("downloads").hidden = false;
  find("send").open = false;
  find("play").focus();
}

function dropped(event) {
  event.preventDefault();
  find("drop").classList.remove("over");
  if (event.dataTransfer.files.length) find("photo").files = event.dataTransfer.files;
}

find("preset").append(...Object.entries(presets).map(([name, preset]) => new Option(preset.title, name)));
find("preset").addEventListener("change", choosePreset);
["window", "every_min"].forEach((name) => find(name).addEventListener("input", chooseWindow));
find("form").addEventListener("submit", send);
find("cancel").addEventListener("click", () => fetch(`/runs/${encodeURIComponent(runId)}/cancel`, { method: "POST" }));
find("drop").addEventListener("dragover", (event) => event.preventDefault());
find("drop").addEventListener("dragenter", () => find("drop").classList.add("over"));
find("drop").addEventListener("dragleave", () => find("drop").classList.remove("over"));
find("drop").addEventListener("drop", dropped);
window.addEventListener("hashchange", follow);
choosePreset();
chooseWindow();
follow();
