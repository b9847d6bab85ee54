// The panel of one convolution, step by step: window, weights, products, sum, bias and ReLU of one output value, and the
// same value as a row of the weight matrix times a column of the im2col matrix.

state.inputChannel = null; // whose window is shown; null: the one with the largest partial sum

panel("steps", "One convolution", ["channel", "edits"], (item) => item?.kind === "Conv2d", drawSteps, "select a convolution");

const playing = { timer: null, node: null };
const PAUSE = 600; // milliseconds between two positions
const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

function drawSteps(container, node) {
  container.append(element("h2", { text: node.name }));
  if (!node.values) return container.append(...withoutValues());
  const channel = outputChannel(node);
  const label = `position in channel ${channel} of ${node.name}`;
  const map = positionMap(node, { label, draw: (canvas) => drawOutput(canvas, node, channel) });
  const fields = positionFields(node);
  const result = element("div", { id: "steps" });
  const input = inputMenu(node, channel);
  container.append(
    element("p", { class: "kind", text: `${shapeText(node.input_shapes[0])} to ${shapeText(node.shape)}, ${windowText(node)}` }),
    element("div", { class: "tools" }, outputMenu(node, channel)),
    map.element,
    element("p", { class: "note", text: "The output channel: click on a position, or move with the arrow keys." }),
    fields.element,
    playButtons(node),
    element("div", { class: "tools" }, input.element),
    result,
  );
  followPosition(result, () => {
    const value = outputValue(node, channel, chosenPosition(node));
    const shown = chosenInput(node, channel) ?? strongest(value);
    map.update();
    fields.update();
    input.update(strongest(value));
    result.replaceChildren(...stepsOf(node, value, shown));
  });
}

function windowText({ settings: { kernel_size, stride, dilation } }) {
  const apart = dilation ? `, dilation ${dilation.join("x")}` : "";
  return `kernel ${kernel_size.join("x")}, stride ${stride.join("x")}${apart}`;
}

/** Return what a page without values of this node says: which nodes have them, and how others get them. */
function withoutValues() {
  const link = (node) => element("button", { class: "link", text: node.name, on: { click: () => reveal(node) } });
  const others = network().nodes.filter((node) => node.values).map((node) => element("li", {}, link(node)));
  const command = `minigooglenet view NETWORK --image FILE --node ${state.node}`;
  const because = page.image
    ? "The page leaves out the values of this node, because those of all nodes are large. This adds them:"
    : "Without an image there are no values. With one, this panel computes them step by step:";
  return [
    element("p", { text: because }),
    element("pre", { text: command }),
    others.length ? element("p", { text: "The page has the values of these nodes:" }) : null,
    others.length ? element("ul", {}, others) : null,
  ].filter(Boolean);
}

/** Return the chosen output channel if the page has it, else the first that it has. */
const outputChannel = (node) => (node.values.channels.includes(state.channel) ? state.channel : node.values.channels[0]);

/** Return [first, count]: the input channels that an output channel reads, which are those of its group. */
function inputsOfChannel(node, channel) {
  const { groups } = node.settings;
  const count = node.input_shapes[0][0] / groups;
  return [Math.floor(channel / (node.shape[0] / groups)) * count, count];
}

/** Return the input channel that was chosen, or null if none was, or if this output channel does not read it. */
function chosenInput(node, channel) {
  const [first, count] = inputsOfChannel(node, channel);
  const chosen = state.inputChannel;
  return chosen !== null && chosen >= first && chosen < first + count ? chosen : null;
}

/**
 * Return how one output value is computed: its terms in the order of the im2col matrix's rows, (c, r, s), and their sum.
 * Products and sums are those of float64. `parts` are the sums of the input channels, from channel `first`.
 */
