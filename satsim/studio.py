"""A photo with the codecs and the scores at hand: all that no link changes, and nothing of it done twice."""

from progic.images import fit_photo
from satsim.codec import CodecFailed, Encoded, NothingFits, PhotoCodec
from satsim.codec_settings import Search
from satsim.codecs import codec_of
from satsim.intake import Parts, Photo
from satsim.quality import Scorer
from satsim.sender_settings import Encoding
from satsim.settings import Scenario, Scheme
from satsim.trained_codec import RememberingCodec
from satsim.viewing import Marks


class Studio:
    """One photo, for any number of links: a second run of the same scheme costs no encoding or scoring."""

    def __init__(self, scenario: Scenario, photo: Photo, parts: Parts) -> None:
        """`scenario` gives the metrics and the marks; its link, repair and seed are nothing to a studio."""
        self.photo, self.parts = photo, parts
        self.scorer = Scorer(photo.image, scenario.metrics, parts.perceptual)
        self.marks = Marks(self.scorer.mark_dists(scenario.usable), self.scorer.mark_dists(scenario.detail))
        self._models = {search: RememberingCodec(model) for search, model in parts.models.items()}
        self._codecs: dict[PhotoCodec, PhotoCodec] = {}  # the first of equal ones: it may remember
        self._encoded: dict[PhotoCodec, Encoded | NothingFits | CodecFailed] = {}

    def codec(self, scenario: Scenario, scheme: Scheme) -> PhotoCodec:
        """Return the codec that a scheme sends with."""
        codec = codec_of(scheme, scenario, self._models, self.scorer.distance)
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

    def gflop(self, scenario: Scenario, scheme: Scheme) -> float | None:
        """Return what a scheme's photo took to encode and decode; None for what is not ours."""
        model = self._model(scenario, scheme)
        return None if model is None else model.gflop(scenario.size_of(scheme))

    def encoding(self, scenario: Scenario, scheme: Scheme) -> Encoding:
        """Return how long a scheme's encoding takes: as its sender says, or as long as our codec takes here.

        What is not ours takes milliseconds where it is measured: nothing, next to a slot.
        """
        sender, search = scenario.sender_of(scheme), scenario.search_of(scheme)
        model = self._model(scenario, scheme)
        if model is None or sender.encode_s is not None:
            return sender.encoding(search if model else Search())
        photo = fit_photo(self.photo.image, scenario.size_of(scheme))
        took_s = model.encode_s(photo)
        if not search.stagewise:
            return Encoding(took_s)
        each_s = took_s / len(model.encode(photo))
        return Encoding(each_s, each_s)

    def _model(self, scenario: Scenario, scheme: Scheme) -> RememberingCodec | None:
        """Return the trained codec that a scheme sends with; None for what is not ours."""
        return self._models[scenario.search_of(scheme)] if scheme.codec == "progic" else None
