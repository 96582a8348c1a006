"""What people say outright of themselves: passwords, one-time codes, keys, secrets in addresses, and their names.

The words before them are those of the eight languages of the interface. Every pattern is bounded, so that a hostile
text takes no longer than a friendly one of its length.
"""

from __future__ import annotations

import re

from kb.credentials import without_tokens

PASSWORD, CODE, TOKEN, NAME = "[password]", "[code]", "[token]", "[name]"

# --- keys, tokens and addresses that let somebody in -------------------------------------------------------------

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:\s{0,4}[\w-]{1,20}: [^\n]{0,200}\n){0,5}"
    r"[0-9A-Za-z+/=\s]*+(?:-----END[^-]{0,60}-----)?"
)
_MIXED = r"(?=[\w.+/=~-]{0,60}?\d)(?=[\w.+/=~-]{0,60}?[A-Za-z])"
#: The credentials of RFC 6750 and 7617, and whatever is called a key and looks like one.
_BEARER = re.compile(rf"\b(?i:bearer|basic)\s{{1,3}}{_MIXED}(?P<secret>[\w.+/=~-]{{16,4000}})")
_CALLED_KEY = re.compile(
    r"\b(?i:api[ _-]?key|access[ _-]?key|secret(?:[ _-]?key)?|token|jeton|schlüssel|api-schlüssel|clave(?: api)?"
    r"|clé(?: api)?|chiave(?: api)?|sleutel|klucz(?:a| api)?|ключ(?: api)?|токен)"
    r"\s{0,2}(?:[:=]|\b(?:is|ist|lautet|es|est|è|to)\b)?\s{0,3}[\"'„“]?"
    rf"{_MIXED}(?P<secret>[\w+/=~-]{{16,200}})"
)
#: A licence key of five times five.
_LICENCE = re.compile(r"(?<![\w-])[A-Z0-9]{5}(?:-[A-Z0-9]{5}){4}(?![\w-])")
_IN_ADDRESS = re.compile(
    r"(?P<before>\b[a-z][a-z0-9+.-]{1,15}://)[^\s/:@\"'<>]{1,80}:[^\s/@\"'<>]{1,80}(?=@[\w.-])", re.IGNORECASE
)
_PARAMETER = re.compile(
    r"(?P<before>[?&;#](?:(?:access|id|refresh|auth|reset|invite|csrf|session)[_-]?)?"
    r"(?P<name>token|key|api[_-]?key|secret|client[_-]?secret|sig|signature|x-amz-signature|pass(?:word|wd)?|pwd|auth|code|session"
    r"|session[_-]?id|sid|jwt|ticket|otp|invite|hash)=)(?P<secret>[^&\s#\"'<>\[\]]{6,2000})",
    re.IGNORECASE,
)
#: The long random part of an address that a mail tells one person to open.
_PATH = re.compile(
    r"(?P<before>/(?:reset|verify|invite|confirm|activate|welcome|magic|login|share|s|tickets?|unsubscribe)/)"
    rf"{_MIXED}(?P<secret>[\w-]{{20,200}})(?![\w-])",
    re.IGNORECASE,
)

#: No key is shorter.
_LONG = re.compile(r"[\w+/.-]{16}")

# --- passwords ---------------------------------------------------------------------------------------------------

