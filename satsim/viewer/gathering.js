/* Packets into stages held, judged and counted as `satsim receive` does (satsim.reassemble, satsim.station). */
"use strict";

const DIFFERS = "its bytes differ from those held";
const isSame = (a, b) => a.length === b.length && a.every((byte, place) => byte === b[place]);
/* Zeros at the end do not count: parity pads with them. */
const isSamePadded = (a, b) => {
  const [longer, shorter] = a.length < b.length ? [b, a] : [a, b];
  return longer.every((byte, place) => byte === (shorter[place] ?? 0));
};

/* 0-based stages for people, from 1: 0, 1, 3 is "1-2+4". */
function stagesText(stages) {
  const runs = [];
  for (const stage of stages) {
    if (runs.length && runs.at(-1).at(-1) === stage - 1) runs.at(-1).push(stage);
    else runs.push([stage]);
  }
  return runs.map((run) => (run.length === 1 ? `${run[0] + 1}` : `${run[0] + 1}-${run.at(-1) + 1}`)).join("+");
}

/* The stages of one image, from its packets in any order. */
class Gathering {
  constructor(image) {
    this.image = image;
    this.stages = new Map();
    this.parity = new Map();
    this.pieces = new Map();
    this.holdings = []; /* what was held from when on, one for each packet that brought a stage, or gave one back */
    this.nPackets = this.nBytes = 0;
  }

  get isComplete() {
    return this.stages.size === this.image.nStages;
  }

  /* The packets of a file that are held, and how many it takes: each has one piece of it, or parity for one. */
  get share() {
    const [first] = this.pieces.values();
    return first ? [this.pieces.size, first.needed[0]] : [this.stages.size + this.parity.size, this.image.nStages];
  }

  accept(packet, nBytes) {
    const verdict = packet.kind === PIECES ? this.keepPieces(packet) : this.keepStages(packet);
    if (verdict.event !== "received") return verdict;
    this.nPackets += 1;
    this.nBytes += nBytes;
    return { event: "received", detail: [verdict.detail, this.gain()].filter(Boolean).join("; ") };
  }

  keepStages(packet) {
    const kept = packet.kind === PARITY ? this.parity : this.stages;
    const fresh = [...packet.stages].filter(([number]) => !kept.has(number));
    const differ = ([number, stage]) => kept.has(number) && !isSamePadded(kept.get(number), stage);
    const detail = [...packet.stages].some(differ) ? DIFFERS : "";
    if (!fresh.length || this.isComplete) return { event: "duplicate", detail };
    fresh.forEach(([number, stage]) => kept.set(number, stage));
    return { event: "received", detail };
  }

  /* Keep it if it is protected as the first one heard was: pieces of two codes give no stage. */
  keepPieces(packet) {
    const [first = packet] = this.pieces.values();
    const protection = ({ needed, lengths, nPackets }) => [nPackets, ...needed, ...lengths];
    if (!isSame(protection(first), protection(packet))) {
      return { event: "rejected", detail: `image ${this.image.imageId} with another protection` };
    }
    const held = this.pieces.get(packet.number);
    if (held || this.isComplete) {
      const differs = held && !held.pieces.every((piece, stage) => isSame(piece, packet.pieces[stage]));
      return { event: "duplicate", detail: differs ? DIFFERS : "" };
    }
    this.pieces.set(packet.number, packet);
    return { event: "received" };
  }

  /* Recover what parity or pieces give and note what is held now; return what to say of it. */
  gain() {
    const found = new Map([
      ...(this.parity.size ? recoverStages(this.image.nStages, this.stages, this.parity) : []),
      ...(this.pieces.size ? recoverFromPieces(this.pieces, this.stages) : []),
    ]);
    const fresh = [...found].filter(([stage]) => !this.stages.has(stage));
    fresh.forEach(([stage, bytes]) => this.stages.set(stage, bytes));
    const held = [...this.stages.keys()].sort((a, b) => a - b);
    if (held.length && held.length !== this.holdings.at(-1)?.stages.length) {
      this.holdings.push({ stages: held, nPackets: this.nPackets, nBytes: this.nBytes });
    }
    return fresh.length ? `${fresh.length} stages recovered` : "";
  }
}

/* All that came in: any number of images at once, over any number of passes. */
class Station {
  constructor() {
    this.images = new Map(); /* name to Gathering */
    this.rows = [];
    this.counts = { received: 0, duplicate: 0, rejected: 0 };
    this.reasons = {}; /* why what was rejected was, counted */
    this.known = new Set();
  }

  /* Judge what came in; null for a file that was taken in before, just as it is. */
  take(source, data) {
    const key = `${source}/${String(data)}`;
    if (this.known.has(key)) return null;
    this.known.add(key);
    const row = { packet: this.rows.length + 1, source, image: "", stage: "", bytes: data.length, ...this.judge(data) };
    this.rows.push(row);
    this.counts[row.event] += 1;
    const [reason] = row.detail.split(":");
    if (row.event === "rejected") this.reasons[reason] = (this.reasons[reason] ?? 0) + 1;
    return row;
  }

  judge(data) {
    let packet;
    try {
      packet = parsePacket(data);
    } catch (error) {
      if (error instanceof PacketError) return { event: "rejected", detail: error.message };
      throw error;
    }
    const { name } = packet.image;
    if (!this.images.has(name)) this.images.set(name, new Gathering(packet.image));
    return { image: name, stage: packet.label, ...this.images.get(name).accept(packet, data.length) };
  }
}
