// The panel of the receptive field: the input pixels that can change the value at one position of a node's output, along
// all paths and along the path with the smallest field; and with an image, how much each pixel does change it.

panel("field", "Receptive field", ["edits", "channel"], (item) => Boolean(item?.extents) && item.kind !== "Input", drawField, "select a node with a known receptive field");

/** Return the first and last input pixel that position `index` covers along one axis of an extent. */
function spanAt(axis, index) {
  if (!Array.isArray(axis)) return [axis.first[index], axis.last[index]];
  const [start, step, , length] = axis;
  return [start + index * step, start + index * step + length - 1];
}

/** Return [[first row, last row], [first column, last column]] of a node's field; `path` is "wide" or "narrow". */
const fieldAt = (node, path, position) => node.extents[path].map((axis, i) => spanAt(axis, position[i]));

/** Return the inputs of the network from which paths lead to a node, images before vectors. */
function inputsOf(node) {
  const before = new Set([node]);
  for (const one of before) for (const name of one.reads) before.add(nodeNamed(name));
  const inputs = network().nodes.filter((one) => one.kind === "Input" && before.has(one));
  return [...inputs.filter(isImage), ...inputs.filter((input) => !isImage(input))];
}

const isImage = (input) => input.shape.length === 3;

/** Return [height, width] of an input; all values of a vector are one position. */
const pixelsOf = (input) => (isImage(input) ? input.shape.slice(1) : [1, 1]);

function drawField(container, node) {
  const inputs = inputsOf(node);
  const size = pixelsOf(inputs[0]);
  const map = positionMap(node, { label: `position in ${node.name}`, draw: (canvas) => drawChannel(canvas, node), hover: true });
  const fields = positionFields(node);
  const moving = svg("g");
  let shown = size.map((count) => [0, count - 1]); // the rows and columns in the drawing: it grows with the fields, but never shrinks
  const style = { "--ratio": `${size[1]} / ${size[0]}` };
  const drawing = svg("svg", { class: "field-drawing", role: "img", style }, photograph(inputs[0], size), moving);
  const sentences = element("div", { id: "field-text" });
  const effective = node.effective ? effectiveField(node, size) : null;
  container.append(
    element("h2", { text: node.name }),
    element("p", { class: "kind", text: `${node.kind}: ${sizeOf(node).map(number).join(" x ")} positions. ${drawnMap(node)}` }),
    map.element,
    element("p", { class: "note", text: "Point at a position, or move with the arrow keys." }),
    fields.element,
    element("figure", {}, drawing, fieldLegend()),
    sentences,
    ...fieldNotes(node, inputs),
    effective?.element ?? "",
  );
  followPosition(drawing, () => {
    const position = chosenPosition(node);
    const text = fieldSentences(node, position, size);
    map.update();
    fields.update();
    shown = shown.map((span, axis) => covering(span, fieldAt(node, "wide", position)[axis]));
    const box = viewBoxOf(shown);
    drawing.setAttribute("viewBox", box.join(" "));
    drawing.setAttribute("aria-label", text.join(" "));
    moving.replaceChildren(...fieldDrawing(node, position, size, Math.max(box[2], box[3]) / 100));
    sentences.replaceChildren(...text.map((sentence) => element("p", { text: sentence })));
    effective?.update();
  });
}

const drawnMap = (node) => (node.maps ? `The map is channel ${mapChannel(node)}.` : "");

/** Return the channel whose map is drawn: the chosen one if the page has it, else the strongest. */
const mapChannel = (node) => (node.maps.channels.includes(state.channel) ? state.channel : node.maps.channels[0]);

function drawChannel(canvas, node) {
  if (!node.maps) return;
  filled(canvas, { width: node.maps.width, height: node.maps.height }, []);
  drawMap(canvas, node.maps, node.maps.channels.indexOf(mapChannel(node)));
}

