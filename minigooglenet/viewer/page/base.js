"use strict";
// The data of the page, its state, and the helpers that every panel uses.
// All text from outside (names of nodes, labels, file names) becomes text nodes or attributes here, never markup.

const page = JSON.parse(document.getElementById("data").textContent);

const state = {
  network: 0, // index into page.networks
  node: page.networks[0].nodes[0].name, // name of the selected node, or id of the selected module
  question: "macs", // what the colours show: a key of QUESTIONS
  direction: "forward",
  panel: "node",
  channel: 0,
  position: null, // [row, column] in the feature map of the selected node
  unfolded: new Set(), // ids of modules
  edits: {}, // {node: {setting: value}}, from the panel that changes the network
};

const watchers = [];

/** Call `render` now and whenever one of these keys of the state changes. */
function watch(keys, render) {
  watchers.push([new Set(keys), render]);
  render();
}

/** Change keys of the state, then call the functions that watch them. */
function change(values) {
  const changed = Object.keys(values).filter((key) => state[key] !== values[key]);
  Object.assign(state, values);
  for (const [keys, render] of watchers) {
    if (changed.some((key) => keys.has(key))) render();
  }
}

const network = () => page.networks[state.network];

/** Return a node by name, or undefined. */
const nodeNamed = (name, net = network()) => net.byName.get(name);

/** Return a module by id, or undefined. */
const moduleNamed = (id, net = network()) => net.byId.get(id);

for (const net of page.networks) {
  net.byName = new Map(net.nodes.map((node) => [node.name, node]));
  net.byId = new Map(net.modules.map((module) => [module.id, module]));
  for (const module of net.modules) {
    for (const child of module.children) (net.byId.get(child) ?? net.byName.get(child)).parent = module;
  }
  for (const node of net.nodes) node.readers = [];
  for (const node of net.nodes) for (const name of node.reads) net.byName.get(name).readers.push(node.name);
}

/** Return the nodes inside a module, in the order of execution; of a node, itself. */
function nodesIn(item, net = network()) {
  if (!item.children) return [item];
  return item.children.flatMap((child) => nodesIn(net.byId.get(child) ?? net.byName.get(child), net));
}

/** Return a new HTML element. `options`: text, on: {event: function}, style: {property: value}, others are attributes. */
function element(tag, options = {}, ...children) {
  return filled(document.createElement(tag), options, children);
}

/** Return a new SVG element, with the options of `element`. */
function svg(tag, options = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), options, children);
}

function filled(made, { text, on = {}, style = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  for (const [event, listener] of Object.entries(on)) made.addEventListener(event, listener);
  for (const [property, value] of Object.entries(style)) made.style.setProperty(property, value);
  if (text !== undefined) made.append(String(text));
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** Return a table with a heading row; a cell that is a number is right-aligned. `caption` may be null. */
function table(caption, headings, rows) {
  const cell = (value, tag = "td") =>
    element(tag, {
      class: typeof value === "number" || tag === "th" ? "number" : null,
      text: typeof value === "number" ? number(value) : value,
    });
  const heading = (text, i) => element("th", { scope: "col", class: rows.some((row) => typeof row[i] === "number") ? "number" : null, text });
  return element(
    "table",
    {},
    caption === null ? null : element("caption", { text: caption }),
    element("thead", {}, element("tr", {}, headings.map(heading))),
    element("tbody", {}, rows.map((row) => element("tr", {}, row.map((value) => cell(value))))),
  );
}

const INTEGERS = new Intl.NumberFormat("en-US"); // made once, because toLocaleString makes one for each number
const DIGITS = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 4 });

/** Return an integer with commas, any other number with four digits. */
function number(value) {
  if (value === null || value === undefined) return "-";
  return (Number.isInteger(value) ? INTEGERS : DIGITS).format(value);
}

/** Return a number with a prefix for thousands, millions, ...: 1.2k, 347M. */
function short(value) {
  if (value === null || value === undefined) return "-";
  const size = Math.abs(value);
  if (size !== 0 && size < 0.01) return value.toExponential(1);
  for (const [unit, factor] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (size >= factor) return `${Number((value / factor).toPrecision(3))}${unit}`;
  }
  return String(Number(value.toPrecision(3)));
}

/** Return a shape (C, H, W) as text: 64x28x28. */
const shapeText = (shape) => (shape === null ? "-" : shape.join("x"));

/** Return float32 values from base64. */
function floats(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

/** Return the colours and fonts of the page's style sheet, by name: css("--line"). */
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Report something to readers of screen readers, too. */
function announce(text) {
  document.getElementById("status").textContent = text;
}
