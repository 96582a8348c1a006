"""The widget as a person meets it: by its labels and words."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Locator, Page

UNKNOWN = "I don’t know this one yet. Your question goes to the people who write the articles."


@dataclass(frozen=True, slots=True)
class Widget:
    page: Page
    title: str = "Help"

    @property
    def launcher(self) -> Locator:
        return self.page.locator("firstline-widget .launcher")

    @property
    def panel(self) -> Locator:
        return self.page.get_by_role("dialog", name=self.title)

    @property
    def question(self) -> Locator:
        return self.panel.get_by_label("What do you need help with?")

    @property
    def announced(self) -> Locator:
        return self.panel.get_by_role("status")

    def button(self, name: str) -> Locator:
        return self.panel.get_by_role("button", name=name)

    def field(self, label: str) -> Locator:
        return self.panel.get_by_label(label)

    def open(self) -> Widget:
        self.launcher.click()
        return self

    def ask(self, question: str) -> None:
        self.question.fill(question)
        self.question.press("Enter")

    def fill_ticket(self, *, email: str = "", body: str = "") -> None:
        self.field("Your e-mail address").fill(email)
        self.field("Description").fill(body)
