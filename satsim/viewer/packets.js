/* The packet on the air, as satsim.header describes it: bytes to a packet, or to the error that says why not. */
"use strict";

const [HEADER_BYTES, CRC_AT, MAGIC, VERSION, MAX_STAGES] = [20, 16, 0xa7, 1, 64];
const [STAGES, PARITY, PIECES] = [0, 1, 3]; /* kind; 2 is a report, which goes the other way */
/* The header's fields and their bits; a count, a side or L is one more than its bits say. */
const FIELDS = [["magic", 8], ["version", 4], ["imageId", 16], ["first", 6], ["count", 6, 1], ["nStages", 6, 1],
  ["bitsPerIndex", 4, 1], ["log2Factor", 3], ["width", 12, 1], ["height", 12, 1], ["fingerprint", 16],
  ["captureTime", 32], ["kind", 3]];
const [LENGTHS_BITS, NEEDED_BITS] = [32, 6]; /* of the table before the pieces, see satsim.ulp */

/* Bytes that are no packet of ours; `kind` is the name of satsim's error. */
class PacketError extends Error {
  constructor(kind, text) {
    super(`${kind}: ${text}`);
    this.kind = kind;
  }
}

function check(name, value, low, high) {
  if (value >= low && value <= high) return;
  throw new PacketError("BadField", `${name} is ${value}; allowed: ${low < high ? `${low} to ${high}` : low}`);
}

const hex = (number, digits) => number.toString(16).padStart(digits, "0");

/* The number in `count` bits, at most 32, from bit `start` on, the most significant first. */
function bitsAt(data, start, count) {
  let value = 0;
  for (let bit = start; bit < start + count; bit += 1) value = value * 2 + ((data[bit >> 3] >> (7 - (bit & 7))) & 1);
  return value;
}

