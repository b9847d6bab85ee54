// Two networks side by side: which nodes correspond, as Python aligned them, and in what they differ.

const MARKS = {
  equal: ["=", "equal"],
  first: ["−", "only in the first"],
  second: ["+", "only in the second"],
  differs: ["≠", ""],
};
const DIFFERENCES = { kind: "other layer", settings: "other settings", shape: "other shape", counts: "other counts", reads: "other inputs" };
const TOTALS = {
  params: "parameters", macs: "MACs", activations: "output values", tape_bytes: "bytes that training saves",
  peak_bytes: "peak bytes of inference", depth: "depth", depth_with_pooling: "depth with pools",
};
const SHOWN_COUNTS = ["params", "macs"]; // of a row; the panel of a node has all

panel("compare", "Side by side", [], () => Boolean(page.differences), drawComparison, "open two networks with --beside");

/** Add the switch between the two drawings to the header. */
function startComparison() {
  if (page.networks.length < 2) return;
  const options = page.networks.map((net, index) => [String(index), net.name]);
  document.getElementById("more").append(radioButtons("network", "Drawing", options, (value) => showNetwork(Number(value))));
  watch(["network"], () => checkRadioButton("network", String(state.network)));
}

/** Return a group of radio buttons for [[value, text], ...], which calls `choose` with the value. */
function radioButtons(name, title, options, choose) {
  const buttons = options.map(([value, text]) => {
    const button = element("input", { type: "radio", name, id: `${name}-${value}`, value, on: { change: () => choose(value) } });
    return element("label", {}, button, " ", element("bdi", { text }));
  });
  return element("fieldset", { id: name, class: "switch" }, element("legend", { text: title }), buttons);
}

function checkRadioButton(name, value) {
  document.getElementById(`${name}-${value}`).checked = true;
}

/** Show the other network, and select in it what corresponds to the selected node. */
function showNetwork(index) {
  const net = page.networks[index];
  const name = partnerOf(state.node, index) ?? state.node;
  const item = nodeNamed(name, net) ?? moduleNamed(name, net) ?? net.nodes[0];
  showIn(index, item);
}

/** Return the name of the node in network `index` that corresponds to a node of the other one, or undefined. */
function partnerOf(name, index) {
  const [here, there] = index === 0 ? ["second", "first"] : ["first", "second"];
  return page.differences?.rows.find((row) => row[here] === name)?.[there] ?? undefined;
}

/** Show a network and select one of its nodes or modules. */
function showIn(index, item) {
  change({ network: index, node: item.id ?? item.name });
  reveal(item);
  select();
}

let comparison = null; // drawn once: it does not depend on the state, apart from the marks of what is selected

function drawComparison(container) {
  comparison ??= drawnComparison();
  container.append(...comparison);
  for (const old of container.querySelectorAll("[aria-current]")) old.removeAttribute("aria-current");
  const marked = markedRows().map((index) => document.getElementById(`compare-${state.network}-${index}`));
  for (const button of marked) button.setAttribute("aria-current", "true");
  if (marked.length) intoPanel(container, marked[0]);
}

/** Return the indices of the rows of the selected node, or of the nodes in the selected module. */
function markedRows() {
  const item = selectedItem(); // null while another network is about to be shown
  const names = new Set(item ? nodesIn(item).map((node) => node.name) : []);
  const which = state.network ? "second" : "first";
  return page.differences.rows.flatMap((row, index) => (names.has(row[which]) ? [index] : []));
}

/** Scroll a panel, and nothing around it, to something in it that is out of view. */
function intoPanel(container, target) {
  const [panelBox, box] = [container, target].map((one) => one.getBoundingClientRect());
  if (box.top < panelBox.top || box.bottom > panelBox.bottom) container.scrollTop += box.top - panelBox.top - panelBox.height / 3;
}

function drawnComparison() {
  const { rows } = page.differences;
  const heading = (text) => element("th", { role: "columnheader", scope: "col" }, element("bdi", { text }));
  const headings = [...page.networks.map((net) => net.name), "difference"].map(heading);
  const compared = element(
    "table",
    { id: "compared", role: "table" }, // the style sheet makes blocks of it, and some browsers then forget what it is
    element("caption", { text: "Nodes, row by row" }),
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, headings)),
    element("tbody", { role: "rowgroup" }, rows.map(comparedRow)),
  );
  const hide = (event) => compared.classList.toggle("only-differences", event.target.checked);
  const choice = element("input", { type: "checkbox", id: "only-differences", on: { change: hide } });
  return [
    element("h2", { text: "Side by side" }),
    totalsTable(),
    element("p", { id: "compared-summary", text: comparedSummary(rows) }),
    element("label", {}, choice, " Only differences"),
    compared,
  ];
}

