"""Names that AI generators and services give themselves in fields that name the maker.

THE RULE: a name counts where a field states which program wrote the file, or credits the maker,
and the value is that name (with a version at most) or "made with NAME". Descriptions, titles,
captions, keywords and comments are never searched for names: a picture *about* Midjourney is not
one *by* it. One exception: a recording's comment that is "made with NAME" and nothing else, or that
and settings behind a semicolon, which is how Suno signs its MP3s.
"""

import re

from unmask.forensics.fields import Field

_NAMES = {
    "Midjourney": r"midjourney",
    "OpenAI": r"dall[·\-\s.]?e(?:[ -]?[23])?|openai(?: api)?|chatgpt|gpt-?4o|gpt-image(?:-\d)?"
    r"|sora",
    "Adobe Firefly": r"adobe firefly|firefly",
    "Google AI": r"google ai|google gemini|gemini|imagen|google imagen|nano banana(?: pro)?"
    r"|google veo|veo",
    "Ideogram": r"ideogram(?: ai|\.ai)?",
    "Grok": r"grok|xai|aurora by xai",
    "Reve": r"reve\.com|reve(?: image| ai)?",
    "Stability AI": r"stability ai|stability\.ai|dreamstudio|stable image(?: core| ultra)?",
    "Stable Diffusion": r"stable ?diffusion(?: xl| webui| web ui)?|automatic1111|sd\.next|sdnext"
    r"|stable diffusion webui forge|forge",
    "ComfyUI": r"comfyui",
    "InvokeAI": r"invoke ?ai",
    "NovelAI": r"novelai",
    "Fooocus": r"fooocus",
    "Draw Things": r"draw things",
    "DiffusionBee": r"diffusionbee",
    "SwarmUI": r"(?:stable)?swarmui",
    "Easy Diffusion": r"easy diffusion",
    "Leonardo.Ai": r"leonardo\.? ?ai",
    "Canva AI": r"canva (?:magic media|ai)|magic media",
    "Microsoft": r"bing image creator|microsoft designer|image creator(?: in bing)?"
    r"|copilot designer",
    "Meta AI": r"meta ai|imagined with ai",
    "Apple Image Playground": r"(?:apple )?image playground",
    "FLUX": r"black forest labs|flux(?:\.?[12])?(?: (?:pro|dev|schnell|kontext))?",
    "Recraft": r"recraft(?: ai)?",
    "Krea": r"krea(?: ai|\.ai)?",
    "Playground": r"playground ai|playgroundai",
    "NightCafe": r"nightcafe(?: studio)?",
    "Craiyon": r"craiyon",
    "Seedream": r"seedream|jimeng(?: ai)?|即梦(?:ai)?|dreamina|doubao|豆包",
    "Kling": r"kling(?: ai)?|可灵(?:ai)?",
    "Hailuo": r"hailuo(?: ai)?|minimax",
    "Runway": r"runway(?: ?ml)?(?: gen-?[234])?",
    "Pika": r"pika(?: labs)?",
    "Luma": r"luma(?: ai| dream machine)?|dream machine",
    "HeyGen": r"heygen",
    "Synthesia": r"synthesia",
    "D-ID": r"d-id",
    "Amazon": r"amazon (?:titan|nova canvas|nova reel)(?: image generator)?|amazon bedrock",
    "Suno": r"suno(?: ai)?",
    "Udio": r"udio",
    "ElevenLabs": r"eleven ?labs(?:\.io)?",
    "Stable Audio": r"stable audio(?: open)?",
    "MusicGen": r"(?:meta )?(?:musicgen|audiocraft|audiogen)",
    "Google Lyria": r"(?:google )?(?:lyria|musicfx)",
    "Riffusion": r"riffusion",
    "Mureka": r"mureka",
    "AIVA": r"aiva(?: technologies)?",
    "Mubert": r"mubert",
    "Soundraw": r"soundraw",
    "Boomy": r"boomy",
    "Resemble AI": r"resemble(?: ai|\.ai)",
    "PlayHT": r"play\.?ht|playht",
    "Murf": r"murf(?: ai|\.ai)",
    "Respeecher": r"respeecher",
    "Speechify": r"speechify",
    "WellSaid": r"wellsaid(?: labs)?",
    "Descript Overdub": r"descript overdub|overdub",
    "Azure speech": r"(?:microsoft )?azure (?:ai )?(?:speech|text to speech|tts)",
    "Amazon Polly": r"(?:amazon|aws) polly",
    "Google text-to-speech": r"(?:google )?(?:cloud )?text-to-speech|gtts",
    "Coqui": r"coqui(?: tts| ai)?",
    "Kokoro": r"kokoro(?:-82m)?(?: tts)?",
    "Bark": r"suno bark",
    "Fish Audio": r"fish ?audio|fish[ -]speech",
    "an unnamed AI": r"(?:generative )?ai|artificial intelligence",
}
_VERSION = r"(?:[ ,/]*\(?v?(?:ersion )?\d[\w.\-]*\)?)?(?: \([\w ./]{1,40}\))?"
_THING = r"(?:image |picture |video |photo |song |music |audio |speech |voice )?"
_MADE = rf"(?P<verb>{_THING}(?:made|created|generated|imagined|edited)"
_BY = rf"{_MADE} (?:with|by|using|in) )?"
_PATTERNS = {
    name: re.compile(rf"\s*{_BY}(?:{pattern}){_VERSION}[\s.]*", re.IGNORECASE)
    for name, pattern in _NAMES.items()
}
_PROGRAM = re.compile(
    r"^(?:.*[:/])?(Software|ProcessingSoftware|HostComputer|Make|Model|Source|CreatorTool|softwareAgent"
    r"|OriginatingProgram|Producer|software|encoder|creator_tool|encoded_by|Writer)$"
)
_COMMENT = re.compile(r"^(?:stream \d+/)?(?:comment|TXXX:comment|COMM)$", re.IGNORECASE)
_CREDIT = re.compile(r"^(?:.*[:/])?(Credit|Artist|Byline|creator|Author|artist|author|Copyright)$")


def named_generator(field: Field) -> tuple[str, bool] | None:
    """(generator, edited) that a field names as its maker; None for anything else.

    `edited` is True where the field says "edited with", which means a picture changed in part.
    """
    if field.group == "container" and _COMMENT.match(field.name):
        return _signed(field.value)
    program, credit = _PROGRAM.match(field.name), _CREDIT.match(field.name)
    if (not program and not credit) or field.group in ("GPS", "note") or len(field.value) > 120:
        return None
    for name, pattern in _PATTERNS.items():
        match = pattern.fullmatch(field.value)
        if not match:
            continue
        verb = match["verb"] or ""
        if credit and not verb and name in _ORDINARY_WORDS:
            return None  # "Pika", "Reve", "Luma" are also people and agencies
        if name == "an unnamed AI" and not verb:
            return None
        return name, "edited" in verb.lower()
    return None


def _signed(comment: str) -> tuple[str, bool] | None:
    """The generator of a comment "made with NAME; settings"; None for any other comment."""
    statement = comment[:400].partition(";")[0]
    for name, pattern in _PATTERNS.items():
        match = pattern.fullmatch(statement)
        if match and match["verb"]:
            return name, "edited" in match["verb"].lower()
    return None


_ORDINARY_WORDS = {
    "Pika", "Luma", "Reve", "Runway", "Grok", "FLUX", "Google AI", "Krea", "OpenAI", "Suno", "Udio",
    "Boomy", "Bark", "Coqui", "Kokoro", "Stable Diffusion", "Hailuo", "Seedream",
}  # fmt: skip