function fieldNotes(node, inputs) {
  const notes = [];
  if (inputs.length > 1) notes.push(`Paths from ${inputs.length} inputs lead here; the drawing shows ${inputs[0].name}.`);
  if (page.image && !node.effective) notes.push("The page leaves out the effective receptive field of this node.");
  if (!page.image) notes.push("With --image FILE the field is drawn on an image, with the gradient of a unit.");
  if (Object.keys(state.edits).length) notes.push("These fields are those of the network before your changes.");
  return notes.map((text) => element("p", { class: "note", text }));
}

/** Return the span that contains two spans. */
const covering = (one, other) => [Math.min(one[0], other[0]), Math.max(one[1], other[1])];

/** Return [left, top, width, height] that contains rows and columns, with a margin for labels. */
function viewBoxOf(spans) {
  const [height, width] = spans.map(([first, last]) => last - first + 1);
  const margin = 0.07 * Math.max(height, width);
  return [spans[1][0] - margin, spans[0][0] - margin, width + 2 * margin, height + 2 * margin];
}

/** Return what moves in the drawing: padding, the two fields, and the sizes of the padding. */
function fieldDrawing(node, position, size, unit) {
  const [rows, columns] = fieldAt(node, "wide", position);
  return [
    svg("defs", {}, fieldHatching(1.6 * unit)),
    svg("path", { id: "field-padding", d: paddingPath(rows, columns, size), "fill-rule": "evenodd", fill: "url(#field-hatching)" }),
    ...outlined("field-largest", rows, columns),
    ...outlined("field-smallest", ...fieldAt(node, "narrow", position)),
    ...paddingLabels(rows, columns, size, unit),
  ];
}

const fieldHatching = (size) =>
  svg(
    "pattern",
    { id: "field-hatching", width: size, height: size, patternUnits: "userSpaceOnUse" },
    svg("path", { d: `M0 ${size}L${size} 0`, class: "hatching-line", "stroke-width": size / 6 }),
  );

/** The input: the page's image, which is that of the first input, or an empty frame. */
function photograph(input, [height, width]) {
  const frame = svg("rect", { class: "frame", x: 0, y: 0, width, height });
  if (!page.image || input !== network().nodes.find(isImage)) return frame;
  return svg("g", {}, svg("image", { href: page.image.png, x: 0, y: 0, width, height, preserveAspectRatio: "none" }), frame);
}

/** Return the field without the part that is inside the input, as a path for the even-odd rule. */
function paddingPath(rows, columns, size) {
  const inside = [rows, columns].map(([first, last], axis) => [Math.max(first, 0), Math.min(last, size[axis] - 1)]);
  const box = ([[top, bottom], [left, right]]) => `M${left} ${top}H${right + 1}V${bottom + 1}H${left}z`;
  const hasInside = inside.every(([first, last]) => first <= last);
  return box([rows, columns]) + (hasInside ? box(inside) : "");
}

/** A rectangle around pixels. */
function outlined(id, rows, columns) {
  const shape = { x: columns[0], y: rows[0], width: columns[1] - columns[0] + 1, height: rows[1] - rows[0] + 1 };
  return framed(shape, { id, class: "outline" });
}

/** Return how many pixels of a span are [before the first, past the last] pixel of an axis. */
function paddingOf([first, last], size) {
  return [Math.max(0, Math.min(last + 1, 0) - first), Math.max(0, last + 1 - Math.max(first, size))];
}

/** The sizes of the padding, outside of the field at each side where it has some. */
function paddingLabels(rows, columns, size, unit) {
  const [above, below] = paddingOf(rows, size[0]);
  const [left, right] = paddingOf(columns, size[1]);
  const middle = (span) => (span[0] + span[1] + 1) / 2;
  const labels = [
    [above, middle(columns), rows[0] - 1.5 * unit, 0],
    [below, middle(columns), rows[1] + 1 + 4.5 * unit, 0],
    [left, columns[0] - 1.5 * unit, middle(rows), -90],
    [right, columns[1] + 1 + 1.5 * unit, middle(rows), 90],
  ];
  return labels
    .filter(([pixels]) => pixels > 0)
    .map(([pixels, x, y, angle]) => {
      const transform = `translate(${x} ${y}) rotate(${angle})`;
      return svg("text", { class: "pixels", transform, "font-size": 3.6 * unit, text: `${pixels} px` });
    });
}

