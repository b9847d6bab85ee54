// The panel of one node or module: its numbers and how they are computed, its code, and with an image what it computes.

panel("node", "Node", ["question", "objective", "edits", "channel", "direction"], (item) => item !== null, drawNode, "select a node or module");

function drawNode(container, selected) {
  container.append(element("h2", { text: selected.name ?? (selected.label || network().name) }));
  if (errorAt(selected)) container.append(element("p", { class: "error", text: errorAt(selected) }));
  if (selected.children) return drawModule(container, selected);
  const item = countsOf(selected);
  container.append(
    element("p", { class: "kind", text: item.kind === "Input" ? "input of the network" : `${item.kind}: ${item.input_shapes.map(shapeText).join(", ")} to ${shapeText(item.shape)}` }),
  );
  if (item.kind === "Input") {
    if (page.image) container.append(element("img", { class: "photo", src: page.image.png, alt: `the input: ${page.image.name}` }));
    container.append(element("p", { text: `Shape ${shapeText(item.shape)}: channels, height, width.` }));
    return drawMaps(container, item);
  }
  if (item.explain.length) container.append(element("pre", { class: "explain", text: item.explain.join("\n") }));
  if (item.name === network().main && page.probabilities?.length) container.append(likeliest());
  drawMaps(container, item);
  container.append(...[settingsOf(item), numbersOf(item), codeOf(item), neighboursOf(item)].filter(Boolean));
}

function likeliest() {
  const rows = page.probabilities.map(([name, probability]) => [name, `${(100 * probability).toFixed(1)}%`]);
  return table("Most probable classes", ["class", "probability"], rows);
}

function drawModule(container, module) {
  const rows = module.children.map((name) => {
    const item = moduleNamed(name) ?? nodeNamed(name);
    const inside = nodesIn(item).map((node) => countsOf(node));
    return [item.label ?? shortName(item), known(inside.map((node) => node.params)), known(inside.map((node) => node.macs))];
  });
  const total = ["sum", known(rows.map((row) => row[1])), known(rows.map((row) => row[2]))];
  container.append(table("Inside this module", ["", "parameters", "MACs"], [...rows, total]));
}

/** Return a sum, or "-" if a part of it is unknown. */
const known = (values) => (values.every(Number.isFinite) ? sum(values) : "-");

function settingsOf(node) {
  const rows = Object.entries(node.settings).map(([name, value]) => [name, JSON.stringify(value)]);
  return rows.length ? table("Settings", ["", "value"], rows) : null;
}

const NUMBERS = {
  params: "parameters", macs: "MACs", adds: "additions", multiplies: "multiplications", compares: "comparisons",
  divides: "divisions", powers: "powers", grad_input_macs: "MACs of the input gradient",
  grad_weight_macs: "MACs of the weight gradient", activations: "output values", live_bytes: "bytes in memory while it runs",
  tape_bytes: "bytes that training saves", seconds: "measured seconds", zeros: "fraction of zeros",
};

function numbersOf(node) {
  const rows = Object.entries(NUMBERS).filter(([key]) => node[key]).map(([key, title]) => [title, node[key]]);
  return table("For one image", ["", "number"], rows);
}

function codeOf(node) {
  const lines = node.code.map(({ what, file, line }) => element("li", {}, `${what}: `, element("code", { text: `${file}, line ${line}` })));
  return lines.length ? element("section", {}, element("h3", { text: "Code" }), element("ul", {}, lines)) : null;
}

function neighboursOf(node) {
  const link = (name) => element("button", { class: "link", text: name, on: { click: () => reveal(nodeNamed(name)) } });
  const line = (title, names) => (names.length ? element("p", {}, `${title}: `, names.flatMap((name, i) => [i ? ", " : "", link(name)])) : null);
  return element("section", {}, line("Reads", node.reads), line("Read by", node.readers));
}

