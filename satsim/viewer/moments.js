/* What is known at a moment of the run: arithmetic on the recorded events; nothing is drawn here. */
"use strict";

const ARRIVALS = ["received", "duplicate", "rejected", "lost"]; /* how a packet's way ends */

/* 60.56 as "1:01", hours as "1:00:00", as in the figures. */
function clockText(seconds) {
  const rounded = Math.round(seconds);
  const whole = rounded - seconds === 0.5 ? rounded - (rounded % 2) : rounded; /* halves to even, as Python does */
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60)];
  const two = (number) => String(number % 60).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(whole)}` : `${minutes}:${two(whole)}`;
}

/* The moments at which anything happens, in order, each once. */
function momentsOf(run) {
  const times = run.schemes.flatMap((scheme) => [...scheme.events, ...scheme.pictures].map((each) => each.time_s));
  return [...new Set([0, ...times])].sort((a, b) => a - b);
}

/* What one scheme's receiver has by `now`, and what it waits for. */
function stateOf(scheme, now) {
  const past = scheme.events.filter((event) => event.time_s <= now);
  const received = past.filter((event) => event.event === "received");
  const pictures = scheme.pictures.filter((picture) => picture.time_s <= now);
  return {
    picture: pictures.at(-1),
    nPictures: pictures.length,
    nReceived: received.length,
    bytes: received.reduce((sum, event) => sum + event.bytes, 0),
    nLost: past.filter((event) => event.event === "lost").length,
    nRepeated: past.filter((event) => event.event === "sent" && event.attempt > 1).length,
    isUsable: scheme.t_usable_s !== null && scheme.t_usable_s <= now,
    flight: flightOf(scheme, past, now),
    waits: waitsText(scheme, past, now),
  };
}

/* The packet that is under way: when its slot began, and when its way ends. */
function flightOf(scheme, past, now) {
  const sent = past.findLast((event) => event.event === "sent");
  const same = (event) => event.packet === sent.packet && event.attempt === sent.attempt;
  const end = sent && scheme.events.find((event) => ARRIVALS.includes(event.event) && event.time_s > now && same(event));
  return end && { from_s: sent.time_s, to_s: end.time_s, sent };
}

function waitsText(scheme, past, now) {
  if (scheme.events.length === 0) return scheme.note || "Nothing is sent.";
  const complete = past.find((event) => event.event === "complete");
  if (complete) return `Complete since ${clockText(complete.time_s)}.`;
  const flight = flightOf(scheme, past, now);
  if (flight) {
    const again = flight.sent.attempt > 1 ? `, sent again (try ${flight.sent.attempt})` : "";
    return `Waits for packet ${flight.sent.packet}${again}, due at ${clockText(flight.to_s)}.`;
  }
  const next = scheme.events.find((event) => event.time_s > now && event.event !== "encoded");
  if (!next) return scheme.note ? `Nothing more comes: ${scheme.note}.` : "Nothing more comes.";
  return past.length ? `Waits for the link, until ${clockText(next.time_s)}.` : "The handset encodes the photo.";
}

/* Why no picture is shown yet. */
function emptyText(scheme, state) {
  if (scheme.pictures.length === 0) return "No picture will come";
  if (scheme.n_packets < 2 || !scheme.needs_all) return "No picture yet";
  return `No picture before all ${scheme.n_packets} packets are in; so far ${state.nReceived}`;
}

/* What a screen reader is told of the first scheme. */
function spokenText(run, scheme, state, now) {
  const lost = scheme.events.some((event) => event.event === "lost" && event.time_s === now) ? ", a packet was lost" : "";
  if (!state.picture) return `${clockText(now)}: no picture yet${lost}`;
  const usable = state.picture.usable ? ", usable" : "";
  const score = `${run.metric.label} ${state.picture.score}`;
  return `${clockText(now)}: picture ${state.nPictures}, from ${state.nReceived} of ${scheme.n_packets} packets, ${score}${usable}${lost}`;
}