_CALLED = (
    r"(?:(?:wi-?fi-?|wlan-?|start|erst|einmal|standard)?(?:passw(?:or[dt]|d)s?|kennwort|wachtwoord)"
    r"|pass(?:code|phrase)|pwd|pw|zugangscode|contraseña|clave|mot de passe|mdp|clé|ww|has[łl](?:o|em|a)"
    r"|парол(?:ь|я|ем|ю)|pass(?=\s{0,2}(?:is|è|es)\s))"
)
#: What may stand between: "the password *of the wifi* is …".
_OF = (
    r"(?:of|for|the|my|our|wi-?fi|wlan|guest|network|vom|von|für|fürs|das|dem|der|del|de|la|el|red|du|le|réseau|della|per|il"
    r"|rete|van|het|voor|netwerk|do|dla|sieci|konta|от|к|для|сети|вайфая|вай-фая|temporary|temporal|provisoire|provvisoria"
    r"|tymczasowe|tijdelijke|account|conto|konto)"
)
_IS = (
    r"(?:(?:is|was|ist|war|lautet|lautete|es|era|est|était|è|to|brzmi|такой|был|это)\b|(?=[:=–—-]))"
    r"\s{0,2}(?:now|jetzt|ahora|теперь)?\s{0,2}[:=–—-]?"
)
_VALUE = r"(?P<secret>(?![-–—.,:;/\\(|])[^\s\"'`<>«»„“”\[\]{}|]{4,64})"
_SAID = re.compile(
    rf"(?<![\w=&/.-])(?i:{_CALLED})\b(?i:\s{{1,2}}{_OF}\b){{0,3}}\s{{0,2}}"
    rf"(?P<is>(?i:{_IS}))?\s{{0,3}}(?P<quoted>[\"'`«„“]?){_VALUE}"
)
#: Shapes of what is no password though digits stand in it: error codes, updates, tickets, "12-character", dates.
_NO_PASSWORD = re.compile(
    r"0x[0-9a-f]+|(?:kb|inc|ora|aadsts|err|error|e|windows|win|office|ios|android|m|v)-?\d+.{0,12}|\d{1,3}[-–]?[^\W\d]{2,}"
    r"|\d{1,4}(?:[./:-]\d{1,4}){1,4}|.{0,40}\.(?:exe|log|txt|pdf|docx?|xlsx?|html?|msi|dll|com|org|net)|https?:.{0,60}|\d{1,3}%"
    r"|[\w-]{1,63}(?:\.[\w-]{1,63}){2,4}(?::\d+)?|(?:[^\W\d]+/){1,3}[^\W\d]+",
    re.IGNORECASE,
)
_LETTER, _DIGIT, _SYMBOL = re.compile(r"[^\W\d_]"), re.compile(r"\d"), re.compile(r"[!#$%&*?^+=~@§]")
#: Words, some with a hyphen, an apostrophe or a slash.
_WORDS = re.compile(r"[^\w]*|[^\W\d_]+(?:[-–'’/_][^\W\d_]+)*")
#: Polish for "is", and no more than a preposition after an English word.
_TO = re.compile(r"passw\w+ to\b", re.IGNORECASE)
_FOR = re.compile(r"\b(?:for|on|of|für|fürs|per|voor|pour|para|dla|для|к|do)\b", re.IGNORECASE)

# --- one-time codes ----------------------------------------------------------------------------------------------

_CODE = re.compile(
    r"\b(?i:(?:verification|security|one-?time|access|authentication|confirmation|sms|text|login|sign-in|2fa|mfa)"
    r"[ -]?(?:pass)?code"
    r"|passcode|otp|pin|tan|(?:bestätigungs|sicherheits|verifizierungs|einmal|anmelde|prüf|sms-?|zugangs)code"
    r"|einmal(?:passwort|kennwort)|código (?:de (?:verificación|seguridad|acceso|confirmación|un solo uso)|sms)"
    r"|code (?:de (?:vérification|sécurité|confirmation)|d['’]accès|à usage unique|sms|pin)"
    r"|codice (?:di (?:verifica|sicurezza|accesso|conferma)|monouso|otp|sms|pin)"
    r"|(?:verificatie|beveiligings|sms-?|toegangs|pin)code|eenmalige code"
    r"|kod (?:weryfikacyjny|bezpieczeństwa|jednorazowy|autoryzacyjny|dostępu|sms|pin)"
    r"|код (?:подтверждения|безопасности|доступа|проверки|из смс)|одноразовый код|пин(?:-код)?|смс-код)\b"
    r"(?P<gap>\W{0,4}(?:[^\W\d_]{1,6}\W{1,3}){0,2})(?P<secret>\d{3}[ -]?\d{1,5})(?![\d%]|[.,:/-]\d|\w)"
)
_CODE_BY_SMS = re.compile(
    r"\b(?i:code|código|codice|kod|код)\W{1,3}(?P<gap>)(?P<secret>\d{4,8})"
    r"(?=\W{1,3}(?i:[^\W\d_]{1,5} ){0,2}(?i:sms|смс|texto|text)\b)"
)
_YEAR = re.compile(r"(?:19|20)\d\d")

