"use strict";
// The picture of each chart gives way to the live one when it comes near the screen, so that opening a page costs
// nothing. `ast` makes Vega interpret its expressions, since the page's policy forbids eval.
const near = new IntersectionObserver(
  (seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      enliven(target);
    }
  },
  { rootMargin: "200px" },
);
// Where a site's script for all pages did not come, the pictures stay.
for (const holder of window.vegaEmbed ? document.querySelectorAll(".figure .chart") : []) near.observe(holder);

async function enliven(holder) {
  const controls = holder.parentElement.querySelector(".controls");
  const live = document.createElement("div");
  live.className = "live";
  // Below the picture until it is drawn: a chart takes the width of what holds it.
  holder.append(live);
  try {
    const specification = JSON.parse(holder.querySelector("script").textContent);
    const options = { actions: false, ast: true, config: { aria: false }, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true } };
    await window.vegaEmbed(live, specification, { ...options, bind: controls });
    const drawing = live.querySelector("svg");
    drawing.removeAttribute("aria-hidden");
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", holder.dataset.words);
    // Its parts are drawn anew, with roles and no names, whenever a choice or the width changes.
    drawing.querySelector(":scope > g").setAttribute("aria-hidden", "true");
    holder.replaceChildren(live);
  } catch (error) {
    controls.replaceChildren();
    live.remove();
    console.error(error);
  }
}
