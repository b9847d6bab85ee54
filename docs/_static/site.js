// Two repairs for keyboards and screen readers. A label must not hide the visible words, and a region that scrolls
// must be reachable with Tab.
addEventListener("DOMContentLoaded", () => {
  for (const element of document.querySelectorAll("summary[aria-label], button.search-button__button[aria-label]")) {
    if (element.innerText.trim()) element.removeAttribute("aria-label");
  }
  const scrolling = () => {
    for (const element of document.querySelectorAll(".bd-article table, .bd-article pre, .cell_output div, .math-block, .network-figure")) {
      if (element.scrollWidth > element.clientWidth && !element.hasAttribute("tabindex")) element.tabIndex = 0;
    }
  };
  scrolling();
  addEventListener("resize", scrolling);
});
