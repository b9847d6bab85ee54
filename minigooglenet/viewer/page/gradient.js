// Forward and backward: the switches in the header, arrow heads along the gradient, and a plot of its norms.

state.objective = page.objective ?? Object.keys(page.objectives ?? {})[0] ?? null;

panel("gradient", "Gradient", ["objective"], () => objectivesShown().length > 0, drawGradient, "open a network with --image and --label");

/** Return the names of the objectives for which the network has norms. */
function objectivesShown(net = network()) {
  const names = Object.keys(page.objectives ?? {});
  return names.filter((name) => net.nodes.some((node) => typeof node.norms?.[name] === "number"));
}

/** Add the switches to the header: the direction, and which losses count. */
function startGradient() {
  const directions = [["forward", "forward"], ["backward", "backward"]];
  const more = document.getElementById("more");
  more.append(radioButtons("direction", "Direction", directions, changeDirection));
  document.getElementById("drawing").append(svg("defs", {}, arrowHead()));
  watch(["direction"], () => {
    checkRadioButton("direction", state.direction);
    document.getElementById("drawing").classList.toggle("backward", state.direction === "backward");
  });
  const choose = (event) => change({ objective: event.target.value });
  const menu = element("select", { id: "objective", on: { change: choose } });
  const label = element("label", { id: "losses" }, "Losses ", menu);
  more.append(label);
  watch(["network", "objective"], () => {
    const names = objectivesShown();
    label.hidden = names.length < 2;
    menu.replaceChildren(...names.map((name) => element("option", { value: name, text: page.objectives[name] })));
    menu.value = state.objective;
  });
}

let questionForward = state.question;

/** Change the direction; backward, the colours show the gradient, or without a label the work of the backward pass. */
function changeDirection(direction) {
  if (direction === "backward") questionForward = state.question;
  const backward = objectivesShown().length ? "gradient" : "backward";
  change({ direction, question: direction === "backward" ? backward : questionForward });
  announce(direction === "backward" ? "backward: from the losses down to the input" : "forward: from the input to the outputs");
}

/** An arrow head; the style sheet puts it at the lower end of each edge while the direction is backward. */
function arrowHead() {
  const size = { markerWidth: 7, markerHeight: 7, refX: 8, refY: 4 };
  const shape = svg("path", { class: "arrow", d: "M0 0L8 4L0 8z" });
  return svg("marker", { id: "arrow", viewBox: "0 0 8 8", orient: "auto-start-reverse", ...size }, shape);
}

// The plot

const PLOT = { width: 420, left: 40, right: 122, top: 10, height: 210, bottom: 132, zeros: 18 };
const LETTERS = { node: 19, line: 16 }; // that fit below and at the right
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "4 2", "1 3"];
const MARKERS = [
  "M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z", "M-3 -3h6v6h-6z", "M0 -4L4 3h-8z", "M0 -4L4 0L0 4L-4 0z", "M0 4L4 -3h-8z", "M-3 -1h6v2h-6z",
];

const normText = (value) => (value === 0 || (value >= 0.001 && value < 1e6) ? number(value) : value.toExponential(2));

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function drawGradient(container) {
  const lines = objectivesShown().map(gradientLine);
  const sentences = fallSentences(lines.find((line) => line.name === state.objective) ?? lines[0]);
  container.append(
    element("h2", { text: "Gradient" }),
    ...sentences.map((text) => element("p", { text })),
    element("figure", {}, gradientPlot(lines, sentences[0]), element("figcaption", { text: "Norm of the gradient at the output of the nodes that every path to the main output passes. Select a point to select its node." })),
    gradientTable(lines),
  );
}

/** Return the norms of one objective along the network: points [{index, name, value}]. */
function gradientLine(name) {
  const points = (network().path ?? network().nodes.map((node) => node.name))
    .map((node, index) => ({ index, name: node, value: nodeNamed(node).norms?.[name] }))
    .filter((point) => typeof point.value === "number");
  return { name, title: page.objectives[name], points };
}

