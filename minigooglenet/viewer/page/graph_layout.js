// Positions of all visible boxes. Python computed a row and a column for every child of a module; here they become
// coordinates, because they depend on which modules are unfolded. The input is at the bottom, as in the paper.

const GAP = { row: 22, column: 16, inside: 14, heading: 24 };
const LEAF = { height: 36, least: 96, letter: 6.6, port: 4 };

/** Return {boxes: [{item, x, y, width, height, unfolded, inner}], edges: [[x, y], ...] lists} of the whole network. */
function laidOut(net, unfolded) {
  const scene = { boxes: [], edges: [], ...sized(net, net.modules[0], unfolded) };
  placed(net, scene, scene.inner, 0, 0);
  return scene;
}

/** Return the size of a node or module, and for an unfolded module the layout of its inside. */
function sized(net, item, unfolded) {
  const isRoot = item === net.modules[0];
  if (!item.children || !(isRoot || unfolded.has(item.id))) {
    const label = item.children ? `${item.label} (${nodesIn(item, net).length})` : shortName(item);
    return { width: Math.max(LEAF.least, 40 + LEAF.letter * label.length), height: LEAF.height, inner: null };
  }
  const inner = grid(net, item, unfolded);
  const border = isRoot ? 0 : GAP.inside;
  return { width: inner.width + 2 * border, height: inner.height + border + (isRoot ? 0 : GAP.heading), inner };
}

/** Return the layout of a module's inside: for each child its size and centre, the input at the bottom. */
function grid(net, module, unfolded) {
  const cells = Object.entries(module.cells).map(([name, [row, column]]) => {
    const item = net.byId.get(name) ?? net.byName.get(name) ?? null; // null: where edges enter or leave the module
    const size = item ? sized(net, item, unfolded) : { width: LEAF.port, height: LEAF.port, inner: null };
    return { name, item, row, column, ...size };
  });
  const points = module.edges.flatMap((edge) => edge.path.map(([row, column]) => ({ row, column, width: 12, height: 0 })));
  const rows = Math.max(...cells.map((cell) => cell.row)) + 1;
  const columns = Math.ceil(Math.max(...[...cells, ...points].map((cell) => cell.column))) + 1;
  const heights = new Array(rows).fill(0);
  const widths = new Array(columns).fill(0);
  for (const cell of [...cells, ...points]) {
    heights[cell.row] = Math.max(heights[cell.row], cell.height);
    for (const column of new Set([Math.floor(cell.column), Math.ceil(cell.column)])) {
      widths[column] = Math.max(widths[column], cell.width);
    }
  }
  const total = heights.reduce((sum, height) => sum + height, 0) + GAP.row * (rows - 1);
  const middles = []; // of the rows, from the top of the module
  let bottom = total;
  for (const height of heights) {
    middles.push(bottom - height / 2);
    bottom -= height + GAP.row;
  }
  const centres = [widths[0] / 2];
  for (let i = 1; i < columns; i++) centres.push(centres[i - 1] + (widths[i - 1] + widths[i]) / 2 + GAP.column);
  const across = (column) => {
    const left = Math.floor(column);
    return centres[left] + (column - left) * ((centres[left + 1] ?? centres[left]) - centres[left]);
  };
  const byName = new Map();
  for (const cell of cells) byName.set(cell.name, { ...cell, x: across(cell.column), y: middles[cell.row] });
  return {
    module,
    byName,
    width: centres[columns - 1] + widths[columns - 1] / 2,
    height: total,
    pathOf: (edge) => edge.path.map(([row, column]) => [across(column), middles[row]]),
  };
}

/** Add the boxes and edges of a module's inside to the scene; (left, top) is where its inside begins. */
function placed(net, scene, inner, left, top) {
  const insides = new Map();
  for (const cell of inner.byName.values()) {
    if (!cell.item) continue;
    const x = left + cell.x - cell.width / 2;
    const y = top + cell.y - cell.height / 2;
    scene.boxes.push({ item: cell.item, x, y, width: cell.width, height: cell.height, unfolded: cell.inner !== null });
    if (cell.inner) {
      insides.set(cell.name, [x + GAP.inside, y + GAP.heading]);
      placed(net, scene, cell.inner, x + GAP.inside, y + GAP.heading);
    }
  }
  const end = (name, port) => {
    const cell = inner.byName.get(name);
    const y = top + cell.y + (port === "out" ? -1 : 1) * (cell.height / 2); // edges leave at the top, enter at the bottom
    if (!cell.inner || !cell.inner.byName.has(port)) return [left + cell.x, y];
    return [insides.get(name)[0] + cell.inner.byName.get(port).x, y];
  };
  for (const edge of inner.module.edges) {
    const through = inner.pathOf(edge).map(([x, y]) => [left + x, top + y]);
    scene.edges.push({ ...edge, points: [end(edge.source, "out"), ...through, end(edge.target, "in")] });
  }
}

/** Return the last part of a node's name: 3x3 of inception_3a/3x3, if its module is around it. */
function shortName(node) {
  const prefix = node.parent?.label ? `${node.parent.id}` : "";
  return prefix && node.name.startsWith(prefix) ? node.name.slice(prefix.length) : node.name;
}
