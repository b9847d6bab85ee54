// The network with the reader's changes: every number of every node, computed again. `countsOf(node)` is the one way to
// read a node's numbers, so that the drawing, the tree, the strip and the panels agree.
//
// state.edits = {node: {setting: value}} belongs to the network that is shown. A layer adapts to what it reads, unless
// the reader changes that setting too; an input is changed by its `shape`.

const FOLLOWS = { Conv2d: "in_channels", Linear: "in_features", BatchNorm2d: "num_features", Scale: "channels" };
const COLUMNS = {
  macs: "mac", adds: "add", multiplies: "multiply", compares: "compare", divides: "divide", powers: "power",
  grad_input_macs: "grad_input_mac", grad_weight_macs: "grad_weight_mac",
};
const SUMMED = ["params", "weights", "biases", ...Object.keys(COLUMNS), "activations", "tape_bytes"];
const UNITS = {
  mac: "MAC", add: "additions", multiply: "multiplications", compare: "comparisons", divide: "divisions", power: "powers",
  grad_input_mac: "MAC for the input gradient", grad_weight_mac: "MAC for the weight gradient",
};
const LARGEST = Number.MAX_SAFE_INTEGER; // 2^53 - 1: beyond it, the page's numbers are not exact
const MOST_POSITIONS = 20000; // along one axis

// What is known only of the network as it was: at a changed node and after it, and for gradients everywhere.
const MEASURED = ["seconds", "zeros", "maps", "histogram", "filters", "effective", "values"];
const MEASURED_BACKWARD = ["norms", "gradient"];

const editsOf = (net) => (net === network() ? state.edits : net.edits) ?? {};

/** Return a node with the numbers that it has after the reader's changes; those that it cannot have are null. */
function countsOf(node, net = network()) {
  if (!Object.keys(editsOf(net)).length) return node;
  return recomputed(net).nodes.get(node.name);
}

/** Return the error at a node, or the first error in a module, or null. */
function errorAt(item, net = network()) {
  if (!Object.keys(editsOf(net)).length) return null;
  const { errors } = recomputed(net);
  const wrong = nodesIn(item, net).find((node) => errors.has(node.name));
  return wrong ? errors.get(wrong.name) : null;
}

/** Return {column: sum over all nodes, null if it is unknown} after the changes, or null if the network is impossible. */
function totalsOf(net = network()) {
  const nodes = net.nodes.map((node) => countsOf(node, net));
  if (nodes.some((node) => node.shape === null)) return null;
  return Object.fromEntries(SUMMED.map((key) => [key, knownSum(nodes.map((node) => node[key]))]));
}

/** Return {nodes: {name: node}, errors: {name: text}} of the network with its edits; computed once for each change. */
function recomputed(net) {
  const edits = editsOf(net);
  if (net.recomputed?.edits !== edits) net.recomputed = { edits, ...compute(net, edits) };
  return net.recomputed;
}

function compute(net, edits) {
  const run = { net, edits, nodes: new Map(), errors: new Map(), fields: new Map(), saved: new Set(), changed: new Set(), total: 0 };
  for (const node of net.nodes) {
    if (edits[node.name] || node.reads.some((name) => run.changed.has(name))) run.changed.add(node.name);
    run.nodes.set(node.name, computedNode(run, node));
  }
  for (const [name, bytes] of liveBytes(net, run.nodes)) run.nodes.get(name).live_bytes = bytes;
  return { nodes: run.nodes, errors: run.errors };
}

/** Return a node with new numbers; if it or what it reads is impossible, without numbers. */
function computedNode(run, node) {
  const after = { ...node };
  for (const key of run.changed.has(node.name) ? [...MEASURED, ...MEASURED_BACKWARD] : MEASURED_BACKWARD) after[key] = null;
  const inputs = node.reads.map((name) => run.nodes.get(name).shape);
  try {
    if (!inputs.includes(null)) return Object.assign(after, numbersAfter(run, node, inputs));
  } catch (error) {
    if (!(error instanceof Impossible)) throw error;
    run.errors.set(node.name, node.kind === "Input" ? error.message : namedError(node, error.message));
  }
  const unknown = [...SUMMED, "shape", "live_bytes", "field_min", "field_max", "jump", "extents"];
  return Object.assign(after, Object.fromEntries(unknown.map((key) => [key, null])), { input_shapes: inputs, explain: [] });
}

/** Return an error with the node's name, and with the names of wires instead of "input 0", as in graph/errors.py. */
function namedError(node, text) {
  const named = text.replace(/\binput (\d+)\b/g, (found, index) => (node.reads[index] ? `input ${pythonText(node.reads[index])}` : found));
  return `node ${pythonText(node.name)}: ${named}`;
}

