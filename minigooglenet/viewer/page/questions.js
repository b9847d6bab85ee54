// The questions that colours answer: a value for every node, how values of a module combine, and the scale of colours.

const sum = (values) => values.reduce((total, value) => total + value, 0);
/** Return the sum, or null if a value is unknown. */
const knownSum = (values) => (values.includes(null) ? null : sum(values));
const largest = (values) => values.reduce((most, value) => Math.max(most, value), -Infinity);

/** Each question: its title and unit, the value of a node (null: none) and of a module from those in it; some: not all nodes have one. */
const QUESTIONS = {
  macs: { title: "MACs", unit: "MACs", of: (node) => node.macs, combine: sum, additive: true },
  params: { title: "Parameters", unit: "parameters", of: (node) => node.params, combine: sum, additive: true },
  backward: { title: "MACs of the backward pass", unit: "MACs", of: backwardMacs, combine: sum, additive: true },
  activations: { title: "Activation memory", unit: "bytes", of: (node) => 4 * node.activations, combine: sum, additive: true },
  live: { title: "Live memory", unit: "bytes in memory while the node runs", of: (node) => node.live_bytes, combine: largest },
  field: { title: "Receptive field", unit: "input pixels, height", of: (node) => node.field_max?.[0] ?? null, combine: largest },
  seconds: { title: "Measured time", unit: "seconds", of: (node) => node.seconds ?? null, combine: sum, additive: true },
  zeros: { title: "Zeros after ReLU", unit: "fraction of the outputs that are 0", of: (node) => node.zeros ?? null, combine: largest, some: true },
  gradient: { title: "Gradient norm", unit: "norm of the gradient at the output", of: gradientNorm, combine: largest, logarithmic: true, some: true },
};

/** Return the norm of the gradient at a node's output, of the losses that are switched on. */
function gradientNorm(node) {
  return node.norms ? (node.norms[state.objective ?? page.objective] ?? null) : null;
}

/** Return the multiply-adds of a node's backward pass; null if they are unknown. */
function backwardMacs(node) {
  return node.grad_input_macs === null ? null : node.grad_input_macs + node.grad_weight_macs;
}

/** Return the questions that the page has numbers for. */
function answerable(net = network()) {
  return Object.keys(QUESTIONS).filter((key) => net.nodes.some((node) => QUESTIONS[key].of(node) !== null));
}

/** Return the value of a node or of a module for a question, or null. A sum with an unknown part is unknown. */
function valueOf(item, key = state.question, net = network()) {
  const nodes = nodesIn(item, net).filter((node) => node.kind !== "Input").map((node) => countsOf(node, net));
  if (nodes.some((node) => node.shape === null)) return null; // a change made it impossible
  const values = nodes.map(QUESTIONS[key].of);
  const known = values.filter((value) => value !== null && value !== undefined);
  if (!known.length || (QUESTIONS[key].additive && known.length < values.length)) return null;
  return QUESTIONS[key].combine(known);
}

/** Return the text of a value; numbers of a layer without a registered cost are unknown, inputs have none. */
function valueText(item, value, format = number) {
  if (errorAt(item)) return "does not fit";
  if (nodesIn(item).some((node) => countsOf(node).shape === null)) return ""; // it depends on a node that does not fit
  if (value !== null) return format(value);
  const expected = !QUESTIONS[state.question].some && nodesIn(item).some((node) => node.kind !== "Input");
  return expected ? "unknown" : "";
}

// Cividis, which all common types of colour blindness see as from dark blue to yellow.
const CIVIDIS = ["#00224e", "#1a386f", "#434e6c", "#61656f", "#7d7c78", "#9b9476", "#bbaf6e", "#ddcb5d", "#fee838"];
const STEPS = 5; // of hatching

/** Return {position(value): 0 .. 1, ticks, least, most} of the values of all visible items. */
function scaleOf(values, key = state.question) {
  const { logarithmic } = QUESTIONS[key];
  const known = values.filter((value) => value !== null && (!logarithmic || value > 0));
  const most = known.length ? Math.max(...known) : 1;
  const least = logarithmic ? (known.length ? Math.min(...known) : 1) : 0;
  const position = (value) => {
    if (value === null || most === 0) return value === null ? null : 0;
    if (most === least) return 1;
    if (logarithmic) return value > 0 ? Math.log(value / least) / Math.log(most / least) : 0;
    return Math.sqrt(Math.max(0, value) / most); // small values stay distinguishable next to large ones
  };
  const at = (fraction) => (logarithmic ? least * (most / least) ** fraction : most * fraction ** 2);
  return { position, least, most, ticks: [0, 0.25, 0.5, 0.75, 1].map((fraction) => [fraction, at(fraction)]) };
}

/** Return the colour at a position 0 .. 1. */
function colourAt(position) {
  if (position === null) return "transparent";
  const place = Math.min(0.9999, Math.max(0, position)) * (CIVIDIS.length - 1);
  const [from, to] = [CIVIDIS[Math.floor(place)], CIVIDIS[Math.ceil(place)]];
  const mix = (start) => {
    const [a, b] = [from, to].map((colour) => parseInt(colour.slice(start, start + 2), 16));
    return Math.round(a + (b - a) * (place % 1)).toString(16).padStart(2, "0");
  };
  return `#${mix(1)}${mix(3)}${mix(5)}`;
}

/** Return the hatching at a position 0 .. 1: 0 (none) to STEPS - 1 (densest), so that print and eyes without colours see it. */
const hatchingAt = (position) => (position === null ? 0 : Math.min(STEPS - 1, Math.floor(position * STEPS)));
