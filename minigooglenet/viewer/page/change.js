// The panel that changes the network: the seven integers of an Inception module, or the hyperparameters of other nodes,
// as fields; what the changes do to the node, its module and the network; and the module without its reductions.

const INTEGER = "integer";
const NUMBER = "number";
const SIZES = "sizes"; // an integer, or several in Python's notation: 3, 5 or (1, 2), (3, 4)
const SWITCH = "switch";

/** The settings on which shapes and counts depend, and the kinds of their fields. */
const SETTABLE = {
  Conv2d: { in_channels: INTEGER, out_channels: INTEGER, kernel_size: SIZES, stride: SIZES, padding: SIZES, groups: INTEGER, dilation: SIZES, bias: SWITCH },
  Linear: { in_features: INTEGER, out_features: INTEGER, bias: SWITCH },
  MaxPool2d: { kernel_size: SIZES, stride: SIZES, padding: SIZES, ceil_mode: SWITCH },
  AvgPool2d: { kernel_size: SIZES, stride: SIZES, padding: SIZES, ceil_mode: SWITCH, count_include_pad: SWITCH },
  AdaptiveAvgPool2d: { output_size: SIZES },
  LocalResponseNorm: { size: INTEGER },
  BatchNorm2d: { num_features: INTEGER },
  Dropout: { p: NUMBER },
  Scale: { channels: INTEGER, bias: SWITCH },
  Pad: { padding: SIZES },
  ChannelShuffle: { groups: INTEGER },
  ChannelSlice: { start: INTEGER, stop: INTEGER },
};
const MOST_FIELDSETS = 12; // of a module with more nodes to set, the reader selects one

const PARTS = ["1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool", "pool_proj", "output"];
const REDUCTIONS = ["3x3_reduce", "5x5_reduce", "pool_proj"];
const BRANCHES = { "1x1": ["1x1"], "3x3": ["3x3_reduce", "3x3"], "5x5": ["5x5_reduce", "5x5"], pool: ["pool_proj"] };

/** The seven integers of a module: the label of the paper's Table 1, the nodes, and their setting. */
const SEVEN = [
  ["input channels", ["1x1", "3x3_reduce", "5x5_reduce", "pool_proj"], "in_channels"],
  ["#1x1", ["1x1"], "out_channels"],
  ["#3x3 reduce", ["3x3_reduce"], "out_channels"],
  ["#3x3", ["3x3"], "out_channels"],
  ["#5x5 reduce", ["5x5_reduce"], "out_channels"],
  ["#5x5", ["5x5"], "out_channels"],
  ["pool proj", ["pool_proj"], "out_channels"],
];

panel("change", "Change", [], (item) => item !== null, drawChange, "select a node or module");

/** Return {part: node} of an Inception module with its eight named parts, or null. */
function inceptionParts(module) {
  if (!module.children) return null;
  const parts = Object.fromEntries(nodesIn(module).map((node) => [node.name.split(/[/.]/).at(-1), node]));
  const kindOf = (part) => (part === "pool" ? "MaxPool2d" : part === "output" ? "Concat" : "Conv2d");
  const isPart = (part) => parts[part]?.parent === module && parts[part].kind === kindOf(part) && !parts[part].own;
  return PARTS.every(isPart) ? parts : null;
}

// Fields. A field is {label, type, nodes: nodes that it changes, setting, index: of a shape's size, or null}.

function changeFields(item) {
  const parts = inceptionParts(item);
  if (parts) {
    const nodesOf = (names) => names.map((name) => parts[name]);
    const fields = SEVEN.map(([label, names, setting]) => ({ label, type: INTEGER, nodes: nodesOf(names), setting, index: null }));
    return [{ title: "The seven integers of this module", fields }];
  }
  const nodes = nodesIn(item).filter((node) => nodeFields(node).length);
  return nodes.length > MOST_FIELDSETS ? [] : nodes.map((node) => ({ title: node.name, fields: nodeFields(node) }));
}

function nodeFields(node) {
  if (node.kind === "Input") {
    const labels = node.shape.length === 3 ? ["channels", "height", "width"] : node.shape.map((_, i) => `size ${i}`);
    return labels.map((label, index) => ({ label, type: INTEGER, nodes: [node], setting: "shape", index }));
  }
  const settable = node.own ? {} : (SETTABLE[node.kind] ?? {});
  return Object.entries(settable).map(([setting, type]) => ({ label: setting, type, nodes: [node], setting, index: null }));
}

