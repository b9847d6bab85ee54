// What the page shows of the image, apart from the nodes, belongs to the network that is shown: page.image (its input),
// page.objectives, page.objective, page.probabilities. Python writes those of the first network into the page itself,
// and those of a second one into its entry `seen`.

const SEEN = ["image", "objectives", "objective", "probabilities"];

const seenBy = page.networks.map((net) => net.seen ?? { ...page });

/** Before all watchers that read them. An objective that the other network does not have gives way to its default. */
watch(["network"], () => {
  for (const key of SEEN) page[key] = seenBy[state.network][key] ?? null;
  if (!(state.objective in (page.objectives ?? {}))) state.objective = page.objective;
});
