// Starts the page: the address decides what is selected, and follows the selection.

/** Select what the address names, in the network that is shown or in the other one. */
function fromAddress() {
  const name = named(location.hash.slice(1));
  for (const index of [state.network, ...page.networks.keys()]) {
    const net = page.networks[index];
    const item = nodeNamed(name, net) ?? moduleNamed(name, net) ?? moduleNamed(`${name}/`, net);
    if (!item) continue;
    if (index !== state.network) change({ network: index });
    return reveal(item);
  }
}

/** Return the text of an address with its escapes replaced; someone may have typed a % that begins none. */
function named(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A link to the selected node, without a step in the history; a page inside a notebook has no address. */
function toAddress() {
  if (location.protocol !== "about:") history.replaceState(null, "", `#${encodeURIComponent(state.node).replaceAll("%2F", "/")}`);
}

document.title = `${page.networks.map((net) => net.name).join(" and ")} - minigooglenet`;
startGraph();
startTree();
startStrip();
startPanels();
startComparison();
startGradient();
addEventListener("hashchange", fromAddress);
fromAddress();
watch(["node"], toAddress);
