/* The page's parts, built once; what has a time is shown from then on, so that a jump is as cheap as a step. */
"use strict";

const find = (id) => document.getElementById(id);

/* make("p", {className: "soft"}, "text", child, ...) */
function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function draw(tag, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

/* Files that are dropped on a box are taken; while they are held over it, or over what is in it, it shows that. */
function takeDrops(box, take) {
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    box.classList.add("over");
  });
  box.addEventListener("dragleave", (event) => box.classList.toggle("over", box.contains(event.relatedTarget)));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("over");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files);
  });
}

/* Give an element a scheme's colour, lighter where the page is dark, and children. */
function owned(element, scheme, ...children) {
  element.classList.add("own");
  element.style.setProperty("--own", scheme.colour);
  element.append(...children);
  return element;
}

/* Elements in order of their time; `until` shows those that have come and hides the others. */
class Timed {
  constructor() {
    this.entries = [];
  }

  add(time_s, element) {
    element.setAttribute("hidden", "");
    this.entries.push({ time_s, element });
    return element;
  }

  until(now) {
    this.entries.forEach(({ time_s, element }) => element.toggleAttribute("hidden", time_s > now));
  }
}

const NUMBERS = ["score", "bytes", "packets", "lost", "repeated"];

/* One scheme's card: its picture, numbers, packets and film. */
function buildCard(run, scheme, number, timed, jump) {
  const values = Object.fromEntries(NUMBERS.map((name) => [name, make("dd", {}, "–")]));
  const names = [run.metric.label, "bytes", "packets", "lost", "repeats"];
  const numbers = NUMBERS.map((name, place) => make("div", {}, make("dt", {}, names[place]), values[name]));
  const parts = {
    image: make("img", { alt: "", hidden: true, width: run.size[0], height: run.size[1] }),
    empty: make("p", { className: "empty" }),
    usable: make("p", { className: "usable", hidden: true }),
    waits: make("p", { className: "waits" }),
    slot: make("progress", { max: 1, value: 0, ariaHidden: "true" }),
    values,
  };
  const title = make("h2", { id: `card-${number}` }, scheme.label);
  if (scheme.own) title.append(make("span", { className: "soft" }, ` ${scheme.own}`));
  const frame = make("div", { className: "frame" }, parts.image, parts.empty, parts.usable);
  frame.style.aspectRatio = `${run.size[0]} / ${run.size[1]}`;
  const card = make("article", { className: number ? "card" : "card lead" }, title, frame, make("dl", {}, ...numbers));
  card.append(parts.waits, parts.slot, buildLane(run, scheme, timed), buildFilm(run, scheme, timed, jump));
  card.setAttribute("aria-labelledby", title.id);
  return { card: owned(card, scheme), parts };
}

/* Where each packet's way ended, along the run's time. */
function buildLane(run, scheme, timed) {
  const lane = make("div", { className: "lane", ariaHidden: "true" });
  for (const event of scheme.events.filter((each) => ARRIVALS.includes(each.event))) {
    const mark = make("i", { className: event.event, title: `${clockText(event.time_s)} ${event.event}` });
    mark.style.left = `${(event.time_s / run.end_s) * 100}%`;
    lane.append(timed.add(event.time_s, mark));
  }
  return lane;
}

function buildFilm(run, scheme, timed, jump) {
  const shots = scheme.pictures.map((picture, place) => {
    const text = `${clockText(picture.time_s)}, ${run.metric.label} ${picture.score}`;
    const shot = make("button", { className: "shot", title: text }, make("img", { src: picture.source, alt: "" }));
    shot.setAttribute("aria-label", `To picture ${place + 1} of ${scheme.label}, ${text}`);
    shot.addEventListener("click", () => jump(picture.time_s));
    return timed.add(picture.time_s, shot);
  });
  return make("div", { className: "film" }, ...shots);
}

/* Bring a card to a moment. */
function showCard(run, scheme, { card, parts }, state, now) {
  const { picture, flight } = state;
  if (picture && parts.image.getAttribute("src") !== picture.source) parts.image.src = picture.source;
  parts.image.alt = picture ? `${scheme.label} at ${clockText(picture.time_s)}, ${run.metric.label} ${picture.score}` : "";
  parts.image.hidden = !picture;
  parts.empty.hidden = Boolean(picture);
  parts.empty.textContent = emptyText(scheme, state);
  parts.usable.hidden = !state.isUsable;
  parts.usable.textContent = state.isUsable ? `usable since ${clockText(scheme.t_usable_s)}` : "";
  card.classList.toggle("is-usable", state.isUsable);
  parts.values.score.textContent = picture ? picture.score : "–";
  parts.values.bytes.textContent = state.bytes;
  parts.values.packets.textContent = `${state.nReceived}/${scheme.n_packets}`;
  parts.values.lost.textContent = state.nLost;
  parts.values.repeated.textContent = state.nRepeated;
  parts.waits.textContent = state.waits;
  parts.slot.hidden = !flight;
  if (flight) parts.slot.value = (now - flight.from_s) / (flight.to_s - flight.from_s);
}

const WHAT = {
  encoded: "the handset has the photo's bytes",
  sent: "sent",
  lost: "lost",
  gave_up: "given up",
  closed: "the sender stops: no window is left",
  received: "received",
  duplicate: "received again, nothing new",
  rejected: "rejected",
  report_sent: "the receiver reports what it holds",
  report_lost: "the report is lost",
  report_received: "the report is in",
  complete: "complete",
};

