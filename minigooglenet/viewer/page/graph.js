// The drawing of the graph: boxes that fold, edges, zoom and pan, an overview, selection with mouse and keyboard.

const view = { scene: null, groups: new Map(), parts: new Map(), x: 0, y: 0, scale: 1, moved: false };
const READABLE = 0.5; // the scale below which labels are too small to read

function startGraph() {
  const frame = document.getElementById("graph");
  document.body.append(svg("svg", { class: "unseen", "aria-hidden": "true" }, hatchings())); // also for a hidden drawing
  const canvas = svg("svg", { id: "drawing", role: "presentation", "aria-hidden": "true" }, svg("g", { id: "scene" }));
  frame.append(canvas, svg("svg", { id: "names", "aria-hidden": "true" }), overview());
  canvas.addEventListener("click", (event) => clicked(event.target, false));
  canvas.addEventListener("dblclick", (event) => clicked(event.target, true));
  canvas.addEventListener("mousedown", withoutSelection);
  canvas.addEventListener("wheel", zoomed, { passive: false });
  draggable(canvas);
  document.getElementById("zoom-in").addEventListener("click", () => zoom(1.3));
  document.getElementById("zoom-out").addEventListener("click", () => zoom(1 / 1.3));
  document.getElementById("zoom-fit").addEventListener("click", () => fit(true));
  document.getElementById("unfold-all").addEventListener("click", () => unfoldAll(true));
  document.getElementById("fold-all").addEventListener("click", () => unfoldAll(false));
  new ResizeObserver(() => show()).observe(frame);
  watch(["network", "unfolded"], layOut);
  watch(["question", "objective", "edits"], recolour);
  watch(["node"], select);
  watch(["network"], start);
}

/** A double click selects no text. */
function withoutSelection(event) {
  if (event.detail > 1) event.preventDefault();
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
  const scene = (view.scene = laidOut(net, state.unfolded));
  view.groups.clear();
  view.parts.clear();
  const between = svg("g"); // the edges between parts
  for (const box of scene.boxes) {
    if (box.item.parent === net.modules[0]) view.parts.set(box.item, { box, group: svg("g") });
  }
  const groupOf = (item) => (item === net.modules[0] ? between : view.parts.get(partOf(item)).group);
  for (const edge of scene.edges) {
    edge.path = svg("path", { class: "edge", d: curve(edge.points) });
    groupOf(edge.module).append(edge.path);
  }
  for (const box of scene.boxes) {
    view.groups.set(box.item, drawnBox(box));
    groupOf(box.item).append(view.groups.get(box.item));
  }
  const groups = [...view.parts.values()].map((part) => part.group);
  document.getElementById("scene").replaceWith(svg("g", { id: "scene" }, between, groups));
  drawOverview();
  recolour();
  mark();
  show();
}

/** Return the child of the whole network that an item is, or is in: parts outside of the frame are not drawn. */
function partOf(item) {
  return item.parent === network().modules[0] ? item : partOf(item.parent);
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
  group.append(svg("text", { x: box.unfolded ? x + 26 : x + 20, y: box.unfolded ? y + 16 : y + 15, class: "label", text: boxLabel(item) }));
  if (!box.unfolded) group.append(svg("text", { x: x + 20, y: y + 29, class: "value" }));
  if (item.children) group.append(foldMark(box));
  group.append(svg("title", { text: item.children ? `module ${item.id}` : `${item.name}: ${item.kind}` }));
  return group;
}

/** The triangle that folds and unfolds a module, in a square that is large enough to hit. */
function foldMark({ item, x, y, width, unfolded }) {
  const [cx, cy] = unfolded ? [x + 14, y + 12] : [x + width - 12, y + 12];
  const points = unfolded ? [[-5, -3], [5, -3], [0, 4]] : [[-3, -5], [-3, 5], [4, 0]];
  const text = points.map(([dx, dy]) => `${cx + dx},${cy + dy}`).join(" ");
  const target = svg("rect", { class: "fold-target", x: cx - 12, y: cy - 12, width: 24, height: 24 });
  return svg("g", { "data-fold": item.id }, target, svg("polygon", { class: "fold", points: text }));
}