/** Return the value of a field with these edits of its node, or without edits: what the network determines. */
function fieldValue({ nodes: [node], setting, index }, edits) {
  if (index !== null) return (edits[node.name]?.shape ?? node.shape)[index];
  const inputs = node.reads.map((name) => countsOf(nodeNamed(name)).shape);
  const settings = inputs.includes(null) ? { ...node.settings, ...edits[node.name] } : settingsAfter(node, inputs, edits);
  return settings[setting] ?? [1, 1]; // only a dilation of 1 is left out
}

const isEdited = (field) => shownText(fieldValue(field, state.edits)) !== shownText(fieldValue(field, {}));

/** Change a field's setting in all its nodes; `undefined` undoes the change. */
const editField = (field, value) => change({ edits: editsWith(field, value) });

function editsWith(field, value) {
  const undone = value === undefined || shownText(value) === shownText(fieldValue(field, {}));
  const edits = { ...state.edits };
  for (const node of field.nodes) {
    const own = { ...edits[node.name] };
    const newSize = (size, i) => (i !== field.index ? size : undone ? node.shape[i] : value);
    if (field.index !== null) own.shape = (own.shape ?? node.shape).map(newSize);
    else if (undone) delete own[field.setting];
    else own[field.setting] = value;
    if (String(own.shape) === String(node.shape)) delete own.shape;
    if (Object.keys(own).length) edits[node.name] = own;
    else delete edits[node.name];
  }
  return edits;
}

/** Return whether the error of the network comes from this field: without the change, it would be another or none. */
function isCause(field) {
  const error = firstError();
  return error !== null && firstError(compute(network(), editsWith(field, undefined))) !== error;
}

/** Return the error that the engine would raise, or null. */
function firstError({ errors } = recomputed(network())) {
  return errors.values().next().value ?? null;
}

/** Return a setting as short text: 3 of [3, 3], "1, 2" of [[1, 1], [2, 2]]. */
function shownText(value) {
  if (!Array.isArray(value)) return String(value);
  const parts = value.map((part) => (Array.isArray(part) ? shownText(part) : String(part)));
  if (parts.every((part) => part === parts[0])) return parts[0];
  return parts.map((part) => (part.includes(",") ? `(${part})` : part)).join(", ");
}

/** Return the number or numbers in a text in Python's notation; any other text as it is, for the error. */
function valueOfText(text) {
  const written = text.trim();
  const json = written.replaceAll("(", "[").replaceAll(")", "]").replace(/[^\s,[\]]+/g, (part) => JSON.stringify(part));
  for (const candidate of written ? [json, `[${json}]`] : []) {
    try {
      return numbersIn(JSON.parse(candidate));
    } catch {
      // not in this notation
    }
  }
  return written;
}

/** Return the number in a text, or those in nested lists of texts, as Python reads them. */
function numbersIn(parts) {
  if (Array.isArray(parts)) return parts.map(numbersIn);
  if (/^[+-]?\d+$/.test(parts)) {
    const exact = BigInt(parts.replace("+", ""));
    return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
  }
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(parts)) throw new SyntaxError(parts);
  const value = Number(parts);
  return Number.isInteger(value) || !Number.isFinite(value) ? new Float(value) : value;
}

function fieldElement(field, id) {
  const isSwitch = field.type === SWITCH;
  const input = element("input", {
    id,
    type: isSwitch ? "checkbox" : "text", // a number field hides from the page what it cannot read
    inputmode: field.type === NUMBER ? "decimal" : "numeric",
    autocomplete: "off",
    "aria-describedby": "change-errors",
    on: {
      input: () => editField(field, isSwitch ? input.checked : valueOfText(input.value)),
      blur: () => showFields(),
      keydown: (event) => !isSwitch && stepped(event, field, input),
    },
  });
  const undo = element("button", {
    type: "button",
    class: "undo",
    "aria-label": `Undo ${field.label} of ${field.nodes[0].name}`,
    on: { click: () => (input.focus(), editField(field, undefined), showFields(true)) },
  });
  field.show = (always) => showField(field, input, undo, always);
  return element("div", { class: "field" }, element("label", { for: id, text: field.label }), input, undo);
}

