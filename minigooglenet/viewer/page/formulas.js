// The shapes, costs and errors of the layers: a copy of the package's formulas, for a network that the reader changes.
//
// A formula has three parts, as a layer has in the package: `settings` checks the hyperparameters as the constructor does
// and returns them in full, `shape` is output_shape, and `cost` is the layer's function in counting/costs.py. The errors
// have the words of the package. tests/viewer/test_change.py compares all of it with mg.count on random changes.

/** An error of the network, not of the page. */
class Impossible extends Error {}

const impossible = (text) => {
  throw new Impossible(text);
};

/** Return what a function returns, or null if the network is impossible. */
function unlessImpossible(compute) {
  try {
    return compute();
  } catch (error) {
    if (error instanceof Impossible) return null;
    throw error;
  }
}

const product = (factors) => factors.reduce((total, factor) => total * factor, 1);

/** Return a value as Python writes it, because errors quote values: (7, 5), 'same', None. */
function pythonText(value) {
  if (Array.isArray(value)) return `(${value.map(pythonText).join(", ")}${value.length === 1 ? "," : ""})`;
  if (typeof value === "string") return pythonString(value);
  if (typeof value === "number") return pythonNumber(value);
  if (typeof value === "bigint" || value instanceof Float) return String(value);
  return { null: "None", true: "True", false: "False" }[value];
}

function pythonString(text) {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const known = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", [quote]: `\\${quote}` };
  const hidden = /^(?! )[\p{C}\p{Z}]$/u; // characters that Python does not print
  const characters = [...text].map((character) => known[character] ?? (hidden.test(character) ? pythonEscape(character) : character));
  return quote + characters.join("") + quote;
}

