// The drawing of the graph: boxes that fold, edges, zoom and pan, an overview, selection with mouse and keyboard.

const view = { scene: null, x: 0, y: 0, scale: 1, moved: false };

function startGraph() {
  const frame = document.getElementById("graph");
  const canvas = svg("svg", { id: "drawing", role: "presentation", "aria-hidden": "true" }, hatchings(), svg("g", { id: "scene" }));
  frame.append(canvas, overview());
  canvas.addEventListener("click", (event) => clicked(event.target, false));
  canvas.addEventListener("dblclick", (event) => clicked(event.target, true));
  canvas.addEventListener("wheel", zoomed, { passive: false });
  draggable(canvas);
  document.getElementById("zoom-in").addEventListener("click", () => zoom(1.3));
  document.getElementById("zoom-out").addEventListener("click", () => zoom(1 / 1.3));
  document.getElementById("zoom-fit").addEventListener("click", fit);
  document.getElementById("unfold-all").addEventListener("click", () => unfoldAll(true));
  document.getElementById("fold-all").addEventListener("click", () => unfoldAll(false));
  new ResizeObserver(() => show()).observe(frame);
  watch(["network", "unfolded"], layOut);
  watch(["question", "objective", "edits"], recolour);
  watch(["node"], select);
  watch(["network"], start);
}

/** Patterns of lines, denser for larger values. */
function hatchings() {
  const patterns = [];
  for (let step = 1; step < STEPS; step++) {
    const size = 12 / step;
    const line = svg("path", { d: `M0 ${size}L${size} 0`, stroke: "#fff", "stroke-width": 1.1 });
    const under = svg("path", { d: `M0 ${size}L${size} 0`, stroke: "#000", "stroke-width": 2.2 });
    patterns.push(svg("pattern", { id: `hatching-${step}`, width: size, height: size, patternUnits: "userSpaceOnUse" }, under, line));
  }
  return svg("defs", {}, patterns);
}

/** Compute the positions of all boxes and draw them. */
function layOut() {
  const net = network();
  view.scene = laidOut(net, state.unfolded);
  const drawn = svg("g", { id: "scene" });
  for (const edge of view.scene.edges) drawn.append(svg("path", { class: "edge", d: curve(edge.points) }));
  for (const box of view.scene.boxes) drawn.append(drawnBox(box));
  document.getElementById("scene").replaceWith(drawn);
  recolour();
  select();
  show();
}

function drawnBox(box) {
  const { item, x, y, width, height } = box;
  const kind = item.children ? "module" : item.kind === "Input" ? "input" : "node";
  const group = svg("g", { class: `box ${kind}${box.unfolded ? " unfolded" : ""}`, "data-item": item.id ?? item.name });
  group.append(svg("rect", { x, y, width, height, rx: kind === "node" ? 4 : 8 }));
  if (!box.unfolded) {
    group.append(svg("rect", { class: "swatch", x: x + 3, y: y + 3, width: 12, height: height - 6, rx: 2 }));
    group.append(svg("rect", { class: "hatching", x: x + 3, y: y + 3, width: 12, height: height - 6, rx: 2 }));
  }
  const label = item.children ? `${item.label} (${nodesIn(item).length})` : shortName(item);
  const text = svg("text", { x: box.unfolded ? x + 26 : x + 20, y: box.unfolded ? y + 16 : y + 15, class: "label", text: label });
  group.append(text);
  if (!box.unfolded) group.append(svg("text", { x: x + 20, y: y + 29, class: "value" }));
  if (item.children) group.append(foldMark(box));
  group.append(svg("title", { text: item.children ? `module ${item.id}` : `${item.name}: ${item.kind}` }));
  return group;
}