/** Name where the norm is smallest, and by how many orders of magnitude it falls on the way down from the output. */
function fallSentences({ name, title, points }) {
  const positive = points.filter((point) => point.value > 0);
  const sentences = [];
  if (!positive.length) sentences.push(`${title}: the gradient reaches none of these nodes.`);
  else {
    const end = positive.at(-1);
    const least = positive.reduce((best, point) => (point.value < best.value ? point : best));
    const orders = Math.log10(end.value / least.value);
    const fall = least === end ? "it does not fall below that on the way down to the input" : `of the nodes drawn here it is smallest at ${least.name}, ${normText(least.value)}: a fall by ${orders.toFixed(1)} orders of magnitude`;
    sentences.push(`${title}: the norm is ${normText(end.value)} at ${end.name}, and ${fall}.`);
  }
  const zeros = network().nodes.filter((node) => node.norms?.[name] === 0).map((node) => node.name);
  if (zeros.length) sentences.push(`It is exactly 0 at ${number(zeros.length)} of all nodes, the last of them ${zeros.at(-1)}.`);
  return sentences;
}

/** Return {across, up, decades, zeros}: positions for an index and for a norm, the exponents on the axis, whether it has a 0. */
function plotScale(lines) {
  const all = lines.flatMap((line) => line.points.map((point) => point.value));
  const values = all.filter((value) => value > 0);
  const zeros = values.length < all.length;
  const low = values.length ? Math.floor(Math.log10(Math.min(...values))) : -1;
  const high = Math.max(low + 1, values.length ? Math.ceil(Math.log10(Math.max(...values))) : 0);
  const width = PLOT.width - PLOT.left - PLOT.right;
  const many = Math.max(1, (network().path ?? network().nodes).length - 1);
  const step = Math.ceil((high - low) / 8);
  const decades = [];
  for (let exponent = low; exponent <= high; exponent += step) decades.push(exponent);
  const height = PLOT.height - (zeros ? PLOT.zeros : 0); // 0 has a line of its own, below the logarithmic axis
  const up = (value) => PLOT.top + (value > 0 ? (height * (high - Math.log10(value))) / (high - low) : PLOT.height);
  return { across: (index) => PLOT.left + (index * width) / many, up, decades, zeros, gap: width / many };
}

function gradientPlot(lines, label) {
  const scale = plotScale(lines);
  const bottom = PLOT.top + PLOT.height;
  const right = PLOT.width - PLOT.right;
  const ticks = [...scale.decades.map((exponent) => [10 ** exponent, `1e${exponent}`]), ...(scale.zeros ? [[0, "0"]] : [])];
  const parts = ticks.map(([value, text]) => {
    const y = scale.up(value);
    return [svg("path", { class: "grid", d: `M${PLOT.left} ${y}H${right}` }), svg("text", { x: PLOT.left - 4, y: y + 4, "text-anchor": "end", text })];
  });
  const places = spread(lines.filter((line) => line.points.length).map((line) => ({ line, y: scale.up(line.points.at(-1).value) })));
  return svg(
    "svg",
    { class: "norms", viewBox: `0 0 ${PLOT.width} ${bottom + PLOT.bottom}`, role: "img", "aria-label": `Plot on a logarithmic axis. ${label}` },
    parts.flat(),
    nodeColumns(scale),
    lines.map((line, index) => plottedLine(line, index, scale)),
    places.map((place) => lineLabel(place, scale, lines.indexOf(place.line))),
  );
}

/** The columns of the nodes: a name below, and a strip of full height that selects the node. */
function nodeColumns(scale) {
  const names = network().path ?? network().nodes.map((node) => node.name);
  const every = Math.ceil(10.5 / scale.gap); // names closer than this overlap
  const bottom = PLOT.top + PLOT.height;
  return names.map((name, index) => {
    const x = scale.across(index);
    const selected = name === state.node;
    return svg(
      "g",
      { class: `column${selected ? " selected" : ""}`, "data-node": name, on: { click: () => reveal(nodeNamed(name)) } },
      svg("rect", { x: x - scale.gap / 2, y: PLOT.top, width: scale.gap, height: PLOT.height + PLOT.bottom }),
      selected ? svg("path", { class: "rule", d: `M${x} ${PLOT.top}V${bottom}` }) : null,
      index % every === 0 || selected ? svg("text", { transform: `translate(${x + 3.5} ${bottom + 6}) rotate(-90)`, "text-anchor": "end", text: cut(name, LETTERS.node) }) : null,
      svg("title", { text: name }),
    );
  });
}