# --- names -------------------------------------------------------------------------------------------------------

_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĴĶĹĻĽĿŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽА-ЯЁІЇЄҐ"
_WORD = rf"[{_UPPER}][^\W\d_]{{0,24}}(?:['’-][{_UPPER}]?[^\W\d_]{{1,24}}){{0,2}}"
_PARTICLE = r"(?:(?:van|von|de|der|den|del|della|di|da|dos|la|le|el|al|zu|bin|ben)\s){0,2}"
_NAMED = rf"(?P<secret>(?:(?:Dr|Prof|Ing|Mag)\.\s){{0,2}}{_WORD}(?:[ ]{_PARTICLE}{_WORD}){{0,3}})"
_MY_NAME = re.compile(
    r"\b(?i:my name is|my name['’]s|mein name ist|ich heiß+e|ich heisse|hier spricht|me llamo|mi nombre es"
    r"|je m['’]appelle"
    r"|mon nom est|mi chiamo|il mio nome è|mijn naam is|ik heet|u spreekt met|nazywam się|mam na imię|z tej strony"
    rf"|меня зовут|моё имя|мое имя)\s{{1,3}}{_NAMED}"
    # German writes all nouns large, and a name may be that of a profile: what follows a person is a pause or an "and".
    r"(?=\s{0,3}(?:[,.;:!()\n–—-]|$)|\s(?:and|from|of|und|aus|von|vom|y|e|et|en|i|z|ze|и|из|de|del|du|des|van|della|di)\b)"
)
_FROM = re.compile(
    r"(?:(?:^|(?<=[.!?,;\n])\s{0,3})(?:(?i:this is|i am|i['’]m|ich bin|soy|je suis|sono|ik ben|jestem|это|с вами)))\s"
    rf"{_NAMED}(?=\s(?:from|aus|von der|vom|de|del|du|des|della|dell['’]|van|z|ze|из)\s?[^\W\d_])"
)
_CLOSING = re.compile(
    r"\b(?i:(?:kind|best|warm|many) (?:regards|wishes|thanks)|regards|yours sincerely|sincerely|cheers"
    r"|thanks(?=,|\s{0,3}\n)|thank you(?=,|\s{0,3}\n)"
    r"|(?:mit )?(?:freundlichen|freundliche|viele|beste|liebe|schöne) grü(?:ß|ss)en?|grü(?:ß|ss)e|mfg|lg|vg"
    r"|un (?:cordial )?saludo|saludos(?: cordiales)?|atentamente|cordialmente|(?:bien )?cordialement|bien à vous"
    r"|sincères salutations"
    r"|cordiali saluti|distinti saluti|saluti|(?:met )?(?:vriendelijke|hartelijke) groet(?:en)?|groet(?:en|jes)?|mvg"
    r"|pozdrawiam|pozdrowienia|z poważaniem|z wyrazami szacunku|с уважением|с наилучшими пожеланиями)"
    rf"[,.!]?[ \t]{{0,3}}\n{{0,2}}[ \t]{{0,3}}{_NAMED}(?=[ \t]{{0,3}}(?:[,.|(]|\n|$))"
)