/** The arrow keys change a field that holds one number: by 1, or by 0.1 where it need not be an integer. */
function stepped(event, field, input) {
  const value = valueOfText(input.value);
  const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  const isNumber = Number.isInteger(value) || (field.type === NUMBER && (typeof value === "number" || value instanceof Float));
  if (!direction || !isNumber) return;
  event.preventDefault();
  const step = field.type === NUMBER ? 0.1 : 1;
  input.value = Number((Number(value) + direction * step).toFixed(10));
  editField(field, valueOfText(input.value));
}

/** Show a field's value, unless the reader is typing it, and how to undo it. */
function showField(field, input, undo, always) {
  const value = fieldValue(field, state.edits);
  if (field.type === SWITCH) input.checked = value;
  else if (always || document.activeElement !== input) input.value = shownText(value);
  const edited = isEdited(field);
  input.setAttribute("aria-invalid", String(edited && isCause(field)));
  undo.hidden = !edited;
  if (edited) undo.textContent = `undo: ${shownText(fieldValue(field, {}))}`;
}

// The panel. Its fields stay while the reader types; only what follows from them is drawn again.

let shownFields = [];

function showFields(always = false) {
  for (const field of shownFields) field.show(always);
}

function drawChange(container, item) {
  const sets = changeFields(item);
  shownFields = sets.flatMap((set) => set.fields);
  const sections = sets.map(({ title, fields }, i) =>
    element("fieldset", {}, element("legend", { text: title }), fields.map((field, j) => fieldElement(field, `change-${i}-${j}`))),
  );
  container.append(
    element("h2", { text: `Change ${item.name ?? (item.label || network().name)}` }),
    element("p", { class: "note", text: adviceFor(item, sets) }),
    ...sections,
    element("div", { id: "change-errors", role: "alert" }),
    element("button", { id: "change-reset", type: "button", text: "Reset the whole network", on: { click: resetEdits } }),
    element("div", { id: "change-effect" }),
  );
  showFields();
  showEffect();
}

function adviceFor(item, sets) {
  const nodes = nodesIn(item);
  const own = nodes.find((node) => node.own);
  if (nodes.length > MOST_FIELDSETS && !sets.length) return "Select a node or an inner module to change it.";
  if (!sets.length && own) {
    return `This page has no formula for ${own.kind}, so it keeps the numbers of ${own.name} and the shapes that it reads.`;
  }
  if (!sets.length) return "Nothing to set here: the shape follows from the inputs.";
  const advice = ["The layers that follow adapt to a change."];
  if (sets.some((set) => set.fields.some((field) => FOLLOWS[field.nodes[0].kind] === field.setting))) {
    advice.push("What a layer reads is determined by the network: change it to see the error.");
  }
  if (sets.some((set) => set.fields.some((field) => field.type === SIZES))) {
    advice.push("For height and width write 3, 5; for the four sides (1, 2), (3, 4).");
  }
  return advice.join(" ");
}

function resetEdits() {
  change({ edits: {} });
  showFields(true);
  document.getElementById("panel").focus(); // the button is gone
  announce("The network is as it was.");
}

watch(["edits"], () => {
  if (!document.getElementById("change-effect")) return;
  showFields();
  showEffect();
  const totals = totalsOf();
  if (totals) announce(`Whole network: ${number(totals.params)} parameters, ${number(totals.macs)} MACs`);
});

/** Show the error, and the numbers of the selected item before and after. */
function showEffect() {
  const item = selectedItem();
  showError();
  document.getElementById("change-reset").hidden = !Object.keys(state.edits).length;
  const around = item.children ? item : item.parent;
  const isRoot = around === network().modules[0];
  const tables = [
    item.children ? null : beforeAfter(item.name, [item]),
    isRoot ? null : beforeAfter(`Module ${around.label}`, nodesIn(around)),
    beforeAfter("Whole network", network().nodes),
    sideBySide(around),
  ];
  document.getElementById("change-effect").replaceChildren(...tables.filter((one) => one !== null));
}

function showError() {
  const { errors } = recomputed(network());
  const error = firstError() ?? "";
  const shown = document.getElementById("change-errors");
  if (shown.firstChild?.textContent === error) return; // so that it is announced once
  const others = errors.size - 1;
  const more = others > 0 ? `${others === 1 ? "1 other node does" : `${others} other nodes do`} not fit either.` : null;
  shown.replaceChildren(
    ...(error ? [element("p", { class: "error", text: error })] : []),
    ...(more ? [element("p", { class: "note", text: more })] : []),
  );
}