function numbersAfter(run, node, inputs) {
  if (node.kind === "Input") return inputAfter(run, node);
  if (node.own) return ownAfter(run, node, inputs);
  const formula = FORMULAS[node.kind];
  const settings = formula.settings({ ...settingsAfter(node, inputs, run.edits), algorithm: node.algorithm });
  const shape = formula.shape(settings, ...inputs);
  checkPositions(shape);
  const { weights = 0, biases = 0, terms = [], windows = null, ...keeps } = formula.cost(settings, shape, ...inputs);
  const counted = terms.map(([kind, factors, purpose]) => ({ kind, factors, purpose, count: product(factors) }));
  const counts = { params: weights + biases, weights, biases };
  for (const [column, kind] of Object.entries(COLUMNS)) {
    counts[column] = sum(counted.filter((term) => term.kind === kind).map((term) => term.count));
  }
  counts.activations = product(shape);
  counts.tape_bytes = tapeBytes(run, node, inputs, keeps);
  checkExact(run, counts);
  delete settings.algorithm;
  const after = { input_shapes: inputs, shape, settings, ...counts, ...fieldAfter(run, node, windows, shape) };
  return { ...after, explain: explained(node, after, counted) };
}

/** Return a node's settings with the edits; in_channels and the like follow the input unless they are edited. */
function settingsAfter(node, inputs, edits) {
  const follows = FOLLOWS[node.kind];
  return { ...node.settings, ...(follows ? { [follows]: inputs[0][0] } : {}), ...edits[node.name] };
}

function inputAfter(run, node) {
  const shape = run.edits[node.name]?.shape ?? node.shape;
  for (const size of shape) checkedInteger(size, `each size in the shape of ${pythonText(node.name)}`, 1);
  checkPositions(shape);
  const axes = (shape.length === 3 ? shape.slice(1) : [1, 1]).map((size) => ({ first: range(size), last: range(size), step: 1 }));
  run.fields.set(node.name, { narrow: axes, wide: axes, jump: [1, 1] });
  return { shape, extents: { narrow: axes.map(progression), wide: axes.map(progression) } };
}

/** A layer that is not the package's: it keeps its numbers as long as its inputs keep their shapes. */
function ownAfter(run, node, inputs) {
  inputs.forEach((shape, i) => {
    if (String(shape) === String(node.input_shapes[i])) return;
    const [needed, got] = [node.input_shapes[i], shape].map(pythonText);
    impossible(
      `this page has no formula for ${node.kind}, so input ${i} must keep the shape ${needed}, got ${got}. ` +
        "Undo the change, or make it in Python.",
    );
  });
  if (node.own.inputs) node.reads.forEach((name) => run.saved.add(name));
  const { windows } = node.own;
  const along = Array.isArray(windows) ? windows.map(([starts, stops, step]) => ({ starts, stops, step })) : windows;
  const field = fieldAfter(run, node, along, node.shape);
  checkExact(run, node);
  return { ...field, explain: [...node.explain.slice(0, -1), fieldLine(field)] };
}

function checkPositions(shape) {
  const most = Math.max(...shape.slice(1), 0);
  if (most <= MOST_POSITIONS) return;
  impossible(
    `the shape would be ${pythonText(shape)}. This page computes at most ${number(MOST_POSITIONS)} positions along an axis.`,
  );
}

/** Refuse numbers that a page cannot count exactly: no network that fits into a computer has them. */
function checkExact(run, counts) {
  run.total += sum(SUMMED.map((key) => counts[key]));
  if (run.total <= LARGEST) return;
  impossible(
    `the numbers up to this node add up to more than ${number(LARGEST)}, beyond which this page cannot count exactly. ` +
      "Try a smaller value.",
  );
}

/** Return the bytes that a training pass saves; an array that several nodes save counts at the first. */
function tapeBytes(run, node, inputs, { inputs: saves = false, values = 0, bytes = 0 }) {
  let kept = values;
  node.reads.forEach((name, i) => {
    if (!saves || run.saved.has(name)) return;
    run.saved.add(name);
    kept += product(inputs[i]);
  });
  return 4 * kept + bytes;
}

/** Return [[node, bytes of the wires in memory while it runs]]: what it writes, and what it or a later node reads. */
function liveBytes(net, nodes) {
  const order = net.nodes.filter((node) => node.kind !== "Input");
  const last = new Map(); // {wire: its last reader}
  for (const node of order) for (const name of node.reads) last.set(name, node.name);
  const size = (name) => 4 * (nodes.get(name).shape === null ? NaN : product(nodes.get(name).shape));
  let live = sum(net.nodes.filter((node) => node.kind === "Input").map((node) => size(node.name)));
  return order.map((node) => {
    live += size(node.name);
    const bytes = Number.isNaN(live) ? null : live;
    for (const name of new Set(node.reads)) {
      if (last.get(name) === node.name && !net.outputs.includes(name)) live -= size(name);
    }
    return [node.name, bytes];
  });
}

// Receptive fields, as in counting/paths.py: the first and last input pixel of every position along one axis, `narrow` on
// the path where they are closest, `wide` over all paths. `step` is their distance past the edges.

