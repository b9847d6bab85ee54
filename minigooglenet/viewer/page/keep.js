// What a reader keeps: the drawing as an SVG file, the table of all nodes as CSV and JSON, and the page on paper.

panel("keep", "Keep", ["edits"], () => true, drawKeep);

const SUMS = [
  "params", "weights", "biases", "macs", "adds", "multiplies", "compares", "divides", "powers", "grad_input_macs",
  "grad_weight_macs", "activations", "tape_bytes",
];

function drawKeep(container) {
  const button = (id, text, press) => element("button", { id, text, on: { click: press } });
  const buttons = element(
    "p",
    { class: "keep" },
    button("keep-svg", "Drawing as SVG", () => download(svgFile(), "image/svg+xml", "svg")),
    button("keep-csv", "Table as CSV", () => download(csvFile(network()), "text/csv", "csv")),
    button("keep-json", "Table as JSON", () => download(jsonFile(network()), "application/json", "json")),
    button("keep-print", "Print", () => print()),
  );
  const note = "The SVG has the whole drawing, folded and coloured as it is now. CSV and JSON have the numbers of every node. Paper gets the drawing and this panel.";
  container.append(element("h2", { text: "Keep" }), buttons, element("p", { class: "note", text: note }));
  if (isChanged(network())) container.append(element("p", { id: "keep-changed", text: changedText(network()) }));
  container.append(keptTable());
}

const isChanged = (net) => Object.keys(editsOf(net)).length > 0;

function changedText(net) {
  const count = Object.keys(editsOf(net)).length;
  return `The files and this table have the network with your changes of ${count === 1 ? "1 node" : `${number(count)} nodes`}, and their names end with "changed". Reset, at the top of the page, brings the network back.`;
}

const keptTables = new Map(); // {network: {edits, table}}: it does not depend on the rest of the state

function keptTable() {
  const net = network();
  const edits = editsOf(net);
  if (keptTables.get(net)?.edits !== edits) keptTables.set(net, { edits, table: madeTable(net) });
  return keptTables.get(net).table;
}

function madeTable(net) {
  const rows = countedNodes(net).map((node) => [node.name, node.kind, shapeText(node.shape), node.params, node.macs].map((value) => value ?? "-"));
  const totals = keptTotals(net);
  const made = table(`All nodes, for one image${isChanged(net) ? ", changed" : ""}`, ["node", "layer", "output", "parameters", "MACs"], rows);
  made.id = "kept";
  for (const cell of made.querySelectorAll("tbody td:first-child")) cell.replaceChildren(breakable(cell.textContent));
  made.append(element("tfoot", {}, element("tr", {}, ["sum", "", "", totals.params, totals.macs].map(sumCell))));
  return made;
}

const sumCell = (value) => element("td", { class: typeof value === "string" ? null : "number", text: typeof value === "string" ? value : number(value) });

/** Return the nodes that compute, with the numbers that they have after the reader's changes. */
const countedNodes = (net) => net.nodes.filter((node) => node.kind !== "Input").map((node) => countsOf(node, net));

/** Return the totals after the changes: null where a number is unknown, everywhere if the network is impossible. */
function keptTotals(net) {
  if (!isChanged(net)) return net.totals;
  const sums = totalsOf(net);
  const changed = Object.fromEntries(SUMS.map((key) => [key, sums === null ? null : sums[key]]));
  const flops = changed.macs === null ? null : 2 * changed.macs;
  return { ...net.totals, ...changed, flops, peak_bytes: null }; // only Python knows the workspaces of an inference
}

/** Save text as a file, named after the network; a name with "changed" has the reader's changes in it. */
function download(text, type, ending) {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  element("a", { href: address, download: `${fileName(network().name)}${isChanged(network()) ? "-changed" : ""}.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
  announce(`${ending.toUpperCase()} file saved`);
}

/** Return the letters, digits, hyphens and underscores of a name. */
const fileName = (name) => name.replace(/[^\p{L}\p{N}_-]+/gu, "_").replace(/^_+|_+$/g, "").slice(0, 80) || "network";

// The table as a file, with the columns of `Count.to_csv`, then what only the page has

/** Return {column: value} of a node. */
function record(node) {
  const others = { live_bytes: node.live_bytes };
  for (const key of ["seconds", "zeros"]) if (typeof node[key] === "number") others[key] = node[key];
  for (const [name, norm] of Object.entries(node.norms ?? {})) others[`gradient_norm ${name}`] = norm;
  return {
    name: node.name,
    kind: node.kind,
    ...Object.fromEntries(SUMS.map((key) => [key, node[key]])),
    flops: node.macs === null ? null : 2 * node.macs,
    input_shapes: node.input_shapes,
    output_shape: node.shape,
    receptive_field_min: node.field_min,
    receptive_field_max: node.field_max,
    stride: node.jump,
    ...others,
  };
}

/** Return {"totals": {...}, "rows": [{...}, ...]} as text; of a changed network, also the changes and what is impossible. */
function jsonFile(net) {
  const rows = countedNodes(net).map((node) => ({ ...record(node), settings: node.settings, reads: node.reads }));
  const changes = isChanged(net) ? { changes: editsOf(net), errors: Object.fromEntries(recomputed(net).errors) } : {};
  return `${JSON.stringify({ network: net.name, ...changes, totals: keptTotals(net), rows }, null, 1)}\n`;
}

/** Return one line per node that a spreadsheet opens: with a byte order mark, and without formulas. */
function csvFile(net) {
  const changes = (node) => (isChanged(net) ? { changes: changesOf(net, node) } : {});
  const records = countedNodes(net).map((node) => ({ ...record(node), ...changes(node) }));
  const columns = [...new Set(records.flatMap(Object.keys))];
  const lines = [columns.map(csvCell), ...records.map((values) => columns.map((column) => csvCell(values[column])))];
  return `\ufeff${lines.map((cells) => `${cells.join(",")}\n`).join("")}`;
}

/** Return the changes of a node as text, such as "out_channels=96 stride=[2,2]". */
function changesOf(net, node) {
  const changed = Object.entries(editsOf(net)[node.name] ?? {});
  return changed.map(([setting, value]) => `${setting}=${JSON.stringify(value)}`).join(" ");
}

/** Return the cell of a number, a shape (64x28x28; several are separated by spaces) or a text. */
function csvCell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.some(Array.isArray) ? value.map(shapeText).join(" ") : shapeText(value);
  const text = withoutFormulas(escaped(value, /[\p{C}\p{Zl}\p{Zp}]/gu));
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Put an apostrophe before each character that may begin a formula. A spreadsheet may split lines at another separator. */
function withoutFormulas(text) {
  let begins = true;
  let made = "";
  for (const character of text) {
    if (begins && "=+-@|%".includes(character.normalize("NFKC")[0])) {
      made += "'";
      begins = false;
    }
    made += character;
    begins = ",;|\t".includes(character) || (begins && /[\s"'`]/.test(character));
  }
  return made;
}

