// The formulas of the layers in layers/later/, as in formulas.js.

const elementwise = (terms) => simple(sameShape, (settings, output) => ({ terms: terms(output, settings), inputs: true }));

/** Return the terms of 1 / (1 + exp(-x)). */
const sigmoidTerms = (output) => [["power", output], ["add", output], ["divide", output]];

const clip = elementwise((output, { low, high }) => {
  const bounds = [low, high].filter((bound) => bound !== null).length; // ReLU6 has no settings, but both bounds
  return bounds ? [["compare", [bounds, ...output]]] : [];
});

Object.assign(FORMULAS, {
  Clip: clip,
  ReLU6: clip,
  LeakyReLU: elementwise((output) => [["compare", output], ["multiply", output, "slope"]]),
  Sigmoid: elementwise(sigmoidTerms),
  Tanh: elementwise((output) => [["power", output]]),
  SiLU: elementwise((output) => [...sigmoidTerms(output), ["multiply", output, "x times the gate"]]),
  HardSwish: elementwise((output) => [
    ["add", output, "x + 3"],
    ["compare", [2, ...output], "between 0 and 6"],
    ["multiply", output, "x times the gate"],
    ["divide", output, "by 6"],
  ]),

  Scale: {
    settings: (given) => ({ ...given, channels: checkedInteger(given.channels, "channels", 1) }),
    shape({ channels }, input) {
      if (input[0] !== channels) {
        impossible(
          `scale has weights for ${channels} channels, got ${input[0]} (shape ${pythonText(input)}). Try Scale(${input[0]}).`,
        );
      }
      return input;
    },
    cost: ({ channels, bias, trained }, output) => ({
      weights: trained ? channels : 0,
      biases: trained && bias ? channels : 0,
      terms: [["multiply", output], ...(bias ? [["add", output, "bias"]] : [])],
      inputs: true,
    }),
  },

  Multiply: simple(multiplyShape, (settings, output, ...inputs) => ({
    terms: [["multiply", [inputs.length - 1, ...output]]],
    inputs: true,
  })),

  GlobalMaxPool2d: simple(
    (settings, [channels]) => [channels],
    (settings, output, [channels, height, width]) => ({
      terms: [["compare", [channels, height * width - 1]]],
      bytes: 8 * channels,
      windows: WHOLE,
    }),
  ),

  Pad: {
    settings: (given) => ({ ...given, padding: fourSided(given.padding) }),
    shape: ({ padding }, [channels, ...sizes]) => [channels, ...sizes.map((size, i) => size + sum(padding[i]))],
    cost: ({ padding }, output) => ({ windows: windowsOf({ kernel_size: [1, 1], stride: [1, 1], padding }, output) }),
  },

  ChannelShuffle: {
    settings: (given) => ({ ...given, groups: checkedInteger(given.groups, "groups", 1) }),
    shape({ groups }, input) {
      if (input[0] % groups) impossible(`groups must divide the channels, got ${groups} groups and ${input[0]} channels`);
      return input;
    },
    cost: () => ({}),
  },

  ChannelSlice: {
    settings(given) {
      const [start, stop] = [checkedInteger(given.start, "start", 0), checkedInteger(given.stop, "stop", 1)];
      if (start >= stop) impossible(`start must be below stop, got ${start} and ${stop}`);
      return { start, stop };
    },
    shape({ start, stop }, [channels, ...sizes]) {
      if (stop > channels) impossible(`stop must be at most the number of channels, got ${stop} and ${channels} channels`);
      return [stop - start, ...sizes];
    },
    cost: () => ({}),
  },
});

function multiplyShape(settings, ...inputs) {
  const rank = Math.max(...inputs.map((shape) => shape.length));
  const padded = inputs.map((shape) => range(rank).map((axis) => shape[axis] ?? 1));
  return range(rank).map((axis) => {
    const sizes = padded.map((shape) => shape[axis]);
    const most = Math.max(...sizes);
    const wrong = sizes.findIndex((size) => size !== 1 && size !== most);
    if (wrong >= 0) {
      const [got, other] = [wrong, sizes.indexOf(most)].map((i) => `input ${i} is ${pythonText(inputs[i])}`);
      impossible(`multiply needs equal shapes, or gates (C,) or (C, 1, 1) for (C, H, W): ${got}, ${other}`);
    }
    return most;
  });
}
