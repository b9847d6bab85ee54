// Starts the page: the address decides what is selected, and follows the selection.

/** Whether the page is inside a notebook: there it has no address of its own, and leaves the one around it alone. */
const framed = window.parent !== window;

function fromAddress() {
  const name = decoded(location.hash.slice(1));
  if (!name) return;
  const item = nodeNamed(name) ?? moduleNamed(name) ?? moduleNamed(`${name}/`);
  if (item && item !== network().modules[0]) reveal(item);
}

/** Return the name in an address; an address that was edited by hand may have a % that decodes to nothing. */
function decoded(text) {
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

document.title = `${page.networks.map((net) => net.name).join(" and ")} - minigooglenet`;
document.getElementById("notes").replaceChildren(...page.notes.map((text) => element("p", { text }))); // it takes space
startGraph();
startTree();
startStrip();
startPanels();
if (!framed) {
  addEventListener("hashchange", fromAddress);
  fromAddress();
  watch(["node"], toAddress);
}
