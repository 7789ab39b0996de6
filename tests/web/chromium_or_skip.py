"""Chromium for the tests of pages, which are skipped by name where it, or Playwright, is not installed."""

import os

import browsing
import pytest


def chromium(film=None):
    """Return what starts Chromium, see browsing.chromium."""
    if lacks := browsing.missing():
        assert not os.environ.get("REQUIRE_DISPLAY_TESTS"), f"not installed: {lacks}"
        pytest.skip(f"not installed: {' '.join(lacks)}: pages are tested in a browser")
    return browsing.chromium(film)