/* The rows of one scheme's log, the newest on top. */
function buildLog(scheme, timed) {
  const rows = scheme.events.map((event) => {
    const again = event.event === "sent" && event.attempt > 1 ? " again" : "";
    const what = `${WHAT[event.event]}${again}${event.detail ? `: ${event.detail}` : ""}`;
    const cells = [clockText(event.time_s), event.packet || "", event.stage, event.attempt || "", event.bytes, what];
    const row = make("tr", { className: event.event + again }, ...cells.map((cell) => make("td", {}, String(cell))));
    return timed.add(event.time_s, row);
  });
  return rows.reverse();
}

const CHART = { width: 760, left: 46, right: 160, top: 14, bottom: 224 };

/* The curves as steps, laid bare up to the moment by a clip that `showCurve` widens. */
function buildCurve(run) {
  const values = run.schemes.flatMap((scheme) => scheme.pictures.map((each) => each.value)).filter((each) => each !== null);
  const marks = run.metric.name === "dists" ? Object.entries(run.marks).filter(([, value]) => value !== null) : [];
  const all = [...values, ...marks.map(([, value]) => value)];
  const [least, most] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 1];
  const margin = (most - least) * 0.1 || 0.1;
  const [low, high] = [least - margin, most + margin];
  const end = CHART.width - CHART.right;
  const x = (time_s) => CHART.left + (time_s / run.end_s) * (end - CHART.left);
  const y = (value) => CHART.bottom - ((value - low) / (high - low)) * (CHART.bottom - CHART.top);
  const clip = draw("rect", { x: 0, y: 0, height: 260, width: 0 });
  const holder = draw("clipPath", { id: "so-far" });
  holder.append(clip);
  const height = CHART.bottom - CHART.top;
  const shades = run.closed.map(([from_s, to_s]) => draw("rect", { class: "shade", x: x(from_s), y: CHART.top, width: x(to_s) - x(from_s), height }));
  const curves = draw("g", { "clip-path": "url(#so-far)" });
  const dashOf = (scheme, number) => run.schemes.slice(0, number).filter(({ colour }) => colour === scheme.colour).length % 3;
  const drawn = run.schemes.map((scheme, number) => curveOf(scheme, DASHES[dashOf(scheme, number)], x, y, end));
  curves.append(...drawn.reverse());
  const cursor = draw("line", { class: "cursor", y1: CHART.top, y2: CHART.bottom });
  find("curve").replaceChildren(holder, ...shades, ...axesOf(run, valueTicks(low, high), marks, x, y, end), curves, cursor, ...namesOf(run, y, end));
  find("curve").setAttribute("aria-label", `${run.metric.label} of each scheme over elapsed time`);
  return (now) => {
    clip.setAttribute("width", x(now) + 5);
    ["x1", "x2"].forEach((name) => cursor.setAttribute(name, x(now)));
  };
}

const DASHES = ["", " dashed", " dotted"]; /* where colours repeat */

function curveOf(scheme, dash, x, y, end) {
  const pictures = scheme.pictures.filter((picture) => picture.value !== null);
  const steps = pictures.map((each, place) => `${place ? "H" : "M"}${x(each.time_s)}${place ? "V" : " "}${y(each.value)}`);
  const path = draw("path", { class: `curve${dash}`, d: steps.length ? `${steps.join("")}H${end}` : "" });
  const dots = pictures.map((each) => draw("circle", { cx: x(each.time_s), cy: y(each.value), r: 4 }));
  return owned(draw("g", {}), scheme, path, ...dots);
}

function axesOf(run, values, marks, x, y, end) {
  const line = draw("line", { class: "axis", x1: CHART.left, x2: end, y1: CHART.bottom, y2: CHART.bottom });
  const grid = values.flatMap((value) => [
    draw("line", { class: "grid", x1: CHART.left, x2: end, y1: y(value), y2: y(value) }),
    draw("text", { x: CHART.left - 8, y: y(value) + 4, "text-anchor": "end" }, String(value)),
  ]);
  const times = [0, 0.25, 0.5, 0.75, 1].map((part) => part * run.end_s);
  const ticks = times.map((time_s) => draw("text", { x: x(time_s), y: CHART.bottom + 18, "text-anchor": "middle" }, clockText(time_s)));
  const thresholds = marks.flatMap(([name, value]) => [
    draw("line", { class: "mark", x1: CHART.left, x2: end, y1: y(value), y2: y(value) }),
    draw("text", { x: end - 4, y: y(value) - 5, "text-anchor": "end" }, `${name} ${value.toFixed(3)}`),
  ]);
  return [...grid, line, ...ticks, ...thresholds];
}

/* Round values within the scale, 1, 2 or 5 times a power of ten apart. */
function valueTicks(low, high) {
  const power = 10 ** Math.floor(Math.log10((high - low) / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= (high - low) / 4);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, place) => Number(((first + place) * step).toPrecision(6)));
}

/* The schemes' names at the ends of their curves, moved apart where they would overlap. */
function namesOf(run, y, end) {
  const last = (scheme) => scheme.pictures.findLast(({ value }) => value !== null)?.value;
  const ended = run.schemes.filter((scheme) => last(scheme) !== undefined);
  const step = Math.min(14, (CHART.bottom - CHART.top) / Math.max(1, ended.length - 1));
  let floor = CHART.top - step;
  return ended
    .sort((a, b) => y(last(a)) - y(last(b)))
    .map((scheme, place) => {
      const room = CHART.bottom - step * (ended.length - 1 - place);
      floor = Math.min(Math.max(y(last(scheme)), floor + step), room);
      const dot = draw("circle", { cx: end + 14, cy: floor, r: 4 });
      return owned(draw("g", {}), scheme, dot, draw("text", { x: end + 24, y: floor + 4 }, scheme.short_label));
    });
}