/** The triangle that folds and unfolds a module. */
function foldMark({ item, x, y, width, unfolded }) {
  const [cx, cy] = unfolded ? [x + 14, y + 12] : [x + width - 12, y + 12];
  const points = unfolded ? [[-5, -3], [5, -3], [0, 4]] : [[-3, -5], [-3, 5], [4, 0]];
  const text = points.map(([dx, dy]) => `${cx + dx},${cy + dy}`).join(" ");
  return svg("polygon", { class: "fold", points: text, "data-fold": item.id });
}

/** Return a smooth path through points, vertical at each of them. */
function curve(points) {
  const [first, ...rest] = points;
  let path = `M${first[0]} ${first[1]}`;
  let last = first;
  for (const point of rest) {
    const middle = (last[1] + point[1]) / 2;
    path += `C${last[0]} ${middle} ${point[0]} ${middle} ${point[0]} ${point[1]}`;
    last = point;
  }
  return path;
}

/** Give every visible box the colour and the number of the question. */
function recolour() {
  if (!view.scene) return;
  const values = view.scene.boxes.filter((box) => !box.unfolded).map((box) => valueOf(box.item));
  const scale = scaleOf(values);
  for (const box of view.scene.boxes) {
    const group = boxElement(box.item);
    if (box.unfolded || !group) continue;
    const value = box.item.kind === "Input" ? null : valueOf(box.item);
    const position = scale.position(value);
    const hatching = hatchingAt(position);
    group.querySelector(".swatch").setAttribute("fill", colourAt(position));
    group.querySelector(".hatching").setAttribute("fill", hatching ? `url(#hatching-${hatching})` : "none");
    group.querySelector(".value").textContent = box.item.kind === "Input" ? shapeText(countsOf(box.item).shape) : valueText(value, box.item);
  }
}

const valueText = (value, item) => (errorAt(item) ? "does not fit" : value === null ? "" : short(value));

function boxElement(item) {
  return document.querySelector(`#scene [data-item="${CSS.escape(item.id ?? item.name)}"]`);
}

function select() {
  for (const old of document.querySelectorAll("#scene .selected")) old.classList.remove("selected");
  const item = selectedItem();
  if (!item || !view.scene) return;
  const shown = visibleBox(item);
  if (shown) {
    boxElement(shown.item)?.classList.add("selected");
    intoView(shown);
  }
}

/** Return the box of an item, or of the folded module around it. */
function visibleBox(item) {
  for (let current = item; current; current = current.parent) {
    const box = view.scene.boxes.find((candidate) => candidate.item === current);
    if (box) return box;
  }
  return null;
}

const selectedItem = () => (state.node === null ? null : (nodeNamed(state.node) ?? moduleNamed(state.node) ?? null));

function clicked(target, twice) {
  if (view.moved) return;
  const fold = target.closest("[data-fold]");
  const box = target.closest("[data-item]");
  if (fold) return toggle(fold.dataset.fold);
  if (!box) return;
  const name = box.dataset.item;
  change({ node: name });
  if (twice && moduleNamed(name)) toggle(name);
}

/** Fold or unfold a module. */
function toggle(id) {
  const unfolded = new Set(state.unfolded);
  if (!unfolded.delete(id)) unfolded.add(id);
  change({ unfolded });
  announce(`${moduleNamed(id).label} ${unfolded.has(id) ? "unfolded" : "folded"}`);
}

function unfoldAll(open) {
  change({ unfolded: new Set(open ? network().modules.slice(1).map((module) => module.id) : []) });
  fit();
}

/** Show a network for the first time: short modules unfolded, all of it visible. */
function start() {
  const unfolded = network().modules.slice(1).filter((module) => module.children.length <= 3 && nodesIn(module).length <= 3);
  change({ unfolded: new Set(unfolded.map((module) => module.id)) });
  fit();
}

function show() {
  document.getElementById("scene").setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
  drawOverview();
}

function frameSize() {
  const { width, height } = document.getElementById("graph").getBoundingClientRect();
  return [width || 600, height || 600];
}