function fieldLegend() {
  const sample = (shapes) => svg("svg", { width: 26, height: 16, "aria-hidden": "true" }, shapes);
  const box = (kind) => ["halo", `outline ${kind}`].map((name) => svg("rect", { class: name, x: 3, y: 3, width: 20, height: 10 }));
  const hatched = svg("rect", { class: "sample", x: 3, y: 3, width: 20, height: 10, fill: "url(#field-hatching-sample)" });
  const pattern = svg(
    "pattern",
    { id: "field-hatching-sample", width: 6, height: 6, patternUnits: "userSpaceOnUse" },
    svg("path", { d: "M0 6L6 0", class: "hatching-line" }),
  );
  const entry = (drawn, text) => element("span", {}, drawn, ` ${text} `);
  return element(
    "figcaption",
    { class: "legend" },
    entry(sample(box("largest")), "largest field: all paths"),
    entry(sample(box("smallest")), "smallest path"),
    entry(sample([svg("defs", {}, pattern), hatched]), "past the edge: padding"),
  );
}

/** Return the drawing in words. */
function fieldSentences(node, position, size) {
  const same = JSON.stringify(fieldAt(node, "wide", position)) === JSON.stringify(fieldAt(node, "narrow", position));
  const largest = `Position (${position.join(", ")}): ${fieldText(fieldAt(node, "wide", position), size)}.`;
  if (same) return [largest, "All paths have this field."];
  return [largest, `The smallest path: ${fieldText(fieldAt(node, "narrow", position), size)}.`];
}

function fieldText(spans, size) {
  const [rows, columns] = spans.map(([first, last]) => last - first + 1);
  const inside = spans.map(([first, last], axis) => Math.max(0, Math.min(last, size[axis] - 1) - Math.max(first, 0) + 1));
  const share = (100 * inside[0] * inside[1]) / (size[0] * size[1]);
  const parts = ["rows", "columns"].map((name, axis) => spanText(name, spans[axis], size[axis]));
  return `${parts.join("; ")}: ${number(rows)} x ${number(columns)} pixels, which contain ${number(share)}% of the input`;
}

/** Return for example "rows -10 to 160 of 224, 10 rows of them padding before the first". */
function spanText(name, span, size) {
  const start = `${name} ${span[0]} to ${span[1]} of ${number(size)}`;
  const [before, past] = paddingOf(span, size);
  const both = `${before} before the first and ${past} past the last`;
  if (before && past) return `${start}, ${before + past} ${name} of them padding: ${both}`;
  if (before) return `${start}, ${before} ${name} of them padding before the first`;
  return past ? `${start}, ${past} ${name} of them padding past the last` : start;
}

/** Return {element, update}: the gradient of one unit with respect to the image, for the nearest position that the page has. */
function effectiveField(node, size) {
  const { positions, width, height } = node.effective;
  const buttons = positions.map((position) => {
    return element("button", { text: `(${position.join(", ")})`, on: { click: () => changePosition(node, position) } });
  });
  const canvas = element("canvas", { id: "effective", width, height, role: "img" });
  const outline = overlay([0, 0, size[1], size[0]]);
  const text = element("p", { id: "effective-text" });
  const image = page.image ? element("img", { src: page.image.png, alt: "" }) : null;
  let shown = -1;
  const update = async () => {
    const index = nearest(positions, chosenPosition(node));
    if (index === shown) return;
    shown = index;
    const field = fieldAt(node, "wide", positions[index]);
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === index)));
    outline.replaceChildren(...outlined("effective-largest", ...field));
    const amounts = await effectiveMap(node.effective, index);
    if (index !== shown) return; // the position changed meanwhile
    glow(canvas, amounts);
    text.textContent = effectiveText(node.effective, index, amounts, field, size);
    canvas.setAttribute("aria-label", text.textContent);
  };
  const explained = "How much each pixel changes a unit: the absolute gradient, summed over the colours, for five positions.";
  const made = element(
    "section",
    {},
    element("h3", { text: "Effective receptive field" }),
    element("p", { text: explained }),
    element("div", { class: "tools", role: "group", "aria-label": "Position of the effective receptive field" }, buttons),
    element("div", { class: "stack", style: { "--ratio": `${size[1]} / ${size[0]}` } }, image, canvas, outline),
    glowLegend(),
    text,
  );
  return { element: made, update };
}