#: A text that has none of these, in small letters, has nothing of the kind: most have not, and looking for a word takes
#: a hundredth of the time that a pattern takes.
_PASSWORD_HINTS = tuple("pass pwd pw kennwort zugangscode contraseña clave mdp clé wachtwoord ww has парол".split())
_CODE_HINTS = tuple("code otp pin tan código codice kod код пин einmal".split())
_KEY_HINTS = tuple("key secret token jeton schlüssel clave clé chiave sleutel klucz ключ токен".split())
_NAME_HINTS = (
    *"name heiß heiss llamo nombre appelle chiamo nome naam heet spreekt nazywam imię зовут имя".split(),
    *("hier spricht", "mon nom", "z tej strony"),
)
_FROM_HINTS = (
    "this is",
    "i am",
    "i'm",
    "i’m",
    "ich bin",
    "soy",
    "je suis",
    "sono",
    "ik ben",
    "jestem",
    "это",
    "с вами",
)
_CLOSING_HINTS = (
    *"regards wishes thanks sincerely cheers thank grüß grüss mfg lg vg saludo atentamente cordial saluti".split(),
    "salutations",
    *("bien à vous", "groet", "mvg", "pozdraw", "pozdrow", "poważaniem", "szacunku", "уважением", "пожеланиями"),
)


def mask_said(text: str) -> str:
    """The text with passwords, one-time codes, keys and secrets in addresses replaced by a word in brackets."""
    small = text.lower()
    if "://" in small or "=" in small:
        text = _IN_ADDRESS.sub(rf"\g<before>{PASSWORD}", text)
        text = _PARAMETER.sub(_parameter, text)
        text = _PATH.sub(rf"\g<before>{TOKEN}", text)
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(TOKEN, text)
    if _LONG.search(text):
        text = without_tokens(text, TOKEN)
        text = _BEARER.sub(lambda match: _instead(match, TOKEN), text)
        if _any(_KEY_HINTS, small):
            text = _CALLED_KEY.sub(lambda match: _instead(match, TOKEN), text)
        text = _LICENCE.sub(TOKEN, text)
    if _any(_CODE_HINTS, small) and _DIGIT.search(text):
        for pattern in (_CODE, _CODE_BY_SMS):
            text = pattern.sub(_code, text)
    return _SAID.sub(_password, text) if _any(_PASSWORD_HINTS, small) else text


def mask_names(text: str) -> str:
    """The text with names replaced by a word in brackets where somebody says that it is theirs, or signs."""
    small = text.lower()
    for pattern, hints in ((_MY_NAME, _NAME_HINTS), (_FROM, _FROM_HINTS), (_CLOSING, _CLOSING_HINTS)):
        if _any(hints, small):
            text = pattern.sub(lambda match: _instead(match, NAME), text)
    return text


def _any(hints: tuple[str, ...], small: str) -> bool:
    return any(hint in small for hint in hints)


def _instead(match: re.Match[str], mask: str) -> str:
    """The match with its secret replaced."""
    start, end = (place - match.start() for place in match.span("secret"))
    return f"{match[0][:start]}{mask}{match[0][end:]}"


def _parameter(match: re.Match[str]) -> str:
    secret, name = match["secret"], match["name"].lower()
    if name.startswith(("pass", "pwd")) or len(secret) >= 16 or (re.search(r"\d", secret) and len(secret) >= 8):
        return f"{match['before']}{TOKEN}" if not secret.lower().startswith("0x") else match[0]
    return match[0]


def _code(match: re.Match[str]) -> str:
    if match["gap"].strip() and _YEAR.fullmatch(match["secret"]):  # "no PIN since 2024"
        return match[0]
    return _instead(match, CODE)


def _password(match: re.Match[str]) -> str:
    """Masked where it is called the password and has more than letters, or where it can hardly be a word."""
    secret = match["secret"].rstrip(".,;:)")
    rest = match["secret"][len(secret) :]
    core = secret.strip("*_.,;:)?!…")
    if len(secret) < 4 or _NO_PASSWORD.fullmatch(core) or _WORDS.fullmatch(core):
        return match[0]
    letter, digit, symbol = (bool(pattern.search(core)) for pattern in (_LETTER, _DIGIT, _SYMBOL))
    strong = len(secret) >= 6 and letter and (digit or symbol)
    called = match["quoted"] or (match["is"] and not _TO.match(match[0]))
    # "The password for Outlook365": what it is for, not what it is.
    if not called and (not strong or _FOR.search(match[0][: match.start("secret") - match.start()])):
        return match[0]
    return f"{match[0][: match.start('secret') - match.start()]}{PASSWORD}{rest}"