function plottedLine({ name, points }, index, scale) {
  const d = points.map((point, i) => `${i && points[i - 1].index === point.index - 1 ? "L" : "M"}${scale.across(point.index)} ${scale.up(point.value)}`).join("");
  const marks = points.map((point) =>
    svg("path", { class: point.value > 0 ? "mark" : "mark zero", d: MARKERS[index % MARKERS.length], transform: `translate(${scale.across(point.index)} ${scale.up(point.value)})` }),
  );
  const current = name === state.objective;
  return svg("g", { class: `norm-line${current ? " current" : ""}`, "data-objective": name }, svg("path", { class: "line", d, "stroke-dasharray": DASHES[index % DASHES.length] }), marks);
}

/** Move labels apart that are too close; they stay in the order of their lines. */
function spread(places) {
  const gap = places.some((place) => inLines(place.line.title).length > 1) ? 27 : 14;
  const sorted = places.map((place) => ({ ...place, label: place.y })).sort((a, b) => a.y - b.y);
  for (let i = 1; i < sorted.length; i++) sorted[i].label = Math.max(sorted[i].label, sorted[i - 1].label + gap);
  let lowest = PLOT.top + PLOT.height;
  for (const place of sorted.toReversed()) {
    place.label = Math.min(place.label, lowest);
    lowest = place.label - gap;
  }
  return sorted;
}

function lineLabel({ line, y, label }, scale, index) {
  const right = PLOT.width - PLOT.right;
  const end = scale.across(line.points.at(-1).index);
  const current = line.name === state.objective;
  return svg(
    "g",
    { class: `norm-line${current ? " current" : ""}` },
    svg("path", { class: "leader", d: `M${end} ${y}L${right + 6} ${label}` }),
    svg("path", { class: "mark", d: MARKERS[index % MARKERS.length], transform: `translate(${right + 10} ${label})` }),
    inLines(line.title).map((text, row) => svg("text", { x: right + 17, y: label + 4 + 12 * row, text })),
    svg("title", { text: line.title }),
  );
}

/** Return a text in at most two lines. */
function inLines(text) {
  const space = text.lastIndexOf(" ", LETTERS.line);
  if (text.length <= LETTERS.line || space < 1) return [cut(text, LETTERS.line)];
  return [text.slice(0, space), cut(text.slice(space + 1), LETTERS.line)];
}

let gradientTableOpen = false;

/** The text form of the plot: the norms of all nodes, also of those in branches and heads. */
function gradientTable(lines) {
  const nodes = network().nodes.filter((node) => lines.some((line) => typeof node.norms?.[line.name] === "number"));
  const row = (node) =>
    element(
      "tr",
      {},
      element("td", {}, element("button", { id: `norm-${network().nodes.indexOf(node)}`, class: "link", on: { click: () => reveal(node) } }, breakable(node.name))),
      lines.map((line) => element("td", { class: "number", text: typeof node.norms[line.name] === "number" ? normText(node.norms[line.name]) : "-" })),
    );
  const rows = element("tbody", {});
  const fill = () => rows.childElementCount || rows.append(...nodes.map(row));
  const headings = ["node", ...lines.map((line) => line.title)].map((text) => element("th", { scope: "col", text }));
  const details = element(
    "details",
    { id: "norms", open: gradientTableOpen, on: { toggle: (event) => ((gradientTableOpen = event.target.open), fill()) } },
    element("summary", { id: "norms-summary", text: `The norms of all ${number(nodes.length)} nodes as a table` }),
    element("table", {}, element("thead", {}, element("tr", {}, headings)), rows),
  );
  if (gradientTableOpen) fill();
  return details;
}
