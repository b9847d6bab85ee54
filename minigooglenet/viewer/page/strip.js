// The legend of the colours, and the strip under the graph: how the total is distributed over the visible boxes.

function startStrip() {
  const menu = document.getElementById("question");
  watch(["network"], () => {
    const keys = answerable();
    menu.replaceChildren(...keys.map((key) => element("option", { value: key, text: QUESTIONS[key].title })));
    if (!keys.includes(state.question)) change({ question: keys[0] });
    menu.value = state.question;
  });
  menu.addEventListener("change", () => change({ question: menu.value }));
  watch(["question", "unfolded", "network", "objective", "edits"], () => (drawLegend(), drawStrip()));
  watch(["node"], markStrip);
  watch(["question"], () => (menu.value = state.question));
  document.getElementById("strip").addEventListener("click", (event) => {
    const bar = event.target.closest("[data-item]");
    if (bar) change({ node: bar.dataset.item });
  });
}

/** Return the visible boxes in the order of execution, without unfolded modules and inputs. */
function visibleItems() {
  const items = [];
  const add = (name) => {
    const item = moduleNamed(name) ?? nodeNamed(name);
    if (item.children && state.unfolded.has(item.id)) item.children.forEach(add);
    else if (item.kind !== "Input") items.push(item);
  };
  network().modules[0].children.forEach(add);
  return items;
}

function drawLegend() {
  const { title, unit } = QUESTIONS[state.question];
  const scale = scaleOf(visibleItems().map((item) => valueOf(item)));
  const width = 200;
  const parts = [];
  for (let step = 0; step < STEPS; step++) {
    const [x, size] = [(step * width) / STEPS, width / STEPS];
    for (let slice = 0; slice < 8; slice++) {
      const position = (step + slice / 8) / STEPS;
      parts.push(svg("rect", { x: x + (slice * size) / 8, y: 0, width: size / 8 + 0.5, height: 12, fill: colourAt(position) }));
    }
    if (step) parts.push(svg("rect", { x, y: 0, width: size, height: 12, fill: `url(#hatching-${step})` }));
  }
  const texts = scale.ticks.map(([, value]) => short(value));
  const few = texts.some((text) => text.length > 5); // long numbers would touch each other
  for (const [fraction, value] of scale.ticks.filter(([at]) => !few || at % 0.5 === 0)) {
    const anchor = fraction === 0 ? "start" : fraction === 1 ? "end" : "middle";
    parts.push(svg("text", { x: fraction * width, y: 24, "text-anchor": anchor, text: short(value) }));
  }
  const label = `${title}, ${unit}: from ${short(scale.least)} to ${short(scale.most)}`;
  document.getElementById("legend").replaceChildren(
    element("span", { text: unit, title: unit }),
    svg("svg", { viewBox: `0 0 ${width} 28`, width, height: 28, role: "img", "aria-label": label }, parts),
  );
}

function drawStrip() {
  const items = visibleItems();
  const values = items.map((item) => valueOf(item));
  const scale = scaleOf(values);
  const { additive, title, unit } = QUESTIONS[state.question];
  const total = sum(values.filter((value) => value !== null));
  const most = largest(values.filter((value) => value !== null).concat(0)) || 1;
  const width = 1000;
  const step = width / Math.max(1, items.length);
  const bars = items.map((item, index) => {
    const value = values[index];
    const height = value === null ? 0 : QUESTIONS[state.question].logarithmic ? 60 * (scale.position(value) ?? 0) : (60 * value) / most;
    const fraction = additive && total ? ` (${((100 * value) / total).toFixed(1)}%)` : "";
    const label = `${item.label ?? item.name}: ${value === null ? valueText(item, value) || "none" : `${number(value)} ${unit}`}${fraction}`;
    const hatching = hatchingAt(scale.position(value));
    const place = { x: index * step + 1, y: 62 - height, width: Math.max(1, step - 2), height: Math.max(height, 0.5) };
    return svg(
      "g",
      { "data-item": item.id ?? item.name },
      svg("rect", { class: "whole", x: index * step, y: 0, width: step, height: 64 }),
      svg("rect", { ...place, fill: colourAt(scale.position(value)) }),
      svg("rect", { ...place, fill: hatching ? `url(#hatching-${hatching})` : "none" }),
      svg("title", { text: label }),
    );
  });
  const unknown = additive && values.includes(null) ? "; some are unknown" : "";
  const known = additive ? `${title}: ${number(total)} ${unit} in total${unknown}` : `${title}: at most ${number(most)}${unit.startsWith("bytes") ? " bytes" : ""}`;
  const summary = totalsOf() === null ? "No total: the changed network does not fit together" : known;
  document.getElementById("total").textContent = summary;
  document.getElementById("strip").replaceChildren(
    svg("svg", { viewBox: `0 0 ${width} 64`, preserveAspectRatio: "none", role: "img", "aria-label": summary }, bars),
  );
  markStrip();
}

/** Mark the bar of the selected item, or of the folded module around it. */
function markStrip() {
  const around = new Set();
  for (let item = selectedItem(); item; item = item.parent) around.add(item.id ?? item.name);
  for (const bar of document.querySelectorAll("#strip [data-item]")) bar.classList.toggle("selected", around.has(bar.dataset.item));
}
