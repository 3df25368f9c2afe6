"""What stands for ONNX Runtime on a page that decodes: its pictures say which indices it was given."""

import json
from collections.abc import Sequence

import numpy as np

from progic.bitstream import pack_indices
from satsim.browser_decoder import BrowserDecoder, Decoding, Runtime, packed, planes
from satsim.header import ImageTag

TOY = ImageTag(7, 3, 9, 16, 100, 70, 0xABCD, 1_700_000_000)
OTHER = ImageTag(9, 5, 16, 8, 33, 8, 0x1234, 5)  # of a second model
# A "graph" is JSON here, and a picture shows each index, and whether it is held, in its cell.
STUB = """
export const env = { wasm: {} };
export class Tensor {
  constructor(type, data, dims) { Object.assign(this, { type, data, dims }); }
}
export class InferenceSession {
  static async create(graph) {
    if (env.wasm.wasmBinary.byteLength !== 3 || env.wasm.numThreads !== 1) throw new Error("another runtime");
    return Object.assign(new InferenceSession(), JSON.parse(new TextDecoder().decode(graph)));
  }
  async run({ indices, held }) {
    const [nStages, , down, across] = indices.dims;
    const dims = [1, 3, down * this.factor, across * this.factor];
    const data = new Float32Array(3 * dims[2] * dims[3]);
    for (let place = 0; place < data.length; place += 1) {
      const [x, y] = [place % dims[3], Math.floor(place / dims[3]) % dims[2]];
      const cell = Math.floor(y / this.factor) * across + Math.floor(x / this.factor);
      const stage = (x % this.factor) % nStages;
      const channel = Math.floor(place / dims[3] / dims[2]);
      const value = Number(indices.data[stage * down * across + cell]);
      data[place] = channel === 2 ? held.data[stage] : (channel ? value >> 8 : value & 255) / 255;
    }
    return { photo: { data, dims } };
  }
}
"""


def seen(image: ImageTag, indices: dict[int, np.ndarray], n_stages: int) -> np.ndarray:
    """What the stub draws of (down, across) indices of the stages held."""
    factor = image.downsampling_factor
    y, x = np.mgrid[: image.height, : image.width]
    down, across = -(-image.height // factor), -(-image.width // factor)
    every = np.stack([indices.get(stage, np.zeros((down, across), np.int64)) for stage in range(n_stages)])
    stage = x % factor % n_stages
    values = every[stage, y // factor, x // factor]
    held = np.isin(stage, list(indices)) * 255
    return np.stack([values & 255, values >> 8, held], axis=-1).astype(np.uint8)


def random_stages(image: ImageTag, seed: int) -> tuple[list[np.ndarray], list[bytes]]:
    """Indices of all stages, (down, across), and their payloads."""
    factor = image.downsampling_factor
    shape = (image.n_stages, -(-image.height // factor), -(-image.width // factor))
    indices = np.random.default_rng(seed).integers(0, 1 << image.bits_per_index, shape)
    return list(indices), [pack_indices(each, image.bits_per_index) for each in indices]


def stub_decoder(name: str, image: ImageTag, n_stages: int) -> BrowserDecoder:
    graph = json.dumps({"factor": image.downsampling_factor}).encode()
    shape = (n_stages, image.bits_per_index, image.downsampling_factor)
    return BrowserDecoder(name, image.fingerprint, *shape, packed(planes(graph)), len(graph))


def stub_decoding(decoders: Sequence[BrowserDecoder] | None = None) -> Decoding:
    """What draws TOY and OTHER, unless told of other decoders."""
    both = (stub_decoder("toy", TOY, 4), stub_decoder("other", OTHER, 5))
    return Decoding(Runtime(packed(STUB.encode()), packed(b"abc")), tuple(decoders or both))
