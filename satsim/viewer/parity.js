/* Reed-Solomon over GF(2^8) as zfec's: blocks are values of one polynomial, at points that their numbers say. */
"use strict";

const FIELD_POLYNOMIAL = 0x11d; /* x^8 + x^4 + x^3 + x^2 + 1, of zfec and of most others */
const POWERS = new Uint8Array(510);
const LOGARITHMS = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power += 1) {
  POWERS[power] = POWERS[power + 255] = value;
  LOGARITHMS[value] = power;
  value = (value << 1) ^ (value & 0x80 ? FIELD_POLYNOMIAL : 0);
}

const times = (a, b) => (a && b ? POWERS[LOGARITHMS[a] + LOGARITHMS[b]] : 0);
const over = (a, b) => (a ? POWERS[LOGARITHMS[a] + 255 - LOGARITHMS[b]] : 0);
const pointOf = (number) => (number ? POWERS[number - 1] : 0);

/* The first blocks of the code, as many as are given: Lagrange's interpolation. `blocks`: Map of number to bytes. */
function interpolated(blocks) {
  const numbers = [...blocks.keys()];
  return numbers.map((_, wanted) => {
    const value = new Uint8Array(blocks.get(numbers[0]).length);
    for (const number of numbers) {
      const others = numbers.filter((other) => other !== number).map(pointOf);
      const weight = others.reduce(
        (product, other) => times(product, over(pointOf(wanted) ^ other, pointOf(number) ^ other)), 1);
      if (weight) blocks.get(number).forEach((byte, place) => (value[place] ^= times(byte, weight)));
    }
    return value;
  });
}

function padded(bytes, length) {
  const longer = new Uint8Array(length);
  longer.set(bytes);
  return longer;
}

/* The entries with the lowest numbers, `count` of them, in order. */
const lowest = (map, count) => [...map].sort(([a], [b]) => a - b).slice(0, count);

/* All stages, from any `nStages` of stages and parity (Maps of number to bytes); none from fewer. */
function recoverStages(nStages, stages, parity) {
  const blocks = new Map([...stages, ...[...parity].map(([number, block]) => [nStages + number, block])]);
  if (blocks.size < nStages) return new Map();
  const longest = Math.max(...[...blocks.values()].map((block) => block.length));
  const chosen = lowest(blocks, nStages).map(([number, block]) => [number, padded(block, longest)]);
  return new Map([...interpolated(new Map(chosen)).entries(), ...stages]);
}

/* The stages, but those `held`, that pieces give back, in their true length. `packets`: Map of number to a packet. */
function recoverFromPieces(packets, held) {
  const stages = new Map();
  const [{ needed, lengths }] = packets.values();
  needed.forEach((count, stage) => {
    if (packets.size < count || held.has(stage)) return;
    const parts = interpolated(new Map(lowest(packets, count).map(([number, each]) => [number, each.pieces[stage]])));
    const whole = new Uint8Array(count * parts[0].length);
    parts.forEach((part, place) => whole.set(part, place * part.length));
    stages.set(stage, whole.subarray(0, lengths[stage]));
  });
  return stages;
}