/** The strongest channels as maps, the histogram, and for a first convolution its filters. */
function drawMaps(container, node) {
  const backward = state.direction === "backward" && node.gradient;
  const maps = backward ? node.gradient.maps : node.maps;
  if (maps) {
    const title = backward ? `Gradient at ${node.name}` : `Strongest of ${node.shape[0]} channel${node.shape[0] === 1 ? "" : "s"}`;
    const list = element("div", { class: "maps" });
    maps.channels.forEach((channel, index) => list.append(mapFigure(node, maps, index, channel)));
    container.append(element("h3", { text: title }), list, element("p", { class: "note", text: rangeText(maps, backward) }));
  }
  if (!backward && node.values?.all_maps) container.append(anyChannel(node));
  if (!backward && node.histogram) container.append(histogram(node.histogram));
  if (node.filters) container.append(element("h3", { text: "Filters" }), element("img", { class: "filters", src: node.filters.png, alt: `the ${node.shape[0]} filters as images` }));
}

const rangeText = (maps, signed) => (signed ? `Grey is 0; white is ${short(maps.high)}, black is ${short(maps.low)}.` : `Black is ${short(maps.low)}, white is ${short(maps.high)}.`);

/** One channel, cut out of the image of all maps: they lie next to each other from left to right. */
function mapFigure(node, maps, index, channel) {
  const canvas = element("canvas", { width: maps.width, height: maps.height, role: "img", "aria-label": `channel ${channel} of ${node.name}` });
  drawMap(canvas, maps, index);
  const choose = () => change({ channel });
  const pressed = String(channel === state.channel);
  return element("button", { id: `map-${channel}`, class: "map", "aria-pressed": pressed, on: { click: choose } }, canvas, element("span", { text: channel }));
}

/** Any channel of a node whose values the page has: a number field and its map. */
function anyChannel(node) {
  const maps = node.values.all_maps;
  const last = node.shape[0] - 1;
  const channel = Math.min(state.channel, last);
  const canvas = element("canvas", { id: "any-map", width: maps.width, height: maps.height, role: "img", "aria-label": `channel ${channel} of ${node.name}` });
  drawMap(canvas, maps, channel);
  const choose = (event) => {
    const chosen = event.target.valueAsNumber;
    if (Number.isInteger(chosen) && chosen >= 0 && chosen <= last) change({ channel: chosen });
  };
  const field = element("input", { id: "any-channel", type: "number", min: 0, max: last, value: channel, on: { input: choose } });
  const range = element("p", { class: "note", text: rangeText(maps, false) });
  return element("section", {}, element("h3", { text: "Any channel" }), element("label", {}, `Channel 0 to ${last} `, field), element("div", { class: "any-map" }, canvas), range);
}

const sprites = new Map(); // {data URI: promise of an image}

function spriteOf(png) {
  if (!sprites.has(png)) {
    const image = new Image();
    sprites.set(png, new Promise((resolve) => image.addEventListener("load", () => resolve(image))));
    image.src = png;
  }
  return sprites.get(png);
}

/** Draw map `index` of {png, width, height} on a canvas of that size; the maps are in rows of `columns`, or in one row. */
async function drawMap(canvas, maps, index) {
  const image = await spriteOf(maps.png);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  const columns = maps.columns ?? Infinity;
  const [x, y] = [(index % columns) * maps.width, Math.floor(index / columns) * maps.height];
  context.drawImage(image, x, y, maps.width, maps.height, 0, 0, canvas.width, canvas.height);
}

function histogram({ edges, counts }) {
  const most = Math.max(...counts);
  const step = 300 / counts.length;
  const bars = counts.map((count, i) => svg("rect", { x: i * step, y: 60 - (60 * count) / most, width: step - 0.5, height: (60 * count) / most }));
  const label = `histogram of the values, from ${short(edges[0])} to ${short(edges.at(-1))}; the fullest bin has ${number(most)}`;
  return element("figure", {}, svg("svg", { class: "histogram", viewBox: "0 0 300 60", role: "img", "aria-label": label }, bars), element("figcaption", { text: label }));
}