/** Return a table of the numbers of some nodes before and after the changes. */
function beforeAfter(caption, nodes) {
  const measures = { parameters: "params", MACs: "macs", "output values": "activations" };
  const rows = Object.entries(measures).map(([title, key]) => {
    const before = knownSum(nodes.map((node) => node[key]));
    const after = knownSum(nodes.map((node) => countsOf(node)[key]));
    return [title, before ?? "-", after ?? "-", changeText(before, after)];
  });
  if (nodes.length === 1) rows.push(["shape", ...[nodes[0], countsOf(nodes[0])].map((node) => shapeText(node.shape)), ""]);
  return table(caption, ["", "before", "after", "change"], rows);
}

function changeText(before, after) {
  if (before === null || after === null) return "-";
  if (after === before) return "";
  if (!before) return "new";
  const percent = (100 * (after - before)) / before;
  return `${percent > 0 ? "+" : ""}${Number(percent.toPrecision(2))}%`;
}

/** Return a table of an Inception module without its 1x1 reductions, and with them; null of another module. */
function sideBySide(module) {
  const parts = inceptionParts(module);
  const reduced = new Map(nodesIn(module).map((node) => [node.name, countsOf(node)]));
  if (!parts || [...reduced.values()].some((node) => node.shape === null)) return null;
  const naive = unlessImpossible(() => naiveModule(module));
  if (!naive) return null;
  const total = (numbers, key) => sum([...numbers.values()].map((node) => node[key]));
  const macsOf = (numbers, branch) => sum(BRANCHES[branch].map((part) => numbers.get(parts[part].name)?.macs ?? 0));
  const ratio = (a, b) => (a && b ? Number((a / b).toPrecision(3)) : "-");
  const row = (title, of) => [title, of(naive), of(reduced), ratio(of(naive), of(reduced))];
  const rows = [
    ...Object.keys(BRANCHES).map((branch) => row(`MACs of ${branch}`, (numbers) => macsOf(numbers, branch))),
    row("MACs", (numbers) => total(numbers, "macs")),
    row("parameters", (numbers) => total(numbers, "params")),
    row("output values", (numbers) => total(numbers, "activations")),
    row("output channels", (numbers) => numbers.get(parts.output.name).shape[0]),
  ];
  const caption = "The module without reductions (paper, figure 2a) and with them (2b)";
  return table(caption, ["", "naive", "reduced", "ratio"], rows);
}

/** Return {name: numbers} of a module's nodes without the reductions, the pool passed through; null if unknown. */
function naiveModule(module) {
  const [naive, passed] = [new Map(), new Map()]; // passed: {removed node: the shape that it passes through}
  const shapeOf = (name) => passed.get(name) ?? naive.get(name)?.shape ?? countsOf(nodeNamed(name)).shape;
  for (const node of nodesIn(module)) {
    const inputs = node.reads.map(shapeOf);
    if (node.own) return null;
    const follows = ["ReLU", "BatchNorm2d"].includes(node.kind) && passed.has(node.reads[0]);
    if (follows || REDUCTIONS.includes(node.name.split(/[/.]/).at(-1))) passed.set(node.name, inputs[0]);
    else naive.set(node.name, naiveNumbers(node, inputs));
  }
  return naive;
}

function naiveNumbers(node, inputs) {
  const { in_channels, num_features, ...edits } = state.edits[node.name] ?? {}; // these follow the input
  const formula = FORMULAS[node.kind];
  const settings = formula.settings(settingsAfter(node, inputs, { [node.name]: edits }));
  const shape = formula.shape(settings, ...inputs);
  const { weights = 0, biases = 0, terms = [] } = formula.cost(settings, shape, ...inputs);
  const macs = sum(terms.filter(([kind]) => kind === "mac").map(([, factors]) => product(factors)));
  return { shape, params: weights + biases, macs, activations: product(shape) };
}

/** The line in the header that reports changes, wherever the reader is. */
watch(["edits", "network"], () => {
  const count = Object.keys(state.edits).length;
  const text = `${count === 1 ? "1 node" : `${count} nodes`} changed. Images and measurements are of the network before.`;
  const reset = element("button", { type: "button", text: "Reset", on: { click: resetEdits } });
  document.getElementById("changes").replaceChildren(...(count ? [element("span", { text }), " ", reset] : []));
});