/** Make the whole network visible; if that makes text too small, show the part at the input. */
function fit() {
  const [width, height] = frameSize();
  const margin = 20;
  const whole = Math.min((width - margin) / view.scene.width, (height - margin) / view.scene.height);
  view.scale = Math.min(1.2, Math.max(whole, 0.55, Math.min(0.9, (width - margin) / view.scene.width)));
  view.scale = Math.max(whole, Math.min(view.scale, (width - margin) / view.scene.width));
  view.x = (width - view.scene.width * view.scale) / 2;
  view.y = Math.min(height - margin / 2 - view.scene.height * view.scale, (height - view.scene.height * view.scale) / 2);
  if (view.scene.height * view.scale > height) view.y = height - margin / 2 - view.scene.height * view.scale;
  show();
}

function zoom(factor, [x, y] = frameSize().map((size) => size / 2)) {
  const scale = Math.min(4, Math.max(0.02, view.scale * factor));
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  show();
}

function zoomed(event) {
  event.preventDefault();
  const frame = document.getElementById("graph").getBoundingClientRect();
  if (event.ctrlKey || event.metaKey) return zoom(Math.exp(-event.deltaY / 100), [event.clientX - frame.left, event.clientY - frame.top]);
  view.x -= event.deltaX;
  view.y -= event.deltaY;
  show();
}

function draggable(canvas) {
  let from = null;
  canvas.addEventListener("pointerdown", (event) => {
    from = [event.clientX - view.x, event.clientY - view.y];
    view.moved = false;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from || !event.buttons) return;
    const [x, y] = [event.clientX - from[0], event.clientY - from[1]];
    if (!view.moved && Math.hypot(x - view.x, y - view.y) < 4) return;
    Object.assign(view, { x, y, moved: true });
    show();
  });
  canvas.addEventListener("pointerup", () => (from = null));
}

/** Move a box into view if it is outside. */
function intoView({ x, y, width, height }) {
  const [frameWidth, frameHeight] = frameSize();
  const centre = [view.x + (x + width / 2) * view.scale, view.y + (y + height / 2) * view.scale];
  if (centre[0] < 20 || centre[0] > frameWidth - 20) view.x += frameWidth / 2 - centre[0];
  if (centre[1] < 20 || centre[1] > frameHeight - 20) view.y += frameHeight / 2 - centre[1];
  show();
}

/** The overview in the corner: the whole network, and a frame around the visible part. */
function overview() {
  const small = svg("svg", { id: "overview", role: "presentation", "aria-hidden": "true" });
  small.addEventListener("pointerdown", (event) => centreOn(event));
  small.addEventListener("pointermove", (event) => event.buttons && centreOn(event));
  return small;
}

const OVERVIEW = { width: 90, height: 180 };

function overviewScale() {
  return Math.min(OVERVIEW.width / view.scene.width, OVERVIEW.height / view.scene.height);
}

function drawOverview() {
  const small = document.getElementById("overview");
  const factor = overviewScale();
  const [width, height] = frameSize();
  const boxes = view.scene.boxes
    .filter((box) => !box.unfolded)
    .map((box) => `M${box.x * factor} ${box.y * factor}h${box.width * factor}v${Math.max(1, box.height * factor)}h${-box.width * factor}z`);
  const [left, top] = [-view.x / view.scale, -view.y / view.scale];
  small.setAttribute("viewBox", `0 0 ${OVERVIEW.width} ${OVERVIEW.height}`);
  small.replaceChildren(
    svg("path", { class: "overview-boxes", d: boxes.join("") }),
    svg("rect", {
      class: "overview-frame",
      x: left * factor, y: top * factor, width: (width / view.scale) * factor, height: (height / view.scale) * factor,
    }),
  );
}

function centreOn(event) {
  const box = document.getElementById("overview").getBoundingClientRect();
  const factor = overviewScale() * (box.width / OVERVIEW.width);
  const [width, height] = frameSize();
  view.x = width / 2 - ((event.clientX - box.left) / factor) * view.scale;
  view.y = height / 2 - ((event.clientY - box.top) / factor) * view.scale;
  show();
}