/* CRC-32 as zlib's, over several parts. */
function crc32(...parts) {
  let crc = 0xffffffff;
  for (const part of parts) {
    for (const byte of part) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function fieldsOf(data) {
  let start = 0;
  return Object.fromEntries(FIELDS.map(([name, bits, more = 0]) => {
    start += bits;
    return [name, bitsAt(data, start - bits, bits) + more];
  }));
}

/* The header of bytes that are whole and ours. */
function checkedFields(data) {
  if (data.length < HEADER_BYTES) {
    throw new PacketError("ShortPacket", `${data.length} bytes; allowed: at least the ${HEADER_BYTES} of a header`);
  }
  const fields = fieldsOf(data);
  if (fields.magic !== MAGIC) {
    throw new PacketError("BadMagic", `first byte is 0x${hex(fields.magic, 2).toUpperCase()}; allowed: 0xA7`);
  }
  if (fields.version !== VERSION) {
    throw new PacketError("UnknownVersion", `header version is ${fields.version}; allowed: ${VERSION}`);
  }
  const [sent, found] = [bitsAt(data, CRC_AT * 8, 32), crc32(data.subarray(0, CRC_AT), data.subarray(HEADER_BYTES))];
  if (found !== sent) {
    const said = (crc) => hex(crc, 8).toUpperCase();
    throw new PacketError("BadCrc", `CRC-32 of ${data.length} bytes is ${said(found)}; the header says ${said(sent)}`);
  }
  return fields;
}

/* What every packet of one image says of it; no other image has the same name. */
function imageOf({ imageId, nStages, bitsPerIndex, log2Factor, width, height, fingerprint, captureTime }) {
  const taken = `${new Date(captureTime * 1000).toISOString().slice(0, 19)}Z`;
  const factor = 2 ** log2Factor;
  const codec = `${hex(fingerprint, 4)}-n${nStages}-l${bitsPerIndex}-f${factor}`;
  const name = `${taken.replace(/[-:]/g, "")}-${hex(imageId, 4)}-${width}x${height}-${codec}`;
  return { name, taken, imageId, nStages, bitsPerIndex, factor, width, height, fingerprint };
}

/* The packet that `data` (a Uint8Array) holds; throws a PacketError for bytes that are none. */
function parsePacket(data) {
  const { kind, first, count, ...fields } = checkedFields(data);
  const [image, payload] = [imageOf(fields), data.subarray(HEADER_BYTES)];
  if (kind === PIECES) return piecesOf(image, first, count, payload);
  if (kind !== STAGES && kind !== PARITY) {
    throw new PacketError("BadField", `kind is ${kind}; allowed: ${STAGES}, ${PARITY} or ${PIECES}`);
  }
  const most = kind === PARITY ? MAX_STAGES : image.nStages;
  check("stage_count", count, 1, most);
  check("first_stage", first, 0, most - count);
  if (!payload.length || payload.length % count) {
    throw new PacketError("BadField", `payload is ${payload.length} bytes; allowed: ${count} equal stages`);
  }
  const stageBytes = payload.length / count;
  checkStageBytes(image, stageBytes);
  const stages = new Map(cut(payload, Array(count).fill(stageBytes), first));
  if (kind === STAGES) for (const stage of stages.values()) checkFiller(image, stage);
  const range = count === 1 ? `${first}` : `${first}-${first + count - 1}`;
  const label = kind === PARITY ? `parity ${range}` : range;
  return { kind, image, label, stages };
}

/* L, f and the size make the length of a stage; where f is 1, pieces of a file have any. */
function checkStageBytes(image, found) {
  const allowed = image.factor === 1 ? found : Math.ceil(bitsOfStage(image) / 8);
  check("bytes of a stage", found, allowed, allowed);
}

/* What the indices leave of the last byte is 0. */
function checkFiller(image, stage) {
  const spare = image.factor === 1 ? 0 : stage.length * 8 - bitsOfStage(image);
  check("filler of a stage", stage[stage.length - 1] & (2 ** spare - 1), 0, 0);
}

function bitsOfStage({ width, height, factor, bitsPerIndex }) {
  return Math.ceil(width / factor) * Math.ceil(height / factor) * bitsPerIndex;
}

/* [number, bytes] of parts that stand one after the other, of these lengths. */
function cut(bytes, lengths, first) {
  let start = 0;
  return lengths.map((length, place) => [first + place, bytes.subarray(start, (start += length))]);
}

/* A piece of every stage, for unequal protection. */
function piecesOf(image, number, nPackets, payload) {
  const { nStages } = image;
  const start = Math.ceil((LENGTHS_BITS + NEEDED_BITS * nStages) / 8);
  check("payload bytes", payload.length, start + nStages, 2 ** 30);
  const filler = start * 8 - LENGTHS_BITS - NEEDED_BITS * nStages;
  check("filler of the table", bitsAt(payload, start * 8 - filler, filler), 0, 0);
  const stageBytes = bitsAt(payload, 0, 16);
  const lastBytes = bitsAt(payload, 16, 16);
  const needed = Array.from({ length: nStages }, (_, stage) => bitsAt(payload, LENGTHS_BITS + NEEDED_BITS * stage, NEEDED_BITS) + 1);
  check("stage bytes", stageBytes, 1, 0xffff);
  check("last bytes", lastBytes, nStages === 1 ? stageBytes : 1, stageBytes);
  needed.forEach((each, stage) => check("needed", each, stage ? needed[stage - 1] : 1, MAX_STAGES));
  const lengths = needed.map((_, stage) => (stage < nStages - 1 ? stageBytes : lastBytes));
  const sizes = lengths.map((length, stage) => Math.ceil(length / needed[stage]));
  const whole = start + sizes.reduce((sum, size) => sum + size, 0);
  check("payload bytes", payload.length, whole, whole);
  check("number of the piece", number, 0, nPackets - 1);
  check("needed", needed.at(-1), 1, nPackets);
  lengths.forEach((length) => checkStageBytes(image, length));
  const pieces = cut(payload.subarray(start), sizes, 0).map(([, piece]) => piece);
  const label = `0${nStages > 1 ? `-${nStages - 1}` : ""} piece ${number}`;
  return { kind: PIECES, image, label, number, nPackets, needed, lengths, pieces };
}
