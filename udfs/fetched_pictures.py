"""Where the pictures of http and https addresses are that have been fetched.

A picture lies in a folder under the SHA-256 of its URI, below the first two digits: `ab/abcd...`. Where the server has
said that there is no picture that can be used, the file `ab/abcd....status` has a value of `ImageStatus`.
"""

from __future__ import annotations

import hashlib
import re

FETCHED = "fetched:"
"""Beginning of the prefix that allows to read the pictures of http and https URIs; the folder follows, or nothing if no
picture has been fetched yet."""
STATUS = ".status"
_HTTP = re.compile(r"https?://", re.IGNORECASE)


def is_http(uri: str) -> bool:
    """Whether a URI is of http or https, so that it is fetched and never read directly."""
    return _HTTP.match(uri) is not None


def fetched_name(uri: str) -> str:
    """The name of a picture in the folder of fetched pictures."""
    digest = hashlib.sha256(uri.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{digest[:2]}/{digest}"
