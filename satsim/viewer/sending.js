/* The form: a photo and a link go to the server, the run's progress comes back, and the run is put on the page. */
"use strict";

const PAPER = { title: "paper: 360 bytes a minute", payload_bytes: 360, interval_s: 60 };
const presets = { "": PAPER, ...given.presets };
let runId = null; /* the run that is being computed or shown */
let progress = null; /* the stream of server-sent events */
let isSending = false;

function complain(place, text) {
  find(place).textContent = text;
  find(place).hidden = !text;
  if (text) find(place).scrollIntoView({ block: "nearest" });
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

/* What a choice takes is asked for where it is made: data-when="window listed" names the choice and its value.
   A window is open for no longer than from opening to opening. */
function choose() {
  for (const label of document.querySelectorAll("[data-when]")) {
    const [choice, value] = label.dataset.when.split(" ");
    label.hidden = label.control.disabled = find(choice).value !== value;
  }
  find("open_min").max = find("every_min").value;
}

/* The form's fields, without those that its choices do not take; files are sent in the body, the trace last. */
function query(photo, trace) {
  const parts = [...find("form").elements].filter(({ id, type, disabled }) => id && type !== "file" && !disabled);
  const fields = new URLSearchParams(parts.map(({ id, value }) => [id, value]));
  fields.set("name", photo.name);
  fields.set("trace_bytes", trace?.size ?? 0);
  document.querySelectorAll("[name=scheme]:checked").forEach((box) => fields.append("scheme", box.value));
  return fields;
}

/* The bytes of the file that was chosen; throws what is wrong with it. */
async function bytesOf([file, ...others], mostMb) {
  if (others.length) throw new Error(`found ${others.length + 1} files; allowed: one`);
  if (file.size > mostMb * 1_000_000) {
    throw new Error(`${file.name}: found ${Math.ceil(file.size / 1_000_000)} MB; allowed: at most ${mostMb}`);
  }
  try {
    return await file.arrayBuffer();
  } catch { /* a folder that was dropped, or a file that was changed or taken away since */
    throw new Error(`${file.name}: cannot be read; allowed: a file; choose it again if it was changed since`);
  }
}

/* What the server answers; throws what it finds wrong, or that it is silent. */
async function ask(address, request) {
  let answer, said;
  try {
    answer = await fetch(address, request);
    said = await answer.json();
  } catch {
    throw new Error("The server does not answer; is satsim serve still running?");
  }
  if (!answer.ok) throw new Error(said.error);
  return said;
}

/* What the server finds wrong, with the form's words for a field in the place of its key: "TLE", not "link.windows.tle". */
const inWords = (said) =>
  said.replace(/^(?:[\w.]+\.)?(\w+)(?=[:,])/gm, (key, id) => find(id)?.labels?.[0]?.firstChild.textContent.match(/[^:(]+/)[0].trim() ?? key);

async function send(event) {
  event.preventDefault();
  if (isSending) return; /* a second click */
  isSending = true;
  const photos = find("photo").files;
  const traces = find("trace").disabled ? [] : find("trace").files;
  const body = [];
  complain("form-wrong", "");
  try {
    body.push(await bytesOf(photos, given.max_mb));
    if (traces.length) body.push(await bytesOf(traces, given.max_trace_mb));
    const { id } = await ask(`/runs?${query(photos[0], traces[0])}`, { method: "POST", body: new Blob(body) });
    location.hash = id;
  } catch (error) {
    complain("form-wrong", inWords(error.message));
  }
  isSending = false;
}

/* Follow the run that the address names: its progress, then the run itself. */
function follow() {
  runId = location.hash.slice(1) || given.first;
  if (progress) end("");
  if (!runId && shownRun) location.reload(); /* back at the form, as the page begins */
  if (!runId) return;
  progress = new EventSource(`/runs/${encodeURIComponent(runId)}/progress`);
  progress.onmessage = (message) => report(JSON.parse(message.data));
  progress.onerror = () => {
    if (progress.readyState === EventSource.CLOSED) {
      end("The server knows no such run.");
    } else {
      find("working").hidden = false;
      find("step").textContent = "The server does not answer; trying again.";
    }
  };
}

function end(text) {
  progress.close();
  find("working").hidden = true;
  complain("wrong", text);
}

function report({ state, step, done, error }) {
  const isNew = find("working").hidden;
  find("working").hidden = false;
  find("done").value = done;
  find("step").textContent = step;
  if (isNew && state !== "done") find("working").scrollIntoView({ block: "nearest" }); /* it is below the form */
  if (state === "failed" || state === "cancelled") end(error || "Stopped.");
  if (state === "done") {
    end("");
    fetchRun();
  }
}

async function fetchRun() {
  const asked = runId;
  const own = `/runs/${encodeURIComponent(asked)}`;
  let said;
  try {
    said = await ask(`${own}/playback.json`);
  } catch (error) {
    if (runId === asked) complain("wrong", error.message);
    return;
  }
  if (runId !== asked) return; /* the address names another run by now */
  openRun(said);
  find("get-folder").href = `${own}/folder.zip`;
  find("get-scenario").href = `${own}/scenario.yaml`;
  find("get-report").href = `${own}/report.html`;
  find("downloads").hidden = false;
  find("send").open = false;
  find("play").focus();
}

function cancel() {
  ask(`/runs/${encodeURIComponent(runId)}/cancel`, { method: "POST" }).catch(({ message }) => complain("wrong", message));
}

find("preset").append(...Object.entries(presets).map(([name, preset]) => new Option(preset.title, name)));
find("preset").addEventListener("change", choosePreset);
find("form").addEventListener("input", choose);
find("form").addEventListener("invalid", (event) => event.target.closest("#more")?.setAttribute("open", ""), true); /* else it could not be shown */
find("form").addEventListener("submit", send);
find("cancel").addEventListener("click", cancel);
takeDrops(find("drop"), (files) => (find("photo").files = files));
window.addEventListener("hashchange", follow);
choosePreset();
choose();
follow();
