"""Pictures of every page and of every state of the widget: light and dark, phone and desktop.

    python -m bench.screenshots FOLDER

Look at them all: no test sees what is ugly.
"""

from __future__ import annotations

import os
import sys
import tempfile
from itertools import product
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

from playwright.sync_api import sync_playwright

from bench.own_site import own_data
from tests.browser.conftest import ARGUMENTS, CHROMIUM, DESKTOP, PHONE
from tests.browser.help_centre import help_centre
from tests.browser.host_site import host_site
from tests.browser.publishing_scenes import publications_in
from tests.browser.report_scenes import spike_in
from tests.browser.scenes import PAGES, ask_before
from tests.browser.widget_scenes import WIDGET, on

PHONE_OPTIONS = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(f"usage: {__doc__}")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        host_site() as site,
        help_centre(own_data(), Path(scratch), site.base, site.handoff) as server,
        sync_playwright() as playwright,
    ):
        site.help_centre = server.base
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        before = browser.new_context(base_url=server.base)
        ask_before(before.request)
        publications_in(server.database)
        spike_in(server.database)
        before.close()
        scenes = {**PAGES, **{name: on(site.base, scene) for name, scene in WIDGET.items()}}
        devices = {"desktop": {"viewport": DESKTOP}, "phone": PHONE_OPTIONS}
        for (device, options), scheme, (name, scene) in product(devices.items(), ("light", "dark"), scenes.items()):
            context = browser.new_context(base_url=server.base, color_scheme=scheme, reduced_motion="reduce", **options)
            page = context.new_page()
            scene(page)
            path = folder / f"{name}-{device}-{scheme}.png"
            page.screenshot(path=path, full_page=name in PAGES)
            context.close()
            print(path)
        browser.close()


if __name__ == "__main__":
    main()