function outputValue(node, channel, [p, q]) {
  const { values, settings } = node;
  const [[top], [left]] = settings.padding;
  const [[R, S], [down, across]] = [settings.kernel_size, settings.dilation ?? [1, 1]];
  const [, H, W] = node.input_shapes[0];
  const [first, depth] = inputsOfChannel(node, channel);
  const [x, weights] = [floats(values.input), floats(values.weight[channel])];
  const terms = [];
  for (let i = 0; i < depth * R * S; i++) {
    const [c, r, s] = [first + Math.floor(i / (R * S)), Math.floor(i / S) % R, i % S];
    const [row, column] = [p * settings.stride[0] - top + r * down, q * settings.stride[1] - left + s * across];
    const padded = row < 0 || column < 0 || row >= H || column >= W;
    const value = padded ? 0 : x[(c * H + row) * W + column];
    terms.push({ i: first * R * S + i, c, r, s, row, column, padded, value, weight: weights[i], product: value * weights[i] });
  }
  const parts = Array.from({ length: depth }, (_, c) => sum(terms.slice(c * R * S, (c + 1) * R * S).map((term) => term.product)));
  const total = sum(terms.map((term) => term.product));
  const bias = values.bias[channel] ?? NaN; // JSON has no infinity
  const engine = floats(values.output[channel])[p * node.shape[2] + q];
  const result = total + bias;
  return { channel, position: [p, q], terms, first, parts, total, bias, result, float32: inFloat32(terms, bias), engine };
}

/** Return the sum in float32, added one after the other as the loops of the definition do. */
function inFloat32(terms, bias) {
  const round = Math.fround;
  return round(terms.reduce((total, { value, weight }) => round(total + round(value * weight)), 0) + round(bias));
}

/** Return the input channel with the largest partial sum. */
function strongest({ parts, first }) {
  const sizes = parts.map(Math.abs);
  return first + Math.max(0, sizes.indexOf(largest(sizes)));
}

function outputMenu(node, channel) {
  const channels = [...node.values.channels].sort((a, b) => a - b);
  const options = channels.map((k) => element("option", { value: k, text: k, selected: k === channel }));
  const menu = element("select", { id: "output-channel", on: { change: () => change({ channel: Number(menu.value) }) } }, options);
  const note = options.length < node.shape[0] ? ` ${options.length} of ${number(node.shape[0])} in the page` : "";
  return element("label", {}, "Output channel ", menu, note);
}

/** Return {element, update}: a menu of the input channels that this output channel reads. */
function inputMenu(node, channel) {
  const [first, count] = inputsOfChannel(node, channel);
  const automatic = element("option", { value: "" });
  const options = Array.from({ length: count }, (_, i) => element("option", { value: first + i, text: first + i }));
  const menu = element("select", { id: "input-channel" }, automatic, options);
  menu.addEventListener("change", () => change({ inputChannel: menu.value === "" ? null : Number(menu.value) }));
  const update = (best) => {
    automatic.textContent = `the strongest here: ${best}`;
    menu.value = chosenInput(node, channel) ?? "";
  };
  return { element: element("label", {}, "Window of input channel ", menu), update };
}

/** The buttons that move through all positions; where the system asks for reduced motion, only one step at a time. */
function playButtons(node) {
  const step = (count) => () => (stopPlaying(), movePosition(node, count));
  const text = playing.timer && playing.node === node ? "Stop" : "Play";
  const play = element("button", { id: "play", text, on: { click: () => togglePlaying(node) } });
  const note = "Your system asks for reduced motion, so nothing plays: use the buttons.";
  return element(
    "div",
    { class: "tools" },
    element("button", { id: "previous", text: "Previous position", on: { click: step(-1) } }),
    reducedMotion.matches ? null : play,
    element("button", { id: "next", text: "Next position", on: { click: step(1) } }),
    reducedMotion.matches ? element("span", { class: "note", text: note }) : null,
  );
}

/** Move by `count` positions, row by row; return whether that is possible. */
function movePosition(node, count) {
  const [rows, columns] = sizeOf(node);
  const [row, column] = chosenPosition(node);
  const index = row * columns + column + count;
  if (index < 0 || index >= rows * columns) return false;
  change({ position: [Math.floor(index / columns), index % columns] });
  return true;
}

function togglePlaying(node) {
  const same = playing.timer && playing.node === node;
  stopPlaying();
  if (same) return;
  const [rows, columns] = sizeOf(node);
  if (String(chosenPosition(node)) === String([rows - 1, columns - 1])) change({ position: [0, 0] });
  playing.node = node;
  playing.timer = setInterval(() => {
    const visible = document.getElementById("play") && selectedItem() === node && !reducedMotion.matches;
    if (!visible || !movePosition(node, 1)) stopPlaying();
  }, PAUSE);
  document.getElementById("play").textContent = "Stop";
}

