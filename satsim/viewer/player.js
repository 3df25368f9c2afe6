/* The clock and its controls: simulated time runs in the browser, so any number of viewers watch the same run. */
"use strict";

const given = JSON.parse(find("given").textContent);
let shownRun = null; /* what is played: the run, and the parts of the page that show it */
let now = 0;
let lastFrame_ms = null; /* null: paused */
let nextFrame = 0; /* what cancels it */

/* Put a run on the page, at its start. */
function openRun(run) {
  pause();
  const timed = new Timed();
  const cards = run.schemes.map((scheme, number) => buildCard(run, scheme, number, timed, jump));
  shownRun = { run, timed, cards, moments: momentsOf(run), showCurve: buildCurve(run), log: new Timed(), spoken: "" };
  document.title = `${run.title} - satsim`;
  find("title").textContent = run.title;
  find("facts").textContent = run.facts;
  find("end").textContent = clockText(run.end_s);
  find("scrub").max = run.end_s;
  find("cards").replaceChildren(...cards.map(({ card }) => card));
  find("flags").replaceChildren(...run.schemes.filter((scheme) => scheme.t_usable_s !== null).map(flagOf));
  find("closed").replaceChildren(...run.closed.map(([from_s, to_s]) => closedOf(run, from_s, to_s)));
  find("closed-says").hidden = !run.closed.length;
  find("curve-title").textContent = `${run.metric.label} over time`;
  find("whose").replaceChildren(...run.schemes.map((scheme, number) => new Option(scheme.label, number)));
  find("original").src = run.original;
  find("run").hidden = false;
  openLog();
  jump(0);
}

/* A mark over the slider at the moment from which a scheme's picture is usable. */
function flagOf(scheme) {
  const flag = make("i", { title: `${scheme.label}: usable` });
  flag.style.left = `${(scheme.t_usable_s / find("scrub").max) * 100}%`;
  return owned(flag, scheme);
}

/* A shade behind the slider while the link is not there. */
function closedOf(run, from_s, to_s) {
  const shade = make("i", { className: "shade" });
  shade.style.left = `${(from_s / run.end_s) * 100}%`;
  shade.style.width = `${((to_s - from_s) / run.end_s) * 100}%`;
  return shade;
}

function openLog() {
  shownRun.log = new Timed();
  find("log").replaceChildren(...buildLog(shownRun.run.schemes[find("whose").value], shownRun.log));
  shownRun.log.until(now);
}

/* Show the moment `time_s`. */
function jump(time_s) {
  const { run, timed, cards, log } = shownRun;
  now = Math.min(Math.max(time_s, 0), run.end_s);
  timed.until(now);
  log.until(now);
  cards.forEach((card, number) => showCard(run, run.schemes[number], card, stateOf(run.schemes[number], now), now));
  shownRun.showCurve(now);
  find("now").textContent = clockText(now);
  find("scrub").value = now;
  find("scrub").setAttribute("aria-valuetext", clockText(now));
  speak();
}

/* Say what happened last, once, where it changes what the first scheme shows. */
function speak() {
  const { run, moments } = shownRun;
  const moment = moments.findLast((each) => each <= now);
  const text = spokenText(run, run.schemes[0], stateOf(run.schemes[0], now), moment);
  if (text !== shownRun.spoken) find("said").textContent = shownRun.spoken = text;
}

function step(frame_ms) {
  const passed_s = Math.min(frame_ms - lastFrame_ms, 250) / 1000; /* a hidden page does not run on */
  lastFrame_ms = frame_ms;
  jump(now + passed_s * find("speed").value);
  if (now >= shownRun.run.end_s) pause();
  else nextFrame = requestAnimationFrame(step);
}

function play() {
  if (now >= shownRun.run.end_s) jump(0);
  lastFrame_ms = performance.now();
  find("play").textContent = "Pause";
  nextFrame = requestAnimationFrame(step);
}

function pause() {
  cancelAnimationFrame(nextFrame);
  lastFrame_ms = null;
  find("play").textContent = "Play";
}

const toggle = () => (lastFrame_ms === null ? play() : pause());

/* To the next moment at which anything happens (1), or the one before (-1). */
function jumpEvent(direction) {
  const { moments, run } = shownRun;
  const near = (moment) => (direction > 0 ? moment > now : moment < now);
  const next = direction > 0 ? moments.find(near) : moments.findLast(near);
  jump(next ?? (direction > 0 ? run.end_s : 0));
}

const KEYS = {
  " ": toggle,
  ArrowRight: () => jumpEvent(1),
  ArrowLeft: () => jumpEvent(-1),
  Home: () => jump(0),
  End: () => jump(shownRun.run.end_s),
};

/* Keys belong to the player unless what has the focus needs them; the time slider is the player's own. */
function onKey(event) {
  const needing = event.key === " " ? "input, select, textarea, button, summary, a, [tabindex]" : "input, select, textarea, [tabindex]";
  const isOurs = event.target.id === "scrub" || !event.target.closest(needing);
  if (!shownRun || !isOurs || event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
  event.preventDefault();
  if (!event.repeat || event.key !== " ") KEYS[event.key](); /* a space bar that is held is one press, as on a button */
}

find("play").addEventListener("click", toggle);
find("back").addEventListener("click", () => jumpEvent(-1));
find("on").addEventListener("click", () => jumpEvent(1));
find("scrub").addEventListener("input", () => jump(Number(find("scrub").value)));
find("whose").addEventListener("change", openLog);
document.addEventListener("keydown", onKey);
if (given.run) openRun(given.run);
