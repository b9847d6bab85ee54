// Starts the page: the address decides what is selected, and follows the selection.

/** Whether the page is inside a notebook: there it has no address of its own, and leaves the one around it alone. */
const inNotebook = window.parent !== window;

/** Select what the address names, in the network that is shown or in the other one. */
function fromAddress() {
  const name = decodedName(location.hash.slice(1));
  if (!name) return;
  for (const index of new Set([state.network, ...page.networks.keys()])) {
    const net = page.networks[index];
    const item = nodeNamed(name, net) ?? moduleNamed(name, net) ?? moduleNamed(`${name}/`, net);
    if (!item || item === net.modules[0]) continue;
    if (index !== state.network) change({ network: index });
    return reveal(item);
  }
}

/** Return the name in an address; an address that was edited by hand may have a % that decodes to nothing. */
function decodedName(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A link to the selected item, without a step in the history. */
function toAddress() {
  history.replaceState(null, "", `#${encodeURIComponent(state.node).replaceAll("%2F", "/")}`);
}

/** The notes at the foot: the first is always visible, the others fold. */
function showNotes() {
  const [first, ...others] = page.notes;
  document.querySelector("footer").hidden = !page.notes.length;
  document.getElementById("first-note").textContent = others.length ? `${first} (${others.length} more)` : first;
  document.getElementById("notes").replaceChildren(...others.map((text) => element("p", { text })));
}

/** Open the panel and select the item that Python chose. A panel of nodes shows one of a module: one with values if possible. */
function startWith({ node, panel: id }) {
  const item = node ? (nodeNamed(node) ?? moduleNamed(`${node}/`)) : null;
  const asked = panels.find((one) => one.id === id);
  const inside = asked && !asked.applies(item ?? selectedItem()) ? nodesIn(item ?? network().modules[0]).filter(asked.applies) : [];
  const chosen = inside.find((one) => one.values) ?? inside[0] ?? item;
  if (asked) change({ panel: id });
  if (chosen) reveal(chosen);
}

/** Draw everything. Notes come first, because they take space. */
async function startPage() {
  if (page.networks.some((net) => net.nodes.some((node) => node.values))) await unpackFloats();
  document.title = `${page.networks.map((net) => net.name).join(" and ")} - minigooglenet`;
  showNotes();
  startGraph();
  startTree();
  startStrip();
  startPanels();
  startComparison();
  startGradient();
  fit(); // the legend and the strip have their heights now
  startWith(page.start ?? {});
  if (!inNotebook) {
    addEventListener("hashchange", fromAddress);
    fromAddress();
    watch(["node"], toAddress);
  }
}

startPage();
