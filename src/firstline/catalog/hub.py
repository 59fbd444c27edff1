"""A model hub as a source of bytes, by way of the library huggingface-hub.

It knows addresses and metadata; what is right is decided by the sha256, not here. The library's own download is not
used because it neither names files by content nor hashes while it writes.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import httpx2
from huggingface_hub import HfApi, constants, get_hf_file_metadata, get_session, get_token, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from firstline import patterns
from firstline.catalog.model import HubSource
from firstline.catalog.partial import CHUNK
from firstline.errors import WeightsError
from firstline.types import Value

_SHA256 = patterns.compile(r"[0-9a-f]{64}")
_GLOB = patterns.compile(r"[*?\[]")
_READ_S = 60.0


class HubFile(Value, frozen=True, kw_only=True):
    """A file as the hub states it: bytes and sha256 are None where it states none; `revision` is a commit."""

    repo: str
    name: str
    revision: str
    bytes: int | None
    sha256: str | None


class Hub:
    """One hub for the length of one pull; once it could not be reached it is not asked again."""

    def __init__(self, endpoint: str, *, connect_s: float = 5.0) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.connect_s = connect_s
        self.reachable = bool(endpoint)
        # The user's token belongs to the library's own hub and is not shown to another address.
        self._token = None if self.endpoint == constants.ENDPOINT else False

    def find(self, source: HubSource) -> HubFile:
        """Ask for a file's name, size and sha256. Raises WeightsError; `reachable` turns False if nobody answers."""
        with self._errors(source.repo):
            name, revision = source.file[0], source.revision
            if len(source.file) > 1 or _GLOB.search(name):
                name, revision = self._choose(source)
            url = hf_hub_url(source.repo, name, revision=revision, endpoint=self.endpoint)
            facts = get_hf_file_metadata(url, token=self._token, timeout=self.connect_s, endpoint=self.endpoint)
        etag = facts.etag or ""
        return HubFile(
            repo=source.repo,
            name=name,
            revision=facts.commit_hash or revision,
            bytes=facts.size,
            sha256=etag if _SHA256.fullmatch(etag) else None,
        )

    @contextmanager
    def open(self, file: HubFile, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Read a file from an offset. Gives where the bytes really begin (0 if the server knows no ranges) and them."""
        url = hf_hub_url(file.repo, file.name, revision=file.revision, endpoint=self.endpoint)
        headers = {"Accept-Encoding": "identity"}
        if self._token is not False and (token := get_token()):
            headers["Authorization"] = f"Bearer {token}"
        if offset:
            headers["Range"] = f"bytes={offset}-"
        limits = httpx2.Timeout(_READ_S, connect=self.connect_s)
        with self._errors(file.repo), get_session().stream("GET", url, headers=headers, timeout=limits) as response:
            if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                yield offset, iter(())
                return
            response.raise_for_status()
            partial = response.status_code == HTTPStatus.PARTIAL_CONTENT
            yield offset if partial else 0, response.iter_bytes(CHUNK)

    def _choose(self, source: HubSource) -> tuple[str, str]:
        api = HfApi(endpoint=self.endpoint, token=self._token)
        facts = api.model_info(source.repo, revision=source.revision, timeout=self.connect_s, files_metadata=True)
        names = [sibling.rfilename for sibling in facts.siblings or ()]
        for pattern in source.file:
            match fnmatch.filter(names, pattern):
                case [name]:
                    return name, facts.sha or source.revision
                case [_, _, *_] as several:
                    raise WeightsError(f"{source.repo}: {pattern} names several files: {', '.join(sorted(several))}")
        raise WeightsError(
            f"{source.repo} has no file {' or '.join(source.file)}",
            hint='the repository has changed; name a file you fetched yourself with [models."ID"] file = "PATH"',
        )

    @contextmanager
    def _errors(self, repo: str) -> Iterator[None]:
        try:
            yield
        except (httpx2.ConnectError, httpx2.ConnectTimeout, OfflineModeIsEnabled) as error:
            self.reachable = False
            raise WeightsError(
                f"the hub {self.endpoint} cannot be reached: {error}", hint="`sources.hub` names the hub"
            ) from error
        except (HfHubHTTPError, httpx2.HTTPStatusError) as error:
            status = error.response.status_code
            hint = "it wants you to log in or to accept its terms on the hub" if status in (401, 403) else None
            raise WeightsError(f"the hub answered {status} for {repo}", hint=hint) from error
        except httpx2.HTTPError as error:
            raise WeightsError(
                f"the hub's answer broke off: {str(error) or type(error).__name__}",
                hint="pull again: it goes on where it stopped",
            ) from error