/** Return a smooth path through points, vertical at each of them. */
function curve(points) {
  const [first, ...rest] = points;
  let path = `M${first[0]} ${first[1]}`;
  let last = first;
  for (const point of rest) {
    const middle = (last[1] + point[1]) / 2;
    path += last[0] === point[0] ? `V${point[1]}` : `C${last[0]} ${middle} ${point[0]} ${middle} ${point[0]} ${point[1]}`;
    last = point;
  }
  return path;
}

/** Give every visible box the colour and the number of the question. */
function recolour() {
  if (!view.scene) return;
  const folded = view.scene.boxes.filter((box) => !box.unfolded).map((box) => box.item);
  const values = folded.map((item) => valueOf(item));
  const scale = scaleOf(values);
  folded.forEach((item, index) => {
    const group = view.groups.get(item);
    const position = scale.position(values[index]);
    const hatching = hatchingAt(position);
    group.style.setProperty("--value", colourAt(position));
    group.querySelector(".swatch").setAttribute("fill", colourAt(position));
    group.querySelector(".hatching").setAttribute("fill", hatching ? `url(#hatching-${hatching})` : "none");
    group.querySelector(".value").textContent = item.kind === "Input" ? shapeText(countsOf(item).shape) : valueText(item, values[index], short);
  });
}

/** Mark the selected box and its edges; return the box. */
function mark() {
  for (const old of document.querySelectorAll("#scene .selected")) old.classList.remove("selected");
  const item = selectedItem();
  const shown = item && view.scene && visibleBox(item);
  if (!shown) return null;
  view.groups.get(shown.item).classList.add("selected");
  const name = shown.item.id ?? shown.item.name;
  for (const { source, target, path } of view.scene.edges) path.classList.toggle("selected", source === name || target === name);
  return shown;
}

/** Mark the selected box and move it into view. */
function select() {
  const shown = mark();
  if (shown) intoView(shown);
}

