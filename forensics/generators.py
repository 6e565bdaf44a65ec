"""Names that AI generators and services give themselves in fields that name the maker.

THE RULE: a name counts where a field states which program wrote the file, or credits the maker,
and the value is that name (with a version at most) or "made with NAME". Descriptions, titles,
captions, keywords and comments are never searched for names: a picture *about* Midjourney is not
one *by* it.
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
    "ElevenLabs": r"elevenlabs",
    "an unnamed AI": r"(?:generative )?ai|artificial intelligence",
}
_VERSION = r"(?:[ ,/]*\(?v?(?:ersion )?\d[\w.\-]*\)?)?(?: \([\w ./]{1,40}\))?"
_MADE = r"(?P<verb>(?:image |picture |video |photo )?(?:made|created|generated|imagined|edited)"
_BY = rf"{_MADE} (?:with|by|using|in) )?"
_PATTERNS = {
    name: re.compile(rf"\s*{_BY}(?:{pattern}){_VERSION}[\s.]*", re.IGNORECASE)
    for name, pattern in _NAMES.items()
}
_PROGRAM = re.compile(
    r"^(?:.*[:/])?(Software|ProcessingSoftware|HostComputer|Make|Model|Source|CreatorTool|softwareAgent"
    r"|OriginatingProgram|Producer|software|encoder|creator_tool|encoded_by|Writer)$"
)
_CREDIT = re.compile(r"^(?:.*[:/])?(Credit|Artist|Byline|creator|Author|artist|author|Copyright)$")


def named_generator(field: Field) -> tuple[str, bool] | None:
    """(generator, edited) that a field names as its maker; None for anything else.

    `edited` is True where the field says "edited with", which means a picture changed in part.
    """
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


_ORDINARY_WORDS = {
    "Pika", "Luma", "Reve", "Runway", "Grok", "FLUX", "Google AI", "Krea", "OpenAI", "Suno", "Udio",
    "Stable Diffusion", "Hailuo", "Seedream",
}  # fmt: skip