/** Replace the characters of a pattern by escapes: \x1b, \u202e, \U000e0041. */
function escaped(text, pattern) {
  return text.replace(pattern, (character) => {
    const code = character.codePointAt(0);
    const [letter, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
    return `\\${letter}${code.toString(16).padStart(digits, "0")}`;
  });
}

// The drawing as a file

const NOT_IN_XML = /[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** Return the whole drawing as an SVG file of its own, in light colours, with its legend. */
function svgFile() {
  const { title, unit } = QUESTIONS[state.question];
  const drawing = document.getElementById("drawing").cloneNode(true);
  const scene = drawing.querySelector("#scene");
  const scale = [...document.querySelectorAll("#legend svg")].map((shown) => shown.cloneNode(true));
  const legend = svg("g", { id: "legend" }, scale);
  const [margin, top] = [12, 92];
  const heading = `${network().name}${isChanged(network()) ? ", changed" : ""}: ${title}`;
  const width = Math.ceil(Math.max(224, view.scene.width, 10 * heading.length, 7 * unit.length)) + 2 * margin;
  const height = Math.ceil(view.scene.height) + top + margin;
  const summary = document.getElementById("total").textContent;
  for (const name of ["aria-hidden", "role", "class"]) drawing.removeAttribute(name);
  if (state.direction === "backward") drawing.setAttribute("class", "backward");
  for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-labelledby": "title description" })) drawing.setAttribute(name, value);
  for (const chosen of drawing.querySelectorAll(".selected")) chosen.classList.remove("selected");
  scene.setAttribute("transform", `translate(${(width - view.scene.width) / 2} ${top})`);
  legend.setAttribute("transform", `translate(${margin} 52)`);
  drawing.prepend(
    svg("title", { id: "title", text: heading }),
    svg("desc", { id: "description", text: `${summary}. The input is at the bottom. Drawn by minigooglenet.` }),
    svg("rect", { class: "paper", width, height }),
    svg("text", { class: "heading", x: margin, y: 24, text: heading }),
    legend,
    svg("text", { class: "unit", x: margin, y: 44, text: unit }),
  );
  drawing.prepend(svg("style", { text: stylesOf(drawing) }));
  sanitise(drawing);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(drawing)}\n`;
}

/** Return the rules of the page's style sheet that apply inside an element, with the values of the light colours. */
function stylesOf(root) {
  const rules = [...document.styleSheets[0].cssRules].filter((rule) => rule.type === CSSRule.STYLE_RULE);
  const colours = rules.find((rule) => rule.selectorText === ":root").style; // the first: light
  const applies = (selector) => !["*", "#drawing", ":root"].includes(selector) && (root.matches(selector) || root.querySelector(selector));
  const used = rules.filter((rule) => applies(rule.selectorText));
  const own = "text { font-family: sans-serif; } .paper { fill: #fff; } .heading { font-size: 17px; font-weight: bold; } .unit { font-size: 11px; }";
  const text = [own, ...used.map((rule) => rule.cssText)].join("\n");
  return text.replace(/var\((--[\w-]+)\)/g, (_, name) => colours.getPropertyValue(name).trim());
}

/** Replace the characters that XML forbids or changes, in all texts and attributes. */
function sanitise(root) {
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = escaped(texts.currentNode.data, NOT_IN_XML);
  for (const one of [root, ...root.querySelectorAll("*")]) {
    for (const attribute of one.attributes) attribute.value = escaped(attribute.value, NOT_IN_XML);
  }
}

// Paper: the whole drawing, on one page

let screenView = null; // what the drawing shows on the screen

addEventListener("beforeprint", () => {
  const drawing = document.getElementById("drawing");
  const margin = 8;
  screenView = document.getElementById("scene").getAttribute("transform");
  document.getElementById("scene").removeAttribute("transform");
  drawing.setAttribute("viewBox", `${-margin} ${-margin} ${view.scene.width + 2 * margin} ${view.scene.height + 2 * margin}`);
});

addEventListener("afterprint", () => {
  document.getElementById("drawing").removeAttribute("viewBox");
  if (screenView !== null) document.getElementById("scene").setAttribute("transform", screenView);
  screenView = null;
});
