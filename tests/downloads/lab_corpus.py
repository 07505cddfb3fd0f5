"""A corpus of a lab's own that a server of this machine has in its organisers' archives."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import NamedTuple

import tomlkit

from bench.cards import corpus_cards
from bench.data.corpora import read_keys
from tests.downloads.official_archives import CORPORA, pack
from tests.downloads.server import FileServer


class LabCorpus(NamedTuple):
    """The server, the miniatures, and the folder where `bench.toml` and the card are written."""

    server: FileServer
    miniatures: Path
    folder: Path

    def serve(self, key: str, **change: object) -> str:
        """Serve a miniature; its card is the official one but for addresses, sizes and counts.

        The corpus is called LAB.
        """
        root = self.miniatures / "mini" / key
        official = corpus_cards.read_corpus_card(key)
        content = card_content(key)
        archives = CORPORA[key]
        content |= {"name": "Lab corpus", "short": "LAB", **change}
        content["downloads"] = [
            self._serve_archive(
                pack(root, official.folder, item["file"], archives[item["file"]]), item
            )
            for item in content["downloads"]
            if item["file"] in archives
        ]
        for split, counts in content["splits"].items():
            labels = read_keys(official, split, root).table["label"]
            counts |= {"utterances": len(labels)}
            if "bonafide" in counts:
                counts |= {name: int((labels == name).sum()) for name in ("bonafide", "spoof")}
        path = self.folder / "lab/datasets/labcorpus.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tomlkit.dumps(content), encoding="utf-8")
        (self.folder / "bench.toml").write_text('extend = ["lab"]  # ours\n', encoding="utf-8")
        return "LAB"

    def _serve_archive(self, content: bytes, item: dict) -> dict:
        """Return a download's entry as the server has it; keys, splits and inner archives stay."""
        rest = {name: item[name] for name in ("keys", "splits", "inner") if name in item}
        digest = hashlib.md5(content).hexdigest()
        url = self.server.serve(item["file"], content)
        return {"file": item["file"], "url": url, "bytes": len(content), "md5": digest, **rest}


def card_content(key: str) -> dict:
    """The official card of a corpus."""
    path = Path(__file__).parents[2] / "datasets" / f"{key}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))