/** Return a node's receptive field, and remember it for the nodes that read it. */
function fieldAfter(run, node, windows, shape) {
  const before = node.reads.map((name) => run.fields.get(name));
  const along = (which) => [0, 1].map((axis) => before.map((field) => repeated(through(field[which][axis], windows, axis), shape, axis)));
  const wide = along("wide").map(union);
  const narrow = along("narrow").map(shortest);
  const jump = wide.map((extent, axis) => jumpOf(extent, Array.isArray(windows) ? windows[axis].step : 1, before[0].jump[axis]));
  run.fields.set(node.name, { narrow, wide, jump });
  return {
    field_min: narrow.map((extent) => Math.min(...lengthsOf(extent))),
    field_max: wide.map((extent) => Math.max(...lengthsOf(extent))),
    jump,
    extents: { narrow: narrow.map(progression), wide: wide.map(progression) },
  };
}

/** Return the extents of the outputs of windows over the extents of one input. */
function through(extent, windows, axis) {
  if (windows === null) return extent;
  if (windows === WHOLE) return { first: [Math.min(...extent.first)], last: [Math.max(...extent.last)], step: extent.step };
  const { starts, stops, step } = windows[axis];
  return {
    first: starts.map((start) => valueAt(extent.first, extent.step, start)),
    last: stops.map((stop) => valueAt(extent.last, extent.step, stop - 1)),
    step: extent.step * step,
  };
}

/** Return the extent of a gate for each of the positions that it multiplies, other extents as they are. */
function repeated(extent, shape, axis) {
  if (shape.length !== 3 || extent.first.length === shape[axis + 1]) return extent;
  const repeat = ([value]) => range(shape[axis + 1]).map(() => value);
  return { first: repeat(extent.first), last: repeat(extent.last), step: extent.step };
}

/** Return values[position], continued with `step` past both ends. */
function valueAt(values, step, position) {
  const inside = Math.min(Math.max(position, 0), values.length - 1);
  return values[inside] + (position - inside) * step;
}

/** Return the union of several extents; vectors of unequal lengths are joined end to end. */
function union(parts) {
  const step = Math.max(...parts.map((part) => part.step));
  const [one] = parts;
  if (parts.some((part) => part.first.length !== one.first.length)) {
    return { first: parts.flatMap((part) => part.first), last: parts.flatMap((part) => part.last), step };
  }
  const each = (key, choose) => one[key].map((_, i) => choose(...parts.map((part) => part[key][i])));
  return { first: each("first", Math.min), last: each("last", Math.max), step };
}

const lengthsOf = ({ first, last }) => first.map((start, i) => last[i] - start + 1);

/** Return the extent whose longest receptive field is the shortest, the first of several. */
function shortest(parts) {
  const lengths = parts.map((part) => Math.max(...lengthsOf(part)));
  return parts[lengths.indexOf(Math.min(...lengths))];
}

/** Return the average jump between neighbouring positions, rounded down, at least 1; of equal positions, the input's. */
function jumpOf({ first }, step, before) {
  const length = first.at(-1) - first[0];
  if (length) return Math.max(1, Math.floor(length / (first.length - 1)));
  return before * Math.max(1, step);
}

/** Return an extent as [start, step, count, length] if its positions are equally spaced, as viewer/nodes.py does. */
function progression({ first, last }) {
  const steps = new Set(first.slice(1).map((start, i) => start - first[i]));
  const lengths = new Set(lengthsOf({ first, last }));
  if (steps.size > 1 || lengths.size > 1) return { first, last };
  return [first[0], [...steps][0] ?? 0, first.length, [...lengths][0]];
}

/** Return the lines of a node's calculation, as Count.explain writes them. */
function explained(node, after, terms) {
  const lines = [`${node.name}: ${node.kind}, ${after.input_shapes.map(shapeText).join(", ")} -> ${shapeText(after.shape)}`];
  for (const { kind, factors, purpose, count } of terms) {
    lines.push(`  ${factors.join("*")} = ${number(count)} ${UNITS[kind]}${purpose ? ` (${purpose})` : ""}`);
  }
  if (after.params) lines.push(`  ${number(after.weights)} weights + ${number(after.biases)} biases = ${number(after.params)} parameters`);
  const { kernel_size, dilation = [1, 1] } = after.settings;
  if (dilation.some((step) => step > 1)) {
    const [kernel, apart, covered] = [kernel_size, dilation, dilatedSize(after.settings)].map(shapeText);
    lines.push(`  a ${kernel} kernel with dilation ${apart} covers ${covered} values`);
  }
  return [...lines, fieldLine(after)];
}

function fieldLine({ field_min, field_max, jump }) {
  const [smallest, largest] = [field_min, field_max].map(shapeText);
  return `  receptive field ${smallest === largest ? largest : `${smallest} to ${largest}`} input pixels, jump ${shapeText(jump)}`;
}

/** Keep the edits of each network while another one is shown. Before all other watchers, so that they see its own. */
let edited = network();
watch(["network"], () => {
  if (edited === network()) return;
  edited.edits = state.edits;
  edited = network();
  state.edits = edited.edits ?? {};
});
