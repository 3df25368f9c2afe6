"""A photo with the codecs and the scores at hand: all that no link changes, and nothing of it done twice."""

import time
from functools import cached_property

from progic.images import fit_photo
from satsim.codec import CodecFailed, Encoded, NothingFits, PhotoCodec
from satsim.codecs import codec_of
from satsim.intake import Parts, Photo
from satsim.quality import Scorer
from satsim.settings import Scenario, Scheme
from satsim.trained_codec import RememberingCodec, TrainedCodec
from satsim.viewing import Marks


class Studio:
    """One photo, for any number of links: a second run of the same scheme costs no encoding or scoring."""

    def __init__(self, scenario: Scenario, photo: Photo, parts: Parts) -> None:
        """`scenario` gives the metrics and the marks; its link, repair and seed are nothing to a studio."""
        self.photo, self.parts = photo, parts
        self._sent_size = scenario.image.size
        self.scorer = Scorer(photo.image, scenario.metrics, parts.perceptual)
        self.marks = Marks(self.scorer.mark_dists(scenario.usable), self.scorer.mark_dists(scenario.detail))
        self._model = RememberingCodec(parts.model) if parts.model else None
        self._codecs: dict[PhotoCodec, PhotoCodec] = {}  # the first of equal ones: it may remember
        self._encoded: dict[PhotoCodec, Encoded | NothingFits | CodecFailed] = {}

    def codec(self, scenario: Scenario, scheme: Scheme) -> PhotoCodec:
        """Return the codec that a scheme sends with."""
        codec = codec_of(scheme, scenario, self._model, self.scorer.distance)
        return self._codecs.setdefault(codec, codec)

    def encoded(self, codec: PhotoCodec) -> Encoded:
        """Return the photo as `codec` sends it; raises NothingFits and CodecFailed."""
        if codec not in self._encoded:
            try:
                self._encoded[codec] = codec.encode(self.photo.image)
            except (NothingFits, CodecFailed) as refusal:
                self._encoded[codec] = refusal
        found = self._encoded[codec]
        if isinstance(found, Encoded):
            return found
        raise found

    def gflop(self, scheme: Scheme, size: tuple[int, int]) -> float | None:
        """Return what a scheme's photo of `size` took to encode and decode; None for what is not ours."""
        return None if self._model is None or scheme.codec != "progic" else self._model.gflop(size)

    @cached_property
    def measured_encode_s(self) -> float:
        """How long our codec takes here; WebP and AVIF take milliseconds: nothing, next to a slot."""
        model: TrainedCodec | None = self.parts.model
        if model is None:
            return 0.0
        sent = fit_photo(self.photo.image, self._sent_size)
        model.encode(sent)  # the first call also sets up memory and threads
        start_s = time.perf_counter()
        model.encode(sent)
        return time.perf_counter() - start_s
