// Positions of all visible boxes. Python computed a row and a column for every child of a module; here they become
// coordinates, because they depend on which modules are unfolded. The input is at the bottom, as in the paper.

const GAP = { row: 22, column: 16, inside: 14, heading: 24, port: 6 };
const LEAF = { height: 36, least: 96, beside: 42, lane: 12 };
const MOST_LETTERS = 28;

/** Return {boxes: [{item, x, y, width, height, unfolded}], edges: [{module, source, target, points}], width, height}. */
function laidOut(net, unfolded) {
  const scene = { boxes: [], edges: [], ...sized(net, net.modules[0], unfolded) };
  placed(net, scene, scene, 0, 0, net.modules[0]);
  return scene;
}

/** Return the label of a box, with the middle of a long name left out. */
function boxLabel(item, net = network()) {
  const label = item.children ? item.label : shortName(item);
  const cut = label.length > MOST_LETTERS ? `${label.slice(0, MOST_LETTERS - 12)}...${label.slice(-9)}` : label;
  return item.children ? `${cut} (${nodesIn(item, net).length})` : cut;
}

const ruler = document.createElement("canvas").getContext("2d");
const textWidths = new Map();

/** Return the width of a label in pixels. */
function textWidth(text) {
  ruler.font = "12px system-ui, sans-serif";
  if (!textWidths.has(text)) textWidths.set(text, ruler.measureText(text).width);
  return textWidths.get(text);
}

/**
 * Return {width, height, axis, out, inner} of a node or module. Its edges enter at `axis` and leave at `out`, from the
 * left; `inner` is the layout of an unfolded module's inside.
 */
function sized(net, item, unfolded) {
  const isRoot = item === net.modules[0];
  const least = isRoot ? 0 : Math.max(LEAF.least, LEAF.beside + textWidth(boxLabel(item, net)));
  if (!item.children || !(isRoot || unfolded.has(item.id))) {
    return { width: least, height: LEAF.height, axis: least / 2, out: least / 2, inner: null };
  }
  const inner = grid(net, item, unfolded);
  const border = isRoot ? 0 : GAP.inside;
  const width = Math.max(least, inner.width + 2 * border);
  inner.left = (width - inner.width) / 2;
  inner.top = isRoot ? 0 : "out" in inner.ports ? GAP.port : GAP.heading; // the row of a port is empty
  const below = isRoot ? 0 : "in" in inner.ports ? 0 : border;
  const port = (name, other) => inner.left + (inner.ports[name] ?? inner.ports[other] ?? inner.width / 2);
  return { width, height: inner.height + below + inner.top, axis: port("in", "out"), out: port("out", "in"), inner };
}

/** Return the layout of a module's inside: for each child its size and centre, the input at the bottom. */
function grid(net, module, unfolded) {
  const cells = Object.entries(module.cells).map(([name, [row, column]]) => {
    const item = net.byId.get(name) ?? net.byName.get(name);
    return { name, item, row, column, ...sized(net, item, unfolded) };
  });
  const space = ([row, column], size, height) => ({ row, column, width: size, height, axis: size / 2 });
  const ports = Object.values(module.ports).map((port) => space(port, LEAF.lane, 0));
  const lanes = module.edges.flatMap((edge) => edge.path.map((position) => space(position, LEAF.lane, 0)));
  const all = [...cells, ...ports, ...lanes];
  const columns = centresOf(all);
  const rows = rowsOf(all);
  const byName = new Map();
  for (const cell of cells) byName.set(cell.name, { ...cell, x: columns.at(cell.column), y: rows.middles[cell.row] });
  const portColumns = Object.entries(module.ports).map(([name, [, column]]) => [name, columns.at(column)]);
  return { module, byName, columns, rows, ports: Object.fromEntries(portColumns), width: columns.width, height: rows.height };
}

/** Return {at(column): x, width}: columns are as wide as their cells on both sides of the axis. */
function centresOf(cells) {
  const count = Math.ceil(Math.max(...cells.map((cell) => cell.column))) + 1;
  const left = new Array(count).fill(0);
  const right = new Array(count).fill(0);
  for (const { column, axis, width } of cells) {
    for (const near of new Set([Math.floor(column), Math.ceil(column)])) {
      left[near] = Math.max(left[near], axis);
      right[near] = Math.max(right[near], width - axis);
    }
  }
  const centres = [left[0]];
  for (let i = 1; i < count; i++) centres.push(centres[i - 1] + right[i - 1] + left[i] + GAP.column);
  const at = (column) => (centres[Math.floor(column)] + centres[Math.ceil(column)]) / 2;
  return { at, width: centres[count - 1] + right[count - 1] };
}

/** Return {middles, tops, bottoms, height} of the rows, from the top of the module. */
function rowsOf(cells) {
  const heights = new Array(Math.max(...cells.map((cell) => cell.row)) + 1).fill(0);
  for (const { row, height } of cells) heights[row] = Math.max(heights[row], height);
  const total = sum(heights) + GAP.row * (heights.length - 1);
  let bottom = total;
  const bottoms = heights.map((height) => {
    const own = bottom;
    bottom -= height + GAP.row;
    return own;
  });
  const tops = heights.map((height, row) => bottoms[row] - height);
  return { bottoms, tops, middles: heights.map((height, row) => bottoms[row] - height / 2), height: total };
}

/** Add the boxes and edges inside of a module at (left, top) to the scene. */
function placed(net, scene, box, left, top) {
  const { inner, height } = box;
  const [x0, y0] = [left + inner.left, top + inner.top];
  for (const cell of inner.byName.values()) {
    const x = x0 + cell.x - cell.axis;
    const y = y0 + cell.y - cell.height / 2;
    scene.boxes.push({ item: cell.item, x, y, width: cell.width, height: cell.height, unfolded: cell.inner !== null });
    if (cell.inner) placed(net, scene, cell, x, y);
  }
  const { rows, columns } = inner;
  // Edges are vertical inside a row, so that they pass between its boxes, and move to the side between two rows.
  const leaving = (name) => {
    if (name === null) return [[x0 + inner.ports.in, top + height], [x0 + inner.ports.in, y0 + rows.tops[0]]];
    const cell = inner.byName.get(name);
    const x = x0 + cell.x - cell.axis + cell.out;
    return [[x, y0 + cell.y - cell.height / 2], [x, y0 + rows.tops[cell.row]]];
  };
  const entering = (name) => {
    if (name === null) return [[x0 + inner.ports.out, y0 + rows.bottoms.at(-1)], [x0 + inner.ports.out, top]];
    const cell = inner.byName.get(name);
    return [[x0 + cell.x, y0 + rows.bottoms[cell.row]], [x0 + cell.x, y0 + cell.y + cell.height / 2]];
  };
  for (const { source, target, path } of inner.module.edges) {
    const passing = path.flatMap(([row, column]) => [rows.bottoms[row], rows.tops[row]].map((y) => [x0 + columns.at(column), y0 + y]));
    scene.edges.push({ module: inner.module, source, target, points: [...leaving(source), ...passing, ...entering(target)] });
  }
}

/** Return what remains of a node's name inside its module: 3x3 of inception_3a/3x3. */
const shortName = (node) => node.short ?? node.name;
