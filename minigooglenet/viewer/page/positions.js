// Choosing a position of a feature map: a map with a cursor that follows the pointer and the arrow keys, and two fields.

/** Return the number of positions along one axis of an extent: [start, step, count, length] or {first, last}. */
const countOf = (axis) => (Array.isArray(axis) ? axis[2] : axis.first.length);

/** Return [P, Q], the rows and columns of a node's positions; all values of a vector are one position. */
const sizeOf = (node) => node.extents.wide.map(countOf);

/** Return the chosen position, moved into the map of this node; by default the centre. */
function chosenPosition(node) {
  return sizeOf(node).map((count, axis) => {
    const wanted = state.position ? state.position[axis] : Math.floor(count / 2);
    return Math.min(count - 1, Math.max(0, wanted));
  });
}

const follower = { element: null, update: null }; // of the panel that shows a position
watch(["position", "inputChannel"], () => follower.element?.isConnected && follower.update());

/** Call `update` now and when the position changes, until `element` leaves the page. */
function followPosition(element, update) {
  Object.assign(follower, { element, update });
  update();
}

/** Return {element, update}: the map of a node, which `draw(canvas)` fills, with a cursor; `hover`: the pointer moves it. */
function positionMap(node, { label, draw, hover }) {
  const [rows, columns] = sizeOf(node);
  const cursor = framed({ width: 1, height: 1 });
  const lines = rows * columns <= 1024 ? gridLines(rows, columns) : null;
  const drawing = overlay([0, 0, columns, rows], lines, cursor);
  const canvas = element("canvas", { width: columns, height: rows, "aria-hidden": "true" });
  const map = element(
    "div",
    {
      id: "position", class: "position-map", tabindex: 0, role: "slider", "aria-label": label,
      "aria-roledescription": "slider with two dimensions", "aria-valuemin": 0, "aria-valuemax": rows * columns - 1,
      style: { "--ratio": `${columns} / ${rows}`, "--width": mapWidth(rows, columns) },
    },
    canvas,
    drawing,
  );
  draw?.(canvas);
  const point = (event) => {
    const box = map.getBoundingClientRect();
    const at = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
    changePosition(node, at.map((fraction, axis) => Math.floor(fraction * [rows, columns][axis])));
  };
  map.addEventListener("pointerdown", point);
  map.addEventListener("pointermove", (event) => (hover || event.buttons) && point(event));
  map.addEventListener("keydown", (event) => positionKey(node, event));
  const update = () => {
    const [row, column] = chosenPosition(node);
    for (const rect of cursor) filled(rect, { x: column, y: row }, []);
    map.setAttribute("aria-valuenow", row * columns + column);
    map.setAttribute("aria-valuetext", `row ${row}, column ${column}`);
  };
  return { element: map, update };
}

/** Return a drawing that covers an image; `box` is [left, top, width, height] in the image's pixels. */
function overlay(box, ...shapes) {
  return svg("svg", { viewBox: box.join(" "), preserveAspectRatio: "none", "aria-hidden": "true" }, shapes.flat());
}

/** Return two rectangles, light below dark, so that they are visible on every image. */
function framed(shape, options = { class: "cursor" }) {
  return [svg("rect", { class: "halo", ...shape }), svg("rect", { ...options, ...shape })];
}

/** Return the width at which the longer side of a map has 224 pixels. */
const mapWidth = (rows, columns) => `${Math.round((224 * columns) / Math.max(rows, columns))}px`;

function gridLines(rows, columns) {
  const across = Array.from({ length: rows - 1 }, (_, i) => `M0 ${i + 1}H${columns}`);
  const down = Array.from({ length: columns - 1 }, (_, i) => `M${i + 1} 0V${rows}`);
  return svg("path", { class: "grid", d: across.concat(down).join("") });
}

/** Choose a position of a node; a position past the edge becomes the nearest inside. */
function changePosition(node, position) {
  const inside = position.map((value, axis) => Math.min(sizeOf(node)[axis] - 1, Math.max(0, value)));
  if (String(inside) !== String(state.position)) change({ position: inside });
}

/** The arrow keys move by one position, Home and End to the ends of the row, Page Up and Page Down to those of the column. */
function positionKey(node, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const [row, column] = chosenPosition(node);
  const moves = {
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    Home: [row, 0],
    End: [row, Infinity],
    PageUp: [0, column],
    PageDown: [Infinity, column],
  };
  if (!moves[event.key]) return;
  event.preventDefault();
  changePosition(node, moves[event.key]);
}

/** Return {element, update}: fields for the row and the column. */
function positionFields(node) {
  const size = sizeOf(node);
  const typed = () => {
    const values = fields.map((field) => field.valueAsNumber);
    if (values.every(Number.isInteger)) changePosition(node, values);
  };
  const fields = size.map((count, axis) =>
    element("input", { id: `position-${axis}`, type: "number", min: 0, max: count - 1, on: { input: typed, change: () => update() } }),
  );
  const labels = ["Row", "Column"].map((name, axis) => {
    return element("label", {}, `${name} `, fields[axis], ` (0 to ${number(size[axis] - 1)})`);
  });
  const update = () => {
    chosenPosition(node).forEach((value, axis) => fields[axis].valueAsNumber !== value && (fields[axis].value = value));
  };
  return { element: element("div", { class: "tools" }, labels), update };
}