function totalsTable() {
  const rows = Object.entries(TOTALS).map(([key, title]) => {
    const [first, second, difference] = page.differences.totals[key];
    return [title, first, second, signed(difference)];
  });
  const made = table("For one image", ["", ...page.networks.map((net) => net.name), "change"], rows);
  made.id = "compared-totals";
  for (const cell of made.querySelectorAll("td:last-child")) cell.classList.add("number");
  return made;
}

/** Return a change with its sign: +1,024, −8, 0; of an unknown number, "unknown". */
function signed(value) {
  if (value === null) return "unknown";
  return value > 0 ? `+${number(value)}` : value < 0 ? `−${number(-value)}` : "0";
}

/** Return "equal", "first", "second" or "differs". */
function markOf(row) {
  if (!row.second) return "first";
  if (!row.first) return "second";
  return Object.keys(row.differs).length ? "differs" : "equal";
}

function comparedSummary(rows) {
  const marks = rows.map(markOf);
  const equal = marks.filter((mark) => mark === "equal").length;
  const parts = [
    ...["first", "second"].map((which) => [marks.filter((mark) => mark === which).length, MARKS[which][1]]),
    ...Object.entries(DIFFERENCES).map(([key, title]) => [rows.filter((row) => key in row.differs).length, `with ${title}`]),
  ];
  const listed = parts.filter(([many]) => many).map(([many, title]) => `${number(many)} ${title}`);
  return `${number(rows.length - equal)} of ${number(rows.length)} rows differ${listed.length ? ": " : ""}${listed.join(", ")}.`;
}

function comparedRow(row, index) {
  const mark = markOf(row);
  const [sign, words] = MARKS[mark];
  const titles = Object.keys(DIFFERENCES).filter((key) => key in row.differs).map((key) => DIFFERENCES[key]);
  const details = differencesOf(row).map((text) => element("div", { class: "detail", text }));
  return element(
    "tr",
    { class: mark, role: "row" },
    comparedCell(0, index, row.first),
    comparedCell(1, index, row.second),
    element("td", { role: "cell" }, element("span", { class: "sign", "aria-hidden": "true", text: sign }), ` ${words || titles.join(", ")}`, details),
  );
}

function comparedCell(which, index, name) {
  if (name === null) return element("td", { role: "cell" });
  const node = nodeNamed(name, page.networks[which]);
  const choose = () => showIn(which, node);
  return element(
    "td",
    { role: "cell" },
    element("button", { id: `compare-${which}-${index}`, class: "link", on: { click: choose } }, breakable(name)),
    element("div", { class: "detail", text: `${node.kind} ${shapeText(node.shape)}` }),
  );
}

/** Return a name that may continue on the next line after a slash, a point or an underscore. */
function breakable(name) {
  const parts = name.split(/(?<=[/._])/);
  return element("bdi", {}, parts.flatMap((part, index) => (index ? [element("wbr"), part] : [part])));
}

/** Return the differences of a row in words, such as "kernel_size 5x5 → 3x3". */
function differencesOf({ differs }) {
  const arrow = ([first, second]) => `${settingText(first)} → ${settingText(second)}`;
  const counts = differs.counts ?? {};
  const shown = SHOWN_COUNTS.filter((key) => key in counts);
  const others = Object.keys(counts).length - shown.length;
  return [
    ...Object.entries(differs.settings ?? {}).map(([name, pair]) => `${name} ${arrow(pair)}`),
    ...shown.map((key) => `${NUMBERS[key]} ${signed(counts[key].includes(null) ? null : counts[key][1] - counts[key][0])}`),
    ...(others ? [`${number(others)} other ${others === 1 ? "count" : "counts"}`] : []),
    ...(differs.reads ? [`reads ${differs.reads.map((names) => names.join(", ")).join(" → ")}`] : []),
  ];
}

/** Return a setting as short text: 3x3 for [3, 3], 1x1 for a padding [[1, 1], [1, 1]]. */
function settingText(value) {
  if (value === null || value === undefined) return "none";
  if (!Array.isArray(value)) return String(value);
  if (value.every((pair) => Array.isArray(pair) && pair.length === 2 && pair[0] === pair[1])) return settingText(value.map((pair) => pair[0]));
  return value.every(Array.isArray) ? value.map((pair) => `(${pair.join(", ")})`).join(" ") : value.join("x");
}
