// The panels on the right: one tab each. A panel registers itself here with the keys of the state that it depends on.

const panels = [];

/** Add a panel: `applies(item)` decides whether its tab is shown, `draw(container, item)` fills it, `remedy` is how to see it. */
function panel(id, title, keys, applies, draw, remedy) {
  panels.push({ id, title, keys, applies, draw, remedy });
}

function startPanels() {
  const tabs = document.getElementById("tabs");
  for (const { id, title } of panels) {
    const select = () => change({ panel: id });
    tabs.append(element("button", { role: "tab", id: `tab-${id}`, "aria-controls": "panel", text: title, on: { click: select } }));
  }
  tabs.addEventListener("keydown", tabKey);
  watch(["node", "panel", "network"], drawPanel);
  for (const one of panels) watch(one.keys, () => one === shownPanel() && drawPanel());
}

/** Return the chosen panel, or the first one if that does not apply to the selected item. */
function shownPanel(possible = panels.filter((one) => one.applies(selectedItem()))) {
  return possible.find((one) => one.id === state.panel) ?? possible[0];
}

function drawPanel() {
  const item = selectedItem();
  const possible = panels.filter((one) => one.applies(item));
  const shown = shownPanel(possible);
  for (const { id } of panels) {
    const tab = document.getElementById(`tab-${id}`);
    tab.hidden = !possible.some((one) => one.id === id);
    tab.setAttribute("aria-selected", String(id === shown.id));
    tab.tabIndex = id === shown.id ? 0 : -1;
  }
  const container = document.getElementById("panel");
  container.setAttribute("aria-labelledby", `tab-${shown.id}`);
  const focused = container.contains(document.activeElement) ? document.activeElement.id : null;
  const asked = panels.find((one) => one.id === state.panel);
  container.replaceChildren();
  if (asked !== shown) container.append(element("p", { class: "note", text: `To see ${asked.title}, ${asked.remedy}.` }));
  shown.draw(container, item);
  if (focused) document.getElementById(focused)?.focus();
}

/** The arrow keys move between tabs, as in the ARIA Authoring Practices. */
function tabKey(event) {
  const visible = [...document.querySelectorAll("#tabs [role=tab]:not([hidden])")];
  const at = visible.indexOf(document.activeElement);
  const moves = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: visible.length - 1 };
  if (at < 0 || !(event.key in moves)) return;
  event.preventDefault();
  const target = visible[(moves[event.key] + visible.length) % visible.length];
  change({ panel: target.id.slice("tab-".length) });
  target.focus();
}