/** Return the index of the position that is nearest to another. */
function nearest(positions, [row, column]) {
  const distances = positions.map(([r, c]) => Math.hypot(r - row, c - column));
  return distances.indexOf(Math.min(...distances));
}

/** Return the values 0 .. 255 of one of the heat maps, which lie next to each other in one image. */
async function effectiveMap({ png, width, height }, index) {
  const canvas = element("canvas", { width, height });
  await drawMap(canvas, { png, width, height }, index);
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  return Uint8Array.from({ length: width * height }, (_, i) => data[4 * i]);
}

const GLOW = [254, 232, 56]; // the lightest colour of the scale, on a darkened image

/** Draw amounts 0 .. 255; the square root keeps small ones visible. */
function glow(canvas, amounts) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  amounts.forEach((amount, i) => image.data.set([...GLOW, Math.sqrt(255 * amount)], 4 * i));
  context.putImageData(image, 0, 0);
}

function glowLegend() {
  const steps = Array.from({ length: 32 }, (_, i) => {
    return svg("rect", { x: 5 * i, y: 0, width: 5.5, height: 12, fill: `rgb(${GLOW})`, "fill-opacity": i / 31 });
  });
  const ticks = [["start", 0, "0"], ["middle", 80, "1/4"], ["end", 160, "1"]];
  const labels = ticks.map(([anchor, x, text]) => svg("text", { x, y: 24, "text-anchor": anchor, text }));
  const dark = svg("rect", { width: 160, height: 12, fill: "#000" });
  const bar = svg("svg", { class: "glow", width: 160, height: 28, "aria-hidden": "true" }, dark, steps, labels);
  return element("p", { class: "note legend" }, bar, " of this unit's largest gradient");
}

const MOST_OF_GRADIENT = 0.9;

/** Return the number of the largest amounts that together are 90% of the total. */
function fewestFor(amounts, share = MOST_OF_GRADIENT) {
  const sorted = Uint8Array.from(amounts).sort().reverse();
  const wanted = share * sum(sorted);
  let reached = 0;
  let count = 0;
  while (reached < wanted) reached += sorted[count++];
  return count;
}

/** Return the fraction of the field that matters, in words. */
function effectiveText({ positions, channels, width, height }, index, amounts, spans, size) {
  const channel = channels ? `, for the unit in channel ${channels[index]}` : "";
  const start = `At (${positions[index].join(", ")}), the nearest of five positions${channel}: `;
  const count = fewestFor(amounts);
  if (count === 0) return `${start}the gradient is 0 at every pixel, because a ReLU on every path is 0.`;
  const [rows, columns] = spans.map(([first, last], axis) => Math.min(last, size[axis] - 1) - Math.max(first, 0) + 1);
  const area = (size[0] * size[1]) / (width * height); // input pixels of one value of the map
  const share = Math.min(100, (100 * count * area) / (rows * columns));
  const field = `${number(rows * columns)} pixels of its field that are inside the input`;
  return `${start}${100 * MOST_OF_GRADIENT}% of the gradient is in about ${Number(share.toPrecision(2))}% of the ${field}.`;
}
