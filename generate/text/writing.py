"""Texts out of a trained generator, from a prompt on."""

from dataclasses import dataclass

import torch
from torch import Tensor

from unmask.generate.game import OptionError
from unmask.generate.text.lstm import Decoder
from unmask.generate.text.trained import TrainedText
from unmask.generate.text.vocabulary import END, RARE
from unmask.generate.text.words import ENDS, in_known_case


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of a generator of texts."""

    seed: int = 0  # the same seed gives the same text everywhere
    prompt: str = ""  # it goes on from there
    temperature: float = 0.8  # 1: as learned; towards 0: more typical, less varied
    words: int = 0  # running text ends with a sentence after so many tokens; 0: one sequence


def write(trained: TrainedText, asked: Asked) -> str:
    """A text as a person reads it. Raises PromptError, OptionError (a prompt that is too long)."""
    tokens = in_known_case(trained.entry.split(asked.prompt), trained.vocabulary.numbers)
    numbers = trained.vocabulary.prompt(tokens)
    found = continued(trained, numbers, asked)
    return trained.entry.write(trained.vocabulary.decode(found))


@torch.no_grad()
def continued(trained: TrainedText, prompt: list[int], asked: Asked) -> list[int]:
    """The prompt's tokens and those that follow."""
    limit = max(trained.entry.length, asked.words)
    if len(prompt) >= limit:
        raise OptionError(f"The prompt has {len(prompt)} tokens, and a text {limit}.")
    if asked.temperature <= 0:
        raise OptionError("A temperature is above 0.")
    decoder = permitted(trained)
    rng = torch.Generator(device=decoder.table.device)
    rng.manual_seed(asked.seed)
    memory, found = decoder.begin(1), list(prompt)
    for number in prompt:
        memory = decoder.read(torch.tensor([number], device=decoder.table.device), memory)
    ends = {trained.vocabulary.numbers.get(mark) for mark in ENDS} if asked.words else set()
    end = trained.vocabulary.numbers.get(END)
    while len(found) < (2 * limit if asked.words else limit):
        token = decoder.next(memory[0], rng, asked.temperature)
        found.append(int(token))
        if found[-1] == end or (len(found) >= asked.words and found[-1] in ends):
            break
        memory = decoder.read(token, memory)
    return found


def permitted(trained: TrainedText) -> Decoder:
    """The generator without the token that stands for rare ones: nobody can read it."""
    decoder = trained.game.generator.decoder()
    rare = trained.vocabulary.numbers.get(RARE)
    if rare is not None:
        decoder.bias[rare] = -torch.inf
    return decoder


def sampled(trained: TrainedText, count: int, seed: int, temperature: float = 1.0) -> Tensor:
    """(count, T) tokens to measure, as `write` would give them without a prompt."""
    decoder = permitted(trained)
    rng = torch.Generator(device=decoder.table.device)
    rng.manual_seed(seed)
    return decoder.sample(count, trained.entry.length, rng, temperature).cpu()