/** Return the box of an item, or of the folded module around it. */
function visibleBox(item) {
  for (let current = item; current; current = current.parent) {
    if (view.groups.has(current)) return view.scene.boxes.find((box) => box.item === current);
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

/** Fold or unfold a module, whose upper edge stays where it is on the screen. */
function toggle(id) {
  const unfolded = new Set(state.unfolded);
  if (!unfolded.delete(id)) unfolded.add(id);
  const before = visibleBox(moduleNamed(id));
  change({ unfolded });
  const after = visibleBox(moduleNamed(id));
  view.x += view.scale * (before.x + before.width / 2 - after.x - after.width / 2);
  view.y += view.scale * (before.y - after.y);
  show();
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

/** Keep a part of the drawing inside the frame. */
function limitView() {
  const [width, height] = frameSize();
  const rest = 60; // pixels
  view.x = Math.min(width - rest, Math.max(rest - view.scene.width * view.scale, view.x));
  view.y = Math.min(height - rest, Math.max(rest - view.scene.height * view.scale, view.y));
}

function show() {
  limitView();
  document.getElementById("scene").setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
  document.getElementById("graph").classList.toggle("far", view.scale < READABLE);
  const [left, top, right, bottom] = visiblePart();
  for (const { box, group } of view.parts.values()) {
    const outside = box.x > right || box.x + box.width < left || box.y > bottom || box.y + box.height < top;
    group.classList.toggle("outside", outside);
  }
  drawNames();
  moveOverview();
}

/** While labels are too small to read, write the names of large modules next to them, where nothing else is. */
function drawNames() {
  const boxes = [...view.parts.values()].map((part) => part.box);
  const isFree = (box) => !boxes.some((other) => other.x > box.x && other.y < box.y + box.height && other.y + other.height > box.y);
  const isLarge = (box) => box.item.children && box.height * view.scale >= 13;
  const named = view.scale < READABLE ? boxes.filter((box) => isLarge(box) && isFree(box)) : [];
  const texts = named.map((box) => {
    const [x, y] = [view.x + (box.x + box.width) * view.scale + 6, view.y + (box.y + box.height / 2) * view.scale + 4];
    return svg("text", { x, y, text: boxLabel(box.item) });
  });
  document.getElementById("names").replaceChildren(...texts);
}

/** Return [left, top, right, bottom] of what the frame shows, in the coordinates of the scene. */
function visiblePart() {
  const [width, height] = frameSize();
  return [-view.x, -view.y, width - view.x, height - view.y].map((size) => size / view.scale);
}

function frameSize() {
  const { width, height } = document.getElementById("drawing").getBoundingClientRect();
  return [width || 600, height || 600];
}

/** Make the whole network visible, with labels if they can be read; or, unless `whole`, as much of it as can be read. */
function fit(whole = false) {
  const [width, height] = frameSize().map((size) => size - 20);
  const scene = view.scene;
  const smallest = Math.min(width / scene.width, height / scene.height);
  view.scale = Math.min(1.2, whole ? smallest : Math.max(smallest, READABLE, Math.min(0.9, width / scene.width)));
  view.x = 10 + (width - scene.width * view.scale) / 2;
  view.y = 10 + (height - scene.height * view.scale) / (scene.height * view.scale > height ? 1 : 2);
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

/** Make the unfolded module around an item visible, at a smaller scale that can be read if it is wider than the frame. */
function frameModuleOf(item) {
  const around = item.parent && item.parent !== network().modules[0] ? visibleBox(item.parent) : null;
  const shown = visibleBox(item);
  if (!around?.unfolded || !shown) return;
  const [width, height] = frameSize();
  view.scale = Math.min(view.scale, Math.max(READABLE, (width - 20) / around.width));
  const across = around.width * view.scale < width ? around : shown;
  const down = around.height * view.scale < height ? around : shown;
  view.x = width / 2 - (across.x + across.width / 2) * view.scale;
  view.y = height / 2 - (down.y + down.height / 2) * view.scale;
  show();
}

/** The overview beside the drawing: the whole network, and a frame around the visible part. */
function overview() {
  const frame = svg("rect", { class: "overview-frame" });
  const small = svg("svg", { id: "overview", role: "presentation", "aria-hidden": "true" }, svg("path", { class: "overview-boxes" }), frame);
  small.addEventListener("pointerdown", (event) => centreOn(event));
  small.addEventListener("pointermove", (event) => event.buttons && centreOn(event));
  return small;
}

function drawOverview() {
  const { boxes, width, height } = view.scene;
  const folded = boxes.filter((box) => !box.unfolded);
  const small = document.getElementById("overview");
  small.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const paths = folded.map((box) => `M${box.x} ${box.y}h${box.width}v${box.height}h${-box.width}z`);
  small.querySelector(".overview-boxes").setAttribute("d", paths.join(""));
}

/** Move the frame in the overview to the visible part. */
function moveOverview() {
  const [left, top, right, bottom] = visiblePart();
  const [x, y] = [Math.max(0, left), Math.max(0, top)];
  const width = Math.max(0, Math.min(view.scene.width, right) - x);
  const height = Math.max(0, Math.min(view.scene.height, bottom) - y);
  filled(document.querySelector(".overview-frame"), { x, y, width, height }, []);
}

function centreOn(event) {
  const toScene = document.getElementById("overview").getScreenCTM().inverse();
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(toScene);
  const [width, height] = frameSize();
  view.x = width / 2 - x * view.scale;
  view.y = height / 2 - y * view.scale;
  show();
}
