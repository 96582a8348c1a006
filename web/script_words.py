"""What the scripts of the pages say: one function a script, its words in one language as a JSON object.

A count is a list of whole sentences, one for each number from 0 on, so that no script has to know a plural rule.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.attachments import Allowed
from web.words import Words

#: More articles than this are never announced.
_MOST = 10
#: What a script puts a file's name in the place of.
_NAME = "{name}"


def publishing_words(said: Words, stages: Mapping[str, str]) -> dict[str, object]:
    """Of publishing.js. `{done}` and `{total}` stay for the script to fill in."""
    far = said.gettext("%(done)s of %(total)s", done="{done}", total="{total}")
    return {"stages": {stage: said.gettext(words) for stage, words in stages.items()}, "far": far}


def ticket_words(said: Words, allowed: Allowed) -> dict[str, str | list[str]]:
    """Of ticket.js. Where a sentence names a file, `{name}` stays in it for the script to fill in."""
    return {
        "tooLarge": said.say(allowed.too_large(_NAME)),
        "tooMany": said.say(allowed.too_many(_NAME)),
        "wrongKind": said.say(allowed.wrong_kind(_NAME)),
        "beside": said.gettext("Articles that may help"),
        "found": articles_found(said),
        "newTab": said.gettext("(opens in a new tab)"),
        "send": said.gettext("Send ticket"),
        "sending": said.gettext("Sending…"),
        "these": said.gettext("These may help"),
        "which": said.gettext("Which of these do you mean?"),
    }


def beside_words(said: Words) -> dict[str, str]:
    """Of beside.js."""
    return {
        "copied": said.gettext("Copied. Paste it into your reply."),
        "failed": said.gettext("That did not work. Nothing is lost, try again in a moment."),
        "inserted": said.gettext("Inserted into your reply."),
        "notCopied": said.gettext("Your browser did not let us copy. Mark the words and copy them by hand."),
    }


def widget_words(said: Words, *, by_mail: bool) -> dict[str, str | list[str]]:
    """Of widget-panel.js. `{name}` is for the script to fill in."""
    return {
        "added": said.gettext("Sent with your ticket:"),
        "again": said.gettext("Ask another question"),
        "ask": said.gettext("Send"),
        "back": said.gettext("Back to your question"),
        "backToList": said.gettext("Back"),
        "body": said.gettext("Description"),
        "bodyHint": said.gettext("What did you do, what happened, and what did you expect?"),
        "broken": said.gettext("Something went wrong on our side."),
        "choose": said.gettext("Please choose"),
        "department": said.gettext("Department: %(department)s", department="{department}"),
        "departmentLabel": said.gettext("Your department (optional)"),
        "down": said.gettext("The help centre cannot be reached from this page right now."),
        "earlier": said.gettext("Earlier in this conversation"),
        "email": said.gettext("Your e-mail address"),
        "follow": said.gettext("Follow your ticket"),
        "followUp": said.gettext("Ask a follow-up question"),
        "followUpLabel": said.gettext("What else do you want to know?"),
        "found": said.gettext("This article may help: %(title)s", title="{title}"),
        "glad": said.gettext("Good to hear that this solved it."),
        "helpCentre": said.gettext("Help centre"),
        "helpful": said.gettext("Was this article helpful?"),
        "here": said.gettext("Articles for this page"),
        "insteadNext": said.gettext("One of these may fit better. If not, send a ticket and a person will look at it."),
        "insteadOne": said.gettext("This one may fit better. If not, send a ticket and a person will look at it."),
        "kept": said.gettext("Your words are still here. Try again in a moment, or send a ticket on its own page."),
        "loading": said.gettext("Looking through the articles…"),
        "mend": [
            "",
            *(said.ngettext("One thing needs a change", "%(num)s things need a change", n) for n in range(1, 6)),
        ],
        "missing": said.gettext("What should be better? (optional)"),
        "neither": said.gettext("Neither of these"),
        "newTab": said.gettext("(opens in a new tab)"),
        "no": said.gettext("No"),
        "noArticle": said.gettext("This article is not here any more."),
        "noMarkup": said.gettext("The article cannot be shown on this page. Open it in the help centre."),
        "noneSolved": said.gettext("None of these helped"),
        "notSolved": said.gettext("It did not help"),
        "nothing": said.gettext("No article answered this."),
        "offline": said.gettext("You seem to be offline."),
        "openFull": said.gettext("Open this article in the help centre"),
        "otherWays": said.gettext("Other ways to reach us:"),
        "others": said.gettext("These may help too"),
        "product": said.gettext("Product: %(product)s", product="{product}"),
        "question": said.gettext("What do you need help with?"),
        "questionEmpty": said.gettext("Type a question, in your own words."),
        "questionHint": said.gettext("Ask in your own words, as you would ask a colleague."),
        "reasons": [
            said.gettext("It is out of date"),
            said.gettext("A step is missing or wrong"),
            said.gettext("It is hard to follow"),
            said.gettext("It is about something else"),
        ],
        "retry": said.gettext("Try again"),
        "sendComment": said.gettext("Send comment"),
        "sendTicket": said.gettext("Send ticket"),
        "sending": said.gettext("Sending…"),
        "sent": said.gettext("Ticket %(number)s is sent", number="{number}"),
        "sentNext": said.gettext("We reply to %(email)s. Please keep the number in case you call.", email="{email}")
        if by_mail
        else said.gettext("A person on the help desk reads it. Please keep the number in case you call."),
        "slow": said.gettext("This takes longer than usual. You can keep waiting, or send a ticket on its own page."),
        "solved": said.gettext("This solved it"),
        "some": [
            "",
            said.gettext("We found one article that may help"),
            said.gettext("We found two articles that may help"),
            said.gettext("We found three articles that may help"),
        ],
        "sorry": said.gettext("Sorry that this did not help."),
        "sorryNeither": said.gettext("Sorry that neither of them fits."),
        "sorryNext": said.gettext(
            "Send a ticket, and a person will look at it. You can also ask again in other words."
        ),
        "source": said.gettext("Read the whole article: %(title)s", title="{title}"),
        "subject": said.gettext("Subject"),
        "thanks": said.gettext("Thank you for telling us."),
        "ticket": said.gettext("Send a ticket"),
        "ticketIntro": said.gettext("A person on the help desk reads it and answers by e-mail.")
        if by_mail
        else said.gettext("A person on the help desk reads it and answers."),
        "ticketPage": said.gettext("Open the ticket page"),
        "ticketTitle": said.gettext("Send a ticket"),
        "ticketTooSlow": said.gettext(
            "We cannot tell whether your ticket arrived. Send it again: it will not arrive twice."
        ),
        "ticketTwice": said.gettext(
            "Your ticket arrived as you first wrote it. To send the changed one as well, send it again."
        ),
        "tooSlow": said.gettext("The help centre did not answer in time."),
        "topic": said.gettext("What is it about? (optional)"),
        "understood": said.gettext("Understood as: %(text)s", text="{text}"),
        "unknown": said.gettext("I don’t know this one yet. Your question goes to the people who write the articles."),
        "unknownNext": said.gettext("Send a ticket if you need an answer from a person."),
        "which": said.gettext("Which of these do you mean?"),
        "why": said.gettext("Why did it not help?"),
        "yes": said.gettext("Yes"),
    }


def inbox_words(said: Words, most: int) -> dict[str, str | list[str]]:
    """Of inbox.js, on the list, where up to `most` tickets can be chosen, and on the page of a ticket."""
    return {
        "chosen": [
            "",
            *(said.ngettext("%(num)s ticket selected", "%(num)s tickets selected", n) for n in range(1, most + 1)),
        ],
        "kept": said.gettext("We kept what you typed."),
        "sending": said.gettext("Sending…"),
    }


def article_words(said: Words) -> dict[str, str | list[str]]:
    """Of article.js."""
    return {
        "copied": said.gettext("Copied"),
        "copy": said.gettext("Copy"),
        "copyCode": said.gettext("Copy this code"),
        "failed": said.gettext("Not copied: select it and copy it yourself"),
    }


def preview_words(said: Words) -> dict[str, str | list[str]]:
    """Of preview.js, on every page of a preview."""
    return {
        "gone": said.gettext("The preview has stopped. Start it again in your terminal."),
        "older": said.gettext("The articles changed. Load this page again when you have finished typing."),
    }


def search_words(said: Words) -> dict[str, str | list[str]]:
    """Of search.js, on every page. "{words}" stands for what was typed."""
    return {
        "found": [
            said.gettext("No suggestions"),
            *(said.ngettext("%(num)s suggestion", "%(num)s suggestions", n) for n in range(1, _MOST + 1)),
        ],
        "label": said.gettext("Suggestions"),
        "search": said.gettext("Search for “%(words)s”", words="{words}"),
    }


def articles_found(said: Words) -> list[str]:
    """What a screen reader is told of a list, for 0 to 10 articles; nothing for none."""
    return ["", *(said.ngettext("%(num)s article found", "%(num)s articles found", n) for n in range(1, _MOST + 1))]