addEventListener("keydown", (event) => event.key === "Escape" && playing.timer && (stopPlaying(), drawPanel()));

function stopPlaying() {
  clearInterval(playing.timer);
  playing.timer = null;
  const button = document.getElementById("play");
  if (button) button.textContent = "Play";
}

/** Return the sections for one output value, with the window of one input channel. */
function stepsOf(node, value, shown) {
  const terms = value.terms.filter((term) => term.c === shown);
  return [
    element("h3", { text: `Window, weights, products of input channel ${shown}` }),
    inputWindow(node, shown, terms),
    matrices(node, terms),
    element("h3", { text: "The sum" }),
    partialSums(node, value, shown),
    sumTable(node, value, shown),
    element("h3", { text: "The same as a matrix product" }),
    productDrawing(node, value),
    element("pre", { class: "explain", text: indexArithmetic(node, value, shown) }),
    strips(value, shown),
    columnTable(node, terms),
  ];
}

/** Draw float32 values on a canvas as grey levels, from their smallest to their largest. */
function drawGrey(canvas, values) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const [low, high] = [-largest(values.map((value) => -value)), largest(values)];
  values.forEach((value, i) => {
    const grey = high > low ? (255 * (value - low)) / (high - low) : 0;
    image.data.set([grey, grey, grey, 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
}

const drawOutput = (canvas, node, channel) => drawGrey(canvas, floats(node.values.output[channel]));

/** The input channel with its padding, and the window on it. */
function inputWindow(node, c, terms) {
  const [, H, W] = node.input_shapes[0];
  const [[top, bottom], [left, right]] = node.settings.padding;
  const [width, height] = [left + W + right, top + H + bottom];
  const canvas = element("canvas", { width: W, height: H, "aria-hidden": "true" });
  drawGrey(canvas, floats(node.values.input).subarray(c * H * W, (c + 1) * H * W));
  const inside = { left: left / width, top: top / height, width: W / width, height: H / height };
  for (const [side, share] of Object.entries(inside)) canvas.style.setProperty(side, `${100 * share}%`);
  const [{ row, column }, last] = [terms[0], terms.at(-1)];
  const spread = { x: column, y: row, width: last.column - column + 1, height: last.row - row + 1 };
  const frames = node.settings.dilation ? terms.map((term) => ({ x: term.column, y: term.row, width: 1, height: 1 })) : [spread];
  const drawing = overlay([-left, -top, width, height], ...frames.map((frame) => framed(frame)));
  const padded = terms.filter((term) => term.padded).length;
  const apart = node.settings.dilation ? `, ${node.settings.dilation.join(" and ")} apart,` : "";
  const text = `Rows ${row} to ${last.row} and columns ${column} to ${last.column}${apart} of input channel ${c}, ${H} x ${W}` +
    (padded ? `; ${padded} of the ${terms.length} values are padding, 0.` : ".");
  const size = { "--ratio": `${width} / ${height}`, "--width": mapWidth(height, width) };
  const map = element("div", { class: "window-map", style: size }, canvas, drawing);
  return element("figure", {}, map, element("figcaption", { text }));
}

/** The window, the weights and the products as three tables. */
function matrices(node, terms) {
  const sign = (text) => element("span", { class: "sign", text });
  return element(
    "div",
    { class: "matrices", tabindex: 0, role: "group", "aria-label": "window, weights and products" },
    matrix(node, terms, "value"),
    sign("x"),
    matrix(node, terms, "weight"),
    sign("="),
    matrix(node, terms, "product"),
  );
}

const CAPTIONS = { value: "Window", weight: "Weights", product: "Products" };

function matrix(node, terms, key) {
  const [R, S] = node.settings.kernel_size;
  const most = largest(terms.map((term) => Math.abs(term[key]))) || 1;
  const cell = (term) => {
    const padded = term.padded && key !== "weight";
    const strength = `${Math.round((25 * Math.abs(term[key])) / most)}%`;
    const text = padded && key === "value" ? "pad" : short(term[key]);
    const style = { "--strength": strength };
    return element("td", { class: padded ? "padded" : null, style }, element("data", { value: term[key], text }));
  };
  const rows = Array.from({ length: R }, (_, r) => element("tr", {}, terms.slice(r * S, (r + 1) * S).map(cell)));
  const caption = element("caption", { text: CAPTIONS[key] });
  return element("table", { class: "matrix", id: `matrix-${key}` }, caption, element("tbody", {}, rows));
}

/** The partial sums of all input channels as bars from 0; a click shows the window of that channel. */
function partialSums(node, { parts, first }, shown) {
  const [width, half] = [360, 40];
  const step = width / parts.length;
  const most = largest(parts.map(Math.abs)) || 1;
  const bars = parts.map((part, index) => {
    const size = (half * Math.abs(part)) / most;
    const chosen = first + index === shown;
    return svg(
      "g",
      { class: chosen ? "bar chosen" : "bar", on: { click: () => change({ inputChannel: first + index }) } },
      svg("rect", { class: "whole", x: index * step, y: 0, width: step, height: 2 * half }),
      svg("rect", { x: index * step, y: part > 0 ? half - size : half, width: step - Math.min(1, step / 5), height: size }),
      chosen ? svg("path", { class: "mark", d: `M${(index + 0.5) * step} ${2 * half}l-5 9h10z` }) : null,
      svg("title", { text: `input channel ${first + index}: ${short(part)}` }),
    );
  });
  const range = `from ${short(-largest(parts.map((part) => -part)))} to ${short(largest(parts))}`;
  const channels = `${first} to ${first + parts.length - 1}`;
  const label = `The sum of the products of each input channel, ${channels}: ${range}. The triangle marks channel ${shown}.`;
  const line = svg("path", { class: "edge", d: `M0 ${half}H${width}` });
  const attributes = { class: "partial-sums", viewBox: `0 0 ${width} ${2 * half + 10}`, role: "img", "aria-label": label };
  return element("figure", {}, svg("svg", attributes, line, bars), element("figcaption", { text: label }));
}

/** A number with nine digits; `value` keeps all of them. */
function exact(id, value, digits = 9) {
  return element("data", { id, value, text: String(Number(value.toPrecision(digits))) });
}

/** The sum, the bias, ReLU, and the comparison with the value that the engine computed. */
function sumTable(node, value, shown) {
  const { parts, first, total, bias, result, float32, engine, terms, channel } = value;
  const count = terms.length / parts.length;
  const others = total - parts[shown - first];
  const { relu } = node.values; // the name of the ReLU that reads this convolution, or null
  const rows = [
    [`input channel ${shown}: sum of ${number(count)} products`, exact("step-part", parts[shown - first])],
    [`the other ${number(parts.length - 1)} input channels`, exact("step-others", others)],
    [`sum of all ${number(terms.length)} products`, exact("step-sum", total)],
    [node.settings.bias ? `+ bias of output channel ${channel}` : "+ bias: this layer has none", exact("step-bias", bias)],
    ["= output", exact("step-result", result)],
    relu ? [`ReLU (${relu}): max(0, output)`, exact("step-relu", Math.max(0, result))] : null,
    ["added one by one in float32", exact("step-float32", float32)],
    ["the engine's float32 value", exact("step-engine", engine)],
    ["engine - output", exact("step-difference", engine - result, 2)],
  ].filter(Boolean);
  const body = rows.map(([title, cell]) => {
    return element("tr", {}, element("th", { scope: "row", text: title }), element("td", { class: "number" }, cell));
  });
  const order = "The page adds in float64. The engine adds in float32 and in another order, in blocks, so its last digits differ.";
  return element(
    "div",
    {},
    element("table", { class: "sums" }, element("tbody", {}, body)),
    element("p", { class: "note", text: order }),
  );
}

/** Return the sizes of the two matrices of this output channel's group, and where the value is in them. */
function productSizes(node, { channel, terms, position: [p, q] }) {
  const [K, P, Q] = node.shape;
  const rows = K / node.settings.groups;
  return { rows, inner: terms.length, columns: P * Q, row: channel % rows, column: p * Q + q };
}

/** The matrices as boxes: a row of the weights times a column of the im2col matrix is one output value. */
function productDrawing(node, value) {
  const { rows, inner, columns, row, column } = productSizes(node, value);
  const [weights, unrolled, output] = [
    { x: 0, y: 0, width: 84, height: 54, title: "weights" },
    { x: 108, y: 0, width: 114, height: 84, title: "im2col matrix" },
    { x: 246, y: 0, width: 114, height: 54, title: "output" },
  ];
  const [down, across] = [(54 * (row + 0.5)) / rows, (114 * (column + 0.5)) / columns];
  const box = ({ x, y, width, height }) => svg("rect", { class: "frame", x, y, width, height });
  const under = ({ x, width, height, title }, size) => [
    svg("text", { x: x + width / 2, y: height + 13, text: title }),
    svg("text", { x: x + width / 2, y: height + 27, text: size }),
  ];
  const left = `row ${row} of the ${rows} x ${inner} weight matrix`;
  const right = `column ${column} of the ${inner} x ${columns} im2col matrix`;
  return svg(
    "svg",
    { class: "product", viewBox: "-2 -2 364 116", role: "img", "aria-label": `${left} times ${right}` },
    [weights, unrolled, output].map(box),
    svg("path", { class: "chosen-line", d: `M0 ${down}H84M${108 + across} 0V84` }),
    svg("circle", { class: "chosen-value", cx: 246 + across, cy: down, r: 4 }),
    svg("text", { x: 96, y: 31, text: "x" }),
    svg("text", { x: 234, y: 31, text: "=" }),
    under(weights, `${number(rows)} x ${number(inner)}`),
    under(unrolled, `${number(inner)} x ${number(columns)}`),
    under(output, `${number(rows)} x ${number(columns)}`),
  );
}

function indexArithmetic(node, value, shown) {
  const { row, column, columns, inner } = productSizes(node, value);
  const { stride, padding, groups, dilation } = node.settings;
  const [R, S] = node.settings.kernel_size;
  const [p, q] = value.position;
  const Q = node.shape[2];
  const first = value.terms.find((term) => term.c === shown).i;
  const start = value.terms[0].i; // where the rows of this group begin
  const rows = `rows ${start} to ${start + inner - 1} of the im2col matrix`;
  const group = `group  ${value.first / value.parts.length} of ${groups}: ${rows}`;
  return [
    ...(groups > 1 ? [group] : []),
    `column j = p * Q + q = ${p} * ${Q} + ${q} = ${column}, of ${columns}`,
    `row    i = (c * R + r) * S + s = (${shown} * ${R} + r) * ${S} + s: ${first} to ${first + R * S - 1}`,
    `input  row = p * ${stride[0]} - ${padding[0][0]} + ${dilation ? `r * ${dilation[0]}` : "r"}, ` +
      `column = q * ${stride[1]} - ${padding[1][0]} + ${dilation ? `s * ${dilation[1]}` : "s"}`,
    `output = sum of ${inner} products weight[${row}, ${start ? `i - ${start}` : "i"}] * im2col[i, ${column}] + bias`,
  ].join("\n");
}

/** The whole column, the row of weights and their products as strips of grey levels, with the shown channel marked. */
function strips({ terms }, shown) {
  const marked = terms.filter((term) => term.c === shown);
  const titles = { value: "column of the im2col matrix, transposed", weight: "row of the weights", product: "products" };
  const strip = ([key, title]) => {
    const canvas = element("canvas", { width: terms.length, height: 1, "aria-hidden": "true" });
    drawGrey(canvas, terms.map((term) => term[key]));
    const mark = framed({ x: marked[0].i - terms[0].i, y: 0, width: marked.length, height: 1 });
    const drawing = overlay([0, 0, terms.length, 1], mark);
    return [element("span", { class: "note", text: title }), element("div", { class: "strip" }, canvas, drawing)];
  };
  return element("div", {}, Object.entries(titles).flatMap(strip));
}

/** The part of the column that comes from one input channel, next to the weights of the row. */
function columnTable(node, terms) {
  const rows = terms.map(({ i, r, s, row, column, padded, value, weight, product }) => [
    i, `${r}, ${s}`, `${row}, ${column}${padded ? " padding" : ""}`, short(value), short(weight), short(product),
  ]);
  const caption = `Column of the im2col matrix: its ${terms.length} rows of input channel ${terms[0].c}`;
  const made = table(caption, ["row i", "r, s", "input row, column", "value", "weight", "product"], rows);
  made.id = "column";
  return element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "rows of the column" }, made);
}
