// The network as a tree of modules and nodes with their numbers: what the drawing shows, for keyboards and screen readers.

function startTree() {
  const tree = document.getElementById("tree");
  tree.addEventListener("keydown", treeKey);
  tree.addEventListener("mousedown", withoutSelection);
  tree.addEventListener("click", (event) => {
    const row = event.target.closest("[role=treeitem]");
    if (!row) return;
    if (event.target.closest(".twisty")) toggle(row.dataset.item);
    change({ node: row.dataset.item });
  });
  const field = document.getElementById("search");
  field.addEventListener("input", () => search(field.value));
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") search(field.value, 1);
    else if (event.key === "ArrowUp") search(field.value, -1);
    else if (event.key === "Enter") document.querySelector("#tree [aria-selected=true]")?.focus();
    else return;
    event.preventDefault();
  });
  watch(["network", "unfolded", "question", "objective", "edits"], drawTree);
  watch(["node"], markTree);
}

/** Draw the visible rows: the children of unfolded modules below their module. */
function drawTree() {
  const tree = document.getElementById("tree");
  const focused = tree.contains(document.activeElement) ? document.activeElement.dataset.item : null;
  const rows = [];
  const add = (name, level) => {
    const item = moduleNamed(name) ?? nodeNamed(name);
    rows.push(treeRow(item, level));
    if (item.children && state.unfolded.has(item.id)) item.children.forEach((child) => add(child, level + 1));
  };
  network().modules[0].children.forEach((child) => add(child, 1));
  tree.replaceChildren(...rows);
  markTree();
  if (focused) tree.querySelector(`[data-item="${CSS.escape(focused)}"]`)?.focus();
}

function treeRow(item, level) {
  const shape = item.children ? null : shapeText(countsOf(item).shape);
  const name = item.children ? item.label : shortName(item);
  return element(
    "div",
    {
      role: "treeitem",
      class: item.children ? "module" : "node",
      tabindex: -1,
      "data-item": item.id ?? item.name,
      "aria-level": level,
      "aria-selected": "false",
      "aria-expanded": item.children ? String(state.unfolded.has(item.id)) : null,
      style: { "--level": level },
    },
    element("span", { class: "twisty", "aria-hidden": "true", text: item.children ? (state.unfolded.has(item.id) ? "▾" : "▸") : "" }),
    element("span", { class: "name", title: item.name ?? item.id, text: name }),
    element("span", { class: "shape", text: shape ?? `${nodesIn(item).length} nodes` }),
    element("span", { class: errorAt(item) ? "value error" : "value", text: valueText(item, valueOf(item)) }),
  );
}

/** Mark the selected row; exactly one row can be reached with the Tab key. */
function markTree() {
  const rows = [...document.querySelectorAll("#tree [role=treeitem]")];
  const chosen = rows.find((row) => row.dataset.item === state.node) ?? rows[0];
  for (const row of document.querySelectorAll("#tree [aria-selected=true], #tree [tabindex='0']")) {
    row.setAttribute("aria-selected", "false");
    row.tabIndex = -1;
  }
  if (!chosen) return;
  chosen.tabIndex = 0;
  chosen.setAttribute("aria-selected", String(chosen.dataset.item === state.node));
  if (chosen.dataset.item === state.node) chosen.scrollIntoView({ block: "nearest" });
}

/** The keys of a tree, as in the ARIA Authoring Practices. */
function treeKey(event) {
  const row = event.target.closest("[role=treeitem]");
  if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
  const rows = [...document.querySelectorAll("#tree [role=treeitem]")];
  const at = rows.indexOf(row);
  const item = moduleNamed(row.dataset.item);
  const open = item && state.unfolded.has(item.id);
  const go = (target) => target && (target.focus(), change({ node: target.dataset.item }));
  const actions = {
    ArrowDown: () => go(rows[at + 1]),
    ArrowUp: () => go(rows[at - 1]),
    Home: () => go(rows[0]),
    End: () => go(rows.at(-1)),
    ArrowRight: () => (item && !open ? toggle(item.id) : item && go(rows[at + 1])),
    ArrowLeft: () => (open ? toggle(item.id) : go(rows.slice(0, at).findLast((other) => +other.ariaLevel < +row.ariaLevel))),
    Enter: () => (item ? toggle(item.id) : change({ node: row.dataset.item })),
    " ": () => change({ node: row.dataset.item }),
  };
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
}

/** Return the nodes and modules whose name contains a text, and the nodes of a kind. */
function matching(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const items = [...network().nodes, ...network().modules.slice(1)];
  const matches = items.filter((item) => (item.name ?? item.id).toLowerCase().includes(wanted) || item.kind?.toLowerCase() === wanted);
  const exact = matches.find((item) => (item.name ?? item.label).toLowerCase() === wanted);
  return exact ? [exact, ...matches.filter((item) => item !== exact)] : matches;
}

/** Select what matches the search: the first match, or with `step` the next or previous one; report how many match. */
function search(text, step = 0) {
  const matches = matching(text);
  const at = matches.findIndex((item) => (item.name ?? item.id) === state.node);
  const next = step === 0 || at < 0 ? 0 : (at + step + matches.length) % matches.length;
  if (matches.length) reveal(matches[next]);
  const count = matches.length ? `${next + 1} of ${matches.length}; arrow keys: the others` : "nothing found";
  document.getElementById("found").textContent = text.trim() ? count : "";
}

/** Select an item and unfold the modules around it. */
function reveal(item) {
  const unfolded = new Set(state.unfolded);
  for (let around = item.parent; around && around !== network().modules[0]; around = around.parent) unfolded.add(around.id);
  if (unfolded.size !== state.unfolded.size) change({ unfolded });
  change({ node: item.id ?? item.name });
  frameModuleOf(item);
}
