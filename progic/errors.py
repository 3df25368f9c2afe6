"""Everything this package raises on purpose.

ProgicError                 something failed while running
└── InputError              the user can mend it; the commands exit with code 2
    ├── PayloadError        bytes that are not a stage, or not a stage of this model
    ├── ImageError          a photo that cannot be read or used
    ├── WeightsError        weights that are missing, cut, or not what their sha256 says
    └── ConfigError         a recipe, or a setting, that is not allowed
"""


class ProgicError(Exception):
    """Base of all errors raised on purpose."""


class InputError(ProgicError):
    """What the user gave cannot be used; the message says what is allowed."""


class PayloadError(InputError):
    """Bytes that are not a stage, or not a stage of this model."""


class ImageError(InputError):
    """A photo that cannot be read or used."""


class WeightsError(InputError):
    """Weights that are missing, cut, or not what their sha256 says."""


class ConfigError(InputError):
    """A recipe, or a setting, that is not allowed."""