function pythonEscape(character) {
  const code = character.codePointAt(0);
  const [letter, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return `\\${letter}${code.toString(16).padStart(digits, "0")}`;
}

function pythonNumber(value) {
  const text = value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

/** A float whose value is an integer or infinite, such as 3.0 and 1e3: in Python none of them is an integer. */
class Float extends Number {
  toString() {
    const value = this.valueOf();
    if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
    if (Math.abs(value) >= 1e16) return value.toExponential();
    return Object.is(value, -0) ? "-0.0" : `${value}.0`;
  }
}

// shapes.py: checks of hyperparameters, and output sizes.

function checkedInteger(value, name, least) {
  if (typeof value === "bigint" && value >= least) {
    impossible(`${name} is ${value}. This page counts exactly up to ${number(Number.MAX_SAFE_INTEGER)}. Try a smaller value.`);
  }
  if (typeof value !== "bigint" && !Number.isInteger(value)) {
    const hint = value === "same" ? ". To keep the size at stride 1, pad (kernel - 1) / 2." : "";
    impossible(`${name} must be an integer, got ${pythonText(value)}${hint}`);
  }
  if (value < least) impossible(`${name} must be at least ${least}, got ${pythonText(value)}`);
  return value;
}

/** Return an integer or [height, width] as [height, width]. */
function checkedPair(value, name, least = 1) {
  const values = Array.isArray(value) ? value : [value, value];
  if (values.length !== 2) impossible(`${name} must be an integer or (height, width), got ${pythonText(value)}`);
  return values.map((one) => checkedInteger(one, name, least));
}

/** Return a padding as [[top, bottom], [left, right]]. */
function fourSided(padding) {
  if (Array.isArray(padding) && padding.some(Array.isArray)) {
    if (padding.length !== 2 || !padding.every(Array.isArray)) {
      impossible(`padding must be an integer, (h, w) or ((top, bottom), (left, right)), got ${pythonText(padding)}`);
    }
    return padding.map((sides) => checkedPair(sides, "padding", 0));
  }
  return checkedPair(padding, "padding", 0).map((size) => [size, size]);
}

function checkedPool(given) {
  const kernel_size = checkedPair(given.kernel_size, "kernel_size");
  const stride = checkedPair(given.stride, "stride");
  const padding = fourSided(given.padding);
  ["height", "width"].forEach((axis, i) => {
    const most = Math.max(...padding[i]);
    if (most >= kernel_size[i]) {
      impossible(
        "a pool's padding must be at most kernel - 1 on each side so that every window covers part of the image: " +
          `${axis} has padding ${most} and kernel ${kernel_size[i]}`,
      );
    }
  });
  return { ...given, kernel_size, stride, padding };
}

/** Return how many windows fit along one axis; with ceil_mode, the last window may extend past the edge. */
function windowCount(size, kernel, stride, [before, after], ceilMode) {
  const room = size + before + after - kernel;
  if (!ceilMode) return Math.floor(room / stride) + 1;
  const count = Math.ceil(room / stride) + 1;
  return (count - 1) * stride >= size + before ? count - 1 : count;
}

/** Return the size of a dilated kernel: dilation * (kernel - 1) + 1 along each axis. */
const dilatedSize = ({ kernel_size, dilation = [1, 1] }) => kernel_size.map((size, i) => dilation[i] * (size - 1) + 1);

/** Return [P, Q], the output size of a convolution or pool. */
function outputSize(sizes, settings) {
  const { kernel_size, stride, padding, dilation = [1, 1], ceil_mode = false } = settings;
  const lengths = dilatedSize(settings);
  return ["height", "width"].map((axis, i) => {
    const [size, [before, after]] = [sizes[i], padding[i]];
    const count = windowCount(size, lengths[i], stride[i], padding[i], ceil_mode);
    if (count < 1) {
      const rule = dilation[i] > 1 ? ` = dilation ${dilation[i]} * (${kernel_size[i]} - 1) + 1` : "";
      impossible(
        `the kernel is larger than the padded input: ${axis} ${size} + padding ${before} + ${after} = ` +
          `${size + before + after} < kernel ${lengths[i]}${rule}. Try a larger input, a smaller kernel or more padding.`,
      );
    }
    return count;
  });
}

/** Return [start, end) of the positions that window `index` of `count` of an adaptive pool covers. */
const adaptiveWindow = (index, size, count) => [Math.floor((index * size) / count), Math.ceil(((index + 1) * size) / count)];

const range = (count) => Array.from({ length: count }, (_, index) => index);

/** Return the windows along one axis: window i covers starts[i] .. stops[i] - 1, padding included. */
function windowsAlong(count, kernel, stride, before) {
  const starts = range(count).map((index) => index * stride - before);
  return { starts, stops: starts.map((start) => start + kernel), step: stride };
}

function adaptiveWindows(size, count) {
  const ends = range(count).map((index) => adaptiveWindow(index, size, count));
  return { starts: ends.map(([start]) => start), stops: ends.map(([, stop]) => stop), step: 0 };
}

// counting/costs.py. A cost has: weights and biases; terms [kind of operation, factors, purpose]; what a training pass
// saves (`inputs`: its inputs, `values`: so many other values, `bytes`); and `windows`, the part of the input that an
// output value reads: null for the same position only, "whole", or the windows along both axes.

const WHOLE = "whole";

/** The formula of a layer without hyperparameters, parameters and windows. */
const simple = (shape, cost = () => ({})) => ({ settings: (given) => given, shape, cost });

const sameShape = (settings, shape) => shape;

/** Return the windows of a convolution or pool along both axes. */
function windowsOf(settings, output) {
  const [lengths, { stride, padding }] = [dilatedSize(settings), settings];
  return [0, 1].map((axis) => windowsAlong(output[axis + 1], lengths[axis], stride[axis], padding[axis][0]));
}

/** Return the terms of a product of weights and inputs, forward and backward. */
const productTerms = (factors) => ["mac", "grad_input_mac", "grad_weight_mac"].map((kind) => [kind, factors]);

/** Return the number of real values of a channel's windows, except the first value of each window. */
function otherValues(settings, input, output) {
  const along = windowsOf(settings, output).map(({ starts, stops }, axis) => {
    return sum(starts.map((start, i) => Math.min(stops[i], input[axis + 1]) - Math.max(start, 0)));
  });
  return product(along) - output[1] * output[2];
}

const poolShape = (settings, [channels, ...sizes]) => [channels, ...outputSize(sizes, settings)];

const FIRST = "all but the first value of each window";

const FORMULAS = {
  Conv2d: {
    settings(given) {
      const full = {
        ...given,
        in_channels: checkedInteger(given.in_channels, "in_channels", 1),
        out_channels: checkedInteger(given.out_channels, "out_channels", 1),
        kernel_size: checkedPair(given.kernel_size, "kernel_size"),
        stride: checkedPair(given.stride, "stride"),
        padding: fourSided(given.padding),
        groups: checkedInteger(given.groups, "groups", 1),
        ...(given.dilation === undefined ? {} : { dilation: checkedPair(given.dilation, "dilation") }),
      };
      const { in_channels, out_channels, groups } = full;
      if (in_channels % groups || out_channels % groups) {
        impossible(`groups must divide both channel counts: ${in_channels} in, ${out_channels} out, ${groups} groups`);
      }
      if (given.algorithm === "winograd") checkWinograd(full);
      return full;
    },
    shape(settings, input) {
      const { in_channels, out_channels, groups } = settings;
      const [channels, ...sizes] = input;
      if (channels !== in_channels) {
        const expected = groups > 1 ? `${in_channels / groups} x ${groups} groups = ${in_channels}` : in_channels;
        let hint = groups === 1 ? `. Try Conv2d(${channels}, ${out_channels}, ...).` : "";
        if (input.at(-1) === in_channels) {
          hint =
            ". The channels seem to come last; this engine expects them first, (C, H, W): " +
            "x.transpose(0, 3, 1, 2) for a batch.";
        }
        const got = `${channels} (C, H, W = ${pythonText(input)})`;
        impossible(`the convolution expects ${expected} input channels, got ${got}${hint}`);
      }
      return [out_channels, ...outputSize(sizes, settings)];
    },
    cost(settings, output, input) {
      const { in_channels, out_channels, kernel_size, groups, bias } = settings;
      const weight = [in_channels / groups, out_channels, ...kernel_size];
      return {
        weights: product(weight),
        biases: bias ? out_channels : 0,
        terms: [...productTerms([...weight, ...output.slice(1)]), ...(bias ? [["add", output, "bias"]] : [])],
        inputs: true,
        windows: windowsOf(settings, output),
      };
    },
  },

  Linear: {
    settings: (given) => ({
      ...given,
      in_features: checkedInteger(given.in_features, "in_features", 1),
      out_features: checkedInteger(given.out_features, "out_features", 1),
    }),
    shape({ in_features, out_features }, input) {
      if (input[0] !== in_features) {
        impossible(
          `the linear layer expects ${in_features} features, got shape ${pythonText(input)}. ` +
            `Try Linear(${input[0]}, ${out_features}).`,
        );
      }
      return [out_features];
    },
    cost: ({ in_features, out_features, bias }) => ({
      weights: in_features * out_features,
      biases: bias ? out_features : 0,
      terms: [...productTerms([in_features, out_features]), ...(bias ? [["add", [out_features], "bias"]] : [])],
      inputs: true,
      windows: WHOLE,
    }),
  },

  MaxPool2d: {
    settings: checkedPool,
    shape: poolShape,
    cost(settings, output, input) {
      const positions = product(settings.kernel_size);
      const bytes = positions <= 2 ** 8 ? 1 : positions <= 2 ** 16 ? 2 : positions <= 2 ** 32 ? 4 : 8; // of an argmax
      return {
        terms: [["compare", [input[0], otherValues(settings, input, output)], FIRST]],
        bytes: product(output) * bytes,
        windows: windowsOf(settings, output),
      };
    },
  },

  AvgPool2d: {
    settings: checkedPool,
    shape: poolShape,
    cost: (settings, output, input) => ({
      terms: [["add", [input[0], otherValues(settings, input, output)], FIRST], ["divide", output]],
      windows: windowsOf(settings, output),
    }),
  },

  AdaptiveAvgPool2d: {
    settings: (given) => ({ ...given, output_size: checkedPair(given.output_size, "output_size") }),
    shape: ({ output_size }, [channels]) => [channels, ...output_size],
    cost({ output_size }, output, input) {
      const windows = output_size.map((count, i) => adaptiveWindows(input[i + 1], count));
      const values = windows.map(({ starts, stops }) => sum(stops) - sum(starts));
      const others = product(values) - product(output_size);
      return { terms: [["add", [input[0], others], FIRST], ["divide", output]], windows };
    },
  },

  GlobalAvgPool2d: simple(
    (settings, [channels]) => [channels],
    (settings, output, [channels, height, width]) => ({
      terms: [["add", [channels, height * width - 1]], ["divide", [channels]]],
      windows: WHOLE,
    }),
  ),

  LocalResponseNorm: {
    settings: (given) => ({ ...given, size: checkedInteger(given.size, "size", 1) }),
    shape: sameShape,
    cost({ size }, output, [channels, height, width]) {
      const [before, after] = [Math.floor(size / 2), Math.floor((size - 1) / 2)];
      return {
        terms: [
          ["multiply", [3, channels, height, width], "square, alpha / size, x times the power"],
          ["add", [neighbours(channels, before) + neighbours(channels, after), height, width], "squares of neighbouring channels"],
          ["add", output, "k"],
          ["power", output],
        ],
        inputs: true,
      };
    },
  },

  BatchNorm2d: {
    settings: (given) => ({ ...given, num_features: checkedInteger(given.num_features, "num_features", 1) }),
    shape({ num_features }, input) {
      if (input[0] !== num_features) {
        impossible(`batch norm expects ${num_features} channels, got ${input[0]} (C, H, W = ${pythonText(input)})`);
      }
      return input;
    },
    cost: ({ num_features }, output) => ({
      weights: num_features,
      biases: num_features,
      terms: [
        ["add", [2, ...output], "minus the mean, plus the bias"],
        ["multiply", output],
        ["add", [num_features], "eps"],
        ["power", [num_features], "square roots"],
        ["divide", [num_features]],
      ],
      inputs: true,
      values: 2 * num_features,
    }),
  },

  ReLU: simple(sameShape, (settings, output) => ({ terms: [["compare", output]], bytes: product(output) })),

  Dropout: {
    settings(given) {
      const got = pythonText(given.p);
      const isNumber = ["number", "bigint"].includes(typeof given.p) || given.p instanceof Float;
      if (!isNumber) impossible(`p must be a number in [0, 1), got ${got}`);
      if (!(given.p >= 0 && given.p < 1)) impossible(`p must be in [0, 1) (the fraction of values to drop), got ${got}`);
      return { ...given, p: Number(given.p) };
    },
    shape: sameShape,
    cost: (settings, output) => ({ bytes: product(output) }),
  },

  Softmax: simple(sameShape, (settings, output) => {
    const [classes, positions] = [output[0], product(output.slice(1))];
    return {
      terms: [
        ["compare", [classes - 1, positions], "maximum"],
        ["add", [2 * classes - 1, positions], "minus the maximum, and the sum"],
        ["power", [classes, positions]],
        ["divide", [classes, positions]],
      ],
      values: product(output),
      windows: output.length === 1 ? WHOLE : null,
    };
  }),

  Flatten: simple((settings, input) => [product(input)]),

  Concat: simple(concatShape),

  Add: simple(addShape, (settings, output, ...inputs) => ({
    terms: inputs.length > 1 ? [["add", [inputs.length - 1, ...output]]] : [],
  })),
};

function checkWinograd({ kernel_size, stride, padding, dilation = [1, 1] }) {
  const plain = [...stride, ...dilation].every((step) => step === 1);
  if (kernel_size.every((size) => size === 3) && plain && Math.max(...padding.flat()) <= 2) return;
  const [steps, apart, sides] = [stride, dilation, padding].map(pythonText);
  impossible(
    "Winograd's algorithm computes 3x3 convolutions with stride and dilation 1 and padding of at most 2, got a " +
      `${kernel_size.join("x")} kernel, stride ${steps}, dilation ${apart}, padding ${sides}. Try algorithm='auto'.`,
  );
}

/** Return the sum of min(c, most) over c = 0 .. channels - 1: the neighbours on one side of all channels. */
function neighbours(channels, most) {
  const start = Math.min(most, channels - 1);
  return (start * (start + 1)) / 2 + (channels - 1 - start) * most;
}

/** Return the value that occurs most often, the first of several. */
function commonest(values) {
  const texts = values.map(String);
  const counts = texts.map((text) => texts.filter((other) => other === text).length);
  return counts.indexOf(Math.max(...counts));
}

function concatShape(settings, ...inputs) {
  const rests = inputs.map((shape) => shape.slice(1));
  const common = commonest(rests);
  rests.forEach((rest, i) => {
    if (String(rest) === String(rests[common])) return;
    const sizes = `input ${i} is ${rest.join(" x ")}, input ${common} is ${rests[common].join(" x ")}`;
    impossible(`concat needs inputs of equal height and width: ${sizes}${concatHint(rest, rests[common])}`);
  });
  return [sum(inputs.map((shape) => shape[0])), ...rests[common]];
}

function concatHint(rest, common) {
  const differences = [...new Set(rest.map((size, i) => Math.abs(size - common[i])))];
  if (differences.every((difference) => difference <= 1)) {
    return (
      ". A difference of 1 often means that one pool rounds its output size down and another rounds it up. " +
      "Try ceil_mode=True or padding."
    );
  }
  const [lost] = differences;
  if (differences.length > 1 || ![2, 4, 6].includes(lost)) return "";
  return `. The smaller map lacks ${lost} rows and columns: increase its convolution's padding by ${lost / 2}.`;
}

function addShape(settings, ...inputs) {
  const common = commonest(inputs);
  inputs.forEach((shape, i) => {
    if (String(shape) === String(inputs[common])) return;
    const shapes = `input ${i} is ${pythonText(shape)}, input ${common} is ${pythonText(inputs[common])}`;
    impossible(`add needs equal shapes: ${shapes}`);
  });
  return inputs[common];
}
