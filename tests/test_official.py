"""The official files that come with the tests are whole, and each has its source and licence."""

from __future__ import annotations

import re


def test_every_folder_of_official_files_has_a_source_and_a_licence(root):
    folder = root / "tests" / "official"
    table = [line for line in (folder / "README.md").read_text().splitlines() if "| `" in line]
    described = {re.findall("`(.*?)`", line)[0]: line.split("|")[-2].strip() for line in table}
    assert all(re.search(r"ODC-By|CC BY|MIT", licence) for licence in described.values())
    folders = {str(path.parent.relative_to(folder)) for path in folder.rglob("*.xz")}
    assert {name for name in folders if not any(name.startswith(of) for of in described)} == set()


def test_official_files_have_the_published_sizes(official):
    lines = {
        "asvspoof2019_la/protocols/ASVspoof2019.LA.cm.train.trn.txt": 25_380,
        "asvspoof2019_la/protocols/ASVspoof2019.LA.cm.dev.trl.txt": 24_844,
        "asvspoof2019_la/protocols/ASVspoof2019.LA.cm.eval.trl.txt": 71_237,
        "asvspoof2019_la/scores/AASIST-L_eval.txt": 71_237,
        "asvspoof2021_la/ASVspoof2021.LA.cm.eval.trl.txt": 181_566,
        "partialspoof/protocols/PartialSpoof.LA.cm.eval.trl.txt": 71_237,
    }
    counted = {name: len((official / name).read_text().splitlines()) for name in lines}
    assert counted == lines
