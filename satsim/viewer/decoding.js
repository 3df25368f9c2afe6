/* Runs in a worker, so that the page stays at hand: ONNX Runtime draws the stages that the page asks for, files.js files. */
"use strict";

/* The bytes that a script element of the page holds: gzip in base64. */
async function inflated(base64) {
  const packed = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/* A graph's bytes, which come as four planes, the k-th of all its 4-byte numbers' k-th bytes: gzip packs them better. */
async function graphOf({ base64, nBytes }) {
  const planes = await inflated(base64);
  const graph = new Uint8Array(planes.length);
  const length = planes.length / 4;
  for (let plane = 0; plane < 4; plane += 1) {
    for (let place = 0; place < length; place += 1) graph[4 * place + plane] = planes[plane * length + place];
  }
  return graph.subarray(0, nBytes);
}

/* One thread: more need headers that only a server can send. */
async function started({ module, wasm }) {
  const script = new Blob([await inflated(module)], { type: "text/javascript" });
  const runtime = await import(URL.createObjectURL(script));
  Object.assign(runtime.env.wasm, { wasmBinary: (await inflated(wasm)).buffer, numThreads: 1, proxy: false });
  return runtime;
}

/* The indices of one stage as progic.bitstream packs them; throws for another length, or a spare bit that is set. */
function unpackedIndices(payload, nIndices, bitsPerIndex) {
  const nBits = nIndices * bitsPerIndex;
  const allowed = Math.ceil(nBits / 8);
  if (payload.length !== allowed) throw new Error(`stage payload: found ${payload.length} bytes, allowed ${allowed}`);
  if (bitsAt(payload, nBits, allowed * 8 - nBits)) throw new Error(`stage payload: spare bits of byte ${allowed - 1} are not zero`);
  return BigInt64Array.from({ length: nIndices }, (_, place) => BigInt(bitsAt(payload, place * bitsPerIndex, bitsPerIndex)));
}

/* What the graph takes: indices of all stages, row by row, zero where none are held, and which are held. */
function inputsOf(decoder, image, stages) {
  const across = Math.ceil(image.width / decoder.factor);
  const down = Math.ceil(image.height / decoder.factor);
  const indices = new BigInt64Array(decoder.nStages * across * down);
  const held = new Float32Array(decoder.nStages);
  for (const [stage, payload] of stages) {
    try {
      indices.set(unpackedIndices(payload, across * down, decoder.bitsPerIndex), stage * across * down);
    } catch (error) {
      throw new Error(`stage ${stage} of a ${image.width}x${image.height} photo: ${error.message}`);
    }
    held[stage] = 1;
  }
  return { indices, held, shape: [decoder.nStages, 1, down, across] };
}

/* Planes of red, green and blue, 0 to 1, as the page's pixels, cut to the photo's size. */
function pixelsOf({ data, dims }, width, height) {
  const [rows, columns] = dims.slice(2);
  const pixels = new Uint8ClampedArray(width * height * 4).fill(255); /* it rounds half to even, as numpy does */
  for (let channel = 0; channel < 3; channel += 1) {
    for (let row = 0; row < height; row += 1) {
      const start = (channel * rows + row) * columns;
      for (let column = 0; column < width; column += 1) {
        pixels[(row * width + column) * 4 + channel] = Math.fround(data[start + column] * 255);
      }
    }
  }
  return pixels;
}

const sessions = new Map(); /* fingerprint to the promise of a session */
let runtime = null;

async function drawn({ decoder, image, stages }) {
  const { InferenceSession, Tensor } = await runtime;
  const { indices, held, shape } = inputsOf(decoder, image, stages);
  const session = await sessions.get(decoder.fingerprint);
  const inputs = { indices: new Tensor("int64", indices, shape), held: new Tensor("float32", held, [1, decoder.nStages]) };
  const { photo } = await session.run(inputs);
  return pixelsOf(photo, image.width, image.height);
}

/* The first message on a model brings its graph, the very first ONNX Runtime. */
async function answer({ data }) {
  try {
    if (data.runtime) runtime = started(data.runtime);
    if (data.graph) {
      const created = async () => (await runtime).InferenceSession.create(await graphOf(data.graph));
      sessions.set(data.decoder.fingerprint, created());
    }
    postMessage({ pixels: await (data.file ? drawnFile(data) : drawn(data)) });
  } catch (error) {
    postMessage({ error: error.message });
  }
}

onmessage = answer;
