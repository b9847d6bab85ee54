"""The learning rate of each step: functions of the first rate, the step and the number of steps."""

import math


def constant(lr, step, steps, steps_per_epoch):
    """Return lr."""
    return lr


def paper(lr, step, steps, steps_per_epoch):
    """Return the rate of the paper (section 6): 4 per cent less every 8 epochs."""
    return lr * 0.96 ** (step // steps_per_epoch // 8)


def stepped(lr, step, steps, steps_per_epoch, size=320_000, gamma=0.96):
    """Return the rate of BVLC's solver: times gamma every `size` steps, which at 32 images each are 8 epochs."""
    return lr * gamma ** (step // size)


def polynomial(lr, step, steps, steps_per_epoch=None, power=0.5):
    """Return lr * (1 - step / steps) ** power, the schedule of BVLC's quick solver."""
    return lr * (1 - step / steps) ** power


def cosine(lr, step, steps, steps_per_epoch=None):
    """Return lr * (1 + cos(pi * step / steps)) / 2: half a wave from lr to 0 (Loshchilov and Hutter 2017)."""
    return lr * (1 + math.cos(math.pi * step / steps)) / 2


# Each a function (lr, step, steps, steps_per_epoch) -> the rate of step 0, 1, ... of `steps`.
SCHEDULES = {"constant": constant, "paper": paper, "step": stepped, "polynomial": polynomial, "cosine": cosine}


def warmed_up(schedule, lr, step, steps, steps_per_epoch, warmup):
    """Return the rate of a schedule after `warmup` steps of linear warm-up, from lr / warmup to lr.

    The schedule then runs over the other steps, as if they were all.
    """
    if step < warmup:
        return lr * (step + 1) / warmup
    return schedule(lr, step - warmup, steps - warmup, steps_per_epoch)
