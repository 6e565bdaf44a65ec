"""Whether and where somebody speaks, which decides what other analyses may judge."""

from unmask.evidence import Doubt, Finding, Kind, NotApplicable
from unmask.forensics.audio.hearing import as_facts, heard
from unmask.media import Media
from unmask.music import music_share
from unmask.registry import analyser
from unmask.sound import listed
from unmask.voice import speech_or_reason
from unmask.voices import voices

LEAST = 1.0  # seconds


@analyser(
    "speech",
    Kind.AUDIO,
    Kind.VIDEO,
    title="Speech in it",
    reads="where somebody speaks, whether music fills it, and whether voices differ in pitch",
    look_for="the share of speech: judgements of voices rest on that alone",
    ignore="this as evidence of anything: it only says what there is to judge",
    paper="Silero Team 2021 (Silero VAD); Seyerlehner et al. 2007; Boersma 1993",
)
def speech(media: Media) -> Finding | NotApplicable:
    """Where somebody speaks, or why there is nothing that a detector of voices can judge."""
    sound = heard(media, LEAST)
    if isinstance(sound, NotApplicable):
        return sound
    regions = speech_or_reason(sound.samples, sound.rate)
    if isinstance(regions, NotApplicable):
        return regions
    who = voices(sound.samples, sound.rate, regions)
    spoken = sum(one.seconds for one in regions)
    text = f"Somebody speaks in {spoken:.0f} of {sound.seconds:.0f} s ({listed(regions)})."
    doubts: tuple[Doubt, ...] = ()
    if who.several:
        text += " By their pitch there are at least two voices."
        said = "More than one voice speaks: a judgement of the whole may hold for one of them only."
        doubts = (Doubt(code="several_speakers", text=said),)
    return Finding(
        summary=text,
        doubts=doubts,
        facts={
            "seconds_of_speech": round(spoken, 2),
            "share": round(spoken / sound.seconds, 3),
            "speech": as_facts(regions),
            "music_share": round(music_share(sound.samples, sound.rate), 2),
            "voices_at_least": max(1, len(who.pitches)),
            "pitches_hz": [round(p, 1) for p in who.pitches],
        },
    )
