// Starts the page: the address decides what is selected, and follows the selection.

function fromAddress() {
  const name = decodeURIComponent(location.hash.slice(1));
  const item = nodeNamed(name) ?? moduleNamed(name) ?? moduleNamed(`${name}/`);
  if (item) reveal(item);
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
addEventListener("hashchange", fromAddress);
fromAddress();
watch(["node"], toAddress);
